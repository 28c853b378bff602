"""Is a reader told what the figures do not say, and nothing that is not so?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from planner.calibration import load_calibration
from planner.choose import make_plan
from planner.workload import Workload
from pricing.instance_type import InstanceType
from pricing.market import Market
from pricing.offer import Purchase
from tests.planner.builders import DENSE
from tests.planner.market_builders import (
    NOW,
    inference,
    machine,
    market,
    offer,
    serving_machines,
    three_machines,
    three_offers,
    workload,
)

ALWAYS = "Costs are those of the instances; storage, NAT and data transfer are not in them."


def warned(asked: Workload, *, sold: Market | None = None, days: int = 0) -> tuple[str, ...]:
    """The warnings of a plan that is made some days after the market's first of July."""
    machines = serving_machines() if asked.inference else three_machines()
    known = sold or market(machines, three_offers())
    return make_plan(asked, DENSE, known, load_calibration(), NOW + timedelta(days=days)).plan.warnings


def cluster(kind: InstanceType) -> tuple[Workload, Market]:
    """A workload that takes two nodes of a type."""
    return workload(pin={"nodes": 2, "instance_type": kind.name}), market([kind], [offer(kind.name, 1)])


def test_notes_of_the_market_come_first_and_the_scope_of_costs_last() -> None:
    """Whatever else is told, a plan says where its prices are from and what they leave out."""
    found = warned(workload(limits={"deadline": "99d"}))
    assert (found[0], found[-1]) == ("Prices are made up.", ALWAYS)


@pytest.mark.parametrize(("days", "told"), [(0, False), (60, False), (61, True), (400, True)])
def test_old_prices_are_doubted(days: int, told: bool) -> None:
    """A price of the first of June is old from the ninety-first day on."""
    found = [each for each in warned(workload(), days=days) if "days old" in each]
    assert bool(found) is told
    if told:
        assert found == [f"The price of p5.small is {days + 30} days old; check it before you commit."]


@pytest.mark.parametrize(
    ("sections", "words", "told"),
    [
        ({}, "No deadline is given; 30 days were assumed.", True),
        ({"limits": {"deadline": "30d"}}, "No deadline is given", False),
        ({"inference": inference()}, "No deadline is given", False),
        ({}, "was not measured on this accelerator: the time band is wide.", True),
        (
            {"inference": inference(requests_per_second=900)},
            "independent instances serve; the stack puts no load",
            True,
        ),
        ({"inference": inference(requests_per_second=1)}, "independent instances serve", False),
        ({}, "Spot instances can be interrupted", False),
    ],
)
def test_what_was_assumed_or_left_out_is_told(sections: dict[str, Any], words: str, told: bool) -> None:
    """Defaults, unmeasured predictions and what the stack does not build are told where they apply."""
    assert any(words in each for each in warned(workload(**sections))) is told


def test_interruptions_are_told_of_spot() -> None:
    """A plan on spot instances says that restarts are not in its figures."""
    sold = market([three_machines()[0]], [offer("p5.small", 1, purchase=Purchase.SPOT)])
    found = warned(workload(limits={"purchase": ["spot"]}), sold=sold)
    assert "Spot instances can be interrupted; restarts are not in the predicted time and cost." in found


@pytest.mark.parametrize("efa", [True, False])
def test_a_cluster_without_efa_is_told(efa: bool) -> None:
    """Nodes that talk over TCP are not passed off as an EFA cluster."""
    kind = machine("p5.node", memory_gib=6)
    asked, sold = cluster(kind if efa else replace(kind, efa_cards=()))
    assert ("p5.node has no EFA: its nodes talk over TCP." in warned(asked, sold=sold)) is not efa
