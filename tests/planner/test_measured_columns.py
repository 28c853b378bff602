"""Has every column of measured runs its meaning?"""

from __future__ import annotations

import pytest
import yaml

from planner.measured import COLUMNS
from planner.measured_columns import _FILE, columns_of
from planner.recipe import Job


@pytest.mark.parametrize("job", list(Job))
def test_every_column_that_is_read_has_a_meaning(job: Job) -> None:
    """The columns told are those that files may have, no more and no fewer, and limited ones come with their words."""
    told = {column.name: column for column in columns_of(job)}
    assert tuple(told) == COLUMNS[job]
    assert [name for name, column in told.items() if not column.meaning] == []
    meanings = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    assert {*meanings["both"], *meanings[str(job)]} == set(COLUMNS[job])
    assert {"memory", "oom"} <= set(told["judge"].words)
    assert "bf16" in told["weight_dtype"].words
    assert told["notes"].words == ()


def test_units_stand_beside_figures() -> None:
    """A figure whose name has a unit says it in its meaning too."""
    for job, column, unit in ((Job.TRAINING, "peak_memory_gib", "GiB"), (Job.INFERENCE, "ttft_ms", "ms")):
        assert next(each for each in columns_of(job) if each.name == column).meaning.endswith(unit)
