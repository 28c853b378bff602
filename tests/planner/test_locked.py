"""Does a synth build what is locked until somebody says otherwise?"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from planner.built import Image
from planner.calibration import Calibration, load_calibration
from planner.changes import changes
from planner.decide import decide
from planner.errors import LockError, NoFeasiblePlan, WorkloadError
from planner.load import Loaded
from planner.lock import Lock, read_head, read_lock, write_lock
from planner.locked import Locked, locked_build
from planner.places import lock_path
from planner.plan import Decision, Lifecycle, Target
from pricing.records import replace
from tests.planner.locks import (
    AMI,
    AROUND,
    LATER,
    contents,
    other,
    pinned,
    resolved,
    unasked,
    unresolved,
)
from tests.planner.market_builders import NOW, TRAINING, slower, written

ZONED = TRAINING + "provision: {zone: use1-az4}\n"
PINNED = TRAINING + "pin: {instance_type: g5.xlarge}\n"
UNREADABLE = "The workload cannot be read, so the locked plan is built as it is: "


def never(loaded: Loaded, calibration: Calibration, now: datetime) -> Decision:
    """Planning that must not happen."""
    raise AssertionError("planned anew")


def synth(
    file: Path,
    decide: Callable[[Loaded, Calibration, datetime], Decision] = never,
    calibration: Calibration | None = None,
    **options: Any,
) -> Locked:
    """What a synth builds, three days after the lock."""
    return locked_build(file, decide, lambda: calibration or load_calibration(), LATER, **options)


def test_the_first_synth_locks(tmp_path: Path) -> None:
    """Without a lock, a synth plans, builds the plan and writes it down."""
    file = written(tmp_path, TRAINING)
    found = synth(file, decide)
    assert found.notes == ()
    lock = read_lock(lock_path(file))
    assert (found.build, lock.locked_at) == (lock.build, LATER)
    assert synth(file) == found


def test_the_first_synth_with_credentials_pins_the_image(tmp_path: Path) -> None:
    """The id stands in the build and in the lock, and is not asked for again."""
    file = written(tmp_path, TRAINING)
    assert synth(file, decide, resolve=resolved).build.image.id == AMI
    assert read_head(lock_path(file)).build.image.id == AMI
    assert synth(file, resolve=unasked) == synth(file)


def test_a_later_synth_with_credentials_pins_the_image(tmp_path: Path) -> None:
    """A lock that was written without credentials gets its image at the first synth that has them."""
    file = written(tmp_path, TRAINING)
    assert synth(file, decide).build.image.id is None
    before = read_lock(lock_path(file))
    assert synth(file, resolve=resolved).build.image.id == AMI
    assert read_lock(lock_path(file)) == pinned(before)


def test_an_image_that_cannot_be_looked_up_costs_only_the_pin(tmp_path: Path) -> None:
    """The stack is built with the parameter, and the reason is told."""
    file = written(tmp_path, TRAINING)
    found = synth(file, decide, resolve=unresolved)
    assert found.build.image.id is None
    (note,) = found.notes
    assert note.startswith("The image is not pinned. The machine image /aws/service/")
    assert read_head(lock_path(file)).build == found.build


def test_the_users_own_image_is_not_looked_up(tmp_path: Path) -> None:
    """An image that the workload names is taken as it is."""
    file = written(tmp_path, TRAINING + f"provision: {{image: {AMI}}}\n")
    assert synth(file, decide, resolve=unasked).build.image == Image(parameter=None, id=AMI)


FREE = [
    ("", "expires_at", None),
    ("time_to_live: 5d", "expires_at", NOW + timedelta(days=5)),
    ("budget: 7, budget_email: ml@example.com", "budget_usd", Decimal("7.00")),
    ("budget: 7, budget_email: ml@example.com", "budget_email", "ml@example.com"),
    ("storage: {lifecycle: persistent}", "lifecycle", Lifecycle.PERSISTENT),
]


@pytest.mark.parametrize("differs", [None, "workload", "provisioning", "calibration"])
@pytest.mark.parametrize(("provision", "field", "value"), FREE)
def test_free_provisioning_follows_the_file(
    tmp_path: Path, lock: Lock, provision: str, field: str, value: object, differs: str | None
) -> None:
    """Time to live from the lock on, budget and lifecycle are the file's, also where another question is noted."""
    job = TRAINING.replace("10M", "20M") if differs == "workload" else TRAINING
    zone = ["zone: use1-az4"] if differs == "provisioning" else []
    file = written(tmp_path, f"{job}provision: {{{', '.join([provision, *zone]).removeprefix(', ')}}}\n")
    write_lock(lock_path(file), other(lock, **{**AROUND, "block_ends_at": None}))
    before = lock_path(file).read_bytes()
    known = load_calibration()
    found = synth(file, calibration=slower(known) if differs == "calibration" else known)
    assert [note.partition(";")[0] for note in found.notes] == [f"{file} no longer matches its lock"] * bool(differs)
    assert replace(found.build, **{name: getattr(lock.build, name) for name in AROUND}) == lock.build
    assert getattr(found.build, field) == value
    assert lock_path(file).read_bytes() == before


@pytest.mark.parametrize(("live", "ended"), [("4d", False), ("73h", False), ("3d", True), ("2d", True)])
def test_an_end_that_has_passed_is_told(tmp_path: Path, lock: Lock, live: str, ended: bool) -> None:
    """A stack that deletes itself at once is built all the same, with a note of when it ended and what to do."""
    file = written(tmp_path, TRAINING + f"provision: {{time_to_live: {live}}}\n")
    write_lock(lock_path(file), lock)
    found = synth(file)
    at = found.build.expires_at
    assert at is not None
    told = f"The stack's time to live ended at {at:%Y-%m-%d %H:%M} UTC; `berth lock {file}` begins anew."
    assert found.notes == ((told,) if ended else ())


def test_an_end_that_has_passed_is_told_where_the_file_is_gone(tmp_path: Path, lock: Lock) -> None:
    """The locked end counts where the workload says nothing any more."""
    file = tmp_path / "tiny.yaml"
    write_lock(lock_path(file), other(lock, expires_at=NOW))
    unreadable, ended = synth(file).notes
    assert unreadable.startswith(UNREADABLE)
    assert ended.startswith("The stack's time to live ended at 2026-07-01 12:00 UTC; ")


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (TRAINING.replace("10M", "20M"), " no longer matches its lock; the locked plan is built. Run `berth lock "),
        (ZONED, " no longer matches its lock"),
        (TRAINING.replace("tiny", "small"), " no longer matches its lock"),
        (TRAINING + "surprise: 1\n", UNREADABLE),
        (TRAINING.replace("llama", "lama"), UNREADABLE),
        ("[" * 1000, UNREADABLE),
        ("", UNREADABLE),
        (None, "no such file"),
    ],
)
def test_the_locked_plan_is_built_whatever_the_file_says(
    tmp_path: Path, lock: Lock, text: str | None, note: str
) -> None:
    """A workload that has changed, is broken or is gone builds what is locked, and a note says so."""
    file = written(tmp_path, text or "")
    if text is None:
        file.unlink()
    write_lock(lock_path(file), lock)
    before = lock_path(file).read_bytes()
    found = synth(file)
    assert found.build == lock.build
    (said,) = found.notes
    assert note in said
    assert str(file) in said
    assert lock_path(file).read_bytes() == before


@pytest.mark.parametrize("text", [TRAINING, None], ids=["there", "gone"])
def test_a_lock_of_another_berth_is_built(tmp_path: Path, lock: Lock, text: str | None) -> None:
    """What is built does not ask how it was decided; pinning the image leaves the plan that cannot be read as it is."""
    file = written(tmp_path, text or "")
    if text is None:
        file.unlink()
    path, novel = lock_path(file), {"chosen": {"novel": [1.5, "ä"]}, "usd": "0.10"}
    write_lock(path, lock)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"plan": novel}), encoding="utf-8")
    assert read_lock(path).plan is None
    assert synth(file).build == lock.build
    assert synth(file, resolve=resolved).build == pinned(lock).build
    assert json.loads(path.read_text(encoding="utf-8"))["plan"] == novel
    assert read_head(path).build == pinned(lock).build


def test_a_replan_moves_on(tmp_path: Path, lock: Lock) -> None:
    """With replan, the file is planned anew and locked over the old lock; an image is kept where it can be."""
    file = written(tmp_path, PINNED + "provision: {budget: 7, budget_email: ml@example.com}\n")
    write_lock(lock_path(file), pinned(lock))
    found = synth(file, decide, replan=True, resolve=unasked)
    assert found.build.instance_type == "g5.xlarge"
    assert found.build.image.id == AMI
    assert read_head(lock_path(file)).build == found.build
    assert synth(file) == Locked(build=found.build, notes=())


def test_a_replan_notes_what_it_replaces(tmp_path: Path, lock: Lock) -> None:
    """Whoever replans is told what of the running stack is replaced, and what changes around it."""
    file = written(tmp_path, PINNED + "provision: {budget: 7, budget_email: ml@example.com}\n")
    write_lock(lock_path(file), pinned(lock))
    found = synth(file, decide, replan=True)
    changed = changes(pinned(lock).build, found.build)
    assert any(item == f"instance type: {lock.build.instance_type} -> g5.xlarge" for item in changed.replacing)
    assert found.notes == (
        *(f"Planned anew; replaces every node: {item}" for item in changed.replacing),
        "Planned anew: budget usd: none -> 7.00",
        "Planned anew: budget email: none -> ml@example.com",
    )


def test_a_replan_of_the_same_plan_notes_nothing(tmp_path: Path, lock: Lock) -> None:
    """Where today's answer is the locked one, no note alarms anybody."""
    file = written(tmp_path, TRAINING)
    write_lock(lock_path(file), pinned(lock))
    assert synth(file, decide, replan=True) == Locked(build=pinned(lock).build, notes=())


@pytest.mark.parametrize(
    "text",
    [ZONED, TRAINING.replace("tiny", "small"), TRAINING + "limits: {regions: [us-west-2]}\n"],
    ids=["zone", "name", "region"],
)
def test_a_replan_never_leaves_a_stack_behind(tmp_path: Path, lock: Lock, text: str) -> None:
    """Another zone, name or region is refused even where a new plan is asked for, and the old lock stays."""
    file = written(tmp_path, text)
    write_lock(lock_path(file), lock)
    before = contents(tmp_path)
    with pytest.raises(LockError, match="would be left behind, still billed"):
        synth(file, decide, replan=True, resolve=unasked)
    assert contents(tmp_path) == before
    assert synth(file).build == lock.build


@pytest.mark.parametrize("replan", [False, True])
@pytest.mark.parametrize(
    ("text", "error"),
    [
        (TRAINING + "surprise: 1\n", WorkloadError),
        (None, WorkloadError),
        (TRAINING + "limits: {budget: 0.01}\n", NoFeasiblePlan),
    ],
)
def test_without_a_plan_no_lock_is_written(
    tmp_path: Path, lock: Lock, text: str | None, error: type[Exception], replan: bool
) -> None:
    """Where nothing can be planned, nothing is written, and a lock that is there stays as it is."""
    file = written(tmp_path, text or "")
    if text is None:
        file.unlink()
    if replan:
        write_lock(lock_path(file), lock)
    before = contents(tmp_path)
    with pytest.raises(error):
        synth(file, decide, replan=replan)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("replan", [False, True])
def test_a_broken_lock_stops_a_synth(tmp_path: Path, replan: bool) -> None:
    """A lock that cannot be read may stand for a running stack: it is not planned over."""
    file = written(tmp_path, TRAINING)
    lock_path(file).write_text("{}", encoding="utf-8")
    with pytest.raises(LockError, match="not a lock that this Berth can read"):
        synth(file, decide, replan=replan)
    assert lock_path(file).read_text(encoding="utf-8") == "{}"


def test_a_folder_that_takes_no_lock_still_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the lock cannot be written, the plan is built all the same, and that is told once."""

    def read_only(*_: object, **__: object) -> tuple[int, str]:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "mkstemp", read_only)
    file = written(tmp_path, TRAINING)
    found = synth(file, decide, resolve=resolved)
    assert found.build.image.id == AMI
    (note,) = found.notes
    assert note.endswith("cannot be written: Read-only file system. The next synth may plan differently.")
    assert contents(tmp_path).keys() == {"tiny.yaml"}


def test_a_lock_that_takes_no_image_is_built_with_it(
    tmp_path: Path, lock: Lock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder that has become read-only the image is used and not kept, and that is told."""

    def read_only(*_: object, **__: object) -> tuple[int, str]:
        raise OSError(30, "Read-only file system")

    file = written(tmp_path, TRAINING)
    write_lock(lock_path(file), lock)
    before = contents(tmp_path)
    monkeypatch.setattr(tempfile, "mkstemp", read_only)
    found = synth(file, resolve=resolved)
    assert found.build == pinned(lock).build
    (note,) = found.notes
    assert note.endswith("Read-only file system. The image is not pinned: a newer one may replace the nodes.")
    assert contents(tmp_path) == before


def test_a_path_that_cannot_be_asked_for_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name too long for a lock, or an empty one, ends in a message and not in a traceback."""
    monkeypatch.chdir(tmp_path)
    file = written(tmp_path, TRAINING, f"{'x' * 250}.yaml")
    assert "File name too long" in synth(file, decide).notes[0]
    with pytest.raises(WorkloadError, match="Is a directory"):
        synth(Path(""), decide)
    assert os.listdir(tmp_path) == [file.name]


def test_a_target_that_is_not_the_locks_is_refused(tmp_path: Path, lock: Lock) -> None:
    """Who names another target is told how to lock it, and gets no stack of the locked one."""
    file = written(tmp_path, TRAINING)
    write_lock(lock_path(file), lock)
    before = contents(tmp_path)
    asked = rf"has the target {lock.build.target} locked, .* `berth lock \S+tiny\.yaml --target hyperpod-slurm` first"
    with pytest.raises(LockError, match=asked):
        synth(file, target=Target.HYPERPOD_SLURM)
    with pytest.raises(WorkloadError, match="serving-fleet"):
        synth(file, target=Target.SERVING_FLEET)
    assert contents(tmp_path) == before
    assert synth(file, target=lock.build.target).build == lock.build


FLEET = """
name: tiny
model: llama-3.1-8b
inference: {requests_per_second: 5, input_tokens: 512, output_tokens: 128}
limits: {regions: [us-east-1]}
pin: {instance_type: g6e.2xlarge}
provision:
  target: serving-fleet
  serving: {weights: s3://my-models/tiny, certificate: CERTIFICATE, MORE}
""".replace("CERTIFICATE", "arn:aws:acm:us-east-1:123456789012:certificate/0f0e0d0c-0b0a-0908-0706-050403020100")


@pytest.mark.parametrize(
    ("more", "bounds", "noted"),
    [
        ("clients: [10.20.0.0/16], most_nodes: 9", (None, 9), False),
        ("clients: [10.20.0.0/16], least_nodes: 1, most_nodes: 100", (1, 100), False),
        # Twice 300 addresses are more than the subnet has.
        ("clients: [10.20.0.0/16], most_nodes: 300", (None, None), True),
        ("clients: [10.20.0.0/16], least_nodes: 70", (None, None), True),
    ],
    ids=["wider", "both", "too wide", "crossed"],
)
def test_clients_and_bounds_of_a_fleet_follow_the_file(
    tmp_path: Path, more: str, bounds: tuple[int | None, int | None], noted: bool
) -> None:
    """They change around the nodes, as far as these and their subnet go; what does not go is told and left."""
    locked = synth(written(tmp_path, FLEET.replace(", MORE", "")), decide).build
    assert locked.fleet is not None and locked.fleet.clients == ()
    found = synth(written(tmp_path, FLEET.replace("MORE", more)))
    assert found.build.fleet is not None and found.build.fleet.clients == ("10.20.0.0/16",)
    wanted = (bounds[0] or locked.fleet.least_nodes, bounds[1] or locked.fleet.most_nodes)
    assert (found.build.fleet.least_nodes, found.build.fleet.most_nodes) == wanted
    assert any("plans for them" in note for note in found.notes) is noted
    assert not any("no longer matches" in note for note in found.notes)
