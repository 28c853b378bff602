"""Does the fit of serving steps find factors behind made-up runs, and leave out whole groups?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.calibration import load_calibration
from planner.carried import carried_speed
from planner.engines import factor_ranges
from planner.serving_answers import Stack, run_figures
from planner.serving_crossval import errors, held_out, kinds_of_score, score
from planner.serving_runs import ServingRun, serving_run
from planner.serving_step_fit import NAMES, Fit, judged_figures, outer
from pricing.records import replace

CALIBRATION = load_calibration()
ROWS = {row.id: row for row in carried_speed().rows}
# Two groups of vLLM on H200 and one of TensorRT-LLM.
SOME = [row for row in ROWS.values() if row.says("accelerator") == "H200" and row.says("engine") == "vllm"][::3]
RUNS = [serving_run(row, CALIBRATION) for row in SOME]
KINDS = {row.id: row.kinds for row in SOME}


def truth(run: ServingRun, name: str) -> float:
    """A factor of a run's engine, another one than the usual for what steps cost."""
    known = factor_ranges()[name]["usual"]
    return float(known * {"block_s": 2.0, "request_s": 3.0}.get(name, 1.0))


@pytest.fixture(scope="module")
def made_up() -> Fit:
    """Runs whose figures are what other factors say, without noise."""
    stack = Stack(RUNS, CALIBRATION)
    found = stack.figures({name: np.array([truth(run, name) for run in RUNS]) for name in NAMES})
    rows = [
        replace(run.row, numbers={**run.row.numbers, "tpot_ms": 1e3 * tpot, "ttft_ms": 1e3 * ttft})
        for run, tpot, ttft in zip(RUNS, found.tpot_s, found.ttft_s, strict=True)
    ]
    runs = [replace(run, row=row) for run, row in zip(RUNS, rows, strict=True)]
    return Fit(runs, judged_figures(runs, KINDS), CALIBRATION)


def test_factors_behind_made_up_runs_are_found(made_up: Fit) -> None:
    """Runs with launches twice as long are met within two percent, by longer launches."""
    every = np.ones(len(made_up.judged.at))
    theta = made_up.solve(np.zeros(len(made_up.owners)), every, 8)
    found = errors(made_up, made_up.residuals(made_up.values(theta)))
    assert (
        float(np.mean(found)) < 0.02 < float(np.mean(errors(made_up, made_up.residuals(made_up.values(0.0 * theta)))))
    )
    block = outer("block_s", made_up.values(theta)["block_s"])
    assert float(np.median(block)) > 1.3 * factor_ranges()["block_s"]["usual"]


def test_groups_are_judged_by_fits_to_the_others(made_up: Fit) -> None:
    """Each group is left out as a whole, and scores count groups alike, whatever their rows."""
    every = np.ones(len(made_up.judged.at))
    theta = made_up.solve(np.zeros(len(made_up.owners)), every, 4)
    unseen = errors(made_up, held_out(made_up, theta, RUNS))
    groups = [RUNS[at].group for at in made_up.judged.at]
    chosen = kinds_of_score(made_up, RUNS)["tpot"]
    found = score(unseen, groups, chosen)
    assert found.groups == len(set(groups)) > 1
    assert found.rows == int(chosen.sum())
    means = [np.mean([unseen[i] for i in np.flatnonzero(chosen) if groups[i] == group]) for group in set(groups)]
    assert found.mean == pytest.approx(float(np.mean(means)))


def test_a_stack_answers_as_each_run_does() -> None:
    """All runs at once have the figures that each has alone."""
    stack = Stack(RUNS, CALIBRATION)
    factors = {name: np.array([getattr(run.factors(CALIBRATION), name) for run in RUNS]) for name in NAMES}
    found = stack.figures(factors)
    for at, run in enumerate(RUNS):
        alone = run_figures(run, CALIBRATION)
        assert found.tpot_s[at] == pytest.approx(float(alone.tpot_s))
        assert found.ttft_s[at] == pytest.approx(float(alone.ttft_s))
        assert found.tokens_per_s[at] == pytest.approx(float(alone.tokens_per_s))
