"""Does an index stand on the cheapest instances that hold it, and is every other type told why not?"""

from __future__ import annotations

import json
from typing import Any

import pytest

from planner.choose_index import plan_index
from planner.errors import NoFeasiblePlan
from planner.index_record import IndexPlan
from planner.workload import Workload
from pricing.market import Market
from pricing.units import GIB
from tests.planner.market_builders import machine, market, offer

GPUS = [machine("p5.one", memory_gib=80), machine("p5.eight", accelerators=8, memory_gib=80)]
SOLD = market(GPUS, [offer("p5.one", "0.01"), offer("p5.eight", 90)])
NO_GPUS = market([], [offer("p5.one", 4)])


def planned(sold: Market = NO_GPUS, limits: dict[str, Any] | None = None, **index: Any) -> IndexPlan:
    """The plan of 100 million vectors of 768 dimensions, or as given."""
    section = {"method": "hnsw", "vectors": "100M", "dimensions": 768, **index}
    asked = {"name": "vectors", "index": section, **({"limits": limits} if limits else {})}
    return plan_index(Workload.model_validate_json(json.dumps(asked)), sold)


def test_a_copy_stands_on_one_instance_where_one_holds_it() -> None:
    """320 GB of HNSW need 400 GB of memory: twice the cheapest type with so much, one for each copy."""
    found = planned()
    chosen = found.chosen
    assert (chosen.nodes, chosen.nodes_per_copy, found.copies) == (2, 1, 2)
    assert chosen.usable_bytes_per_node >= found.bytes_per_copy
    assert all(each.usd_per_month >= chosen.usd_per_month for each in found.runners_up)
    assert chosen.usd_per_month == round(chosen.usd_per_hour * 730, 2)


def test_shards_that_are_allowed_may_be_cheaper() -> None:
    """Spread over more, smaller instances a copy costs less, and is spread over no more than allowed."""
    one, many = planned(), planned(shards=4)
    assert many.chosen.usd_per_month <= one.chosen.usd_per_month
    assert many.chosen.nodes_per_copy <= 4
    assert "every query would ask more instances than the 1 that a copy needs" in one.rejections["r7g.large"]


def test_gpus_hold_what_faiss_can_search_there() -> None:
    """Flat stands on the cheaper GPU, HNSW never does, and neither does OpenSearch."""
    small: dict[str, Any] = {"vectors": "10M"}
    assert planned(SOLD, method="flat", **small).chosen.instance_type == "p5.one"
    assert planned(SOLD, **small).chosen.memory == "host memory"
    assert planned(SOLD, method="flat", engine="opensearch", **small).chosen.memory == "host memory"
    assert planned(SOLD, method="flat", hardware="memory", **small).chosen.memory == "host memory"


def test_a_rate_is_held_against_the_bandwidth_of_gpus() -> None:
    """30.7 GB a query at 2 TB/s are 65 queries/s a copy: fewer than 1,000 with two, more than 100."""
    flat: dict[str, Any] = {"method": "flat", "vectors": "10M", "hardware": "gpu"}
    found = planned(SOLD, **flat, queries_per_second=100)
    assert found.chosen.queries_per_s == pytest.approx(2 * 2e12 / 30.72e9)
    with pytest.raises(NoFeasiblePlan, match=r"p5\.one: its memory is read fast enough for 130 queries/s"):
        planned(SOLD, **flat, queries_per_second=10_000)


def test_a_rate_without_a_formula_is_left_open() -> None:
    """Nobody publishes how fast a graph is walked: the plan says that it does not know."""
    found = planned(queries_per_second=500)
    assert found.chosen.queries_per_s is None
    assert any("is not known" in note for note in found.notes)


def test_a_region_without_prices_says_so() -> None:
    """Prices of memory-optimised types are of one region on demand; elsewhere there is no plan, and that is why."""
    with pytest.raises(
        NoFeasiblePlan, match=r"no source states its price as on-demand in eu-west-1; known are us-east-1"
    ):
        planned(limits={"regions": ["eu-west-1"]})


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"max_nodes": 1}, "takes 2 nodes, and limits.max_nodes is 1"),
        ({"budget": 100}, "limits.budget is \\$100"),
        ({"instance_types": {"allow": ["r7g.large"]}, "max_nodes": 4}, "limits.instance_types leaves it out"),
    ],
)
def test_limits_are_kept_or_named(limits: dict[str, Any], says: str) -> None:
    """Nodes, budget and types are limits of an index too."""
    with pytest.raises(NoFeasiblePlan, match=says):
        planned(limits=limits)


def test_every_type_is_chosen_near_or_told_why_not() -> None:
    """What is neither planned nor shown beside the plan fits, and is dearer."""
    found = planned()
    shown = {found.chosen.instance_type, *(each.instance_type for each in found.runners_up)}
    assert not shown & found.rejections.keys()
    assert found.chosen.memory_bytes_per_node >= 400 * 10**9 > 372 * GIB
