"""berth lock: keep today's plan."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from berth.options import CalibrationFile, Live, Offline, TargetName, WorkloadFile
from berth.progress import watched

if TYPE_CHECKING:
    from planner.plan import Build


def lock(
    workload: WorkloadFile,
    replace: Annotated[
        bool, typer.Option("--replace", help="Go on where the new plan would replace nodes, files or clusters.")
    ] = False,
    live: Live = False,
    offline: Offline = False,
    calibration: CalibrationFile = None,
    target: TargetName = None,
    refresh_ami: Annotated[
        bool, typer.Option("--refresh-ami", help="Look up the newest machine image, and change nothing else.")
    ] = False,
) -> None:
    """Write the plan lock that cdk builds from, beside the workload."""
    if refresh_ami:
        _refresh(workload, replace=replace, offline=offline)
        return
    from datetime import UTC, datetime

    from berth.plan_index import lock_alone
    from planner.decide import decide
    from planner.load import LoadedIndex, load_any, target_named
    from planner.lock import new_lock
    from planner.own_calibration import chosen_calibration
    from planner.places import find_workload, lock_path
    from planner.relock import relock
    from planner.report.headline import headline
    from pricing.aws.images import resolve_image
    from pricing.basis import prices_wanted

    prices = prices_wanted(live=live, offline=offline)
    now, factors = datetime.now(UTC), chosen_calibration(calibration)
    loaded = load_any(find_workload(workload), target_named(target))
    if isinstance(loaded, LoadedIndex):
        lock_alone(loaded, now, prices)
        return
    decision = decide(loaded, factors, now, prices, watched)
    path = lock_path(loaded.file)
    changed, notes = relock(
        path,
        new_lock(loaded, decision, factors, now),
        replace_nodes=replace,
        resolve=None if offline else resolve_image,
        compare=_remade,
    )
    for item in changed.replacing:
        print(f"changes: {item}", file=sys.stderr)
    for item in changed.remade:
        print(f"replaces: {item}", file=sys.stderr)
    for item in changed.around:
        print(f"changes: {item}", file=sys.stderr)
    for note in notes:
        print(note, file=sys.stderr)
    print(f"{path}: {headline(decision.plan)}")


def _remade(old: Build, new: Build) -> tuple[str, ...]:
    """What CloudFormation would make anew; the CDK takes a second to load, and is needed only where builds differ."""
    # The Node beside this Python, as the cdk command takes it, and not another one on the PATH.
    os.environ.setdefault("JSII_NODE", str(Path(sys.executable).with_name("node")))
    from stacks.compare import remade

    return remade(old, new)


def _refresh(workload: str, *, replace: bool, offline: bool) -> None:
    """The lock with today's image, whatever the workload and the prices say now."""
    from planner.lock import read_head
    from planner.places import find_workload, lock_path
    from planner.relock import refresh_image
    from pricing.aws.images import resolve_image
    from pricing.errors import OptionError

    if offline:
        raise OptionError("--refresh-ami asks AWS which image is the newest; leave --offline out.")
    path = lock_path(find_workload(workload))
    changed = refresh_image(path, replace_nodes=replace, resolve=resolve_image)
    for item in changed.all:
        print(f"replaces every node: {item}", file=sys.stderr)
    print(f"{path}: {read_head(path).build.image.id}{'' if changed.all else ', as before'}")
