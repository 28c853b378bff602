"""Does `berth schema` print what editors read?"""

from __future__ import annotations

import json
from pathlib import Path

from planner.pinned_file import PinnedFile
from planner.workload import Workload
from tests.berth.command import Command

COMMITTED = Path(__file__).parent.parent.parent / "workloads" / "workload.schema.json"


def test_the_schema_is_that_of_the_workload(berth: Command) -> None:
    """The output is JSON, and nothing but the schema."""
    answer = berth("schema", "workload")
    assert (answer.status, answer.err) == (0, "")
    assert json.loads(answer.out) == Workload.model_json_schema()


def test_the_committed_schema_is_the_output(berth: Command) -> None:
    """`berth schema workload > workloads/workload.schema.json` has been run since the workload changed."""
    assert COMMITTED.read_text(encoding="utf-8") == berth("schema", "workload").out


def test_the_schema_of_an_estimate_tells_each_key(berth: Command) -> None:
    """Editors learn every key of a pinned configuration, sections of a described accelerator too, with its meaning."""
    found = json.loads(berth("schema", "estimate").out)
    assert found == PinnedFile.model_json_schema()
    sections = [found, *found["$defs"].values()]
    told = [field for each in sections for field in each.get("properties", {}).values()]
    assert {"training", "inference", "accelerator"} <= set(found["properties"])
    assert found["$defs"]["AcceleratorPart"]["properties"]["memory"]["type"] == "string"
    assert [field for field in told if not field.get("description")] == []


def test_columns_of_measured_runs_are_told(berth: Command) -> None:
    """Both kinds of files, each column with its meaning, and words where a cell may say only some."""
    answer = berth("schema", "measured")
    assert (answer.status, answer.err) == (0, "")
    training, serving = answer.out.split("Serving runs")
    for line in ("  seq_len  ", "  peak_memory_gib  ", "zero3-offload", "GiB"):
        assert line in training
    assert "  ttft_ms  " in serving and "  seq_len  " not in serving
    assert max(map(len, answer.out.splitlines())) <= 120
