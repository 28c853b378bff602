"""Does a new plan take the place of a locked one only where nothing is lost?"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from planner.built import Image
from planner.changes import Changes
from planner.errors import LockError
from planner.lock import Lock, read_head, read_lock, write_lock
from planner.places import lock_path
from planner.relock import refresh_image, relock
from pricing.errors import MarketError
from pricing.records import replace
from tests.planner.locks import (
    AMI,
    LATER,
    MOVING,
    REPLACING,
    contents,
    other,
    pinned,
    resolved,
    unasked,
    unresolved,
    words_of,
)
from tests.planner.market_builders import NOW, TRAINING, lock_of, written


def test_the_first_lock_is_written(tmp_path: Path, lock: Lock) -> None:
    """Without a lock there is nothing to replace."""
    path = tmp_path / "w.plan.json"
    assert relock(path, lock, replace_nodes=False, resolve=None) == (Changes(), ())
    assert read_lock(path) == lock


def test_a_lock_that_no_stack_builds_says_so(tmp_path: Path, lock: Lock) -> None:
    """Replicas for prompts apart from those for answers are locked, with a note that cdk will refuse them."""
    path = tmp_path / "w.plan.json"
    (note,) = relock(path, other(lock, split=True), replace_nodes=False, resolve=None)[1]
    assert note.startswith(f"{path}: prompts and answers have replicas of their own, which no stack starts")


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
    assert relock(path, new, replace_nodes=True, resolve=None)[0] == Changes(replacing=(words.strip(),))
    assert read_lock(path) == new


def test_the_templates_have_the_last_word(tmp_path: Path, lock: Lock) -> None:
    """What CloudFormation makes anew is refused whichever field differs, and where it is nothing, nothing is."""
    path = tmp_path / "w.plan.json"
    write_lock(path, lock)
    with pytest.raises(LockError) as caught:
        relock(path, other(lock, budget_usd=Decimal(5)), replace_nodes=False, resolve=None, compare=lambda *_: ("all",))
    assert caught.value.findings[:3] == (
        f"{path}: the new plan would replace what stands:",
        "  budget usd: none -> 5",
        "  all",
    )
    changed, _ = relock(path, other(lock, nodes=5), replace_nodes=False, resolve=None, compare=lambda *_: ())
    assert changed == Changes(around=("nodes: 1 -> 5",))
    assert read_head(path).build.nodes == 5


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


def test_a_refreshed_image_is_all_that_changes(tmp_path: Path, lock: Lock) -> None:
    """An image that was never pinned is pinned, one that is the newest stays, and the rest of the lock is untouched."""
    path = tmp_path / "w.plan.json"
    write_lock(path, lock)
    assert refresh_image(path, replace_nodes=False, resolve=resolved) == Changes()
    assert read_lock(path) == pinned(lock)
    before = path.stat().st_mtime_ns
    assert refresh_image(path, replace_nodes=False, resolve=resolved) == Changes()
    assert path.stat().st_mtime_ns == before


def test_another_image_replaces_the_nodes_only_when_asked_to(tmp_path: Path, lock: Lock) -> None:
    """A newer image is refused, and nothing written, until --replace."""
    path = tmp_path / "w.plan.json"
    write_lock(path, other(lock, image=replace(lock.build.image, id="ami-older")))
    kept = path.read_bytes()
    with pytest.raises(LockError, match="would replace every node"):
        refresh_image(path, replace_nodes=False, resolve=resolved)
    assert path.read_bytes() == kept
    changed = refresh_image(path, replace_nodes=True, resolve=resolved)
    assert changed.replacing == (f"image: ami-older -> {AMI}",)
    assert read_lock(path) == pinned(lock)


def test_an_image_that_cannot_be_refreshed_is_told(tmp_path: Path, lock: Lock) -> None:
    """Without a lock, with an image of the user's own, or without credentials nothing is written."""
    path = tmp_path / "w.plan.json"
    with pytest.raises(LockError, match="cannot be read"):
        refresh_image(path, replace_nodes=True, resolve=unasked)
    write_lock(path, other(lock, image=Image(parameter=None, id=AMI)))
    with pytest.raises(LockError, match=f"the image {AMI} is your own"):
        refresh_image(path, replace_nodes=True, resolve=unasked)
    write_lock(path, lock)
    with pytest.raises(MarketError, match="cannot be looked up"):
        refresh_image(path, replace_nodes=True, resolve=unresolved)
    assert read_lock(path) == lock
