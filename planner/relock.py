"""How does today's plan take the place of the one that was locked?"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from planner.changes import Changes, Compare, keeping, permitted
from planner.lock import Lock, read_lock, write_lock
from planner.plan import Build, Image
from pricing.errors import MarketError

Resolve = Callable[[str, str], str]
"""Looks up the image that a public parameter names in a region. Raises MarketError."""


def relock(
    path: Path, lock: Lock, *, replace_nodes: bool, resolve: Resolve | None, compare: Compare | None = None
) -> tuple[Changes, tuple[str, ...]]:
    """Writes `lock` over the one at `path`, keeping its image; returns what changes, and notes.

    `resolve` looks up an image that is not pinned yet, None to leave it; `compare` compares the stacks' templates.
    Raises LockError, and writes nothing, where the change would leave a stack behind, or would replace what stands
    there and `replace_nodes` is not set.
    """
    notes: list[str] = []
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
