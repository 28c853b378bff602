"""Are predicted speeds as good as the project promises, on runs that the fit has not seen?

The whole cross-validation is `python tools/fit_time.py`; here one fold of the five and one source stand for it.
"""

from __future__ import annotations

import numpy as np
import pytest

from planner.calibration import load_calibration
from planner.carried import carried_throughput, timed_cases
from planner.framework import load_frameworks
from planner.layout import Layout
from planner.models import load_preset
from planner.scores import scores
from planner.sweeps import sweeps, weak_scaling
from planner.time_bands import time_band
from planner.time_crossval import HeldOutRun, predictions, time_folds
from planner.time_fitting import TimedRun, fit_time, timed_run
from planner.training_time import step_time
from planner.validation import Validation, validate
from planner.work import model_flop
from pricing.records import replace


@pytest.fixture(scope="module")
def runs() -> list[TimedRun]:
    """Every carried-over run with a speed."""
    return [timed_run(case) for case in timed_cases()]


@pytest.fixture(scope="module")
def unseen(runs: list[TimedRun]) -> list[HeldOutRun]:
    """One fold, predicted by effects fitted to the other four."""
    part = time_folds(runs)
    effects = fit_time([run for run in runs if part(run) != 0])
    return predictions([run for run in runs if part(run) == 0], effects)


@pytest.fixture(scope="module")
def validated() -> Validation:
    """Every carried-over run beside what the bundled factors predict."""
    return validate(carried_throughput(), load_calibration(), "carried")


def test_unseen_runs_are_within_reach(unseen: list[HeldOutRun]) -> None:
    """Mean error at most 9 %, median at most 7 %, mean of the sources' means at most 11 %."""
    found = scores([item.error for item in unseen])
    sources: dict[str, list[float]] = {}
    for item in unseen:
        sources.setdefault(item.run.source, []).append(item.error)
    assert len(sources) == 8
    assert found.mean <= 0.09
    assert found.median <= 0.07
    assert np.mean([scores(errors).mean for errors in sources.values()]) <= 0.11


def test_a_source_that_was_left_out_is_still_predicted(runs: list[TimedRun]) -> None:
    """Factors fitted without any run of LLM Foundry predict its runs within 18 % on average."""
    source = "mosaicml/llm-foundry"
    effects = fit_time([run for run in runs if run.source != source])
    held = predictions([run for run in runs if run.source == source], effects)
    assert scores([item.error for item in held]).mean <= 0.18


def test_no_run_is_skipped(validated: Validation) -> None:
    """Every carried-over run has a prediction, of each source within 10 % on average."""
    assert validated.skipped == []
    assert len(validated.rows) == len(carried_throughput().rows)
    sources: dict[str, list[float]] = {}
    for item in validated.rows:
        sources.setdefault(item.id.partition("-")[0], []).append(item.error)
    assert max(scores(errors).mean for errors in sources.values()) <= 0.10


def bundled(runs: list[TimedRun]) -> list[HeldOutRun]:
    """The runs with what the bundled factors predict."""
    known = load_calibration()
    return [HeldOutRun(run=run, predicted=float(run.predicted(known.time_factors(*run.group)))) for run in runs]


def test_layouts_are_ranked_as_measured(runs: list[TimedRun]) -> None:
    """Spearman's correlation is at least 0.9 over the layouts of all sweeps, and in each that spreads over a third."""
    # The narrower ones are BLOOM's. In that of 181B, 14 layouts within 24 %, predictions are off by 3.2 %; errors of
    # 3 % drawn at random leave 0.90 on average, of 4 % 0.84. At the same degrees shapes that differ by a few blocks or
    # heads lie 4.8 % apart (42 rows). What is left is not explained: two sequences a micro-batch cost a tenth against
    # four on 8 tensor ranks, nothing on 4, and six cost more than four.
    found = sweeps(bundled(runs))
    counts = [len(each.measured) for each in found]
    assert len(found) >= 10
    assert np.average([each.rank_correlation for each in found], weights=counts) >= 0.9
    wide = [each for each in found if max(each.measured) > 4 / 3 * min(each.measured)]
    assert len(wide) >= 9
    assert min(each.rank_correlation for each in wide) >= 0.9
    assert min(each.rank_correlation for each in found) >= 0.8


def test_scaling_is_predicted_within_five_points(runs: list[TimedRun]) -> None:
    """From 8 to 512 accelerators, all else the same, efficiency is off by at most 5 points, 2.5 on average."""
    found = weak_scaling(bundled(runs))
    apart = [abs(each.predicted - each.measured) for each in found]
    assert len(found) >= 20
    assert max(apart) <= 0.05
    assert np.mean(apart) <= 0.025


def test_the_same_configuration_is_in_one_fold(runs: list[TimedRun]) -> None:
    """Runs that differ in name, release or accelerator memory alone are left out together."""
    part = time_folds(runs)
    by_id = {run.case.row.id: part(run) for run in runs}
    assert by_id["blm-064"] == by_id["blm-100"]
    assert by_id["trn-010"] == by_id["trn-031"]
    assert set(by_id.values()) == {0, 1, 2, 3, 4}


def test_software_that_was_not_measured_on_a_generation_says_what_it_stands_on(unseen: list[HeldOutRun]) -> None:
    """Its band is that of pairs of software and generation that were left out, each counted alike, and wide."""
    off = [replace(item, predicted=item.run.measured * 1.3) for item in unseen]
    found = time_band(unseen, off, unseen, "megatron-core", "A100-80GB")
    assert not found.measured
    assert found.basis.startswith("not measured on Ampere with this release: as Megatron-LM before fused attention")
    assert "and Megatron-DeepSpeed (BLOOM) on A100-80GB" in found.basis
    assert "newer releases may be faster" in found.basis
    assert found.basis.endswith("were 30% off")
    assert found.high >= 1.3 and found.low <= 0.82
    inferred = time_band(unseen, off, unseen, "torchtitan", "B200")
    assert inferred.basis.startswith("not measured on Blackwell with this software: inferred from its")
    assert not load_calibration().time_factors("megatron-core", "A100-80GB").band.measured


def test_gpt3_on_a100_is_no_faster_than_what_was_measured_there(runs: list[TimedRun]) -> None:
    """Megatron-Core's step of GPT-3 175B, unmeasured, uses less of the peak than the fastest run of any software."""
    shape, machine = load_preset("gpt3-175b"), next(run.machine for run in runs if run.group[1] == "A100-80GB")
    recipe, known = load_frameworks()["megatron"].plain_recipe(), load_calibration()
    factors = known.time_factors("megatron-core", "A100-80GB")
    layout = Layout(tensor=4, pipeline=16, micro_batch=1, micro_batches=1536)
    bounded, free = (
        step_time(shape, recipe, layout, 2048, machine, each)
        for each in (factors, replace(factors, most_utilization=1.0))
    )
    fastest = max(run.utilization for run in runs if run.pair[1] == "Ampere")
    peak = machine.flop_per_s_per_device("bf16")
    assert peak
    used = [model_flop(shape, 2048) * 1536 * 2048 / (64 * peak * float(step.total)) for step in (bounded, free)]
    assert 0.5 < used[0] < fastest < used[1]
    assert bounded.unproven > 0 == free.unproven


def test_pairs_count_alike(unseen: list[HeldOutRun]) -> None:
    """A pair with few runs that were far off widens the band as much as one with many that were met."""
    met = [
        replace(item, predicted=item.run.measured) for item in unseen if item.run.pair == ("megatron-core", "Hopper")
    ]
    one = next(item for item in unseen if item.run.pair == ("llm-foundry", "Hopper"))
    alone = [*met, replace(one, predicted=2 * one.run.measured)]
    assert time_band(unseen, alone, unseen, "megatron-core", "A100-80GB").high == 2.0


def test_bands_hold_nine_in_ten_of_unseen_runs(unseen: list[HeldOutRun]) -> None:
    """Of runs that the fit has not seen nine in ten lie in their band; what was never measured has the widest."""
    inside = []
    for item in unseen:
        band = load_calibration().time_factors(*item.run.group).band
        inside.append(band.low <= item.error + 1 <= band.high)
    assert np.mean(inside) >= 0.9
    nowhere = time_band(unseen, unseen, unseen, "torchtitan", "T4")
    assert nowhere.basis.startswith("not measured") and not nowhere.measured
