"""Is a lock written whole or not at all, and read back as it was?"""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.built import Image
from planner.errors import LockError
from planner.lock import FORMAT, Lock, lock_json, read_chosen, read_head, read_lock, write_image, write_lock
from planner.plan import Plan, Term
from pricing.records import replace
from tests.planner.market_builders import SERVING, TRAINING, lock_of, written


@pytest.mark.parametrize("text", [TRAINING, SERVING, TRAINING + "provision: {time_to_live: 3d}\n"])
def test_a_lock_is_read_back_as_it_was_written(tmp_path: Path, text: str) -> None:
    """Every figure, date and amount of a plan survives the file."""
    lock = lock_of(written(tmp_path, text))
    write_lock(tmp_path / "a.plan.json", lock)
    again = read_lock(tmp_path / "a.plan.json")
    assert again == lock
    assert lock_json(again) == lock_json(lock) == (tmp_path / "a.plan.json").read_text(encoding="utf-8")


SERVED = {"requests_per_second": 20, "input_tokens": 512, "output_tokens": 128}
BESIDE = {"model": "llama-3.2-1b", "requests_per_second": 2, "input_tokens": 256, "output_tokens": 64}


@pytest.mark.parametrize(
    ("sections", "has"),
    [
        ({"inference": SERVED}, lambda plan: plan.apart.best.split and plan.chosen.service.spreads),
        (
            {"inference": {**SERVED, "requests_per_second": 50, "tpot": "4ms", "disaggregate": "allow"}},
            lambda plan: plan.chosen.split and plan.apart.best.service.spreads,
        ),
        ({"inference": {**SERVED, "co_served": [BESIDE]}}, lambda plan: plan.beside),
        (
            {"inference": {**SERVED, "fleet": {"spot_share": 0.5, "headroom": 0.9, "spare": "node"}}},
            lambda plan: plan.fleet.losses_per_month is not None,
        ),
        ({"inference": {**SERVED, "output_tokens": 0}}, lambda plan: plan.chosen.service.embeds),
        ({"inference": {"requests": 5000, "input_tokens": 512, "output_tokens": 128}}, lambda plan: plan.chosen.batch),
        (
            {
                "model": "opt-30b",
                "inference": {"requests": 1000, "input_tokens": 512, "output_tokens": 32, "engine": "flexgen"},
                "pin": {"instance_type": "g4dn.12xlarge"},
            },
            lambda plan: plan.chosen.batch.elsewhere and plan.chosen.batch.passes,
        ),
        (
            {"model": "pythia-1b", "inference": SERVED, "pin": {"instance_type": "g6f.2xlarge"}},
            lambda plan: plan.chosen.service,
        ),
        (
            {"inference": SERVED, "provision": {"mig": "3g.40gb"}, "pin": {"instance_type": "p5.48xlarge"}},
            lambda plan: plan.chosen.service,
        ),
    ],
    ids=["apart", "split", "beside", "fleet", "embeddings", "batch", "streamed", "part of a GPU", "slices"],
)
def test_every_kind_of_plan_is_read_back(tmp_path: Path, sections: dict[str, Any], has: Callable[[Plan], Any]) -> None:
    """Records that only some plans have survive the file as well: none is lost, or makes the plan unreadable."""
    asked = {"name": "tiny", "model": "llama-3.1-8b", **sections}
    lock = lock_of(written(tmp_path, json.dumps(asked)))
    assert lock.plan and has(lock.plan)
    write_lock(tmp_path / "a.plan.json", lock)
    assert read_lock(tmp_path / "a.plan.json") == lock


@pytest.mark.parametrize("figure", [nan, inf])
def test_what_is_no_number_is_not_written(tmp_path: Path, lock: Lock, figure: float) -> None:
    """JSON has neither: the plan would read back as none, so that nothing is written, and the field is named."""
    assert lock.plan and lock.plan.chosen.run
    run = replace(lock.plan.chosen.run, step_terms=(*lock.plan.chosen.run.step_terms, Term(name="a", value=figure)))
    plan = replace(lock.plan, chosen=replace(lock.plan.chosen, run=run))
    with pytest.raises(LockError, match=r"plan\.chosen\.run\.step_terms\[\d+\]\.value is no number"):
        write_lock(tmp_path / "a.plan.json", replace(lock, plan=plan))
    assert not list(tmp_path.iterdir())


def test_a_lock_is_plain_json(lock: Lock) -> None:
    """Other programs can read it: no constants that JSON lacks, money as decimal text, one line end at the end."""
    text = lock_json(lock)

    def fail(constant: str) -> None:
        raise AssertionError(constant)

    data = json.loads(text, parse_constant=fail)
    assert (data["format"], data["locked_at"]) == (FORMAT, "2026-07-01T12:00:00Z")
    assert isinstance(data["plan"]["chosen"]["usd_per_hour"], str)
    assert text.endswith("}\n")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ": not a lock that this Berth can read (the file: input data was truncated"),
        (b"garbage", ":1: not a lock that this Berth can read (the file: JSON is malformed"),
        (b'{\n"format":\n<<<<<<< HEAD\n', ":3: not a lock that this Berth can read (the file: JSON is malformed"),
        (b"[]", ": not a lock that this Berth can read (the file: expected `object`, got `array`"),
        (b"{}", ": not a lock that this Berth can read (format: field required)"),
        (b'{"format": 1}', ": not a lock that this Berth can read (digest: field required)"),
        (b'{"format": 2, "novel": true}', ": a lock of format 2, and this Berth reads format 1"),
        (b'{"format": 0}', ": a lock of format 0, and this Berth reads format 1"),
        (b'{"format": "one"}', ": not a lock that this Berth can read (format: expected `int`, got `str`"),
        (b"\xff\xfe\x00", ": the lock is not UTF-8 text"),
        (b"<<<<<<< HEAD\n{}\n=======\n", ":1: not a lock that this Berth can read (the file: JSON is malformed"),
        (
            b'{"novel": ' + b"[" * 100_000,
            ": not a lock that this Berth can read (the file: maximum recursion depth exceeded",
        ),
    ],
)
def test_what_is_no_lock_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    """Garbage, merge conflicts and other formats are findings that say how to go on, and stay as they are."""
    path = tmp_path / "w.plan.json"
    path.write_bytes(content)
    with pytest.raises(LockError) as caught:
        read_lock(path)
    (finding,) = caught.value.findings
    assert finding.startswith(f"{path}{said}")
    assert finding.endswith("restore it from version control, or delete it and run `berth lock`")
    assert path.read_bytes() == content


# What another Berth may have written where this one keeps a plan: nothing, something else, and much more.
FOREIGN: list[Any] = [
    None,
    {},
    [],
    "none",
    {"novel": {"deep": [1, 2.5, "ä", None, True]}, "usd": "0.10"},
    {"workload": "tiny", "model": "dense"},
    [1e-05, 1e16, 123456789012345678901, 0.1, -0.0],
]
AMI = "ami-0123456789abcdef0"


def with_plan(lock: Lock, path: Path, *, plan: Any) -> dict[str, Any]:
    """Writes the lock with something else in place of its plan, and returns what the file holds."""
    whole: dict[str, Any] = json.loads(lock_json(lock)) | {"plan": plan}
    path.write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")
    return whole


@pytest.mark.parametrize("plan", FOREIGN, ids=lambda plan: json.dumps(plan)[:20])
def test_a_plan_that_cannot_be_read_costs_only_the_plan(tmp_path: Path, lock: Lock, plan: Any) -> None:
    """What is built, for which question and since when is read from the lock of any Berth of this format."""
    path = tmp_path / "w.plan.json"
    with_plan(lock, path, plan=plan)
    assert read_lock(path) == replace(lock, plan=None)
    head = read_head(path)
    assert (head.format, head.digest, head.locked_at, head.build) == (
        lock.format,
        lock.digest,
        lock.locked_at,
        lock.build,
    )


def test_a_lock_without_a_plan_is_read(tmp_path: Path, lock: Lock) -> None:
    """A lock may have a head alone."""
    path = tmp_path / "w.plan.json"
    whole = with_plan(lock, path, plan=None)
    del whole["plan"]
    path.write_text(json.dumps(whole), encoding="utf-8")
    assert read_lock(path) == replace(lock, plan=None)
    assert read_head(path).build == lock.build


@pytest.mark.parametrize("field", ["covered", "chosen", "warnings"])
def test_a_plan_that_lacks_a_field_cannot_be_read(tmp_path: Path, lock: Lock, field: str) -> None:
    """A plan is believed whole or not at all."""
    path = tmp_path / "w.plan.json"
    plan = json.loads(lock_json(lock))["plan"]
    del plan[field]
    with_plan(lock, path, plan=plan)
    assert read_lock(path) == replace(lock, plan=None)


def test_what_a_later_berth_adds_to_a_lock_is_passed_over(tmp_path: Path, lock: Lock) -> None:
    """Fields that are not known here, in the plan and in the head, do not keep the others from being read."""
    path = tmp_path / "w.plan.json"
    whole = json.loads(lock_json(lock))
    whole["novel"] = whole["build"]["novel"] = whole["plan"]["novel"] = whole["plan"]["chosen"]["novel"] = [1]
    path.write_text(json.dumps(whole), encoding="utf-8")
    assert read_lock(path) == lock


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "much"])
def test_an_amount_that_is_no_number_is_none(tmp_path: Path, lock: Lock, amount: str) -> None:
    """What cannot be paid is not read: it costs the plan where that has it, and the lock where its head has."""
    path = tmp_path / "w.plan.json"
    plan = json.loads(lock_json(lock))["plan"]
    plan["chosen"]["usd_per_hour"] = amount
    whole = with_plan(lock, path, plan=plan)
    assert read_lock(path) == replace(lock, plan=None)
    assert read_chosen(path)[1] is None
    whole["build"]["budget_usd"] = amount
    path.write_text(json.dumps(whole), encoding="utf-8")
    with pytest.raises(LockError, match=r"not a lock that this Berth can read \(build\.budget_usd: "):
        read_lock(path)


@pytest.mark.parametrize("field", ["digest", "locked_at", "build"])
def test_a_lock_that_lacks_its_head_is_told(tmp_path: Path, lock: Lock, field: str) -> None:
    """Without all of the head nothing can be built, whatever the plan says."""
    path = tmp_path / "w.plan.json"
    whole = json.loads(lock_json(lock))
    del whole[field]
    path.write_text(json.dumps(whole), encoding="utf-8")
    for read in (read_head, read_lock):
        with pytest.raises(LockError, match=rf"not a lock that this Berth can read \({field}: field required\)"):
            read(path)


@pytest.mark.parametrize("plan", [*FOREIGN, "own"], ids=lambda plan: json.dumps(plan)[:20])
def test_an_image_is_pinned_and_the_rest_left(tmp_path: Path, lock: Lock, plan: Any) -> None:
    """Pinning the image changes it alone: a plan that another Berth wrote stays the same JSON to the last digit."""
    path = tmp_path / "w.plan.json"
    whole = with_plan(lock, path, plan=json.loads(lock_json(lock))["plan"] if plan == "own" else plan)
    whole["novel"] = whole["build"]["novel"] = {"later": 1}
    path.write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8")
    image = replace(lock.build.image, id=AMI)
    write_image(path, image)
    after = json.loads(path.read_text(encoding="utf-8"))
    assert json.dumps(after["plan"]) == json.dumps(whole["plan"])
    assert after["build"].pop("image") == {"parameter": image.parameter, "id": AMI}
    del whole["build"]["image"]
    assert json.dumps(after) == json.dumps(whole)
    assert read_head(path).build == replace(lock.build, image=image)


def test_an_image_is_pinned_in_a_lock_only(tmp_path: Path) -> None:
    """What is no lock, or not there, is told and stays as it is."""
    path, image = tmp_path / "w.plan.json", Image(parameter="/p", id=AMI)
    with pytest.raises(LockError, match="the lock cannot be read: No such file or directory"):
        write_image(path, image)
    path.write_text('{"format": 2}', encoding="utf-8")
    with pytest.raises(LockError, match="a lock of format 2"):
        write_image(path, image)
    assert path.read_text(encoding="utf-8") == '{"format": 2}'


@settings(deadline=None, derandomize=True, max_examples=60)
@given(share=st.floats(0, 0.9999))
def test_a_half_cut_lock_is_told(tmp_path_factory: pytest.TempPathFactory, lock: Lock, share: float) -> None:
    """A lock that was cut anywhere is refused, never half believed."""
    text = lock_json(lock).rstrip()
    path = tmp_path_factory.mktemp("cut") / "w.plan.json"
    path.write_text(text[: int(len(text) * share)], encoding="utf-8")
    with pytest.raises(LockError, match="not a lock that this Berth can read"):
        read_lock(path)


def test_a_folder_or_nothing_in_its_place_is_told(tmp_path: Path) -> None:
    """What cannot be read or replaced is named with the system's reason."""
    with pytest.raises(LockError, match="the lock cannot be read: No such file or directory"):
        read_lock(tmp_path / "gone.plan.json")
    with pytest.raises(LockError, match="the lock cannot be read: Is a directory"):
        read_lock(tmp_path)


def test_a_failed_write_leaves_all_as_it_was(tmp_path: Path, lock: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk is full at the last step, the old lock stands and nothing is left beside it."""
    path = tmp_path / "w.plan.json"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(LockError, match="the lock cannot be written: No space left on device"):
        write_lock(path, lock)
    assert [each.name for each in tmp_path.iterdir()] == ["w.plan.json"]
    assert path.read_bytes() == b"old"


def test_a_folder_that_takes_no_files_is_told(tmp_path: Path, lock: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only or missing folder is a finding."""
    with pytest.raises(LockError, match="the lock cannot be written: No such file or directory"):
        write_lock(tmp_path / "gone" / "w.plan.json", lock)

    def read_only(*_: object, **__: object) -> tuple[int, str]:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "mkstemp", read_only)
    with pytest.raises(LockError, match="the lock cannot be written: Read-only file system"):
        write_lock(tmp_path / "w.plan.json", lock)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, lock: Lock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of writing leaves no half file."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_lock(tmp_path / "w.plan.json", lock)
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_shared_like_the_workload(tmp_path: Path, lock: Lock) -> None:
    """Others may read it, though it was written through a private file."""
    write_lock(tmp_path / "w.plan.json", lock)
    assert (tmp_path / "w.plan.json").stat().st_mode & 0o777 == 0o644


def test_a_linked_lock_stays_linked(tmp_path: Path, lock: Lock) -> None:
    """Where a lock is a link, the file that it leads to is replaced, and the link remains."""
    (tmp_path / "locks").mkdir()
    target, link = tmp_path / "locks" / "w.json", tmp_path / "w.plan.json"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(Path("locks") / "w.json")
    write_lock(link, lock)
    assert link.is_symlink()
    assert read_lock(target) == lock
    assert [each.name for each in (tmp_path / "locks").iterdir()] == ["w.json"]


def test_a_dangling_link_gets_its_file(tmp_path: Path, lock: Lock) -> None:
    """A link to a lock that is not there yet is filled, not replaced."""
    link = tmp_path / "w.plan.json"
    link.symlink_to("later.json")
    write_lock(link, lock)
    assert link.is_symlink()
    assert read_lock(tmp_path / "later.json") == lock


def write_often(path: Path, lock: Lock, times: int, digest: str) -> None:
    """Writes a lock again and again, as a process of its own."""
    for _ in range(times):
        write_lock(path, replace(lock, digest=digest))


@contextmanager
def writers(path: Path, lock: Lock, digests: list[str]) -> Iterator[list[Any]]:
    """Processes that write to one lock at once."""
    context = multiprocessing.get_context("fork")
    running = [context.Process(target=write_often, args=(path, lock, 60, digest)) for digest in digests]
    for process in running:
        process.start()
    try:
        yield running
    finally:
        for process in running:
            process.join()


def test_a_reader_never_sees_a_part(tmp_path: Path, lock: Lock) -> None:
    """While processes write one lock over another, every read is one of the locks, whole."""
    path, digests = tmp_path / "w.plan.json", ["a" * 64, "b" * 64]
    write_lock(path, replace(lock, digest=digests[0]))
    seen = set()
    with writers(path, lock, digests) as running:
        while any(process.is_alive() for process in running):
            found = read_lock(path)
            assert found.plan == lock.plan
            seen.add(found.digest)
    assert [process.exitcode for process in running] == [0, 0]
    assert seen <= set(digests)
    assert [each.name for each in tmp_path.iterdir()] == ["w.plan.json"]


def test_locked_at_is_in_utc(lock: Lock) -> None:
    """The time of a lock means the same everywhere."""
    assert lock.locked_at.tzinfo == UTC
