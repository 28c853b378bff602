"""Which questions on which markets does hypothesis ask the planner?"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from planner.workload import Workload
from pricing.instance_type import InstanceType
from pricing.market import Market
from pricing.offer import Purchase
from pricing.price import Quota
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

# Every way is counted for each example, which takes a fifth of a second; further examples were tried by hand.
few = settings(deadline=None, derandomize=True, max_examples=20)

# The default regions, and every way to pay that a plan may choose among, in an order of the user's.
REGIONS = ["us-east-1", "us-east-2", "us-west-2"]
TERMS = [Purchase.SPOT, Purchase.ON_DEMAND, Purchase.CAPACITY_BLOCK]
PURCHASES = st.permutations(TERMS)
OBJECTIVES = st.sampled_from(["cost", "time", {"cost": 1, "time": 1}, {"cost": 5, "time": 1}, {"cost": 0.1, "time": 1}])
PRICES = st.integers(10, 2000).map(lambda cents: Decimal(cents) / 100)
NEAR = [Decimal(each) for each in ("0.5", "0.9", "0.98", "0.99", "1", "1.01")]


@st.composite
def market_of(draw: st.DrawFn, kind: InstanceType) -> Market:
    """A market of one type that is sold in several zones and regions on several terms.

    Some of them are within quotas, some interrupted by a known rate.
    """
    name, price = kind.name, draw(PRICES)
    # Mostly so near that interruptions and the days of a block decide.
    near = st.sampled_from([price * share for share in NEAR])
    other_prices = st.one_of(near, near, PRICES)
    offers = [offer(name, price)]
    if draw(st.booleans()):
        offers.append(offer(name, draw(PRICES), zones=["use1-az1"]))
    terms = st.tuples(st.sampled_from(REGIONS), st.sampled_from(TERMS))
    for region, purchase in draw(st.lists(terms, max_size=3, unique=True)):
        usd, zone = draw(other_prices), f"{region}-{purchase}"
        offers.append(offer(name, usd, region=region, purchase=purchase, zones=[zone]))
    quotas: list[Quota] = []
    for region, spot in draw(st.lists(st.tuples(st.sampled_from(REGIONS), st.booleans()), max_size=3, unique=True)):
        quotas += quota(draw(st.sampled_from([0, 1, 1.5, 2])), kind, region=region, spot=spot)
    bands: list[tuple[str, str, float, float]] = []
    for region in draw(st.lists(st.sampled_from(REGIONS), max_size=3, unique=True)):
        # Nobody's spot instances are taken back this often, but then a node wastes one or two percent of a run.
        low = draw(st.sampled_from([0, 0.2, 1 - 1e-9, 1 - 1e-15]))
        bands.append((name, region, low, low + draw(st.sampled_from([0, 5e-16]))))
    return market([kind], offers, quotas=tuple(quotas), interruptions=interrupted(*bands))


def merged(markets: Iterable[Market]) -> Market:
    """All of these markets as one."""
    found = list(markets)
    return market(
        [kind for each in found for kind in each.instance_types.values()],
        [offered for each in found for offered in each.offers],
        quotas=tuple(known for each in found for known in each.quotas),
        interruptions={key: band for each in found for key, band in each.interruptions.items()},
    )


@st.composite
def markets(draw: st.DrawFn, *, serving: bool = False) -> Market:
    """Two to four types with few devices and little memory, some of them alike in all but name and terms."""
    kinds = []
    for number in range(draw(st.integers(2, 4))):
        memory = draw(st.sampled_from([3.4, 3.7, 5.0, 9.0] if serving else [1.2, 1.8, 2.6, 6.0]))
        kinds.append(
            machine(
                f"p5.{draw(st.sampled_from('abc'))}{number}",
                accelerators=draw(st.sampled_from([1, 1, 2, 4])),
                memory_gib=memory,
                flop_per_s=draw(st.sampled_from([5e14, 1e15])),
                network_bytes_per_s=draw(st.sampled_from([None, 5e9, 1e11])),
            )
        )
    return merged([draw(market_of(kind)) for kind in kinds])


@st.composite
def training_workloads(draw: st.DrawFn) -> Workload:
    """Trainings of two million to sixteen million short sequences, in every framework for GPUs."""
    framework = draw(st.sampled_from(["megatron", "torchtitan", "deepspeed", "huggingface"]))
    method = draw(st.sampled_from(["full", "pretrain", "lora"]))
    batch = draw(st.sampled_from([4, 6, 8]))
    return workload(
        training=training(framework=framework, method=method, global_batch=batch),
        techniques={"accept": draw(st.sampled_from(["exact", "exact", "quantized"]))},
        objective=draw(OBJECTIVES),
        limits={"max_nodes": draw(st.integers(1, 3)), "deadline": "3650d", "purchase": draw(PURCHASES)},
    )


@st.composite
def serving_workloads(draw: st.DrawFn) -> Workload:
    """Services of a load by rate or by requests in flight."""
    loads: list[dict[str, Any]] = [{}, {"requests_per_second": None, "concurrency": 40}, {"requests_per_second": 300}]
    load = draw(st.sampled_from(loads))
    return workload(
        inference=inference(**load),
        techniques={"accept": draw(st.sampled_from(["exact", "exact", "quantized"]))},
        objective=draw(OBJECTIVES),
        limits={"max_nodes": draw(st.integers(1, 4)), "purchase": draw(PURCHASES)},
    )
