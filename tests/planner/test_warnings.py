"""Is a reader told what the figures do not say, and nothing that is not so?"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from planner.choose import make_plan
from planner.workload import Workload
from pricing.instance_type import InstanceType
from pricing.market import Market
from pricing.offer import Purchase
from pricing.records import replace
from tests.planner.builders import DENSE
from tests.planner.market_builders import (
    CALIBRATION,
    NOW,
    inference,
    interrupted,
    machine,
    market,
    offer,
    quota,
    serving_machines,
    three_machines,
    three_offers,
    training,
    workload,
)

CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012"


def warned(asked: Workload, *, sold: Market | None = None, days: int = 0) -> tuple[str, ...]:
    """The warnings of a plan that is made some days after the market's first of July."""
    machines = serving_machines() if asked.inference else three_machines()
    known = sold or market(machines, three_offers())
    return make_plan(asked, DENSE, known, CALIBRATION, NOW + timedelta(days=days)).plan.warnings


def cluster(kind: InstanceType) -> tuple[Workload, Market]:
    """A workload that takes two nodes of a type."""
    return workload(pin={"nodes": 2, "instance_type": kind.name}), market([kind], [offer(kind.name, 1)])


def test_notes_of_the_market_come_first() -> None:
    """Whatever else is told, a plan says where its prices are from."""
    assert warned(workload(limits={"deadline": "99d"}))[0] == "Prices are made up."


@pytest.mark.parametrize(
    ("section", "require", "named"),
    [
        ({"inference": inference()}, ["int3-weights"], "int3-weights"),
        ({"inference": inference()}, ["nf4-weights"], "nf4-weights"),
        ({"inference": inference()}, ["fp8-weights"], ""),
        ({"training": training(method="qlora", framework="huggingface")}, ["int3-weights"], ""),
        ({"training": training(method="full", framework="huggingface")}, ["frozen-layers", "galore"], ""),
    ],
)
def test_a_time_that_does_not_know_a_technique_says_so(section: dict[str, Any], require: list[str], named: str) -> None:
    """A plan names the techniques whose cost in time nobody modelled for its job, and no others."""
    asked = workload(
        techniques={"require": require, "accept": "approximate"},
        limits={"deadline": "9999d"} if "training" in section else {},
        **section,
    )
    found = [each for each in warned(asked) if each.startswith("The predicted time does not know")]
    expected = f"The predicted time does not know what {named} costs; measure it before you commit."
    assert found == ([expected] if named else [])


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
        ({}, "The time band is wide: ", True),
        (
            {"inference": inference(requests_per_second=900)},
            "independent instances serve; the stack puts no load",
            True,
        ),
        ({"inference": inference(requests_per_second=1)}, "independent instances serve", False),
        ({"inference": inference(prefix_cache_hit_rate=0.5)}, "what the hits save is computed, not measured", True),
        ({"inference": inference()}, "what the hits save is computed, not measured", False),
        ({}, "Spot instances can be interrupted", False),
    ],
)
def test_what_was_assumed_or_left_out_is_told(sections: dict[str, Any], words: str, told: bool) -> None:
    """Defaults, unmeasured predictions and what the stack does not build are told where they apply."""
    assert any(words in each for each in warned(workload(**sections))) is told


@pytest.mark.parametrize(
    ("sections", "bands", "told"),
    [
        (
            {},
            [("p5.small", "us-east-1", 0, 0.05)],
            "restarts are in the cost, not in the predicted time.",
        ),
        (
            {},
            [("p5.small", "us-east-2", 0, 0.05)],
            "no source states how often p5.small is in us-east-1: for the cost, that over 20% are within a month was "
            "assumed.",
        ),
        (
            {"inference": inference()},
            [("p5.small", "us-east-1", 0, 0.05)],
            "the service lacks them until others have started.",
        ),
    ],
    ids=["known", "unknown", "serving"],
)
def test_interruptions_are_told_of_spot(
    sections: dict[str, Any], bands: list[tuple[str, str, float, float]], told: str
) -> None:
    """A plan on spot instances says in which of its figures restarts are, and in which not."""
    kind = (serving_machines() if sections else three_machines())[0]
    sold = market([kind], [offer("p5.small", 1, purchase=Purchase.SPOT)], interruptions=interrupted(*bands))
    found = warned(workload(limits={"purchase": ["spot"]}, **sections), sold=sold)
    assert [each for each in found if "Spot" in each] == [f"Spot instances can be interrupted; {told}"]


@pytest.mark.parametrize("efa", [True, False])
def test_a_cluster_without_efa_is_told(efa: bool) -> None:
    """Nodes that talk over TCP are not passed off as an EFA cluster."""
    kind = machine("p5.node", memory_gib=6)
    asked, sold = cluster(kind if efa else replace(kind, efa_cards=()))
    assert ("p5.node has no EFA: its nodes talk over TCP." in warned(asked, sold=sold)) is not efa


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"limits": {"deadline": "DEADLINE"}}, "At the upper edge of the band the deadline of "),
        ({"provision": {"time_to_live": "10min"}}, "The stack deletes itself after 10.0 min; the run may take "),
        (
            {"provision": {"budget": 5, "budget_email": "ml@example.com"}},
            "The budget counts nothing until the cost allocation tag berth:workload is activated in Billing.",
        ),
    ],
)
def test_what_may_fail_later_is_told_now(sections: dict[str, Any], words: str) -> None:
    """A limit that the edge of the band misses, a stack that ends before its run, and a budget that sees nothing."""
    plan = make_plan(workload(), DENSE, market(three_machines(), three_offers()), CALIBRATION, NOW).plan
    assert plan.chosen.run
    deadline = f"{plan.chosen.run.run_s * 1.001:.0f}s"
    asked = {
        name: {key: deadline if value == "DEADLINE" else value for key, value in section.items()}
        for name, section in sections.items()
    }
    assert any(each.startswith(words) for each in warned(workload(**asked)))
    assert not any(each.startswith(words) for each in warned(workload(limits={"deadline": "99d"})))


def test_the_block_that_a_plan_counts_on_is_told() -> None:
    """Five instances take a block of eight, until the run surely ends."""
    sold = market([machine("p5.one")], [offer("p5.one", 1, purchase=Purchase.CAPACITY_BLOCK)])
    limits = {"purchase": ["capacity-block"], "max_nodes": 8}
    asked = workload(pin={"nodes": 5}, training=training(global_batch=40), limits=limits)
    counted, reckoned = [each for each in warned(asked, sold=sold) if "block" in each]
    assert counted.startswith("The plan counts on a block of 8 x p5.one for 24.0 h: the run may take ")
    assert reckoned.startswith("The block's fee is reckoned by the hour from: made up. ")
    assert "`berth prices show p5.one --block-nodes 8 --block-days 1`" in reckoned


def test_quotas_that_keep_the_fleet_elsewhere_are_told() -> None:
    """A region whose quota is too small for the fleet is named with what it would have cost."""
    (kind, *_) = three_machines()
    offers = [offer(kind.name, 1), offer(kind.name, 2, region="us-east-2")]
    sold = replace(market([kind], offers), quotas=tuple(quota(0, kind)))
    asked = workload(limits={"regions": ["us-east-1", "us-east-2"]})
    found = [each for each in warned(asked, sold=sold) if "quota allows" in each]
    assert found == [
        f"The account's quota allows 0 nodes of {kind.name} as on-demand in us-east-1, at $1.00 an hour and node."
    ]


@pytest.mark.parametrize(("spot_nodes", "told"), [(0, True), (100, False)])
def test_a_mixed_fleet_takes_each_part_from_its_own_quota(spot_nodes: int, told: bool) -> None:
    """Of a fleet half on spot, half counts against the quota of spot instances, and half against the other."""
    (kind, *_) = serving_machines()
    zones = ["use1-az4", "use1-az6"]
    spot = offer(kind.name, "0.1", purchase=Purchase.SPOT, zones=zones)
    quotas = (*quota(100, kind), *quota(spot_nodes, kind, spot=True))
    serving = {"certificate": CERTIFICATE, "weights": "s3://models/a"}
    asked = workload(
        inference=inference(requests_per_second=4000, fleet={"spot_share": 0.5}),
        provision={"target": "serving-fleet", "serving": serving},
    )
    sold = market([kind], [offer(kind.name, 1, zones=zones)], other_offers=(spot,), quotas=quotas)
    found = [each for each in warned(asked, sold=sold) if "quota" in each]
    assert [bool(re.search(r"allows 0 nodes of .* as spot .* takes \d+ of its \d+ so\.", each)) for each in found] == (
        [True] if told else []
    )


@pytest.mark.parametrize(("usd", "told"), [("1.02", True), ("1.04", False)])
def test_a_choice_within_the_predictions_error_is_told(usd: str, told: bool) -> None:
    """A type that costs two percent more may be the cheaper one; one that costs four percent more is not named."""
    kinds = [machine("p5.one"), machine("p5.two")]
    sold = market(kinds, [offer("p5.one", 1), offer("p5.two", usd)])
    found = [each for each in warned(workload(limits={"max_nodes": 1}), sold=sold) if "as good a choice" in each]
    assert [each.startswith("1 x p5.two costs $") for each in found] == [True] * told


@pytest.mark.parametrize(("days", "told"), [(1, True), (900, False)])
def test_a_block_that_ends_before_the_run_may_is_told(days: int, told: bool) -> None:
    """Whoever names the end of a block is told where the run may outlast it."""
    sold = market([machine("p5.one")], [offer("p5.one", 1, purchase=Purchase.CAPACITY_BLOCK)])
    end = (NOW + timedelta(hours=2 if told else 24 * days)).isoformat()
    provision = {"zone": "use1-az6", "reservation": "cr-01234567", "reservation_end": end}
    limits = {"purchase": ["capacity-block"], "deadline": "800d"}
    asked = workload(provision=provision, limits=limits, pin={"instance_type": "p5.one"})
    assert any(each.startswith("The capacity block can be used until 20") for each in warned(asked, sold=sold)) is told
