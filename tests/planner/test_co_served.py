"""Do several models share instances without sharing accelerators, and pay for those that they have?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.errors import NoFeasiblePlan
from planner.plan import Plan
from pricing.market import Market
from tests.planner.market_builders import decision, inference, machine, market, offer, quota, workload

SMALL = {"model": "pythia-70m", "requests_per_second": 5, "input_tokens": 256, "output_tokens": 32}
EMBEDS = {"model": "bert-base", "requests_per_second": 5, "input_tokens": 256}


def sold(*prices: tuple[str, int, float]) -> Market:
    """A market of types by name, accelerators and price."""
    types = [machine(name, accelerators=count, memory_gib=24) for name, count, _ in prices]
    return market(types, [offer(name, price) for name, _, price in prices])


def planned(others: list[dict[str, Any]], on: Market, **asked: Any) -> Plan:
    """The plan of a small first model, whose replicas are of one device and many requests, beside others."""
    one = {"layout": {"tensor": 1, "pipeline": 1}, "micro_batch": 64}
    return decision(workload(inference=inference(co_served=others, **asked), pin=one), on).plan


def test_models_fill_one_node_together() -> None:
    """Three models of a device each take one node of four, whose devices they have to themselves."""
    found = planned([SMALL, EMBEDS], sold(("p5.four", 4, 8.0)))
    assert found.chosen.nodes == 1
    assert [(each.model, each.devices) for each in found.beside] == [
        ("pythia-70m", "device 1 of node 1"),
        ("bert-base", "device 2 of node 1"),
    ]


def test_each_model_has_whole_devices() -> None:
    """On nodes of one device there are as many nodes as replicas of all models."""
    found = planned([SMALL, EMBEDS], sold(("p5.one", 1, 3.0)))
    service = found.chosen.service
    assert service is not None
    others = [each.candidate.service for each in found.beside]
    assert found.chosen.nodes == service.replicas + sum(each.replicas for each in others if each)
    assert [each.devices for each in found.beside] == ["device 0 of node 2", "device 0 of node 3"]


def test_the_price_is_that_of_all_nodes() -> None:
    """Nodes for all models are ranked, so that what is cheaper for one model alone may lose."""
    on = sold(("p5.one", 1, 3.0), ("p5.four", 4, 8.0))
    alone = planned([], on).chosen
    together = planned([SMALL, EMBEDS], on).chosen
    assert (alone.instance_type, together.instance_type) == ("p5.one", "p5.four")


def test_models_pay_for_their_devices() -> None:
    """The parts of all models come to the whole price, however many devices stand idle."""
    found = planned([SMALL, EMBEDS], sold(("p5.four", 4, 9.0)))
    parts = [each.candidate.usd_per_hour for each in found.beside]
    assert [float(each) for each in parts] == pytest.approx([3.0, 3.0])
    fleet, service = found.fleet, found.chosen.service
    assert fleet and service and fleet.usd_per_million_output
    million = service.requests_per_s * 3600 / 1e6
    own = float(fleet.usd_per_million_input) * 512 * million + float(fleet.usd_per_million_output) * 128 * million
    assert own == pytest.approx(3.0, rel=1e-3)


def test_tokens_of_all_models_bear_the_bill() -> None:
    """A million tokens in and out cost what the whole bill comes to over those of all models."""
    found = planned([SMALL, EMBEDS], sold(("p5.four", 4, 8.0)))
    service = found.chosen.service
    assert service is not None
    assert service.tokens_per_s == pytest.approx(20 * 640 + 5 * 288 + 5 * 256)
    million = found.cost.usd_per_million_tokens
    assert million and float(million) == pytest.approx(
        float(found.cost.usd_per_hour) / service.tokens_per_s / 3600 * 1e6, rel=1e-3
    )


def test_a_type_without_room_for_every_model_is_refused() -> None:
    """With the model that has none, and what to change."""
    large = {"model": "llama-3.1-70b", "requests_per_second": 1, "input_tokens": 256, "output_tokens": 32}
    with pytest.raises(NoFeasiblePlan) as caught:
        planned([large], sold(("p5.one", 1, 3.0)))
    assert "no replica of llama-3.1-70b fits a node of it and answers in time; plan the models apart" in str(
        caught.value.findings
    )


def test_limits_of_a_further_model_are_kept() -> None:
    """Its own time to the first token, or to the embedding."""
    with pytest.raises(NoFeasiblePlan, match=r"No instance type"):
        planned([{**EMBEDS, "ttft": "1us"}], sold(("p5.one", 1, 3.0)))


def test_a_lost_node_is_spared_once() -> None:
    """One node more than the models take, and it is told as spare."""
    plain, spare = (planned([SMALL], sold(("p5.one", 1, 3.0)), fleet={"spare": name}) for name in ("none", "node"))
    assert spare.chosen.nodes == plain.chosen.nodes + 1
    assert spare.fleet and (spare.fleet.load_nodes, spare.fleet.spare_nodes) == (plain.chosen.nodes, 1)


def test_apart_may_be_cheaper_and_is_told() -> None:
    """Where the first model takes a dear node, a further one on its own would have a cheap one."""
    types = [machine("p5.big", memory_gib=24), machine("p5.small", memory_gib=4)]
    on = market(types, [offer("p5.big", 6.0), offer("p5.small", 1.0)])
    large = {"model": "pythia-2.8b", "requests_per_second": 1, "input_tokens": 256, "output_tokens": 32}
    dear, fair = planned([large], on), planned([SMALL], on)
    assert [each for each in dear.warnings if "Planned apart" in each] == [
        "Planned apart, each on the instances that suit it best, pin left aside, the 2 models would take some $5,110 a "
        "month for the instances."
    ]
    assert not any("Planned apart" in each for each in fair.warnings)


LARGE = {"model": "pythia-2.8b", "requests_per_second": 1, "input_tokens": 256, "output_tokens": 32}


@pytest.mark.parametrize(
    ("asked", "most", "held", "month"),
    [
        # Four small nodes and a big one, in place of one of eight accelerators.
        ({}, 64, 64, "$7,300"),
        # Each model apart has a spare node of its own.
        ({"fleet": {"spare": "node"}}, 64, 64, "$12,410"),
        # The first model would take four small nodes.
        ({}, 2, 64, None),
        ({}, 64, 3, None),
    ],
    ids=["plain", "spare", "max_nodes", "quota"],
)
def test_apart_is_planned_within_the_same_limits(
    asked: dict[str, Any], most: int, held: int, month: str | None
) -> None:
    """Spare nodes, limits.max_nodes and quotas hold for each model apart too."""
    types = [
        machine("p5.eight", accelerators=8, memory_gib=24),
        machine("p5.big", memory_gib=24),
        machine("p5.small", memory_gib=4),
    ]
    on = market(
        types,
        [offer("p5.eight", 20.0), offer("p5.big", 6.0), offer("p5.small", 1.0)],
        quotas=quota(held, types[2]),
    )
    load = inference(requests_per_second=1000, co_served=[LARGE], **asked)
    found = decision(workload(inference=load, limits={"max_nodes": most}), on).plan
    told = [each for each in found.warnings if "Planned apart" in each]
    assert bool(told) is bool(month)
    assert all(str(month) in each and "pin" not in each for each in told)
