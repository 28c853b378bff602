"""Is told what a fit changed, and which row it cannot explain?"""

from __future__ import annotations

import pytest

from planner.calibration import load_calibration
from planner.carried import carried_training
from planner.fit_report import fit_report
from planner.measured import Measured
from pricing.records import replace

NAME = "NVIDIA/torchtitan"


@pytest.mark.parametrize(("times", "warned"), [(1.0, False), (0.38, True)])
def test_factors_errors_and_odd_rows_are_told(times: float, warned: bool) -> None:
    """Factors before and after, the mean error of both, and a warning for a row 162 % off."""
    carried = carried_training()
    (row,) = (each for each in carried.rows if each.id == "ttn-001")
    numbers = {**row.numbers, "peak_memory_gib": row.numbers["peak_memory_gib"] * times}
    runs = Measured(job=carried.job, rows=(replace(row, numbers=numbers),))
    before = load_calibration()
    own = replace(before.memory[NAME], fragmentation=1.0)
    after = replace(before, memory={**before.memory, NAME: own})
    lines = list(fit_report(runs, before, after, {"memory": {NAME: {"fragmentation": 1.0, "band": {}}}}, "runs.csv"))
    assert lines[0] == f"memory {NAME} fragmentation: 1.05 before, 1 after"
    assert lines[1].startswith("memory: mean error ")
    assert " before, " in lines[1]
    assert [line.startswith("warning: runs.csv: ttn-001: memory is still +") for line in lines[2:]] == [True] * warned
