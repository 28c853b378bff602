"""Does a plan say what its fleet costs by token, hour and load, and what it survives?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.errors import NoFeasiblePlan
from planner.plan import Plan
from pricing.offer import Purchase
from tests.planner.market_builders import inference, market, offer, plan, serving_machines, workload

PEAKS = [0.25] * 8 + [1.0] * 8 + [0.5] * 8
TWO_ZONES = ["use1-az4", "use1-az6"]


def served(zones: Any = TWO_ZONES, sections: dict[str, Any] | None = None, **fleet: Any) -> Plan:
    """The plan of a fleet on machines of a few GiB."""
    offers = [
        offer("p5.small", 1, zones=zones),
        offer("p5.four", "4.4", zones=zones),
        offer("p5.large", 5, zones=zones),
    ]
    spot = offer("p5.small", "0.3", purchase=Purchase.SPOT)
    sold = market(serving_machines(), offers, other_offers=(spot,))
    asked = workload(inference=inference(requests_per_second=2000, fleet=fleet), **(sections or {}))
    return plan(asked, sold)


def test_headroom_is_more_replicas() -> None:
    """Half the load on top takes half the replicas on top, for the same load."""
    plain, roomy = served(), served(headroom=0.5)
    assert plain.chosen.service and roomy.chosen.service and plain.fleet and roomy.fleet
    assert roomy.chosen.service.replicas == pytest.approx(1.5 * plain.chosen.service.replicas, abs=1)
    assert roomy.chosen.service.output_tokens_per_s == plain.chosen.service.output_tokens_per_s
    assert roomy.fleet.headroom == 0.5


def test_a_spare_node_and_a_spare_zone_are_paid_for() -> None:
    """A spare node is one replica's nodes more, a spare zone the load's nodes once more."""
    plain, node, zone = (served(spare=each).fleet for each in ("none", "node", "zone"))
    assert plain and node and zone
    assert (plain.spare_nodes, node.spare_nodes, zone.spare_nodes) == (0, 1, zone.load_nodes)
    assert node.load_nodes == zone.load_nodes == plain.load_nodes


def test_a_type_of_one_zone_has_no_spare_one() -> None:
    """Nothing is planned into two zones that is sold in one, and the reason is told."""
    with pytest.raises(NoFeasiblePlan, match="no region offers it in two zones"):
        served(zones=["use1-az4"], spare="zone")


def test_a_profile_bounds_the_fleet_and_its_cost() -> None:
    """Nodes follow the hours between the quietest and the busiest, and cost accordingly less."""
    found = served(profile=PEAKS)
    fleet, service = found.fleet, found.chosen.service
    assert fleet and service and fleet.scaled_usd_per_month
    assert fleet.nodes_by_hour[8] == fleet.most_nodes == found.chosen.nodes
    assert fleet.nodes_by_hour[0] == fleet.least_nodes < fleet.nodes_by_hour[16] < fleet.most_nodes
    share = sum(fleet.nodes_by_hour) / 24 / found.chosen.nodes
    assert share < float(fleet.scaled_usd_per_month / service.usd_per_month) < share + 0.02


def test_spot_takes_its_share() -> None:
    """Half the nodes at 30 cents in place of a dollar: 35 % less, where the others are paid as planned."""
    found = served(spot_share=0.5, sections={"limits": {"instance_types": {"allow": ["p5.small"]}}})
    fleet, chosen = found.fleet, found.chosen
    assert fleet and chosen.service and fleet.mixed_usd_per_month
    assert fleet.spot_nodes == chosen.nodes // 2
    saved = 0.7 * fleet.spot_nodes / chosen.nodes
    assert float(fleet.mixed_usd_per_month / chosen.service.usd_per_month) == pytest.approx(1 - saved, abs=1e-4)


def test_the_bill_is_shared_by_token() -> None:
    """Tokens in and out at their prices are the hourly price of the fleet."""
    found = served()
    fleet, service = found.fleet, found.chosen.service
    assert fleet and service and fleet.usd_per_million_output
    million_out = service.output_tokens_per_s * 3600 / 1e6
    million_in = million_out * 512 / 128
    paid = float(fleet.usd_per_million_input) * million_in + float(fleet.usd_per_million_output) * million_out
    assert paid == pytest.approx(float(found.chosen.usd_per_hour), rel=1e-3)
    assert fleet.usd_per_million_output > fleet.usd_per_million_input
    assert 0 < fleet.prompt_share < 1


def test_the_chosen_fleet_is_the_cheapest_at_the_planned_load() -> None:
    """The fleet that is chosen for its cost is that of the interval in which the planned load lies."""
    found = served()
    assert found.fleet
    (there,) = (
        each for each in found.fleet.cheapest if each.from_requests_per_s <= 1999 and each.to_requests_per_s > 2001
    )
    assert there.fleet.startswith(found.chosen.instance_type)
    assert found.fleet.cheapest[0].from_requests_per_s == pytest.approx(20.0)


def test_requests_in_flight_are_no_rate() -> None:
    """A load of requests in flight has replicas, tokens and loading, and nothing that takes a rate."""
    found = served(sections={})
    asked = workload(inference=inference(requests_per_second=None, concurrency=50))
    sold = market(serving_machines(), [offer("p5.large", 5)])
    fleet = plan(asked, sold).fleet
    assert found.fleet and fleet
    assert fleet.requests_per_s_per_replica is None and fleet.cheapest == ()
    assert [each.source for each in fleet.loading] == ["s3", "ebs", "fsx", "nvme"]
    assert [each.chosen for each in fleet.loading] == [True, False, False, False]


@pytest.mark.parametrize("fleet", [{}, {"headroom": 0.25, "spare": "node"}, {"headroom": 0.5, "spare": "zone"}])
def test_the_table_by_load_has_the_plans_own_amount(fleet: dict[str, Any]) -> None:
    """At the planned load the cheapest fleet is the chosen one, with its head-room and spare nodes, at its price."""
    found = served(**fleet)
    assert found.fleet and found.chosen.service
    (there,) = (each for each in found.fleet.cheapest if each.planned_usd_per_month is not None)
    assert there.fleet.startswith(found.chosen.instance_type)
    assert there.planned_usd_per_month == found.chosen.service.usd_per_month
