"""Does fitting find the time factors behind runs that were made with them, and leave alone what no run speaks of?"""

from __future__ import annotations

from dataclasses import fields, replace

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
)
from planner.time_fitting import TimedRun, fit_time, timed_run

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


def test_software_measured_elsewhere_stands_half_way_to_its_kin() -> None:
    """Where kindred software was measured on a generation, the factors lie between the two; networks are its own."""
    effects: dict[Effect, float] = {("traffic", "class megatron-deepspeed"): 1.0, ("network", "all"): 0.3}
    measured = {("megatron-core", "Hopper"), ("megatron-deepspeed", "Ampere")}
    own, kin = (factors_of(name, "A100-80GB", effects) for name in ("megatron-core", "megatron-deepspeed"))
    found = inferred_factors("megatron-core", "A100-80GB", effects, measured)
    assert own.traffic < found.traffic < kin.traffic
    assert kin.tensor_overlap < found.tensor_overlap < own.tensor_overlap
    assert found.network == own.network and "network" in OF_CLUSTERS
    for here in (measured | {("megatron-core", "Ampere")}, {("megatron-core", "Hopper")}, {("torchtitan", "Ampere")}):
        assert inferred_factors("megatron-core", "A100-80GB", effects, here) == own


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
        assert {field.name for field in fields(bundled)} >= {name.partition(".")[0] for name in PRIORS}
