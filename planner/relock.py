"""What may a new plan change of one that stands, and what does a synth build?"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path

from planner.calibration import Calibration
from planner.errors import LockError
from planner.load import Loaded, load_workload
from planner.lock import Head, Lock, digest_of, new_lock, read_head, read_lock, write_image, write_lock
from planner.places import lock_path
from planner.plan import Build, Decision, Image
from planner.workload import Workload
from pricing.errors import BerthError, MarketError

Decide = Callable[[Loaded, Calibration, datetime], Decision]
Resolve = Callable[[str, str], str]

# Another name or region is another stack. In another zone the subnets would be made anew beside the old ones,
# with the same addresses, which EC2 refuses.
_MOVING = ("name", "region", "zone_id")
# Change around running nodes; all else stands in create-only properties of the fleet, or in the launch template
# that it is replaced with (AWS::EC2::EC2Fleet, AWS::EC2::Instance in the CloudFormation reference).
_AROUND = ("lifecycle", "expires_at", "budget_usd", "budget_email")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What differs between two builds, in words: what makes another stack, what replaces every node, and the rest."""

    moving: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()
    around: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every difference, the gravest first."""
        return (*self.moving, *self.replacing, *self.around)


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """What a synth builds, and what its reader should be told."""

    build: Build
    notes: tuple[str, ...]


def changes(old: Build, new: Build) -> Changes:
    """What differs between the build of a stack and another."""
    words: dict[str, list[str]] = {"moving": [], "replacing": [], "around": []}
    for field in fields(Build):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before != after and not _pins(before, after):
            kind = "moving" if field.name in _MOVING else "around" if field.name in _AROUND else "replacing"
            words[kind].append(f"{field.name.replace('_', ' ')}: {_shown(before)} -> {_shown(after)}")
    return Changes(**{kind: tuple(items) for kind, items in words.items()})


def relock(path: Path, lock: Lock, *, replace_nodes: bool, resolve: Resolve | None) -> tuple[Changes, tuple[str, ...]]:
    """Writes `lock` over the one at `path`, keeping its image; returns what changes, and notes.

    `resolve` looks up an image that is not pinned yet, None to leave it. Raises LockError, and writes nothing,
    where the change would leave a stack behind, or would replace its nodes and `replace_nodes` is not set.
    """
    notes: list[str] = []
    if not os.path.exists(path):
        write_lock(path, _resolved(lock, resolve, notes))
        return Changes(), tuple(notes)
    old = read_lock(path)
    lock = replace(lock, build=_keeping(old.build, lock))
    changed = _permitted(path, old.build, lock.build, replace_nodes=replace_nodes)
    lock = _resolved(lock, resolve, notes)
    if replace(lock, locked_at=old.locked_at) != old:
        write_lock(path, lock)
    return changed, tuple(notes)


def drift(locked: Build, today: Decision) -> tuple[str, ...]:
    """What today's decision would change in the stack of a lock, in words; its end moves with the clock alone."""
    return changes(locked, replace(_keeping(locked, today), expires_at=locked.expires_at)).all


def locked_build(
    file: Path,
    decide: Decide,
    calibration: Calibration,
    now: datetime,
    *,
    replan: bool = False,
    resolve: Resolve | None = None,
) -> Locked:
    """What a synth of a workload file builds: its lock where there is one, else today's plan, locked.

    `resolve` looks an image up, None without credentials. A lock is built even where the workload file is
    gone or broken, so that a stack can always be compared and destroyed.
    """
    path = lock_path(file)
    notes: list[str] = []
    if os.path.exists(path) and not replan:
        build = _rebuilt(file, read_head(path), calibration, notes)
    else:
        build = _planned(file, path, decide, calibration, now, notes)
    if build.image.id is None:
        build = _pinned(path, build, resolve, notes)
    if build.expires_at and build.expires_at <= now:
        notes.append(
            f"The stack's time to live ended at {build.expires_at:%Y-%m-%d %H:%M} UTC; `berth lock {file}` begins anew."
        )
    return Locked(build=build, notes=tuple(notes))


def _permitted(path: Path, old: Build, new: Build, *, replace_nodes: bool) -> Changes:
    """What changes, where nobody has to be warned of it. Raises LockError otherwise."""
    changed = changes(old, new)
    if changed.moving:
        raise LockError(
            [
                f"{path}: the new plan stands elsewhere, and the stack that runs would be left behind, still billed:",
                *(f"  {item}" for item in changed.moving),
                f"Nothing was written; run `cdk destroy` first, then delete {path} and lock again.",
            ]
        )
    if changed.replacing and not replace_nodes:
        raise LockError(
            [
                f"{path}: the new plan would replace every node of the stack:",
                *(f"  {item}" for item in changed.replacing),
                "Nothing was written. CloudFormation starts the new nodes before it ends the old ones, so quota and "
                "capacity are needed twice; to go on, run `berth lock` with --replace.",
            ]
        )
    return changed


def _planned(
    file: Path, path: Path, decide: Decide, calibration: Calibration, now: datetime, notes: list[str]
) -> Build:
    """Today's plan, locked, with what it changes of the lock that stood there before; the same plan stays locked."""
    loaded = load_workload(file)
    lock = new_lock(loaded, decide(loaded, calibration, now), calibration, now)
    if os.path.exists(path):
        old = read_lock(path)
        kept = replace(lock, build=_keeping(old.build, lock))
        lock = _from_when_it_was_locked(kept, old)
        changed = _permitted(path, old.build, lock.build, replace_nodes=True)
        notes += [f"Planned anew; replaces every node: {item}" for item in changed.replacing]
        notes += [f"Planned anew: {item}" for item in changed.around]
        if lock == old:
            return lock.build
    try:
        write_lock(path, lock)
    except LockError as error:
        # A folder that cannot be written costs the lock, not the synth.
        notes.append(f"{error.findings[0]}. The next synth may plan differently.")
    return lock.build


def _from_when_it_was_locked(lock: Lock, old: Lock) -> Lock:
    """The old lock where the new one differs from it by the clock alone."""
    same = replace(lock, locked_at=old.locked_at, build=replace(lock.build, expires_at=old.build.expires_at))
    return old if same == old else lock


def _rebuilt(file: Path, head: Head, calibration: Calibration, notes: list[str]) -> Build:
    """The locked build, with the provisioning that may change freely taken from the file as it is now."""
    try:
        loaded = load_workload(file)
    except BerthError as error:
        notes.append(f"The workload cannot be read, so the locked plan is built as it is: {error.findings[0]}")
        return head.build
    if digest_of(loaded, calibration) != head.digest:
        notes.append(
            f"{file} no longer matches its lock; the locked plan is built. Run `berth lock {file}` or synthesize "
            "with -c replan=true to move on."
        )
    return _provisioned(head, loaded.workload)


def _provisioned(head: Head, workload: Workload) -> Build:
    provision = workload.provision
    live = provision.time_to_live
    return replace(
        head.build,
        lifecycle=provision.storage.lifecycle,
        expires_at=head.locked_at + timedelta(seconds=live) if live else None,
        budget_usd=provision.budget,
        budget_email=provision.budget_email,
    )


def _pinned(path: Path, build: Build, resolve: Resolve | None, notes: list[str]) -> Build:
    """The build with its image resolved and written into the lock, where credentials allow it."""
    image = _looked_up(build, resolve, notes)
    if image.id is None:
        return build
    if not os.path.exists(path):
        # The lock could not be written, which has been told.
        return replace(build, image=image)
    try:
        write_image(path, image)
    except LockError as error:
        notes.append(f"{error.findings[0]}. The image is not pinned: a newer one may replace the nodes.")
    return replace(build, image=image)


def _resolved(lock: Lock, resolve: Resolve | None, notes: list[str]) -> Lock:
    """The lock with its image looked up, where it is not pinned and credentials allow it."""
    return replace(lock, build=replace(lock.build, image=_looked_up(lock.build, resolve, notes)))


def _looked_up(build: Build, resolve: Resolve | None, notes: list[str]) -> Image:
    image = build.image
    if image.id or image.parameter is None or resolve is None:
        return image
    try:
        return Image(parameter=image.parameter, id=resolve(image.parameter, build.region))
    except MarketError as error:
        notes.append(f"The image is not pinned. {error.findings[0]}")
        return image


def _keeping(old: Build, decided: Decision | Lock) -> Build:
    """What was decided, in the zone and with the image of the old build, where they still answer the question."""
    new = decided.build
    if old.region != new.region:
        return new
    if decided.plan and old.zone_id in decided.plan.chosen.zone_ids:
        new = replace(new, zone_id=old.zone_id)
    same = old.image.parameter == new.image.parameter
    return replace(new, image=old.image) if same and new.image.id is None else new


def _pins(before: object, after: object) -> bool:
    """Whether a change only pins what was open: the same image parameter, now with an id."""
    return (
        isinstance(before, Image)
        and isinstance(after, Image)
        and before.parameter == after.parameter
        and before.id is None
    )


def _shown(value: object) -> str:
    if isinstance(value, Image):
        return value.id or str(value.parameter)
    return "none" if value is None else str(value)
