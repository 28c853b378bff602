"""How does the fleet of a served model read on a terminal?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.fleet_cost import BY_THE_HOUR
from planner.fleet_record import WORTH_CHANGING, FleetPlan, Loading
from planner.plan import Candidate
from pricing.units import show_duration, show_rate, show_requests, show_usd

MEANS = "the times above are means at the most in flight; `berth simulate` has p50, p95 and p99"


def fleet_rows(fleet: FleetPlan, chosen: Candidate) -> list[tuple[str, str]]:
    """The rows of the section on the fleet: name and what is said."""
    return [
        ("replicas", _replicas(fleet)),
        ("nodes", _nodes(fleet)),
        *_scaling(fleet, chosen),
        *_spot(fleet, chosen),
        ("tokens", _tokens(fleet)),
        *(_ready(each) for each in fleet.loading),
        *([] if chosen.service and chosen.service.spreads else [("requests", MEANS)]),
        *(("cheapest at" if not number else "", says) for number, says in enumerate(_cheapest(fleet, chosen))),
    ]


def _replicas(fleet: FleetPlan) -> str:
    rated = fleet.requests_per_s_per_replica
    each = f", each for {show_requests(rated)}" if rated is not None else ""
    return f"{fleet.replicas}{each}; head-room beyond the planned load: {fleet.headroom:.0%}"


def _nodes(fleet: FleetPlan) -> str:
    spare = {
        "none": "none spare: a lost node is missed until its replacement is ready (inference.fleet.spare)",
        "node": f"{fleet.spare_nodes} spare, so that one may be lost",
        "zone": f"{fleet.spare_nodes} spare, so that one of two zones may be lost",
    }
    return f"{fleet.load_nodes} for the load, {spare[fleet.spare]}"


def _scaling(fleet: FleetPlan, chosen: Candidate) -> Iterator[tuple[str, str]]:
    """What following the hours of the day saves; nothing where nobody said how the load goes."""
    if not fleet.nodes_by_hour:
        follow = "" if fleet.least_nodes < fleet.most_nodes else "; inference.fleet.profile would let it follow"
        yield "scaling", f"{fleet.least_nodes} to {fleet.most_nodes} nodes{follow}"
        return
    hours = " ".join(str(each) for each in fleet.nodes_by_hour)
    cost = f"its cost is not known{_why_unknown(fleet, chosen)}"
    if fleet.scaled_usd_per_month is not None and chosen.service:
        saved = 1 - float(fleet.scaled_usd_per_month / chosen.service.usd_per_month)
        cost = f"{show_usd(fleet.scaled_usd_per_month)} a month, {saved:.0%} less than all nodes all day"
    yield "scaling", f"{fleet.least_nodes} to {fleet.most_nodes} nodes: {cost}"
    yield "by hour", hours


def _why_unknown(fleet: FleetPlan, chosen: Candidate) -> str:
    """Which figure is missing for what following the hours costs."""
    if chosen.purchase not in BY_THE_HOUR:
        return f": {chosen.purchase} is paid for whether nodes run or not"
    if fleet.ready_s is None:
        return ", since nobody knows how long a node takes to start"
    if fleet.spot_nodes and fleet.mixed_usd_per_month is None:
        return f", since no spot price of {chosen.instance_type} is known in {chosen.region}"
    return ""


def _spot(fleet: FleetPlan, chosen: Candidate) -> Iterator[tuple[str, str]]:
    if not fleet.spot_nodes:
        return
    own = chosen.nodes - fleet.spot_nodes
    often = "" if fleet.losses_per_month is None else f", {fleet.losses_per_month:.2g} times a month"
    says = (
        f"{fleet.spot_nodes} of {chosen.nodes} nodes, after the {own} that run first; EC2 takes them back with two "
        f"minutes' notice{often}"
    )
    if fleet.mixed_usd_per_month is None:
        yield "spot", f"{says}; no spot price of {chosen.instance_type} is known in {chosen.region}"
        return
    yield "spot", f"{says}: {show_usd(fleet.mixed_usd_per_month)} a month for the instances, all of them all day"


def _tokens(fleet: FleetPlan) -> str:
    if fleet.usd_per_million_output is None:
        return f"{show_usd(fleet.usd_per_million_input)} per million in, at the planned load"
    return (
        f"{show_usd(fleet.usd_per_million_input)} per million in, {show_usd(fleet.usd_per_million_output)} per million "
        f"out at the planned load, the instances' price shared by time: prompts take {fleet.prompt_share:.0%}"
    )


def _ready(each: Loading) -> tuple[str, str]:
    name = f"from {each.source}"
    mark = "; chosen" if each.chosen else ""
    if each.ready_s is None or each.bytes_per_s is None:
        return name, f"unknown: {each.basis}{mark}"
    rate = f"{each.bytes_per_s / 1e9:.2f} GB/s"
    return name, f"a node answers {show_duration(each.ready_s)} after its order, weights at {rate}: {each.basis}{mark}"


def _cheapest(fleet: FleetPlan, chosen: Candidate) -> Iterator[str]:
    """Which of the fleets compared is the cheapest at which load."""
    for each in fleet.cheapest:
        span = f"{show_rate(each.from_requests_per_s)} to {show_requests(each.to_requests_per_s)}"
        grows = each.to_usd_per_month is not None and each.to_usd_per_month > each.usd_per_month
        money = (
            f"{show_usd(each.usd_per_month)}{f' to {show_usd(each.to_usd_per_month or 0)}' if grows else ''} a month"
        )
        here = each.planned_usd_per_month
        yield f"{span}: {each.fleet}, {money}{f', {show_usd(here)} at the planned load' if here else ''}"
    if fleet.cheapest:
        until = f", each until another is {WORTH_CHANGING:.0%} cheaper" if len(fleet.cheapest) > 1 else ""
        both = ", of replicas for prompts and answers both" if chosen.split else ""
        yield f"with the head-room and the spare nodes above, within limits.max_nodes{both}{until}"
