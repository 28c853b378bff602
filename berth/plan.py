"""berth plan: what would run where, how fast, for how much, and why?"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from berth.options import CalibrationFile, Live, Offline, TargetName, WorkloadFile
from berth.progress import say, watched


def plan(
    workload: WorkloadFile,
    json: Annotated[bool, typer.Option("--json", help="Print the plan as the lock keeps it.")] = False,
    live: Live = False,
    offline: Offline = False,
    calibration: CalibrationFile = None,
    target: TargetName = None,
) -> None:
    """Plan a workload: a dry run that writes nothing."""
    from datetime import UTC, datetime
    from time import perf_counter

    from berth.plan_index import plan_alone
    from planner.decide import decide
    from planner.load import LoadedIndex, load_any, target_named
    from planner.lock import lock_json, new_lock, read_chosen
    from planner.own_calibration import chosen_calibration
    from planner.places import find_workload, lock_path
    from planner.report.terminal import print_drift, print_plan
    from pricing.basis import prices_wanted
    from pricing.units import show_duration

    prices = prices_wanted(live=live, offline=offline)
    now, factors = datetime.now(UTC), chosen_calibration(calibration)
    loaded = load_any(find_workload(workload), target_named(target))
    if isinstance(loaded, LoadedIndex):
        plan_alone(loaded, now, prices, json=json)
        return
    start = perf_counter()
    decision = decide(loaded, factors, now, prices, watched)
    decided = f"Decided on {decision.plan.covered:,} candidates in {show_duration(perf_counter() - start)}."
    if json:
        print(lock_json(new_lock(loaded, decision, factors, now)), end="")
    else:
        print_plan(decision.plan, now.date())
        say(decided)
    path = lock_path(loaded.file)
    if os.path.exists(path):
        print_drift(path, *read_chosen(path), decision, sys.stderr)
