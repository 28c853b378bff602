"""berth lock: keep today's plan."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from berth.options import Offline, WorkloadFile


def lock(
    workload: WorkloadFile,
    replace: Annotated[
        bool, typer.Option("--replace", help="Go on where the new plan would replace running nodes.")
    ] = False,
    offline: Offline = False,
) -> None:
    """Write the plan lock that cdk builds from, beside the workload."""
    from datetime import UTC, datetime

    from planner.calibration import load_calibration
    from planner.decide import decide
    from planner.load import load_workload
    from planner.lock import new_lock
    from planner.places import find_workload, lock_path
    from planner.relock import relock
    from planner.report.terminal import headline
    from pricing.aws.images import resolve_image

    now, calibration = datetime.now(UTC), load_calibration()
    loaded = load_workload(find_workload(workload))
    decision = decide(loaded, calibration, now)
    path = lock_path(loaded.file)
    changed, notes = relock(
        path,
        new_lock(loaded, decision, calibration, now),
        replace_nodes=replace,
        resolve=None if offline else resolve_image,
    )
    for item in changed.replacing:
        print(f"replaces every node: {item}", file=sys.stderr)
    for item in changed.around:
        print(f"changes: {item}", file=sys.stderr)
    for note in notes:
        print(note, file=sys.stderr)
    print(f"{path}: {headline(decision.plan.chosen)}")
