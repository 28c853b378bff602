"""Can a vector index be planned and locked, alone and beside a model, and is what cannot be built refused?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from planner.errors import LockError, WorkloadError
from planner.load import load_workload
from planner.lock import read_head
from planner.places import lock_path
from tests.berth.command import Command
from tests.planner.market_builders import SERVING, written

INDEX = "index: {method: hnsw, vectors: 10M, dimensions: 768}\n"
ALONE = f"name: tiny\n{INDEX}"


def test_an_index_alone_is_planned(berth: Command, folder: Path) -> None:
    """Size, formula, fleet, price and its source are printed; nothing is written."""
    answer = berth("plan", written(folder, ALONE), "--offline")
    assert (answer.status, answer.err) == (0, "")
    for said in ("hnsw", "links", "FAISS wiki", "a month", "us-east-1", "karpenter", "index.shards"):
        assert said in answer.out
    assert [each.name for each in folder.iterdir() if each.is_file()] == ["tiny.yaml"]


def test_the_lock_holds_the_plan(berth: Command, folder: Path) -> None:
    """The lock is what --json prints but for the moment, and a plan says whether it still holds."""
    file = written(folder, ALONE)
    assert berth("lock", file, "--offline").status == 0
    told, kept = (
        json.loads(text)
        for text in (berth("plan", file, "--offline", "--json").out, lock_path(file).read_text(encoding="utf-8"))
    )
    assert told.pop("locked_at") and kept.pop("locked_at")
    assert told == kept
    assert berth("plan", file, "--offline").err == f"\n{lock_path(file)} holds this plan.\n"
    written(folder, ALONE.replace("10M", "400M"))
    drifted = berth("plan", file, "--offline").err
    assert "holds another plan" in drifted and "instances: 2 x" in drifted
    assert "changes: instances: 2 x" in berth("lock", file, "--offline").err


def test_a_lock_of_something_else_is_refused(berth: Command, folder: Path) -> None:
    """What is no lock of an index is not overwritten."""
    file = written(folder, ALONE)
    lock_path(file).write_text("{}", encoding="utf-8")
    answer = berth("lock", file, "--offline")
    assert answer.status == 1
    assert "not the lock of a vector index" in answer.err
    assert lock_path(file).read_text(encoding="utf-8") == "{}"


def test_nothing_builds_an_index_alone(berth: Command, folder: Path) -> None:
    """A synth, with a lock and without, says that there is no stack yet."""
    file = written(folder, ALONE)
    with pytest.raises(WorkloadError, match="no stack that builds it"):
        load_workload(file)
    berth("lock", file, "--offline")
    with pytest.raises(LockError, match="a vector index alone, for which there is no stack"):
        read_head(lock_path(file))


def test_an_index_stands_beside_a_model(berth: Command, folder: Path) -> None:
    """Its fleet is in the plan and its money in the sum."""
    alone = json.loads(berth("plan", written(folder, SERVING), "--offline", "--json").out)["plan"]
    both = json.loads(berth("plan", written(folder, SERVING + INDEX), "--offline", "--json").out)["plan"]
    paid = float(both["index"]["chosen"]["usd_per_hour"])
    assert float(both["cost"]["usd_per_hour"]) == pytest.approx(float(alone["cost"]["usd_per_hour"]) + paid)
    assert "Vector index" in berth("plan", written(folder, SERVING + INDEX), "--offline").out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: tiny\nindex: {method: flat, vectors: 0, dimensions: 8}\n", "index.vectors: 0"),
        ("name: tiny\nindex: {method: ivf-pq, vectors: 1M, dimensions: 8}\n", "index.code_bytes: ivf-pq needs"),
        ("name: tiny\nindex: {method: flat, vectors: 1M, dimensions: 8, queries_per_second: 0}\n", "0 is no load"),
        ("name: tiny\nmodel: llama-3.1-8b\n" + INDEX, "model: nothing is said of what the model does"),
        ("name: tiny\n", "nothing to do"),
        (SERVING.replace("model: llama-3.1-8b\n", "") + INDEX, "model: is missing"),
    ],
)
def test_what_cannot_be_is_told_with_its_field(berth: Command, folder: Path, text: str, says: str) -> None:
    """Bad fields end with file, line and field, and exit 1."""
    answer = berth("plan", written(folder, text), "--offline")
    assert (answer.status, answer.out) == (1, "")
    assert says in answer.err
    assert "tiny.yaml:" in answer.err
