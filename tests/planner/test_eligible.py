"""Is each instance type a contender or refused, with the reason that a user would want to hear first?"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from planner.asked import frameworks_of, permitted
from planner.eligible import best_offers, contenders, most_nodes
from planner.framework import load_frameworks
from planner.workload import InstanceTypes
from pricing.catalog import load_instance_types
from pricing.instance_type import InstanceType
from pricing.market import load_market
from pricing.offer import Purchase
from pricing.records import replace
from tests.planner.builders import DENSE
from tests.planner.market_builders import (
    inference,
    interrupted,
    machine,
    market,
    offer,
    quota,
    training,
    workload,
)

ONE = machine("p5.one")
NEVER = interrupted(("p5.one", "us-east-1", 0, 0), ("p5.one", "us-west-2", 0, 0))
ZONED = {"provision": {"zone": "use1-az6"}}


def reason(kind: InstanceType, *offers: Any, **sections: Any) -> str:
    """Why a type is no contender, and what to change; empty where it is one."""
    able, refused = contenders(workload(**sections), DENSE, market([kind], offers or [offer(kind.name, 1)]))
    assert len(able) + len(refused) == 1
    return f"{refused[0].reason}; {refused[0].change}" if refused else ""


def chip(**changes: Any) -> InstanceType:
    """The type with another accelerator."""
    return replace(ONE, accelerator=replace(ONE.accelerator, **changes))


@pytest.mark.parametrize(
    ("kind", "sections", "said"),
    [
        (ONE, {}, ""),
        (ONE, {"pin": {"instance_type": "p5.one"}}, ""),
        (ONE, {"pin": {"instance_type": "p5.two"}}, "the workload pins p5.two; remove pin.instance_type"),
        (ONE, {"limits": {"instance_types": {"allow": ["g*"]}}}, "the workload's limits leave it out; widen limits"),
        (ONE, {"limits": {"instance_types": {"deny": ["*.one"]}}}, "the workload's limits leave it out; widen limits"),
        (ONE, {"limits": {"instance_types": {"allow": ["p5.*"]}}}, ""),
        (chip(vendor="AMD"), {}, "no framework known here does training on chip of p5.one"),
        (
            chip(vendor="AWS", name="Trainium1"),
            {"training": training(framework="torchtitan")},
            "torchtitan (PyTorch FSDP2) does not run on Trainium1; name another framework (neuron)",
        ),
        (
            chip(vendor="AWS"),
            {"inference": inference()},
            "vLLM does not run on chip of p5.one; name another framework (neuron-serving)",
        ),
        (chip(vendor="AWS"), {"inference": inference(engine=None)}, ""),
        (
            ONE,
            {"techniques": {"forbid": ["bf16", "fp16", "fp32"]}},
            "has no recipe with the precision and techniques asked for; loosen techniques or pins",
        ),
        (chip(flop_per_s={}), {}, "no source states chip of p5.one's rate at the precision asked for; "),
        (chip(flop_per_s={"fp16": 1e15}), {"training": training(precision="bf16")}, "no source states chip of p5.one"),
        # An accelerator without bf16 trains in fp16 where the user leaves that open.
        (chip(flop_per_s={"fp16": 1e15}), {}, ""),
        (chip(memory_bytes_per_s=None), {}, "no source states chip of p5.one's memory bandwidth; "),
        (replace(ONE, retired=True), {}, "EC2 has retired it; to plan it all the same, pin it, and "),
        (replace(ONE, retired=True), {"pin": {"instance_type": "p5.one"}}, ""),
        (replace(ONE, family="p3"), {}, "no public machine image has the driver that it needs; name one in provision"),
        (replace(ONE, family="p3"), {"provision": {"image": "ami-0123456789abcdef0"}}, ""),
    ],
)
def test_the_first_reason_is_told(kind: InstanceType, sections: dict[str, Any], said: str) -> None:
    """The user's own limits come first, then software, rates, the market and the image."""
    found = reason(kind, **sections)
    assert said in found if said else not found


@pytest.mark.parametrize(
    ("rates", "sections", "precisions"),
    [
        (("bf16", "fp16", "fp32"), {}, {"bf16"}),
        (("fp16", "fp32"), {}, {"fp16"}),
        (("bf16", "fp16", "fp32"), {"training": training(precision="fp16")}, {"fp16"}),
        (("bf16", "fp8"), {"techniques": {"accept": "quantized"}}, {"bf16", "fp8"}),
    ],
)
def test_half_precision_is_for_chips_without_brain_floats(
    rates: tuple[str, ...], sections: dict[str, Any], precisions: set[str]
) -> None:
    """fp16 is planned where an accelerator has no bf16, or where the user asks for it, and nowhere else."""
    kind = chip(flop_per_s=dict.fromkeys(rates, 1e15))
    ((found, *_), _) = contenders(workload(**sections), DENSE, market([kind], [offer("p5.one", 1)]))
    assert {each.recipe.techniques[0] for each in found.options} == precisions


@pytest.mark.parametrize(("rates", "caches"), [(("bf16",), {False}), (("bf16", "fp8"), {True, False})])
def test_what_needs_a_rate_is_left_out_without_it(rates: tuple[str, ...], caches: set[bool]) -> None:
    """TensorRT-LLM keeps its cache in fp8 only on accelerators that compute in it."""
    kind = chip(flop_per_s=dict.fromkeys(rates, 1e15))
    kind = replace(kind, accelerator=replace(kind.accelerator, name="A100-40GB"))
    asked = workload(inference=inference(engine="tensorrt-llm"), techniques={"accept": "quantized"})
    ((found, *_), _) = contenders(asked, DENSE, market([kind], [offer("p5.one", 1)]))
    assert {"kv-fp8" in each.recipe.techniques for each in found.options} == caches


@pytest.mark.parametrize(
    ("offers", "sections", "said"),
    [
        ([offer("p5.two", 1)], {}, "no source lists where p5.one is offered"),
        ([offer("p5.one", 1)], ZONED, ""),
        ([offer("p5.one", 1, zones=["use1-az4"])], ZONED, "use1-az6 does not offer it; change provision.zone"),
        ([offer("p5.one", 1, zones=[])], {}, "no source lists a zone that offers it; name one in provision.zone"),
        # Without a list of zones, the zone that the user names is taken where it lies in the offer's region.
        ([offer("p5.one", 1, zones=[]), offer("p5.two", 1)], ZONED, ""),
        (
            [offer("p5.one", 1, zones=[]), offer("p5.two", 1, region="us-east-2")],
            {"provision": {"zone": "use1-az6"}, "limits": {"regions": ["us-east-1", "us-east-2"]}},
            "use1-az6 does not offer it",
        ),
    ],
)
def test_offers_without_the_zone_are_told(offers: list[Any], sections: dict[str, Any], said: str) -> None:
    """A type that is not sold, not in the zone asked for, or in no zone known is refused for that."""
    found = reason(ONE, *offers, **sections)
    assert said in found.replace("No source", "no source") if said else not found


def test_the_market_explains_its_gaps() -> None:
    """A type that is sold elsewhere, or otherwise, is refused with the market's own sentence."""
    asked = workload(limits={"instance_types": {"allow": ["p5*", "p6*", "trn2u*"]}})
    _, refused = contenders(asked, DENSE, load_market(asked.limits.regions, asked.limits.purchase))
    reasons = {each.subject: each.reason for each in refused}
    assert "is sold in us-east-2 and us-west-2, but no price as on-demand is known" in reasons["p5e.48xlarge"]
    assert "is sold as capacity-block only, not as on-demand" in reasons["p6e-gb200.36xlarge"]
    assert "the workload's limits" in reasons["g5.xlarge"]


@pytest.mark.parametrize("sections", [{}, {"inference": inference(engine=None)}])
def test_every_type_is_decided_on_once(sections: dict[str, Any]) -> None:
    """Contenders and refused types are all types there are, each in order of name and with a reason."""
    asked = workload(**sections)
    able, refused = contenders(asked, DENSE, load_market(asked.limits.regions, asked.limits.purchase))
    names = [each.machine.name for each in able]
    assert sorted([*names, *(each.subject for each in refused)]) == sorted(load_instance_types())
    assert names == sorted(names)
    assert all(each.reason for each in refused)
    assert all(each.options for each in able)


@pytest.mark.parametrize(
    ("offers", "limits", "cheapest"),
    [
        ([("us-east-1", "on-demand", 3), ("us-east-2", "on-demand", 2)], {}, ("us-east-2", "on-demand", 2)),
        # Equal prices go to what the user names first.
        ([("us-east-1", "on-demand", 2), ("us-east-2", "on-demand", 2)], {}, ("us-east-1", "on-demand", 2)),
        (
            [("us-east-1", "on-demand", 2), ("us-east-2", "on-demand", 2)],
            {"regions": ["us-east-2", "us-east-1"]},
            ("us-east-2", "on-demand", 2),
        ),
        (
            [("us-east-1", "on-demand", 2), ("us-east-1", "spot", 2)],
            {"purchase": ["spot", "on-demand"]},
            ("us-east-1", "spot", 2),
        ),
        # No more than a rounding of the price list: the same price.
        (
            [("us-east-1", "on-demand", 21.957642), ("us-east-2", "on-demand", 21.95764)],
            {},
            ("us-east-1", "on-demand", 21.957642),
        ),
    ],
)
def test_the_cheapest_offer_beats_the_others(
    offers: list[tuple[str, str, float]], limits: dict[str, Any], cheapest: tuple[str, str, float]
) -> None:
    """The lowest price alone is left; among equals, the region and the purchase that are named first."""
    sold = [
        offer("p5.one", price, region=region, purchase=Purchase(purchase), zones=[f"{region}-z"])
        for region, purchase, price in offers
    ]
    for order in (sold, sold[::-1]):
        (found,) = best_offers(workload(limits=limits), market([ONE], order, interruptions=NEVER), ONE)
        assert (found.region, found.purchase, found.usd_per_hour_per_node) == (*cheapest[:2], Decimal(str(cheapest[2])))


SOLD = (
    offer("p5.one", 1, purchase=Purchase.SPOT, zones=["z1"]),
    offer("p5.one", 2, purchase=Purchase.CAPACITY_BLOCK, zones=["z2"]),
    offer("p5.one", 3, region="us-east-2", zones=["z3"]),
    offer("p5.one", 4, zones=["z4"]),
    offer("p5.one", 5, region="us-west-2", purchase=Purchase.SPOT, zones=["z5"]),
)
ON_ANY_TERMS = {"purchase": ["on-demand", "spot", "capacity-block"]}


@pytest.mark.parametrize(
    ("known", "left"),
    [
        # Of spot nothing is known: it is taken to be interrupted, and what is not stays beside it.
        ({}, ["z1", "z2", "z3"]),
        # Where nothing is interrupted the cheapest beats all.
        ({"interruptions": NEVER}, ["z1"]),
        # A dearer offer stays where the account may run more of it, and only then. Of blocks no quota is known, but
        # they are paid by the day: what is paid by the hour stays beside them.
        ({"quotas": quota(8, ONE, spot=True)}, ["z1", "z2", "z3"]),
        (
            {"quotas": (*quota(8, ONE, spot=True), *quota(4, ONE, region="us-east-2")), "interruptions": NEVER},
            ["z1", "z2", "z4"],
        ),
        ({"quotas": (*quota(8, ONE, spot=True), *quota(9, ONE, region="us-east-2"))}, ["z1", "z2", "z3", "z4"]),
        ({"quotas": quota(0, ONE, spot=True)}, ["z1", "z2", "z3"]),
        ({"without": "z1"}, ["z2", "z3"]),
        # Of two interrupted ones the dearer stays where it is interrupted less, and demand stays beside both.
        ({"interruptions": interrupted(("p5.one", "us-east-1", 0.1, 0.2))}, ["z1", "z2", "z3"]),
        (
            {"interruptions": interrupted(("p5.one", "us-east-1", 0.1, 0.2), ("p5.one", "us-west-2", 0, 0.05))},
            ["z1", "z2", "z3"],
        ),
        (
            {
                "interruptions": interrupted(("p5.one", "us-east-1", 0.1, 0.2), ("p5.one", "us-west-2", 0, 0.05)),
                "quotas": (*quota(2, ONE), *quota(1, ONE, region="us-east-2")),
                "without": "z2",
            },
            ["z1", "z3", "z4", "z5"],
        ),
    ],
)
def test_a_dearer_offer_stays_where_something_speaks_for_it(known: dict[str, Any], left: list[str]) -> None:
    """More nodes, fewer interruptions or shorter use: whatever else is dearer and no better is dropped."""
    facts = {key: value for key, value in known.items() if key != "without"}
    for order in (SOLD, SOLD[::-1]):
        sold = [each for each in order if each.zone_ids != (known.get("without"),)]
        found = best_offers(workload(limits=ON_ANY_TERMS), market([ONE], sold, **facts), ONE)
        assert [each.zone_ids[0] for each in found] == left


def test_offers_in_other_zones_are_no_offers() -> None:
    """Where a zone is named, its price counts, whatever the cheaper zones take; the offer is of that zone alone."""
    sold = [offer("p5.one", 1, zones=["use1-az4"]), offer("p5.one", 2, zones=["use1-az1", "use1-az6"])]
    (found,) = best_offers(workload(**ZONED), market([ONE], sold), ONE)
    assert (found.usd_per_hour_per_node, found.zone_ids) == (Decimal(2), ("use1-az6",))


def test_a_region_without_a_list_of_zones_has_the_one_that_is_named() -> None:
    """Of GovCloud prices are bundled and zones are not: whoever names the zone gets the offer, in that region alone."""
    gov = [offer("p5.one", usd, region=f"us-gov-{where}-1", zones=[]) for where, usd in (("east", 1), ("west", 2))]
    asked = workload(provision={"zone": "usgw1-az2"}, limits={"regions": ["us-gov-east-1", "us-gov-west-1"]})
    sold = replace(market([ONE], gov), zone_ids={})
    (found,) = best_offers(asked, sold, ONE)
    assert (found.region, found.zone_ids) == ("us-gov-west-1", ("usgw1-az2",))


def test_most_nodes_are_unlimited_where_no_quota_is_known() -> None:
    """Not knowing a quota is not a quota of zero; a part of a node is none."""
    sold = market([ONE], SOLD, quotas=(*quota(0, ONE), *quota(7.9, ONE, region="us-east-2")))
    assert [most_nodes(each, sold) for each in SOLD] == [math.inf, math.inf, 7, 0, math.inf]


@pytest.mark.parametrize(
    ("sections", "names"),
    [
        ({"training": training(framework=None)}, {"megatron", "neuron"}),
        ({"training": training(framework=None, method="qlora")}, {"huggingface"}),
        ({"training": training(framework="deepspeed")}, {"deepspeed"}),
        ({"training": training(framework="megatron", method="qlora")}, set()),
        ({"inference": inference(engine=None)}, {"vllm", "neuron-serving"}),
        ({"inference": inference()}, {"vllm"}),
        ({"inference": inference(engine="tgi")}, {"tgi"}),
    ],
)
def test_the_software_is_the_users_or_the_default(sections: dict[str, Any], names: set[str]) -> None:
    """A framework that is named is the only one; otherwise those that the method defaults to."""
    assert {each.name for each in frameworks_of(workload(**sections))} == names


@pytest.mark.parametrize("method", ["pretrain", "full", "lora", "qlora"])
@pytest.mark.parametrize("vendor", ["NVIDIA", "AWS"])
def test_every_method_has_a_default_on_gpus(method: str, vendor: str) -> None:
    """Every method runs on NVIDIA without naming a framework, and no vendor has two defaults for one."""
    defaults = [each for each in load_frameworks().values() if method in each.default_methods]
    running = [each for each in defaults if vendor in each.vendors]
    assert len(running) == 1 if vendor == "NVIDIA" else len(running) <= 1


@pytest.mark.parametrize(
    ("allow", "deny", "left"),
    [
        ([], [], True),
        (["p5*"], [], True),
        (["p5.one"], [], True),
        (["p5.on?"], [], True),
        (["p[45].*"], [], True),
        (["P5*"], [], False),
        (["p5"], [], False),
        ([], ["p5*"], False),
        (["p5*"], ["*one"], False),
        (["g*", "p*"], ["g*"], True),
    ],
)
def test_wildcards_match_whole_names(allow: list[str], deny: list[str], left: bool) -> None:
    """`*` and `?` stand for characters, case counts, and what is denied stays denied."""
    assert permitted("p5.one", InstanceTypes(allow=tuple(allow), deny=tuple(deny))) is left
