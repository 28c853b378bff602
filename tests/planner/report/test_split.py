"""Is it said who works on prompts, how their cache gets away, and who decodes?"""

from __future__ import annotations

from planner.layout import Layout
from planner.plan import Plan
from planner.report.split import comparison_rows, degrees
from tests.planner.market_builders import inference, market, offer, plan, serving_machines, workload


def planned(**asked: object) -> Plan:
    """A plan whose limits make the kinds of fleet cost nearly the same."""
    sold = market(serving_machines(), [offer("p5.small", 1), offer("p5.large", 5)])
    return plan(workload(inference=inference(requests_per_second=3000, tpot="0.8ms", **asked)), sold)


def test_both_roles_and_what_is_between_them_have_rows() -> None:
    """Compared or chosen, the split fleet's parts are told after the verdict."""
    for found in (planned(), planned(disaggregate="allow")):
        assert found.apart is not None
        rows = comparison_rows(found.apart, found.chosen)
        assert [name for name, _ in rows] == ["verdict", "prompts", "handover", "answers"]
        split = found.chosen.split or (found.apart.best and found.apart.best.split)
        assert split
        assert (
            f"{split.replicas} replica" in dict(rows)["prompts"] and f"{split.busy:.0%} busy" in dict(rows)["prompts"]
        )
        assert split.hands_over in dict(rows)["handover"] and "over the network" in dict(rows)["handover"]
        assert "requests in flight each" in dict(rows)["answers"]


def test_degrees_beyond_one_are_named() -> None:
    """A layout is its degrees beyond 1, or one device."""
    assert degrees(Layout(tensor=4, expert=8, data=2)) == "tensor 4 x expert 8 x data 2"
    assert degrees(Layout()) == "one device"
