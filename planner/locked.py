"""What does a synth build?"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from planner.addresses import nodes_block
from planner.build import expiry
from planner.built import Fleet
from planner.calibration import Calibration
from planner.changes import keeping, permitted
from planner.errors import LockError, NoFeasiblePlan
from planner.load import Loaded, load_workload
from planner.lock import Head, Lock, answers, new_lock, read_head, read_lock, write_image, write_lock
from planner.places import lock_path
from planner.plan import Build, Decision, Target
from planner.provisioning import Serving
from planner.relock import Resolve, looked_up, must_boot
from planner.served import bounds
from planner.workload import Workload
from pricing.errors import BerthError
from pricing.records import replace

Decide = Callable[[Loaded, Calibration, datetime], Decision]


class Locked(Struct, frozen=True, kw_only=True):
    """What a synth builds, and what its reader should be told."""

    build: Build
    notes: tuple[str, ...]


def locked_build(
    file: Path,
    decide: Decide,
    calibration: Callable[[], Calibration],
    now: datetime,
    *,
    replan: bool = False,
    resolve: Resolve | None = None,
    target: Target | None = None,
) -> Locked:
    """What a synth of a workload file builds: its lock where there is one, else today's plan, locked.

    `calibration` reads the factors, which a build of a lock does without where they cannot be read.
    `resolve` looks an image up, None without credentials; `target` takes the place of the one in the file.
    A lock is built even where the workload file is gone or broken, so that a stack can always be compared and
    destroyed.
    """
    path = lock_path(file)
    notes: list[str] = []
    if os.path.exists(path) and not replan:
        build = _rebuilt(file, target, read_head(path), calibration, notes)
    else:
        build = _planned(load_workload(file, target), path, decide, calibration(), now, notes)
    if build.image.id is None:
        build = _pinned(path, build, resolve, notes)
    if build.expires_at and build.expires_at <= now:
        notes.append(
            f"The stack's time to live ended at {build.expires_at:%Y-%m-%d %H:%M} UTC; `berth lock {file}` begins anew."
        )
    return Locked(build=build, notes=tuple(notes))


def _planned(
    loaded: Loaded, path: Path, decide: Decide, calibration: Calibration, now: datetime, notes: list[str]
) -> Build:
    """Today's plan, locked, with what it changes of the lock that stood there before; the same plan stays locked."""
    lock = new_lock(loaded, decide(loaded, calibration, now), calibration, now)
    must_boot(lock.build)
    if os.path.exists(path):
        old = read_lock(path)
        kept = replace(lock, build=keeping(old.build, lock))
        lock = _from_when_it_was_locked(kept, old)
        changed = permitted(path, old.build, lock.build, replace_nodes=True)
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


def _rebuilt(
    file: Path, target: Target | None, head: Head, calibration: Callable[[], Calibration], notes: list[str]
) -> Build:
    """The locked build, with the provisioning that may change freely taken from the file as it is now.

    Raises LockError where a `target` is named that is not the lock's, WorkloadError where the file's job has no such.
    """
    if target and target is not head.build.target:
        load_workload(file, target)
        raise LockError(
            f"{lock_path(file)}: has the target {head.build.target} locked, and {target} is asked for. Run "
            f"`berth lock {file} --target {target}` first, or leave the target out to build what is locked."
        )
    try:
        loaded, factors = load_workload(file, target), calibration()
    except BerthError as error:
        notes.append(f"The workload cannot be read, so the locked plan is built as it is: {error.findings[0]}")
        return head.build
    if not answers(head, loaded, factors):
        notes.append(
            f"{file} no longer matches its lock; the locked plan is built. Run `berth lock {file}` or synthesize "
            "with -c replan=true to move on."
        )
    return _provisioned(file, head, loaded.workload, notes)


def _provisioned(file: Path, head: Head, workload: Workload, notes: list[str]) -> Build:
    provision = workload.provision
    return replace(
        head.build,
        fleet=_bounded(file, head.build, provision.serving, notes),
        lifecycle=provision.storage.lifecycle,
        expires_at=expiry(provision, head.build.instance_type, head.locked_at, head.build.block_ends_at),
        budget_usd=provision.budget,
        budget_email=provision.budget_email,
    )


def _bounded(file: Path, build: Build, asked: Serving | None, notes: list[str]) -> Fleet | None:
    """The fleet with the clients of the file as it is now, and its bounds where the subnet that stands holds them."""
    fleet = build.fleet
    if fleet is None or asked is None:
        return fleet
    quietest = min((each.nodes for each in fleet.schedule), default=build.nodes)
    least, most = bounds(asked, build.nodes, quietest)
    wanted = replace(fleet, clients=asked.clients, least_nodes=least, most_nodes=most)
    if least <= most and _holds(build, replace(build, fleet=wanted)):
        return wanted
    notes.append(
        f"{least} to {most} nodes do not go with the locked plan or its subnet, so that {fleet.least_nodes} to "
        f"{fleet.most_nodes} stay; `berth lock {file}` plans for them."
    )
    return replace(wanted, least_nodes=fleet.least_nodes, most_nodes=fleet.most_nodes)


def _holds(old: Build, new: Build) -> bool:
    """Whether the nodes of a new build take the subnet of the old one."""
    try:
        return nodes_block(old) == nodes_block(new)
    except NoFeasiblePlan:
        return False


def _pinned(path: Path, build: Build, resolve: Resolve | None, notes: list[str]) -> Build:
    """The build with its image resolved and written into the lock, where credentials allow it."""
    image = looked_up(build, resolve, notes)
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
