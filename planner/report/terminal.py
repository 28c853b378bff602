"""How does a plan read on a terminal?

The decision in its order: model, job, technique, memory, instance requirement, availability, choice; then the
tables behind it. Widths are fixed where the output is not a terminal, so that a file reads like the screen.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from planner.changes import drift
from planner.explain import grouped
from planner.index_record import IndexPlan
from planner.lock import Head
from planner.need_record import Requirement
from planner.plan import (
    Candidate,
    Decision,
    MemoryTable,
    Plan,
    Rejection,
    Run,
    RungAnswer,
    Service,
    Term,
)
from planner.report.batch import batch_layout, step_title
from planner.report.beside import beside_rows
from planner.report.bill import bill_table, deals_table, total
from planner.report.columns import figures_table
from planner.report.fleet import fleet_rows
from planner.report.headline import headline, in_one_line
from planner.report.speed import speed_rows
from planner.report.split import comparison_rows, degrees
from planner.report.vector_index import index_headline
from planner.techniques import load_techniques
from pricing.catalog import load_instance_types
from pricing.units import show_bytes, show_count, show_duration, show_gib, show_rate, show_usd

# Wide enough for the ladder's sentences in two lines, narrow enough for a diff beside another.
FILE_WIDTH = 110
# On a narrower terminal lines wrap; tables that are squeezed would lose columns of money.
LEAST_WIDTH = 100
SHOWN_REJECTIONS = 8


def print_plan(plan: Plan, today: date) -> None:
    """Prints a plan to stdout; colours only on a terminal, and not where NO_COLOR is set."""
    # Names are data: a folder called [bold] is no style.
    plain: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False}
    if sys.stdout and sys.stdout.isatty():
        console = Console(**plain)
        console.width = max(console.width, LEAST_WIDTH)
        console.print(plan_text(plan, today))
        return
    page = StringIO()
    Console(file=page, width=FILE_WIDTH, **plain).print(plan_text(plan, today))
    # Tables fill their columns with blanks, which a file does not need.
    print("\n".join(line.rstrip() for line in page.getvalue().splitlines()))


def print_drift(path: Path, lock: Head, locked: Candidate | None, today: Decision, out: TextIO) -> None:
    """Prints how today's answer differs from the locked one: in the stack, in money, in time.

    `locked` is the lock's candidate, None where another Berth wrote it in another form.
    """
    differences = [*drift(lock.build, today), *_moved(locked, today.plan.chosen)]
    if not differences:
        same = "this plan" if locked else "this build; another Berth wrote its figures, which are not compared"
        print(f"\n{path} holds {same}.", file=out)
        return
    held = in_one_line(locked) if locked else f"{lock.build.nodes} x {lock.build.instance_type}"
    print(f"\n{path} holds another plan: {held}", *differences, sep="\n  ", file=out)


def _moved(locked: Candidate | None, today: Candidate) -> list[str]:
    """What the same machines would now cost or take, where it is not what it was."""
    if locked is None:
        return []
    before, after = in_one_line(locked), in_one_line(today)
    return [f"today: {after}"] if before != after else []


def plan_text(plan: Plan, today: date) -> RenderableType:
    """The whole plan, with the age that its prices have on a day."""
    chosen = plan.chosen
    answers = chosen.service or chosen.batch
    embeds = answers is not None and answers.embeds
    parts: list[RenderableType] = [
        _headline(plan),
        _section("Decision", _decision(plan, today)),
        _section(f"Memory, {chosen.memory.stage}", _memory(chosen.memory)),
    ]
    if chosen.run:
        step = f"Time of a step, {show_duration(chosen.run.step_s)}"
        title = step_title(chosen.run, chosen.batch) if chosen.batch else step
        parts.append(_section(title, _shares(chosen.run.step_terms)))
    parts += [
        *([_section("Fleet", _pairs(fleet_rows(plan.fleet, chosen)))] if plan.fleet else []),
        *([_section("On the same instances", _pairs(beside_rows(plan)))] if plan.beside else []),
        *([_section("Vector index", _index(plan.index))] if plan.index else []),
        _section(f"Cost, {total(plan.cost, embeds=embeds)}", bill_table(plan.cost)),
        _section("Ladder", _ladder(plan.ladder)),
        _section("Runners-up", _candidates((chosen, *plan.runners_up))),
        *([_section("Prefill and decode apart", _pairs(comparison_rows(plan.apart, chosen)))] if plan.apart else []),
        *([_section("Money against time", _candidates(plan.front))] if len(plan.front) > 1 else []),
        _section(f"{chosen.nodes} x {chosen.instance_type} on other terms", deals_table(plan.deals, chosen, today)),
        _section("Not chosen", _rejections(plan.rejections)),
        _section("Mind", _bullets(plan.warnings)),
    ]
    return Group(*parts)


def _index(plan: IndexPlan) -> RenderableType:
    return _pairs(
        [
            ("method", f"{plan.method} ({plan.engine}) of {show_count(plan.vectors)} vectors, {plan.formula}"),
            ("fleet", index_headline(plan)),
            *(("mind", note) for note in plan.notes),
        ]
    )


def _headline(plan: Plan) -> RenderableType:
    return Text.assemble((f"{plan.workload}: ", "bold"), (headline(plan), "bold green"))


def _section(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(f"\n{title}", style="bold"), Padding(body, (0, 0, 0, 2)))


def _decision(plan: Plan, today: date) -> RenderableType:
    chosen = plan.chosen
    active = "" if plan.active_parameters == plan.parameters else f", {show_count(plan.active_parameters)} active"
    known = load_techniques()
    gists = [f"{name} ({known[name].gist})" for name in chosen.techniques if not known[name].baseline]
    plain = [name for name in chosen.techniques if known[name].baseline]
    rows = [
        ("model", f"{plan.model}, {show_count(plan.parameters)} parameters{active}"),
        ("job", plan.job),
        ("technique", f"{chosen.framework}: {', '.join([*gists, *plain])}; accuracy: {chosen.accuracy}"),
        ("memory", _requirement(plan.requirement)),
        ("instance", _instance(chosen)),
        ("availability", _availability(chosen, today)),
        ("layout", _layout(chosen)),
        ("choice", f"{chosen.rung}; best of {plan.covered:,} candidates: {_decided(plan)}"),
    ]
    rows += speed_rows(chosen)
    rows += [("network", plan.network)] if plan.network else []
    rows.append(("energy", _energy(plan)))
    return _pairs(rows)


def _decided(plan: Plan) -> str:
    """How the search decided on its candidates."""
    return f"{plan.covered - plan.timed:,} ruled out by rules and memory, {plan.timed:,} timed"


def _energy(plan: Plan) -> str:
    energy, per = plan.energy, "a run" if plan.chosen.run else "a month"
    if energy.kwh is None:
        return f"unknown: {energy.basis}"
    emitted = "" if energy.kg_co2e is None else f", {energy.kg_co2e:,.0f} kg of CO2e"
    return f"{energy.kwh:,.0f} kWh{emitted} {per}; {energy.basis}"


def _instance(chosen: Candidate) -> str:
    # A lock may name a type that is no longer known.
    known = load_instance_types().get(chosen.instance_type)
    part = f"{known.accelerator_share:g} of an " if known and known.accelerator_share < 1 else ""
    return (
        f"{chosen.instance_type}, {chosen.accelerators_per_node} x {part}{chosen.accelerator}, "
        f"{show_gib(chosen.memory.device_bytes)} per device"
    )


def _requirement(need: Requirement) -> str:
    plain = f"{show_gib(need.plain_bytes)} on one device as it is"
    # A saving below a hundredth is not worth a word.
    saves = need.least_bytes < 0.99 * need.plain_bytes
    least = f", {show_gib(need.least_bytes)} with every technique allowed" if saves else ""
    largest = show_gib(need.largest_device_bytes)
    if need.least_bytes <= need.largest_device_bytes:
        return f"{plain}{least}; the largest single device has {largest}"
    several = -(-need.least_bytes // need.largest_device_bytes)
    return f"{plain}{least}: {several:.0f} devices of {largest} or more smaller ones"


def _availability(chosen: Candidate, today: date) -> str:
    hourly, said = chosen.usd_per_hour / chosen.nodes, chosen.provenance
    since = f", effective since {said.effective}" if said.effective else ""
    return (
        f"{chosen.region} ({', '.join(chosen.zone_ids)}), {chosen.purchase} at {show_usd(hourly)} an hour and node, "
        f"known to hold on {said.as_of}, {max(said.age_days(today), 0):,} days ago{since} ({said.source})"
    )


def _layout(chosen: Candidate) -> str:
    layout = chosen.layout
    named = degrees(layout)
    if chosen.batch:
        return f"{named}; {batch_layout(chosen, chosen.batch)}"
    if chosen.split and chosen.service:
        prompts = f"{chosen.split.replicas} of {degrees(chosen.split.layout)} for prompts"
        return f"{prompts}, {chosen.service.replicas} of {named} that decode {layout.micro_batch} requests each"
    if chosen.service:
        return f"{named}; {layout.micro_batch} requests in flight per replica"
    return f"{named}; micro-batch {layout.micro_batch}, {layout.micro_batches} a step"


def _memory(memory: MemoryTable) -> RenderableType:
    table = _shares(memory.terms, show=show_bytes)
    band = memory.band
    edges = f"{show_gib(memory.total_bytes * band.low)} to {show_gib(memory.total_bytes * band.high)}"
    rows = [
        ("total", f"{show_gib(memory.total_bytes)} ({edges}; {band.basis})"),
        ("device", show_gib(memory.device_bytes)),
        (
            "head-room",
            f"{show_gib(memory.headroom_bytes)} ({memory.headroom_bytes / memory.device_bytes:.0%})",
        ),
    ]
    return Group(table, _pairs(rows))


def _shares(terms: Sequence[Term], show: object = show_duration) -> RenderableType:
    table = _table("term", ">", ">")
    whole = sum(term.value for term in terms)
    for term in sorted(terms, key=lambda item: -item.value):
        table.add_row(term.name, show(term.value), f"{term.value / whole:.1%}")  # type: ignore[operator]
    return table


def _ladder(answers: Iterable[RungAnswer]) -> RenderableType:
    rows = []
    for answer in answers:
        best = f"{answer.best.nodes} x {answer.best.instance_type}: " if answer.best else ""
        rows.append((answer.rung, f"{best}{answer.verdict}"))
    return _pairs(rows)


def _candidates(candidates: Sequence[Candidate]) -> RenderableType:
    training = candidates[0].run is not None
    titles = ("run", "time", "tokens/s") if training else ("a month", "TTFT", "TPOT")
    rows = []
    for item in candidates:
        figures = _run_figures(item.run) if item.run else _service_figures(item.service)
        layout = item.layout
        expert = f" e{layout.expert}" if layout.expert > 1 else ""
        short = f"t{layout.tensor} p{layout.pipeline} c{layout.context}{expert} d{layout.data} b{layout.micro_batch}"
        short += f" x{layout.micro_batches}" if item.batch and layout.micro_batches > 1 else ""
        short = f"{short} apart" if item.split else short
        extra = [name for name in item.techniques if not load_techniques()[name].baseline]
        fleet = f"{item.nodes} x {item.instance_type}"
        rows.append((fleet, item.region, item.purchase, *figures, short, ", ".join(extra) or "none"))
    columns = ("instances", "region", "purchase", *titles, "layout", "techniques")
    return figures_table(columns, rows, titles, whole=("instances",))


def _run_figures(run: Run) -> tuple[str, str, str]:
    return show_usd(run.usd), show_duration(run.run_s), show_rate(run.tokens_per_s)


def _service_figures(service: Service | None) -> tuple[str, str, str]:
    assert service is not None
    tpot = "-" if service.embeds else show_duration(service.tpot_s)
    return show_usd(service.usd_per_month), show_duration(service.ttft_s), tpot


def _rejections(rejections: Sequence[Rejection]) -> RenderableType:
    """Reasons that many types share are told once."""
    shown = grouped(rejections)[:SHOWN_REJECTIONS]
    rows = [(_named(names), says) for says, names in shown]
    rest = len(rejections) - sum(len(names) for _, names in shown)
    if rest > 0:
        rows.append((f"{rest} others", "each with its reason in --json"))
    return _pairs(rows)


def _named(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _bullets(sentences: Iterable[str]) -> RenderableType:
    return Group(*(Text(f"- {sentence}") for sentence in sentences))


def _pairs(rows: Iterable[tuple[str, str]]) -> RenderableType:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for column in columns:
        table.add_column(justify="right" if column == ">" else "left")
    return table
