"""What is a plan, in one line?"""

from __future__ import annotations

from decimal import Decimal

from planner.plan import Candidate, Plan, Run
from planner.report.batch import per_million
from planner.report.speed import banded
from pricing.offer import Purchase
from pricing.units import show_duration, show_usd


def headline(plan: Plan) -> str:
    """A plan in one line: what, where, how much, how fast; of a fleet also what its hours and spot nodes save."""
    service = plan.chosen.service
    saved = sum(each.usd_per_month for each in plan.cost.lines if each.usd_per_month and each.usd_per_month < 0)
    line = in_one_line(plan.chosen)
    share = plan.cost.load_share
    if service and (saved or share < 1):
        month = service.usd_per_month + saved
        each = show_usd(service.usd_per_million_tokens * month / service.usd_per_month / Decimal(share))
        load = f" at {share:.0%} of the planned load, the average of its hours" if share < 1 else ""
        by = "by its hours and spot nodes " if saved else ""
        line += f"; {by}{show_usd(month)} a month, {each} per million tokens{load}"
    return line


def in_one_line(candidate: Candidate) -> str:
    """A candidate in one line."""
    fleet = f"{candidate.nodes} x {candidate.instance_type}"
    where = f"{candidate.region}, {candidate.purchase}"
    if candidate.run:
        run, batch = candidate.run, candidate.batch
        tokens = f", {per_million(batch)}" if batch else ""
        return f"{fleet} ({where}): {_money_band(candidate, run)}, {banded(run.run_s, run.band)}{tokens}"
    service = candidate.service
    assert service is not None
    if service.embeds:
        return (
            f"{fleet} ({where}): {show_usd(service.usd_per_month)} a month for the instances, "
            f"{show_usd(service.usd_per_million_tokens)} per million tokens in, an embedding in "
            f"{show_duration(service.ttft_s)}"
        )
    return (
        f"{fleet} ({where}): {show_usd(service.usd_per_month)} a month for the instances, "
        f"{show_usd(service.usd_per_million_tokens)} per million tokens in and out, "
        f"TTFT {show_duration(service.ttft_s)}, TPOT {show_duration(service.tpot_s)}"
    )


def _money_band(candidate: Candidate, run: Run) -> str:
    """What the instances cost; a block's fee is the same however long the run takes."""
    if candidate.purchase is Purchase.CAPACITY_BLOCK:
        return f"{show_usd(run.usd)} for the block"
    low, high = (show_usd(float(run.usd) * edge) for edge in (run.band.low, run.band.high))
    return f"{show_usd(run.usd)} ({low} to {high}) for the instances"
