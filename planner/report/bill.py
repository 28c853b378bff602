"""How does a plan's money read on a terminal?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from planner.plan import Candidate, Cost, CostLine, Deal, is_own
from planner.report.columns import figures_table
from pricing.offer import Purchase
from pricing.records import replace
from pricing.units import show_usd
from pricing.wording import listed

# The smallest amount that is shown with a digit of its own.
LEAST = Decimal("0.0001")
_HYPERPOD = "HyperPod "


def total(cost: Cost, *, embeds: bool = False) -> str:
    """The sum in the unit that the job is paid in, and what is not in it; embeddings have no tokens out."""
    run, month = cost.usd_per_run, cost.usd_per_month
    each = cost.usd_per_million_tokens
    load = ""
    if cost.load_share < 1:
        load = f" at {cost.load_share:.0%} of the planned load, the average of its hours"
    way = "in" if embeds else "in and out"
    tokens = "" if each is None else f", {_known_usd(each)} per million tokens {way}{load}"
    whole = f"{show_usd(month)} a month{tokens}" if run is None else f"{show_usd(run)} a run{tokens}"
    return f"{whole}, without {', '.join(cost.unpriced)}" if cost.unpriced else whole


def bill_table(cost: Cost) -> RenderableType:
    """Every line of a bill, the sum, and what other ways to build would add."""
    sums = CostLine(
        name="in all",
        usd_per_hour=cost.usd_per_hour,
        usd_per_run=cost.usd_per_run,
        usd_per_month=cost.usd_per_month,
        basis=f"without {', '.join(cost.unpriced)}: no price is known" if cost.unpriced else "",
    )
    training = cost.usd_per_run is not None
    titles = ("an hour", "a run", "a month") if training else ("an hour", "a month")
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("how counted")
    added = [replace(line, name=f"+ {line.name}") for line in cost.elsewhere]
    for line in (*cost.lines, sums, *added):
        amounts = (line.usd_per_hour, line.usd_per_run, line.usd_per_month)
        hour, run, month = (_known_usd(each) for each in amounts)
        hour = "once" if line.usd_per_hour == 0 and (line.usd_per_run or line.usd_per_month) else hour
        shown = (hour, run, month) if training else (hour, month)
        table.add_row(line.name, *shown, line.basis, style="bold" if line is sums else None)
    notes = ["Lines with + are not in the sum; each would come on top of a fleet that has it."] if added else []
    return Group(table, Text("\n".join([*notes, _surviving(cost), *_ages(cost)])))


def _surviving(cost: Cost) -> str:
    """What is still there, and billed, when the stack has been destroyed."""
    kept = [line for line in cost.lines if line.survives]
    if not kept:
        return "After `cdk destroy` none of these lines goes on."
    named = listed([f"{line.name} ({_known_usd(line.usd_per_month)} a month)" for line in kept])
    return f"After `cdk destroy` there remain, until you delete them: {named}."


def _ages(cost: Cost) -> list[str]:
    """How old the prices of what stands beside the instances are; the instances' own age stands with the deals."""
    days = {line.provenance.as_of for line in (*cost.lines[1:], *cost.elsewhere) if line.provenance}
    if not days:
        return []
    held = f"on {min(days)}" if len(days) == 1 else f"between {min(days)} and {max(days)}"
    return [f"Prices beside the instances are known to have held {held}; --json names the source of each."]


def deals_table(deals: Sequence[Deal], chosen: Candidate, today: date) -> RenderableType:
    """The chosen fleet on all terms known, the chosen ones marked, with whose word each price is."""
    training = chosen.run is not None
    figures = ["hour and node", "a run" if training else "a month", "committed", "of it idle", "held on", "age"]
    # Without credentials no quota is known, and a column of "unknown" says nothing.
    counted = any(deal.nodes_allowed is not None for deal in deals)
    figures += ["quota"] * counted
    own = [place for place, deal in enumerate(deals) if is_own(deal, chosen)]
    rows = [
        (
            deal.region,
            _terms(deal, own=place in own),
            show_usd(deal.usd_per_hour_per_node),
            _known_usd(deal.usd_per_run if training else deal.usd_per_month),
            _known_usd(deal.committed_usd, "-"),
            _known_usd(deal.idle_usd, "-"),
            str(deal.provenance.as_of),
            f"{max(deal.provenance.age_days(today), 0):,} d",
            *([_quota(deal)] if counted else []),
        )
        for place, deal in enumerate(deals)
    ]
    table = figures_table(("region", "purchase", *figures), rows, figures, bold=own)
    notes = ["A plan buys on the terms that limits.purchase names, in limits.regions.", *_missing(deals)]
    notes += [] if counted else ["The account's quotas are unknown: they are read where credentials are found."]
    return Group(table, Text("\n".join([*notes, *_sources(deals)])))


def _terms(deal: Deal, *, own: bool) -> str:
    """The purchase; of spot, whose prices differ by zone, with the zone of this one."""
    zone = f", {deal.zone_ids[0]}" if deal.purchase is Purchase.SPOT and len(deal.zone_ids) == 1 else ""
    return f"{_way(deal)}{zone}{', chosen' if own else ''}"


def _way(deal: Deal) -> str:
    return f"{_HYPERPOD}{deal.purchase}" if deal.instance_type.startswith("ml.") else str(deal.purchase)


def _missing(deals: Sequence[Deal]) -> list[str]:
    """Which terms have no row, where: nobody should take a gap for a price that is not worth a line."""
    managed = (Purchase.ON_DEMAND, Purchase.SAVINGS_PLAN_1YR, Purchase.SAVINGS_PLAN_3YR)
    every = [*map(str, Purchase), *(f"{_HYPERPOD}{each}" for each in managed)]
    regions = sorted({deal.region for deal in deals})
    known = {(_way(deal), deal.region) for deal in deals}
    gaps: dict[tuple[str, ...], list[str]] = {}
    for way in every:
        if where := tuple(each for each in regions if (way, each) not in known):
            gaps.setdefault(where, []).append(way)
    if not gaps:
        return []
    told = "; ".join(f"{', '.join(ways)} in {listed(where)}" for where, ways in gaps.items())
    return [f"No price known, or none sold so large or long: {told}. --live asks AWS for all of them."]


def _sources(deals: Sequence[Deal]) -> list[str]:
    """Whose word the prices are, and since when they hold where that is said: a line for each source."""
    told: dict[str, list[Deal]] = {}
    for deal in deals:
        since = f", effective since {deal.provenance.effective}" if deal.provenance.effective else ""
        told.setdefault(f"{deal.provenance.source}{since}", []).append(deal)
    return [
        f"{listed({_way(each) for each in group})} in {listed({each.region for each in group})}: {source}."
        for source, group in told.items()
    ]


def _quota(deal: Deal) -> str:
    return "unknown" if deal.nodes_allowed is None else f"{deal.nodes_allowed:,} nodes"


def _known_usd(amount: Decimal | None, otherwise: str = "unknown") -> str:
    if amount is None:
        return otherwise
    # What rounds to nothing is not free.
    return f"<{show_usd(LEAST)}" if 0 < amount < LEAST else show_usd(amount)
