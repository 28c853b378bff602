"""Are the bundled factors as good as the project promises, on every carried-over run?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.calibration import load_calibration
from planner.carried import carried_serving, carried_training, fitted_cases, served_cases
from planner.crossval import SERVING, TRAINING, HeldOut, folds, leave_out, source_of
from planner.fitting import mean_error
from planner.serving_memory_fit import SERVED
from planner.validation import Validation, validate


@pytest.fixture(scope="module")
def training() -> Validation:
    """Predictions beside every carried-over training run."""
    return validate(carried_training(), load_calibration(), "carried")


def test_training_memory_is_within_reach(training: Validation) -> None:
    """Mean error at most 8.5 %, median at most 5.5 %, mean of the sources' means at most 8 %, and none skipped."""
    errors = [abs(item.error) for item in training.rows]
    sources: dict[str, list[float]] = {}
    for item in training.rows:
        sources.setdefault(item.id.partition("-")[0], []).append(abs(item.error))
    assert not training.skipped
    assert np.mean(errors) <= 0.045
    assert np.median(errors) <= 0.035
    assert np.mean([np.mean(each) for each in sources.values()]) <= 0.05
    assert max(np.mean(each) for each in sources.values()) <= 0.09


def test_nothing_is_said_to_fit_that_does_not(training: Validation) -> None:
    """No run that ran out of memory is said to fit, and at most one in fifty measures above the upper edge."""
    assert training.summary()["memory"]["unsafe"] == 0
    assert [item.id for item in training.oom] == ["blm-082", "blm-117", "blm-118", "lit-021"]
    above = [item.id for item in training.rows if item.upper is not None and item.measured > item.upper]
    assert len(above) <= 0.02 * len(training.rows)


def test_serving_memory_is_within_reach() -> None:
    """Mean error at most 3 % over runs of Transformers and AutoAWQ, nothing skipped, nothing above its band."""
    found = validate(carried_serving(), load_calibration(), "carried")
    assert not found.skipped
    memory = found.summary()["memory"]
    assert memory["mean"] <= 0.03
    assert (memory["unsafe"], memory["above_band"]) == (0, 0)


def test_a_cache_is_never_said_to_hold_much_more_than_it_did() -> None:
    """Tokens in vLLM's cache are within a tenth of what its start-up log said."""
    (kv,) = (item for item in validate(carried_serving(), load_calibration(), "carried").rows if item.kind == "kv")
    assert -0.1 <= kv.error <= 0.1


@pytest.fixture(scope="module")
def served() -> list[HeldOut]:
    """Every carried-over serving run, predicted by factors fitted to the four other fifths."""
    cases, start = served_cases(), load_calibration().eager["default"]
    return leave_out(cases, folds(cases, SERVING), start, SERVING)


@pytest.mark.parametrize(
    ("kind", "mean"), [("peak, unchunked prefill", 0.01), ("peak including load", 0.05), ("", 0.03)]
)
def test_serving_memory_holds_on_runs_that_no_fit_has_seen(served: list[HeldOut], kind: str, mean: float) -> None:
    """In five folds the mean error is at most 3 %, each kind of memory told apart, and no run is above its band."""
    errors = [abs(item.error) for item in served if not kind or item.kind == kind]
    assert len(errors) >= 20
    assert np.mean(errors) <= mean
    bands = {name: load_calibration().eager_factors(name).band for name in ("hf", "autoawq")}
    above = [item.row.id for item in served if item.ratio > bands[item.program].high]
    assert len(above) <= 0.02 * len(served)


def test_fitted_serving_factors_lie_in_their_ranges() -> None:
    """What was fitted is plausible: a few MiB of work space, copies of a tenth at most, rows as counted."""
    for factors in load_calibration().eager.values():
        assert all(known.low <= getattr(factors, name) <= known.high for name, known in SERVED.items())


def test_a_source_that_was_left_out_is_still_predicted() -> None:
    """Factors fitted without PEFT's and torchtune's runs predict them within 15 %."""
    small = ("huggingface/peft", "pytorch/torchtune")
    cases = [case for case in fitted_cases() if source_of(case.row) in (*small, "Lightning-AI/litgpt")][::3]
    start = load_calibration().memory["NVIDIA"]
    found = leave_out(cases, lambda case: source_of(case.row), start, TRAINING)
    held = [item for item in found if item.source in small]
    assert np.mean([abs(item.error) for item in held]) <= 0.15


def test_the_same_configuration_is_in_one_fold() -> None:
    """Runs that differ in name alone are left out together, and every fold has rows."""
    cases = fitted_cases()
    part = folds(cases, TRAINING)
    by_id = {case.row.id: part(case) for case in cases}
    assert by_id["lit-060"] == by_id["lit-061"]
    assert by_id["lit-075"] == by_id["lit-077"] == by_id["lit-078"]
    assert set(by_id.values()) == {0, 1, 2, 3, 4}


def test_no_class_is_better_off_with_the_factors_of_all() -> None:
    """Each class's own factors suit its runs at least as well as those that suit all classes."""
    known = load_calibration()
    groups: dict[str, list[object]] = {}
    for case in fitted_cases():
        groups.setdefault(case.framework.software.name, []).append(case)
    for name, group in groups.items():
        own, shared = (
            mean_error(group, factors)  # type: ignore[arg-type]
            for factors in (known.memory_factors("NVIDIA", name), known.memory["NVIDIA"])
        )
        assert own <= shared + 0.005
