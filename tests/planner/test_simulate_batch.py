"""Is a batch job replayed with as many requests as are wanted, on as many replicas as are planned?"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from planner.calibration import load_calibration
from planner.decide import decide
from planner.load import Loaded, load_workload
from planner.plan import Decision
from planner.simulate import Drawn
from planner.simulate_batch import simulate_batch
from planner.simulated_batch import SimulatedBatch

NOW = datetime(2026, 11, 30, tzinfo=UTC)
CALIBRATION = load_calibration()
ROLLING = "name: tiny\nmodel: llama-3.1-8b\ninference: {requests: 2000, input_tokens: 1024, output_tokens: 256}\n"
BLOCKS = """\
name: tiny
model: opt-30b
inference: {requests: 100, input_tokens: 256, output_tokens: 16, engine: flexgen}
limits: {instance_types: {allow: [g4dn.8xlarge]}}
"""


@cache
def decided(folder: Path, text: str) -> tuple[Loaded, Decision]:
    """A workload and its plan."""
    file = folder / "tiny.yaml"
    file.write_text(text, encoding="utf-8")
    loaded = load_workload(file)
    return loaded, decide(loaded, CALIBRATION, NOW)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the workloads of these tests stand."""
    return tmp_path_factory.mktemp("batches")


def simulated(folder: Path, text: str, stream: Drawn) -> SimulatedBatch:
    """A workload's batch, replayed."""
    return simulate_batch(*decided(folder, text), CALIBRATION, stream)


def test_as_many_as_wanted_are_replayed(folder: Path) -> None:
    """All of the job at most; fewer requests take less, of which half are answered before 95 % and those before all."""
    few, all_of_them = (simulated(folder, ROLLING, Drawn(count=count, seed=1)) for count in (500, 10**6))
    assert (few.requests, all_of_them.requests) == (500, 2000)
    assert (few.of_requests, all_of_them.of_requests) == (2000, 2000)
    assert few.work_s < all_of_them.work_s < few.whole_s[1] * 1.2
    assert all_of_them.whole_s == pytest.approx((all_of_them.compared[0].analytic, all_of_them.work_s))
    assert few.whole_s[0] == pytest.approx(all_of_them.whole_s[0])
    for found in (few, all_of_them):
        assert found.answered_s and found.answered_s[0] < found.answered_s[1] <= found.answered_s[2]
        assert found.answered_s[2] == pytest.approx(found.work_s)


def test_requests_of_one_length_are_what_the_formula_has(folder: Path) -> None:
    """Without variation the tokens are the workload's, and time and rate are off by the same share."""
    found = simulated(folder, ROLLING, Drawn(seed=1, variation=0.0))
    time, rate = found.compared
    assert found.output_tokens_per_s * found.work_s == pytest.approx(2000 * 256, rel=0.01)
    assert time.ratio * rate.ratio == pytest.approx(1.0, rel=0.01)
    assert time.agrees


def test_blocks_are_followed_to_the_last_one(folder: Path) -> None:
    """The last block of fewer batches counts too, and nobody can say when one request of a block is answered."""
    _, decision = decided(folder, BLOCKS)
    layout = decision.plan.chosen.layout
    block = layout.micro_batch * layout.micro_batches
    one, two = (simulated(folder, BLOCKS, Drawn(count=count)) for count in (min(block, 50), 100))
    assert two.answered_s is None and two.preemptions == 0
    assert one.work_s <= two.work_s
    assert two.in_flight == min(block, 100)
    assert two.output_tokens_per_s == pytest.approx(100 * 16 / two.work_s)
    assert 1.0 <= 1 / two.compared[0].ratio <= 1.34
