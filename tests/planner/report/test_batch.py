"""Does a batch job's plan say its blocks, its passes, its places and its money?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from planner.calibration import load_calibration
from planner.decide import decide
from planner.load import load_workload
from planner.plan import Plan
from planner.report.batch import batch_layout, batch_rows, per_million, step_title
from planner.report.headline import headline
from pricing.records import replace

EXAMPLE = Path(__file__).parents[3] / "workloads" / "batch-opt175b-t4.yaml"
ROLLING = """\
name: tiny
model: llama-3.1-8b
inference: {requests: 5000, input_tokens: 512, output_tokens: 128}
"""


def planned(file: Path) -> Plan:
    """The plan of a workload file."""
    now = datetime(2026, 11, 30, tzinfo=UTC)
    return decide(load_workload(file), load_calibration(), now).plan


def test_a_streamed_batch_tells_its_blocks() -> None:
    """Blocks, what a pass waits for, and memory by place stand among the decision's rows."""
    plan = planned(EXAMPLE)
    found = plan.chosen
    assert found.run and found.batch
    rows = dict(batch_rows(found, found.run, found.batch))
    assert "blocks of" in rows["run"] and "per million tokens" in rows["run"]
    assert "5 blocks of" in rows["run"] and "and a last one of 40 requests in" in rows["run"]
    run, batch = found.run, found.batch
    summed = (run.steps - 1) * run.step_s + batch.last_s + run.start_up_s + run.failures_s
    assert abs(summed / run.run_s - 1) < 1e-9
    # A fifth of the requests takes more than a fifth of the time: weights are read whole.
    assert 0.4 < batch.last_s / run.step_s < 0.6
    assert "disk reads" in rows["bound by"] and "at once" in rows["bound by"]
    assert "host memory" in rows["places"] and "local disk" in rows["places"]
    assert rows["places"].endswith("; of host memory 4.0 GiB a replica are assumed for its process")
    assert "requests a block" in batch_layout(found, found.batch)
    assert step_title(found.run, found.batch).startswith("Time of a block")
    assert per_million(found.batch) in headline(plan) and per_million(found.batch).endswith("in and out")
    assert per_million(replace(found.batch, embeds=True)).endswith("tokens in")


def test_an_ordinary_batch_tells_its_requests_in_flight(tmp_path: Path) -> None:
    """An engine with continuous batching has steps and requests in flight, and nothing off its devices."""
    file = tmp_path / "tiny.yaml"
    file.write_text(ROLLING, encoding="utf-8")
    found = planned(file).chosen
    assert found.run and found.batch
    assert set(dict(batch_rows(found, found.run, found.batch))) == {"run"}
    assert batch_layout(found, found.batch).endswith("requests in flight per replica")
    assert step_title(found.run, found.batch).startswith("Time of a step")
