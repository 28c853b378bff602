"""Does fitting find the time factors behind runs that were made with them, and leave alone what no run speaks of?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.calibration import load_calibration
from planner.carried import timed_cases
from planner.software import load_software
from planner.time_effects import (
    FAMILIES,
    GENERATIONS,
    OF_CLUSTERS,
    PRIORS,
    VARIANTS,
    Effect,
    class_of,
    effects_of,
    factors_of,
    inferred_factors,
    stand_ins,
)
from planner.time_fitting import TimedRun, fit_time, measured_pairs, timed_run
from pricing.records import replace

# Every seventh run: all sources, few enough to be fitted in a moment.
SOME = [timed_run(case) for case in timed_cases()[::7]]


def made_with(runs: list[TimedRun], effects: dict[Effect, float]) -> list[TimedRun]:
    """The runs, as fast as the effects would have them."""
    made = []
    for run in runs:
        speed = float(run.predicted(factors_of(*run.group, effects)))
        row = replace(run.case.row, numbers={**run.case.row.numbers, "tokens_per_s_per_accelerator": speed})
        made.append(replace(run, case=replace(run.case, row=row)))
    return made


def test_without_runs_factors_lie_at_their_centres() -> None:
    """What nobody measured has what is known beforehand, its class's own where that differs."""
    factors = factors_of("torchtitan", "H200", {})
    assert factors.matmul["bf16"] == pytest.approx(PRIORS["matmul.bf16"].centre)
    assert factors_of("torchtitan", "L4", {}).matmul["bf16"] < factors.matmul["bf16"]
    assert factors.traffic == pytest.approx(PRIORS["traffic"].centres["torchtitan"])
    assert factors_of("torchtitan-eager", "", {}).traffic > factors.traffic
    assert factors_of("torchtitan-async", "", {}).tensor_overlap > factors.tensor_overlap


def test_software_measured_elsewhere_stands_where_its_earlier_releases_do() -> None:
    """Their mean on the generation holds, whatever other hardware says; networks are its own."""
    effects: dict[Effect, float] = {("traffic", "class megatron-deepspeed"): 1.0, ("network", "all"): 0.3}
    measured = {("megatron-core", "Hopper"): 0.5, ("megatron-deepspeed", "Ampere"): 0.4}
    own, theirs, oldest = (
        factors_of(name, "A100-80GB", effects) for name in ("megatron-core", "megatron-deepspeed", "megatron-lm-2021")
    )
    found = inferred_factors("megatron-core", "A100-80GB", effects, measured)
    assert (found.traffic, found.tensor_overlap) == (theirs.traffic, theirs.tensor_overlap)
    assert found.network == own.network and "network" in OF_CLUSTERS
    both = inferred_factors("megatron-core", "A100-80GB", effects, measured | {("megatron-lm-2021", "Ampere"): 0.3})
    assert oldest.traffic < both.traffic < theirs.traffic
    for here in (measured | {("megatron-core", "Ampere"): 0.5}, {("megatron-core", "Hopper"): 0.5}):
        assert inferred_factors("megatron-core", "A100-80GB", effects, here) == own


def test_kindred_software_stands_in_where_there_is_no_earlier_release() -> None:
    """A class without earlier releases takes its family's place; one that was measured nowhere keeps its own."""
    measured = {("torchtitan", "Hopper"), ("llm-foundry", "Ampere")}
    assert stand_ins("torchtitan", "Ampere", measured) == ["llm-foundry"]
    assert stand_ins("torchtitan", "Hopper", measured) == []
    assert stand_ins("torchtitan", "Blackwell", measured) == []
    assert stand_ins("litgpt", "Ampere", measured) == []
    both = measured | {("megatron-core", "Hopper"), ("megatron-lm-2021", "Ampere")}
    assert stand_ins("megatron-core", "Ampere", both) == ["megatron-lm-2021"]


@pytest.mark.parametrize(
    ("software", "chip", "most"),
    [
        ("deepspeed", "A100-40GB", 0.6),
        ("megatron-core", "A100-80GB", 0.6),
        ("torchtitan", "A100-80GB", 1.0),
        ("deepspeed", "B200", 1.0),
        ("deepspeed", "L4", 1.0),
    ],
)
def test_no_unmeasured_software_is_faster_than_the_fastest_measured(software: str, chip: str, most: float) -> None:
    """The greatest utilization on the generation bounds software that was not measured on it, and no other."""
    measured = {("torchtitan", "Ampere"): 0.5, ("llm-foundry", "Ampere"): 0.6, ("torchtitan", "Hopper"): 0.4}
    assert inferred_factors(software, chip, {}, measured).most_utilization == most


def test_the_greatest_utilization_of_a_pair_is_that_of_its_fastest_run() -> None:
    """A run of LLM Foundry used 61 % of an A100's peak, none more."""
    found = measured_pairs([timed_run(case) for case in timed_cases()])
    assert found["llm-foundry", "Ampere"] == pytest.approx(0.61, abs=0.01)
    assert found["llm-foundry", "Ampere"] == max(share for (_, where), share in found.items() if where == "Ampere")


def test_effects_behind_made_up_runs_are_found() -> None:
    """Runs made with effects of their own are met within 2 % at the median."""
    true: dict[Effect, float] = {
        ("matmul", "class llm-foundry"): -0.3,
        ("attention", "generation Hopper"): -0.5,
        ("launch_s_per_block", "class megatron-lm-2021"): 0.4,
        ("network", "all"): -0.3,
    }
    made = made_with(SOME, true)
    found = fit_time(made)
    errors = [float(run.predicted(factors_of(*run.group, found))) / run.measured - 1 for run in made]
    assert np.median(np.abs(errors)) <= 0.02
    assert found["launch_s_per_block", "class megatron-lm-2021"] == pytest.approx(0.4, abs=0.2)


def test_what_no_run_speaks_of_stays_where_it_was() -> None:
    """Runs of one source move nothing of software and accelerators that have no run among them."""
    runs = [run for run in SOME if run.source == "aws-neuron/aws-neuron-sdk"]
    found = fit_time(runs)
    own = {each for run in runs for name in PRIORS for each in effects_of(name, *run.group)}
    assert found.keys() == own
    assert ("matmul", "class torchtitan") not in found


def test_one_far_run_moves_little() -> None:
    """A run ten times as fast as its like shifts what is predicted for the others by less than 3 %."""
    runs = [run for run in SOME if run.source == "mosaicml/llm-foundry"]
    row = runs[0].case.row
    wild = {**row.numbers, "tokens_per_s_per_accelerator": 10 * runs[0].measured}
    far = replace(runs[0], case=replace(runs[0].case, row=replace(row, numbers=wild)))
    plain, moved = fit_time(runs), fit_time([far, *runs[1:]])
    for run in runs[1:]:
        before, after = (float(run.predicted(factors_of(*run.group, each))) for each in (plain, moved))
        assert after == pytest.approx(before, rel=0.03)


def test_every_class_has_a_family_and_every_variant_a_class() -> None:
    """Classes that stand alone would be drawn towards nothing; a way to run a class needs it."""
    assert {name for members in FAMILIES.values() for name in members} == set(load_software())
    assert {class_of(name) for name in VARIANTS} <= set(load_software())
    chips = [chip for members in GENERATIONS.values() for chip in members]
    assert len(chips) == len(set(chips))


def test_the_bundled_factors_are_those_of_the_fit() -> None:
    """What the calibration holds is what fitting every carried-over run finds, but for rounding."""
    effects = fit_time([timed_run(case) for case in timed_cases()])
    for run in SOME[::3]:
        bundled = load_calibration().time_factors(*run.group)
        fitted = factors_of(*run.group, effects)
        assert float(run.predicted(bundled)) == pytest.approx(float(run.predicted(fitted)), rel=0.01)
        assert set(bundled.__struct_fields__) >= {name.partition(".")[0] for name in PRIORS}
