"""How does today's plan take the place of the one that was locked?"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from planner.build import image_fault
from planner.built import Image
from planner.changes import Changes, Compare, keeping, permitted
from planner.errors import LockError
from planner.lock import Lock, read_head, read_lock, write_image, write_lock
from planner.plan import Build, Target
from pricing.errors import MarketError
from pricing.records import replace

Resolve = Callable[[str, str], str]
"""Looks up the image that a public parameter names in a region. Raises MarketError."""


def relock(
    path: Path, lock: Lock, *, replace_nodes: bool, resolve: Resolve | None, compare: Compare | None = None
) -> tuple[Changes, tuple[str, ...]]:
    """Writes `lock` over the one at `path`, keeping its image; returns what changes, and notes.

    `resolve` looks up an image that is not pinned yet, None to leave it; `compare` compares the stacks' templates.
    Raises LockError, and writes nothing, where no image boots the nodes, where the change would leave a stack behind,
    or would replace what stands there and `replace_nodes` is not set.
    """
    must_boot(lock.build)
    notes = [f"{path}: {fault}" for fault in _split_notes(lock.build)]
    if not os.path.exists(path):
        write_lock(path, _resolved(lock, resolve, notes))
        return Changes(), tuple(notes)
    old = read_lock(path)
    lock = replace(lock, build=keeping(old.build, lock))
    changed = permitted(path, old.build, lock.build, replace_nodes=replace_nodes, compare=compare)
    lock = _resolved(lock, resolve, notes)
    if replace(lock, locked_at=old.locked_at) != old:
        write_lock(path, lock)
    return changed, tuple(notes)


def refresh_image(path: Path, *, replace_nodes: bool, resolve: Resolve) -> Changes:
    """Looks the image of the lock at `path` up anew, and leaves the rest of the lock as it is; returns what changes.

    Raises LockError, and writes nothing, where there is no lock, where its image is the user's own, or where another
    image would replace the nodes and `replace_nodes` is not set; MarketError where the image cannot be looked up.
    """
    old = read_head(path).build
    parameter = old.image.parameter
    if old.target is Target.EKS_NODES:
        raise LockError(
            f"{path}: EKS keeps the image of its nodes; `aws eks update-nodegroup-version` rolls them to the newest."
        )
    if parameter is None:
        raise LockError(f"{path}: the image {old.image.id} is your own, named in provision.image; name another there.")
    image = Image(parameter=parameter, id=resolve(parameter, old.region))
    changed = permitted(path, old, replace(old, image=image), replace_nodes=replace_nodes)
    if image != old.image:
        write_image(path, image)
    return changed


def must_boot(build: Build) -> None:
    """Raises LockError for a build whose nodes no image is known for, of which no stack could be made."""
    if fault := image_fault(build):
        raise LockError(f"{fault}; nothing is locked")


def _split_notes(build: Build) -> tuple[str, ...]:
    """What to know of a lock whose replicas for prompts are apart from those for answers: it is kept, not built."""
    if not build.split:
        return ()
    return (
        "prompts and answers have replicas of their own, which no stack starts or connects yet: cdk refuses this lock. "
        "Set inference.disaggregate to compare for one that is built.",
    )


def looked_up(build: Build, resolve: Resolve | None, notes: list[str]) -> Image:
    """The image of a build, looked up where it is open and credentials allow it; a failure goes to `notes`."""
    image = build.image
    if image.id or image.parameter is None or resolve is None:
        return image
    try:
        return Image(parameter=image.parameter, id=resolve(image.parameter, build.region))
    except MarketError as error:
        notes.append(f"The image is not pinned. {error.findings[0]}")
        return image


def _resolved(lock: Lock, resolve: Resolve | None, notes: list[str]) -> Lock:
    """The lock with its image looked up, where it is not pinned and credentials allow it."""
    return replace(lock, build=replace(lock.build, image=looked_up(lock.build, resolve, notes)))
