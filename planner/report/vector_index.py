"""How does the plan of a vector index read on a terminal?"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import date

from planner.explain import grouped
from planner.index_record import IndexFleet, IndexPlan
from planner.plan import Rejection
from pricing.units import show_bytes, show_count, show_gib, show_usd

WIDTH = 110
SHOWN_REJECTIONS = 6


def print_index(plan: IndexPlan, today: date) -> None:
    """Prints the plan of an index to stdout, with the age that its price has on a day."""
    print("\n".join(index_lines(plan, today)))


def index_headline(plan: IndexPlan) -> str:
    """The plan in one line."""
    fleet = plan.chosen
    return (
        f"{fleet.nodes} x {fleet.instance_type} ({fleet.region}, {fleet.purchase}): "
        f"{show_usd(fleet.usd_per_month)} a month for {plan.copies} cop{'y' if plan.copies == 1 else 'ies'} of "
        f"{show_gib(plan.bytes_per_copy)}"
    )


def index_lines(plan: IndexPlan, today: date) -> Iterator[str]:
    """The plan of an index, line by line."""
    fleet = plan.chosen
    yield f"{plan.workload}, vector index: {index_headline(plan)}"
    yield ""
    yield "Index"
    yield f"  {plan.method} ({plan.engine}): {show_count(plan.vectors)} vectors of {plan.dimensions:,} dimensions"
    for name, size in plan.terms.items():
        yield f"  {name:<18}{show_bytes(size):>12}{size / plan.bytes_per_copy:>8.1%}"
    yield f"  {'one copy':<18}{show_gib(plan.bytes_per_copy):>12}"
    yield from _wrapped(plan.formula)
    yield ""
    yield "Fleet"
    yield from _wrapped(
        f"{plan.copies} x {fleet.nodes_per_copy} x {fleet.instance_type}: {show_gib(fleet.memory_bytes_per_node)} of "
        f"{fleet.memory} a node, {show_gib(fleet.usable_bytes_per_node)} of it for the index, "
        f"{plan.bytes_per_copy / fleet.nodes_per_copy / fleet.usable_bytes_per_node:.0%} of that used"
    )
    said = fleet.provenance
    yield from _wrapped(
        f"{show_usd(fleet.usd_per_hour)} an hour; price known to hold on {said.as_of}, "
        f"{max(said.age_days(today), 0):,} days ago ({said.source})"
    )
    yield ""
    yield "Runners-up"
    yield from (f"  {_row(each)}" for each in (fleet, *plan.runners_up))
    rejections = [Rejection(subject=name, reason=reason, change="") for name, reason in plan.rejections.items()]
    shown = grouped(rejections)[:SHOWN_REJECTIONS]
    if shown:
        yield ""
        yield "Not considered"
        for says, names in shown:
            named = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
            yield from _wrapped(f"{named}: {says}")
    yield ""
    yield "Mind"
    for note in plan.notes:
        yield from _wrapped(f"- {note}")


def _row(fleet: IndexFleet) -> str:
    return (
        f"{fleet.nodes:>4} x {fleet.instance_type:<18}{fleet.region:<12}{fleet.purchase:<12}"
        f"{show_usd(fleet.usd_per_month):>12} a month"
    )


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ")
