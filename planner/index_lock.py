"""Which plan of a vector index was decided on, and is it still today's?

It stands where the lock of a model would, `NAME.plan.json`, without a build, since no stack builds an index as yet.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from msgspec import DecodeError, Struct

from planner.errors import LockError
from planner.index_record import IndexPlan
from planner.lock import FORMAT, read_record, record_json
from planner.workload import Workload
from pricing.files import write_whole


class IndexLock(Struct, frozen=True, kw_only=True):
    """A plan of an index, and the digest of the workload that it answers."""

    format: int
    digest: str
    locked_at: datetime
    index: IndexPlan


def new_index_lock(workload: Workload, plan: IndexPlan, now: datetime) -> IndexLock:
    """The lock of a plan made `now` (UTC); comments, order and defaults are not in its digest."""
    asked = json.dumps(workload.model_dump(mode="json", exclude_defaults=True), sort_keys=True)
    return IndexLock(format=FORMAT, digest=sha256(asked.encode()).hexdigest(), locked_at=now, index=plan)


def index_lock_json(lock: IndexLock) -> str:
    """The lock as it stands in its file."""
    return record_json(lock)


def read_index_lock(path: Path) -> IndexLock | None:
    """The lock at `path`, None where there is none. Raises LockError where another thing stands there."""
    if not os.path.exists(path):
        return None
    try:
        return read_record(path.read_bytes(), IndexLock)
    except OSError as error:
        raise LockError(f"{path}: the lock cannot be read: {error.strerror}") from None
    except (DecodeError, RecursionError):
        raise LockError(
            f"{path}: not the lock of a vector index; name the workload otherwise, or delete it and run `berth lock`"
        ) from None


def index_drift(old: IndexLock, new: IndexLock) -> tuple[str, ...]:
    """What today's plan would change of the locked one, in words."""
    pairs = (
        ("workload", old.digest[:12], new.digest[:12]),
        ("instances", _fleet(old.index), _fleet(new.index)),
        ("USD a month", f"{old.index.chosen.usd_per_month:,}", f"{new.index.chosen.usd_per_month:,}"),
    )
    return tuple(f"{name}: {before} -> {after}" for name, before, after in pairs if before != after)


def write_index_lock(path: Path, lock: IndexLock) -> None:
    """Writes a lock, whole or not at all. Raises LockError where the folder cannot be written."""
    try:
        write_whole(path, index_lock_json(lock))
    except OSError as error:
        raise LockError(f"{path}: the lock cannot be written: {error.strerror}") from None


def _fleet(plan: IndexPlan) -> str:
    return f"{plan.chosen.nodes} x {plan.chosen.instance_type} in {plan.chosen.region}"
