"""Does what runs stay as it is until somebody says otherwise?"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from planner.calibration import Calibration, load_calibration
from planner.decide import decide
from planner.errors import LockError, NoFeasiblePlan, WorkloadError
from planner.load import Loaded
from planner.lock import Lock, read_head, read_lock, write_lock
from planner.places import lock_path
from planner.plan import Build, Decision, Image, Lifecycle, Target
from planner.relock import Changes, Locked, changes, drift, locked_build, relock
from pricing.errors import MarketError
from pricing.offer import Purchase
from tests.planner.market_builders import NOW, TRAINING, lock_of, slower, written

LATER = NOW + timedelta(days=3)
AMI = "ami-0123456789abcdef0"
ZONED = TRAINING + "provision: {zone: use1-az4}\n"
PINNED = TRAINING + "pin: {instance_type: g5.xlarge}\n"
UNREADABLE = "The workload cannot be read, so the locked plan is built as it is: "


@pytest.fixture(scope="module")
def lock(tmp_path_factory: pytest.TempPathFactory) -> Lock:
    """The lock of a small training on one instance."""
    return lock_of(written(tmp_path_factory.mktemp("locked"), TRAINING))


def other(lock: Lock, **fields_of_build: Any) -> Lock:
    """The lock with another build."""
    return replace(lock, build=replace(lock.build, **fields_of_build))


def pinned(lock: Lock) -> Lock:
    """The lock with its image looked up."""
    return other(lock, image=replace(lock.build.image, id=AMI))


def never(loaded: Loaded, calibration: Calibration, now: datetime) -> Decision:
    """Planning that must not happen."""
    raise AssertionError("planned anew")


def unasked(parameter: str, region: str) -> str:
    """A look-up that must not happen."""
    raise AssertionError(f"{parameter} was looked up in {region}")


def resolved(parameter: str, region: str) -> str:
    """Credentials that find every image."""
    assert parameter.startswith("/aws/service/")
    assert region == "us-east-1"
    return AMI


def unresolved(parameter: str, region: str) -> str:
    """Credentials that are not enough."""
    raise MarketError(f"The machine image {parameter} cannot be looked up in {region}: denied.")


def synth(
    file: Path,
    decide: Callable[[Loaded, Calibration, datetime], Decision] = never,
    calibration: Calibration | None = None,
    **options: Any,
) -> Locked:
    """What a synth builds, three days after the lock."""
    return locked_build(file, decide, calibration or load_calibration(), LATER, **options)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {each.name: each.read_bytes() for each in folder.iterdir()}


# For each field of a build another value than the small training's. What makes another stack:
MOVING: dict[str, Any] = {"name": "b", "region": "us-west-2", "zone_id": "use1-az9"}
# What stands in create-only properties, or in the launch template, or follows from what does:
REPLACING: dict[str, Any] = {
    "target": Target.EFA_CLUSTER,
    "instance_type": "p5.48xlarge",
    "vendor": "AWS",
    "accelerators": 7,
    "nvme_bytes": 1,
    "efa_cards": (0, 1),
    "nic_slots": (9, 9),
    "nodes": 5,
    "purchase": Purchase.SPOT,
    "reservation_id": "cr-01234567",
    "image": Image(parameter="/another", id=None),
    "root_volume_bytes": 1,
}
# What changes around nodes that run:
AROUND: dict[str, Any] = {
    "lifecycle": Lifecycle.PERSISTENT,
    "expires_at": NOW,
    "budget_usd": Decimal(5),
    "budget_email": "ml@example.com",
}
JUDGED = {"moving": MOVING, "replacing": REPLACING, "around": AROUND}


def words_of(field: str, value: object) -> tuple[str, str]:
    """How a change to the value begins and ends in words."""
    return f"{field.replace('_', ' ')}: ", f" -> {'/another' if field == 'image' else value}"


@pytest.mark.parametrize("field", [field.name for field in fields(Build)])
def test_every_field_of_a_build_is_judged_once(lock: Lock, field: str) -> None:
    """A change of any field, new ones too, is told in words as moving, replacing or around, and as nothing else."""
    (kind,) = [kind for kind, table in JUDGED.items() if field in table]
    value = JUDGED[kind][field]
    assert getattr(lock.build, field) != value
    found = changes(lock.build, replace(lock.build, **{field: value}))
    (words,) = found.all
    assert found == Changes(**{kind: (words,)})
    first, last = words_of(field, value)
    assert words.startswith(first) and words.endswith(last)


def test_nothing_is_judged_that_is_not_built() -> None:
    """The three tables are the fields of a build, each once."""
    assert sorted([*MOVING, *REPLACING, *AROUND]) == sorted(field.name for field in fields(Build))


def test_the_gravest_change_is_told_first(lock: Lock) -> None:
    """All changes together are those that move, those that replace and the rest, in this order."""
    found = changes(lock.build, replace(lock.build, **MOVING, **REPLACING, **AROUND))
    assert found.all == (*found.moving, *found.replacing, *found.around)
    assert [len(found.moving), len(found.replacing), len(found.around)] == [len(MOVING), len(REPLACING), len(AROUND)]
    assert changes(lock.build, lock.build).all == ()


@pytest.mark.parametrize(
    ("before", "after", "replaces"),
    [
        (Image(parameter="/p", id=None), Image(parameter="/p", id=AMI), False),
        (Image(parameter="/p", id=AMI), Image(parameter="/p", id=AMI), False),
        (Image(parameter="/p", id=AMI), Image(parameter="/p", id="ami-2"), True),
        (Image(parameter="/p", id=AMI), Image(parameter="/p", id=None), True),
        (Image(parameter="/p", id=None), Image(parameter=None, id=AMI), True),
    ],
)
def test_pinning_an_image_is_no_change(lock: Lock, before: Image, after: Image, replaces: bool) -> None:
    """The id of the image that was asked for anyway replaces nothing; another image does."""
    found = changes(replace(lock.build, image=before), replace(lock.build, image=after))
    assert (bool(found.replacing), found.moving, found.around) == (replaces, (), ())


def test_the_first_lock_is_written(tmp_path: Path, lock: Lock) -> None:
    """Without a lock there is nothing to replace."""
    path = tmp_path / "w.plan.json"
    assert relock(path, lock, replace_nodes=False, resolve=None) == (Changes(), ())
    assert read_lock(path) == lock


@pytest.mark.parametrize("field", REPLACING)
def test_replacing_is_refused_unless_asked_for(tmp_path: Path, lock: Lock, field: str) -> None:
    """What would replace the nodes is named, and the old file stays byte for byte, until --replace."""
    path = tmp_path / "w.plan.json"
    write_lock(path, lock)
    before, stat = path.read_bytes(), path.stat()
    new = other(lock, **{field: REPLACING[field]})
    with pytest.raises(LockError) as caught:
        relock(path, new, replace_nodes=False, resolve=unasked)
    first, words, last = caught.value.findings
    assert first == f"{path}: the new plan would replace every node of the stack:"
    assert words.startswith(f"  {words_of(field, REPLACING[field])[0]}")
    assert last.startswith("Nothing was written. ")
    assert last.endswith("to go on, run `berth lock` with --replace.")
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino) == (before, stat.st_mtime_ns, stat.st_ino)
    assert relock(path, new, replace_nodes=True, resolve=None) == (Changes(replacing=(words.strip(),)), ())
    assert read_lock(path) == new


@pytest.mark.parametrize("replace_nodes", [False, True])
@pytest.mark.parametrize("field", MOVING)
def test_moving_is_always_refused(tmp_path: Path, lock: Lock, field: str, replace_nodes: bool) -> None:
    """What would leave a billed stack behind is refused, asked for or not: only its changes are told, none is made."""
    path = tmp_path / "w.plan.json"
    write_lock(path, lock)
    before, stat = contents(tmp_path), path.stat()
    new = other(lock, nodes=5, budget_usd=Decimal(5), **{field: MOVING[field]})
    assert new.plan
    # The zone that stands would be kept wherever the new plan's type is sold there too.
    new = replace(new, plan=replace(new.plan, chosen=replace(new.plan.chosen, zone_ids=(new.build.zone_id,))))
    with pytest.raises(LockError) as caught:
        relock(path, new, replace_nodes=replace_nodes, resolve=unasked)
    first, words, last = caught.value.findings
    assert first.startswith(f"{path}: the new plan stands elsewhere, and the stack that runs would be left behind")
    assert words.startswith(f"  {words_of(field, MOVING[field])[0]}")
    assert last == f"Nothing was written; run `cdk destroy` first, then delete {path} and lock again."
    assert (contents(tmp_path), path.stat().st_ino) == (before, stat.st_ino)


def test_what_replaces_nothing_is_written_and_told(tmp_path: Path, lock: Lock) -> None:
    """A harmless change needs no --replace."""
    path = tmp_path / "w.plan.json"
    write_lock(path, lock)
    new = other(lock, budget_usd=Decimal(5))
    told = Changes(around=("budget usd: none -> 5",))
    assert relock(path, new, replace_nodes=False, resolve=None) == (told, ())
    assert read_lock(path) == new


def test_a_lock_of_the_same_plan_is_left_alone(tmp_path: Path, lock: Lock) -> None:
    """Locking the same plan again does not touch the file."""
    path = tmp_path / "w.plan.json"
    write_lock(path, lock)
    stat = path.stat()
    assert relock(path, replace(lock, locked_at=LATER), replace_nodes=False, resolve=None) == (Changes(), ())
    assert path.stat().st_ino == stat.st_ino
    assert read_lock(path).locked_at == NOW


def test_a_time_to_live_begins_anew(tmp_path: Path) -> None:
    """Locking again moves the end with the clock, and says so; nothing else of the build changes."""
    file = written(tmp_path, TRAINING + "provision: {time_to_live: 2d}\n")
    path = lock_path(file)
    relock(path, lock_of(file), replace_nodes=False, resolve=None)
    before = read_head(path).build
    changed, _ = relock(path, lock_of(file, LATER), replace_nodes=False, resolve=None)
    assert changed == Changes(around=(f"expires at: {NOW + timedelta(days=2)} -> {LATER + timedelta(days=2)}",))
    assert read_head(path).build == replace(before, expires_at=LATER + timedelta(days=2))


@pytest.mark.parametrize("what", ["digest", "price"])
def test_a_lock_keeps_todays_plan_even_where_the_stack_is_the_same(tmp_path: Path, lock: Lock, what: str) -> None:
    """What `berth lock` prints is what it has written: a new price or question is in the file afterwards."""
    path = tmp_path / "w.plan.json"
    write_lock(path, lock)
    assert lock.plan is not None
    dearer = replace(lock.plan, chosen=replace(lock.plan.chosen, usd_per_hour=Decimal(99)))
    new = replace(lock, digest="0" * 64) if what == "digest" else replace(lock, plan=dearer)
    assert relock(path, new, replace_nodes=False, resolve=None) == (Changes(), ())
    assert read_lock(path) == new


def test_an_open_image_is_looked_up(tmp_path: Path, lock: Lock) -> None:
    """The first lock with credentials pins the image, a later one keeps it and asks no more; neither is a change."""
    path = tmp_path / "w.plan.json"
    assert relock(path, lock, replace_nodes=False, resolve=resolved) == (Changes(), ())
    assert read_lock(path) == pinned(lock)
    assert relock(path, lock, replace_nodes=False, resolve=unasked) == (Changes(), ())
    assert relock(path, other(lock, nodes=5), replace_nodes=True, resolve=unasked)[1] == ()
    assert read_lock(path) == other(pinned(lock), nodes=5)


def test_a_lock_that_stands_open_is_pinned(tmp_path: Path, lock: Lock) -> None:
    """A lock that was written without credentials gets its image at the first lock that has them."""
    path = tmp_path / "w.plan.json"
    write_lock(path, lock)
    assert relock(path, lock, replace_nodes=False, resolve=resolved) == (Changes(), ())
    assert read_lock(path) == pinned(lock)


def test_a_failed_look_up_costs_only_the_pin(tmp_path: Path, lock: Lock) -> None:
    """The lock is written with the parameter, and a note says why."""
    path = tmp_path / "w.plan.json"
    changed, (note,) = relock(path, lock, replace_nodes=False, resolve=unresolved)
    assert changed == Changes()
    assert note.startswith("The image is not pinned. The machine image /aws/service/")
    assert note.endswith(" cannot be looked up in us-east-1: denied.")
    assert read_lock(path) == lock


def test_the_image_is_kept(tmp_path: Path, lock: Lock) -> None:
    """A resolved image stays when the plan is locked again, so that no release of an image replaces nodes."""
    path = tmp_path / "w.plan.json"
    write_lock(path, pinned(lock))
    changed, _ = relock(path, other(lock, budget_usd=Decimal(5)), replace_nodes=False, resolve=unasked)
    assert changed.replacing == ()
    assert read_head(path).build.image.id == AMI


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        (Image(parameter="/p", id=AMI), Image(parameter="/q", id=None), Image(parameter="/q", id=None)),
        (Image(parameter=None, id="ami-mine"), Image(parameter="/p", id=None), Image(parameter="/p", id=None)),
        (Image(parameter="/p", id=AMI), Image(parameter=None, id="ami-mine"), Image(parameter=None, id="ami-mine")),
        (Image(parameter=None, id="ami-old"), Image(parameter=None, id="ami-new"), Image(parameter=None, id="ami-new")),
    ],
)
def test_an_image_is_kept_for_the_same_question_only(
    tmp_path: Path, lock: Lock, old: Image, new: Image, kept: Image
) -> None:
    """Another public image, or the user's own, is taken as it is asked for."""
    path = tmp_path / "w.plan.json"
    write_lock(path, other(lock, image=old))
    changed, _ = relock(path, other(lock, image=new), replace_nodes=True, resolve=None)
    assert len(changed.replacing) == 1
    assert read_head(path).build.image == kept


def test_a_broken_lock_is_not_written_over(tmp_path: Path, lock: Lock) -> None:
    """Whoever has a lock that cannot be read is told, and keeps it."""
    path = tmp_path / "w.plan.json"
    path.write_text("<<<<<<< HEAD", encoding="utf-8")
    with pytest.raises(LockError, match="not a lock that this Berth can read"):
        relock(path, lock, replace_nodes=True, resolve=unasked)
    assert path.read_text(encoding="utf-8") == "<<<<<<< HEAD"


@pytest.mark.parametrize(
    ("today", "words"),
    [
        ({}, ()),
        ({"expires_at": LATER}, ()),
        ({"image": Image(parameter="/p", id=None)}, ()),
        ({"nodes": 2}, ("nodes: 1 -> 2",)),
        ({"budget_usd": Decimal(5), "nodes": 2}, ("nodes: 1 -> 2", "budget usd: none -> 5")),
        # An image has another id in another region.
        ({"region": "us-west-2"}, ("region: us-east-1 -> us-west-2", f"image: {AMI} -> /p")),
    ],
)
def test_drift_is_what_today_would_change(lock: Lock, today: dict[str, Any], words: tuple[str, ...]) -> None:
    """An image that is pinned already, and an end that moves with the clock, are no drift."""
    locked = replace(lock.build, image=Image(parameter="/p", id=AMI), expires_at=NOW, nodes=1)
    now = replace(lock.build, **{"image": Image(parameter="/p", id=None), "expires_at": LATER, "nodes": 1, **today})
    assert lock.plan
    assert drift(locked, Decision(plan=lock.plan, build=now)) == words


def test_a_plan_stays_in_its_zone_where_it_can(tmp_path: Path, lock: Lock) -> None:
    """The first zone of a list may change without moving a stack, as long as the type is sold where it stands."""
    path = tmp_path / "w.plan.json"
    assert lock.plan
    first, *_, last = lock.plan.chosen.zone_ids
    assert first == lock.build.zone_id
    write_lock(path, other(lock, zone_id=last))
    assert relock(path, lock, replace_nodes=False, resolve=None) == (Changes(), ())
    assert read_head(path).build.zone_id == last
    left = replace(lock.plan, chosen=replace(lock.plan.chosen, zone_ids=(first,)))
    with pytest.raises(LockError, match=f"zone id: {last} -> {first}"):
        relock(path, replace(lock, plan=left), replace_nodes=True, resolve=None)


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
    write_lock(lock_path(file), other(lock, **AROUND))
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
