"""Does `berth plan` answer on stdout, note on stderr, and write nothing?"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from planner.lock import lock_json, read_head, read_lock, write_image, write_lock
from planner.places import lock_path
from planner.report.headline import headline
from pricing.records import replace
from tests.berth.command import Command
from tests.planner.market_builders import SERVING, TRAINING, written

CHEAPER = TRAINING + "pin: {instance_type: g5.xlarge}\n"


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder."""
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@pytest.mark.parametrize("options", [[], ["--json"], ["--offline"], ["--json", "--offline"]])
@pytest.mark.parametrize("text", [TRAINING, SERVING], ids=["training", "serving"])
def test_a_plan_writes_nothing(berth: Command, folder: Path, text: str, options: list[str]) -> None:
    """A dry run leaves the folder as it was, with and without a lock, and says nothing on stderr but of the lock."""
    file = written(folder, text)
    before = files(folder)
    answer = berth("plan", file, *options)
    assert (answer.status, answer.err) == (0, "")
    assert files(folder) == before
    berth("lock", file)
    locked = files(folder)
    answer = berth("plan", file, *options)
    assert (answer.status, answer.err) == (0, f"\n{lock_path(file)} holds this plan.\n")
    assert files(folder) == locked


@pytest.mark.parametrize("text", [TRAINING, SERVING], ids=["training", "serving"])
def test_json_is_what_the_lock_holds(berth: Command, folder: Path, text: str) -> None:
    """`--json` can be kept as a lock: it reads back, and is what `berth lock` writes but for the moment."""
    file = written(folder, text)
    told = berth("plan", file, "--json").out
    copy = folder / "copy.plan.json"
    copy.write_text(told, encoding="utf-8")
    assert lock_json(read_lock(copy)) == told
    berth("lock", file)
    assert without_moment(json.loads(told)) == without_moment(json.loads(lock_path(file).read_text(encoding="utf-8")))


def without_moment(lock: dict[str, Any]) -> dict[str, Any]:
    """A lock's content without the time that it was written."""
    assert lock.pop("locked_at")
    return lock


def test_a_lock_that_says_otherwise_is_compared(berth: Command, folder: Path) -> None:
    """The note tells what is locked and, line by line, what today's plan would change."""
    file = written(folder, CHEAPER)
    berth("lock", file)
    written(folder, TRAINING)
    answer = berth("plan", file)
    first, *changes = answer.err.strip().splitlines()
    assert first.startswith(f"{lock_path(file)} holds another plan: ")
    assert "x g5.xlarge (us-east-1, on-demand): $" in first
    assert any(line.startswith("  instance type: g5.xlarge -> ") for line in changes)
    assert changes[-1].startswith("  today: ")
    assert answer.out.startswith(f"tiny: {changes[-1].removeprefix('  today: ')[:20]}")


@pytest.mark.parametrize("text", [TRAINING, TRAINING + "provision: {time_to_live: 3d}\n"])
def test_a_pinned_image_and_a_later_hour_are_no_other_plan(berth: Command, folder: Path, text: str) -> None:
    """A lock whose image is resolved, or whose end was counted from another moment, still holds the plan."""
    file = written(folder, text)
    berth("lock", file)
    write_image(lock_path(file), replace(read_head(lock_path(file)).build.image, id="ami-1"))
    assert berth("plan", file).err == f"\n{lock_path(file)} holds this plan.\n"


def test_a_moved_price_is_another_plan(berth: Command, folder: Path) -> None:
    """Where the machines are the same and dearer today, the note shows the locked figures and today's."""
    file = written(folder, TRAINING)
    berth("lock", file)
    lock = read_lock(lock_path(file))
    assert lock.plan is not None and lock.plan.chosen.run is not None
    cheaper = replace(lock.plan.chosen, run=replace(lock.plan.chosen.run, usd=Decimal("0.10")))
    moved = replace(lock.plan, chosen=cheaper)
    write_lock(lock_path(file), replace(lock, plan=moved))
    assert berth("plan", file).err == (
        f"\n{lock_path(file)} holds another plan: {headline(moved)}\n  today: {headline(lock.plan)}\n"
    )


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize("plan", [None, {"novel": 1}, "none"], ids=["null", "unknown", "text"])
def test_a_lock_whose_plan_cannot_be_read_is_compared_all_the_same(
    berth: Command, folder: Path, plan: Any, options: list[str]
) -> None:
    """Of a lock that another Berth wrote the build is compared; what it cost then is left out."""
    file = written(folder, CHEAPER)
    berth("lock", file)
    whole = json.loads(lock_path(file).read_text(encoding="utf-8"))
    lock_path(file).write_text(json.dumps(whole | {"plan": plan}), encoding="utf-8")
    answer = berth("plan", file, *options)
    assert (answer.status, answer.err) == (
        0,
        f"\n{lock_path(file)} holds this build; another Berth wrote its figures, which are not compared.\n",
    )
    written(folder, TRAINING)
    answer = berth("plan", file, *options)
    first, *changes = answer.err.strip().splitlines()
    assert answer.status == 0
    assert first == f"{lock_path(file)} holds another plan: {whole['build']['nodes']} x g5.xlarge"
    assert any(line.startswith("  instance type: g5.xlarge -> ") for line in changes)
    assert not any(line.startswith("  today: ") for line in changes)


def test_a_broken_lock_is_told_after_the_plan(berth: Command, folder: Path) -> None:
    """The answer is printed all the same; that the lock cannot be read is a failure, with what to do."""
    file = written(folder, TRAINING)
    lock_path(file).write_text("{}", encoding="utf-8")
    answer = berth("plan", file)
    assert answer.status == 1
    assert answer.out.startswith("tiny: ")
    assert "not a lock that this Berth can read" in answer.err
    assert lock_path(file).read_text(encoding="utf-8") == "{}"


@pytest.mark.parametrize("name", ["tiny.yaml", "workloads/tiny.yaml", "./workloads/tiny.yaml"])
def test_a_bare_name_is_found_in_workloads(berth: Command, folder: Path, name: str) -> None:
    """A workload is found by its name, its path, and from any folder by its whole path."""
    file = written(folder / "workloads", TRAINING)
    assert berth("plan", name).out == berth("plan", file).out != ""


def test_the_answer_is_the_same_each_time(berth: Command, folder: Path) -> None:
    """Planning twice prints the same bytes."""
    file = written(folder, SERVING)
    assert berth("plan", file).out == berth("plan", file).out


def test_nothing_is_asked_of_the_network(berth: Command, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An offline plan opens no socket."""
    import socket

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", fail)
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert berth("plan", written(folder, TRAINING), "--offline").status == 0
