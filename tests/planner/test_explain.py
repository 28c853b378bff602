"""Does each verdict say truly by how much something misses or loses?"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from planner.calibration import load_calibration
from planner.errors import NoFeasiblePlan
from planner.plan import Plan, Rung
from planner.shape import ModelShape
from planner.workload import Workload
from pricing.market import Market
from pricing.offer import Offer, Purchase
from pricing.price import Quota
from pricing.records import replace
from pricing.units import show_duration
from tests.planner.brute_force import every_way, figures
from tests.planner.builders import DENSE
from tests.planner.market_builders import (
    inference,
    machine,
    market,
    offer,
    plan,
    quota,
    serving_machines,
    three_machines,
    three_offers,
    training,
    workload,
)

SOLD = market(three_machines(), three_offers())
SERVED = market(serving_machines(), three_offers())


def verdicts(found: Plan) -> dict[Rung, str]:
    """What is said of each rung."""
    return {answer.rung: answer.verdict for answer in found.ladder}


def reasons(asked: Workload, sold: Market = SOLD, shape: ModelShape = DENSE) -> dict[str, str]:
    """Why each type is not in the plan."""
    return {each.subject: each.reason for each in plan(asked, sold, shape).rejections}


@pytest.mark.parametrize("objective", ["cost", "time", {"cost": 1, "time": 1}])
@pytest.mark.parametrize(
    ("sold", "job"), [(SOLD, {"training": training()}), (SERVED, {"inference": inference()})], ids=["train", "serve"]
)
def test_a_loser_loses_by_what_is_said(sold: Market, job: dict[str, Any], objective: Any) -> None:
    """Times and percentages in a verdict are those between its figures and the chosen one's."""
    asked = workload(objective=objective, limits={"max_nodes": 4}, **job)
    found = plan(asked, sold)
    usd, job_s = figures(asked, found.chosen)
    losers = [answer for answer in found.ladder if answer.best and answer.verdict != "chosen"]
    assert losers
    for answer in losers:
        assert answer.best is not None
        other_usd, other_s = figures(asked, answer.best)
        for more, less, ratio in (("dearer", "cheaper", other_usd / usd), ("slower", "faster", other_s / job_s)):
            assert said_ratio(answer.verdict, more, less) == pytest.approx(ratio, rel=0.06, abs=0.0051)


def said_ratio(verdict: str, more: str, less: str) -> float:
    """The ratio that a verdict tells in words."""
    if found := re.search(rf"([\d.]+) times {more}", verdict):
        return float(found[1])
    if found := re.search(rf"(\d+)% {more}", verdict):
        return 1 + float(found[1]) / 100
    if found := re.search(rf"(\d+)% {less}", verdict):
        return 1 - float(found[1]) / 100
    assert f"no {more}" in verdict
    return 1.0


def test_what_the_objective_weighs_comes_first() -> None:
    """Who minimises time reads of time first, everybody else of money."""
    for objective, first in (("cost", "dearer"), ("time", "slower"), ({"cost": 1, "time": 1}, "dearer")):
        found = plan(workload(objective=objective, limits={"max_nodes": 4}), SOLD)
        for answer in found.ladder:
            if answer.best and answer.verdict != "chosen":
                assert min(
                    (answer.verdict.find(word) for word in ("dearer", "cheaper", "slower", "faster")),
                    key=lambda place: place if place >= 0 else 10**6,
                ) == max(answer.verdict.find(first), answer.verdict.find({"dearer": "cheaper"}.get(first, "faster")))


@pytest.mark.parametrize(
    ("sections", "subject", "said"),
    [
        ({}, "p5.large", r"\d+% dearer|times dearer"),
        ({"limits": {"max_nodes": 1}, "pin": {"layout": {"tensor": 2}}}, "p5.large", "no legal layout fills its devic"),
        (
            {"limits": {"max_nodes": 1}, "pin": {"recompute": "none", "micro_batch": 8}},
            "p5.small",
            r"needs [\d.]+ GiB per device or more, even on one node, and has 1\.8 GiB",
        ),
    ],
)
def test_a_contender_is_told_what_it_misses(sections: dict[str, Any], subject: str, said: str) -> None:
    """Price, layouts or memory: each contender has the reason that is its own."""
    assert re.search(said, reasons(workload(**sections))[subject])


@pytest.mark.parametrize(
    ("objective", "limit", "subject", "said"),
    [
        ("cost", "budget", "p5.large", r"nearest is (\d x )?p5.large, which costs \$[\d.]+ a run \(the budget is \$"),
        (
            "time",
            "deadline",
            "p5.small",
            r"nearest is p5.small, which takes [\d.]+ \w+ for \$[\d.]+ \(the deadline is [\d.]+",
        ),
    ],
)
def test_a_contender_is_told_the_limit_that_it_breaks(objective: str, limit: str, subject: str, said: str) -> None:
    """With money or time for the best plan alone, the others are told by how much they are over."""
    asked = workload(objective=objective, limits={"max_nodes": 1})
    usd, job_s = figures(asked, plan(asked, SOLD).chosen)
    just = {"budget": Decimal(usd * 1.001), "deadline": job_s * 1.001}[limit]
    limited = asked.model_copy(update={"limits": asked.limits.model_copy(update={limit: just})})
    assert re.search(said, reasons(limited)[subject])


def test_the_nearest_to_a_deadline_is_the_cheaper_of_equals() -> None:
    """Of types that differ only in their host, the miss names the cheaper one, not the first by name."""
    twins = market([machine("p5.a"), machine("p5.b")], [offer("p5.a", 9), offer("p5.b", 1)])
    with pytest.raises(NoFeasiblePlan, match=r"single accelerator: nearest is p5\.b, which takes"):
        plan(workload(limits={"deadline": "1s", "max_nodes": 1}), twins)


@pytest.mark.parametrize(
    ("changes", "sections", "said"),
    [
        ({"ttft": "60ms"}, {}, r"which has a TTFT of [\d.]+ \w+ \(the limit is 60 ms\)"),
        ({"requests_per_second": 40}, {"limits": {"max_nodes": 2}}, r"nearest is \d+ x p5.slow, which the load takes"),
    ],
)
def test_a_slow_type_is_told_its_latency_and_not_its_memory(
    changes: dict[str, Any], sections: dict[str, Any], said: str
) -> None:
    """A type that holds the model but answers late, or takes too many nodes, is not said to lack memory."""
    slow = machine("p5.slow", memory_gib=3.7, flop_per_s=1e11, memory_bytes_per_s=1e11)
    sold = market([slow, machine("p5.large", memory_gib=9.0)], [offer("p5.slow", 1), offer("p5.large", 5)])
    found = reasons(workload(inference=inference(**changes), **sections), sold)["p5.slow"]
    assert re.search(said, found), found
    assert "GiB" not in found
    # It is the best that the type can do: the quickest answer, or else the smallest fleet.
    free = workload(inference=inference(**{**changes, "ttft": None}), limits={"max_nodes": 4096})
    ways = every_way(free, DENSE, market([slow], [offer("p5.slow", 1)]), load_calibration())
    if "ttft" in changes:
        quickest = min((way for way in ways if way.nodes <= 64), key=lambda way: way.job_s)
        assert f"a TTFT of {show_duration(quickest.ttft_s)} " in found
    else:
        assert f"nearest is {min(way.nodes for way in ways)} x " in found


def test_a_rung_without_a_technique_says_what_widens_it() -> None:
    """Where no technique is left to add, the ladder names the field that allows more."""
    found = plan(workload(inference=inference(precision="bf16")), SERVED)
    assert "techniques.accept" in verdicts(found)[Rung.MORE_OPTIMIZATION]


def test_memory_misses_tell_need_and_have() -> None:
    """A rung that nothing fits names the type, its need at the band's upper edge, and what it has."""
    found = plan(workload(limits={"max_nodes": 2}, pin={"micro_batch": 4, "recompute": "none"}), SOLD)
    lacking = [verdict for verdict in verdicts(found).values() if verdict.startswith("does not fit")]
    for verdict in lacking:
        need, have = (float(each) for each in re.findall(r"([\d.]+) GiB", verdict))
        assert need > have


SMALL, FOUR, _ = three_machines()
SPOT = Purchase.SPOT


@pytest.mark.parametrize(
    ("offers", "quotas", "said"),
    [
        (
            [offer("p5.four", "0.1")],
            quota(0, FOUR),
            "nearest is p5.four, but the account's quotas allow 0 as on-demand in us-east-1; raise them",
        ),
        (
            [offer("p5.four", "0.1", region="us-east-2")],
            quota(0.9, FOUR, region="us-east-2"),
            "nearest is p5.four, but the account's quotas allow 0 as on-demand in us-east-2; raise them",
        ),
        (
            [offer("p5.four", "0.1", purchase=SPOT)],
            quota(0, FOUR, spot=True),
            "nearest is p5.four, but the account's quotas allow 0 as spot in us-east-1; raise them",
        ),
        # A dearer offer with no more nodes than the cheaper one is not worth a word.
        (
            [offer("p5.four", "0.1"), offer("p5.four", "0.2", region="us-east-2")],
            (*quota(0, FOUR), *quota(0, FOUR, region="us-east-2")),
            "nearest is p5.four, but the account's quotas allow 0 as on-demand in us-east-1; raise them",
        ),
    ],
)
def test_a_quota_that_rules_a_type_out_is_named(offers: list[Offer], quotas: tuple[Quota, ...], said: str) -> None:
    """A type that the account may not run is refused for that, with what its quota allows, how bought and where."""
    sold = market([SMALL, FOUR], [offer("p5.small", 1), *offers], quotas=quotas)
    limits = {"max_nodes": 2, "purchase": ["on-demand", "spot"]}
    assert reasons(workload(limits=limits), sold)["p5.four"] == said
    # With the quota raised it is the cheapest, and chosen.
    assert plan(workload(limits=limits), market([SMALL, FOUR], sold.offers)).chosen.instance_type == "p5.four"


def test_a_quota_of_too_few_nodes_says_how_many() -> None:
    """A pinned fleet larger than the quota is refused with both counts, and with every offer that is no worse."""
    offers = [offer("p5.four", 1, purchase=SPOT), offer("p5.four", 2), offer("p5.four", 3, region="us-east-2")]
    known = (*quota(1, FOUR, spot=True), *quota(2, FOUR), *quota(0, FOUR, region="us-east-2"))
    asked = workload(pin={"nodes": 4}, limits={"purchase": ["on-demand", "spot"]})
    allowed = "the account's quotas allow 1 as spot in us-east-1, 2 as on-demand in us-east-1; raise them"
    with pytest.raises(NoFeasiblePlan) as caught:
        plan(asked, market([FOUR], offers, quotas=known))
    assert f"  cluster: nearest is 4 x p5.four, but {allowed}" in caught.value.findings


def test_a_deadline_that_only_a_quota_breaks_names_the_quota() -> None:
    """Where more nodes would be in time and the account may not run them, that is the reason, not the deadline."""
    fast = machine("p5.fast", memory_gib=6, network_bytes_per_s=1e12)
    (slow, quick) = (
        plan(workload(pin={"nodes": nodes}), market([fast], [offer("p5.fast", 1)])).chosen.run for nodes in (1, 4)
    )
    assert slow is not None and quick is not None and quick.run_s < slow.run_s
    hurried = workload(limits={"max_nodes": 4, "deadline": f"{(slow.run_s + quick.run_s) / 2:.0f}s"})
    assert plan(hurried, market([fast], [offer("p5.fast", 1)])).chosen.nodes > 1
    one = market([fast], [offer("p5.fast", 1)], quotas=quota(1, fast))
    dear = machine("p5.dear", memory_gib=6, network_bytes_per_s=1e12)
    two = market([fast, dear], [offer("p5.dear", 9), *one.offers], quotas=one.quotas)
    with pytest.raises(NoFeasiblePlan) as caught:
        plan(hurried, one)
    (cluster,) = (each for each in caught.value.findings if each.startswith("  cluster: "))
    said = r"nearest is \d x p5\.fast, but the account's quotas allow 1 as on-demand in us-east-1; raise them"
    assert re.fullmatch(f"  cluster: {said}", cluster)
    # One node is not in time on its rung, whatever the quota.
    assert re.search(r"  single accelerator: nearest is p5\.fast, which takes .* \(the deadline is", str(caught.value))
    # A type that is chosen from beside it has the same reason among the rejections.
    assert re.fullmatch(said, reasons(hurried, two)["p5.fast"])


def test_a_service_too_large_for_the_quota_says_so() -> None:
    """A load that takes more instances than the account may run is refused for the quota, on the rung that it is on."""
    sold = market(serving_machines()[:1], [offer("p5.small", 1)], quotas=quota(2, SMALL))
    asked = workload(inference=inference(requests_per_second=1500))
    free = plan(asked, market(serving_machines()[:1], [offer("p5.small", 1)])).chosen
    assert free.nodes > 2
    with pytest.raises(
        NoFeasiblePlan, match=r"x p5\.small, but the account's quotas allow 2 as on-demand in us-east-1"
    ):
        plan(asked, sold)


def test_a_node_that_cannot_hold_what_is_offloaded_is_told_so() -> None:
    """A type without disks is rejected for its disk, not for its device."""
    job = training(method="full", framework="deepspeed")
    asked = workload(
        training=job,
        techniques={"require": ["optimizer-offload-nvme"]},
        limits={"deadline": "9999d", "max_nodes": 1},
    )
    disked = replace(machine("p5.disk", accelerators=2, memory_gib=6.0), nvme_bytes=2**40)
    bare = machine("p5.bare", accelerators=2, memory_gib=6.0)
    sold = market((disked, bare), (offer("p5.disk", 2), offer("p5.bare", 1)))
    assert reasons(asked, sold)["p5.bare"].endswith("of local disk per node or more, even on one node, and has 0.0 GiB")
    with pytest.raises(NoFeasiblePlan) as caught:
        plan(asked, market((bare,), (offer("p5.bare", 1),)))
    assert "of local disk per node and has 0.0 GiB" in " ".join(caught.value.findings)


def test_what_fits_without_a_known_time_is_told_so() -> None:
    """A type on which everything fits and nothing is timed is not called too small."""
    asked = workload(limits={"deadline": "9999d", "max_nodes": 1})
    unrated = machine("p5.dark", accelerators=2, memory_gib=6.0, link_bytes_per_s=None)
    lit = machine("p5.lit", accelerators=2, memory_gib=6.0)
    sold = market((unrated, lit), (offer("p5.dark", 1), offer("p5.lit", 2)))
    pinned = asked.model_copy(update={"pin": workload(pin={"layout": {"tensor": 2}}).pin})
    assert reasons(pinned, sold)["p5.dark"] == "fits, but no source states all rates that its time depends on"
    with pytest.raises(NoFeasiblePlan) as caught:
        plan(pinned, market((unrated,), (offer("p5.dark", 1),)))
    assert "It fits on p5.dark, but no source states all rates" in " ".join(caught.value.findings)
