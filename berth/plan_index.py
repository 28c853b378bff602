"""What do berth plan and berth lock say of a vector index alone?"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING

from berth.progress import watched

if TYPE_CHECKING:
    from planner.load import LoadedIndex
    from pricing.basis import Prices


def plan_alone(loaded: LoadedIndex, now: datetime, prices: Prices, *, json: bool) -> None:
    """Prints the plan of an index, and how it differs from its lock."""
    from planner.decide import decide_index
    from planner.index_lock import index_drift, index_lock_json, new_index_lock, read_index_lock
    from planner.places import lock_path
    from planner.report.vector_index import print_index

    plan = decide_index(loaded, now, prices, watched)
    lock = new_index_lock(loaded.workload, plan, now)
    if json:
        print(index_lock_json(lock), end="")
    else:
        print_index(plan, now.date())
    path = lock_path(loaded.file)
    old = read_index_lock(path)
    if old is None:
        return
    differences = index_drift(old, lock)
    says = "holds another plan:" if differences else "holds this plan."
    print(f"\n{path} {says}", *differences, sep="\n  ", file=sys.stderr)


def lock_alone(loaded: LoadedIndex, now: datetime, prices: Prices) -> None:
    """Writes the lock of an index. Nothing is built of it, so that nothing is replaced."""
    from planner.decide import decide_index
    from planner.index_lock import index_drift, new_index_lock, read_index_lock, write_index_lock
    from planner.places import lock_path
    from planner.report.vector_index import index_headline

    plan = decide_index(loaded, now, prices, watched)
    lock, path = new_index_lock(loaded.workload, plan, now), lock_path(loaded.file)
    old = read_index_lock(path)
    for item in index_drift(old, lock) if old else ():
        print(f"changes: {item}", file=sys.stderr)
    write_index_lock(path, lock)
    print(f"{path}: {index_headline(plan)}")
