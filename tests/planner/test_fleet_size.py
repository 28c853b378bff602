"""How many nodes carry a load, what is spare, and does the cheapest fleet change where prices say so?"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from planner.fleet_size import Reserve, Unit, Units, cheapest_by_load, spare_nodes


def unit(rate: float, *, per_node: int = 1, each: int = 1) -> Unit:
    """A unit of one dollar an hour."""
    return Unit(
        name="one", requests_per_s=rate, replicas_per_node=per_node, nodes_per_replica=each, usd_per_hour_per_node=1.0
    )


@pytest.mark.parametrize(
    ("made", "load", "nodes"),
    [
        (unit(2.0), 5.0, 3),
        (unit(2.0), 4.0, 2),
        (unit(0.1), 0.3, 3),
        (unit(2.0), 0.0, 1),
        (unit(2.0, per_node=4), 9.0, 2),
        (unit(2.0, each=3), 5.0, 9),
    ],
)
def test_whole_nodes_carry_the_load(made: Unit, load: float, nodes: int) -> None:
    """Replicas are whole, share nodes or take several, and one is there for no load at all."""
    assert made.nodes(load) == nodes


@pytest.mark.parametrize(("spare", "nodes"), [("none", 0), ("node", 2), ("zone", 6)])
def test_what_is_spare_survives_a_loss(spare: str, nodes: int) -> None:
    """One node lost takes a whole replica with it; of two zones each carries the load alone."""
    assert spare_nodes(6, 2, spare) == nodes


def fleets(*rates_and_prices: tuple[str, float, float]) -> Units:
    """One kind each: name, requests/s of a node, USD an hour of it."""
    names, rates, prices = zip(*rates_and_prices, strict=True)
    ones = np.ones(len(names), dtype=np.int64)
    return Units(
        names=names,
        kind=np.arange(len(names)),
        requests_per_s=np.array(rates),
        replicas_per_node=ones,
        nodes_per_replica=ones,
        usd_per_hour_per_node=np.array(prices),
    )


def test_small_machines_win_small_loads_and_large_ones_large_loads() -> None:
    """A dear machine that is better value becomes the cheaper one where the cheap one is needed often enough."""
    found = cheapest_by_load(fleets(("small", 1.0, 1.0), ("large", 10.0, 5.0)), 4.0)
    assert (found[0].name, found[-1].name) == ("small", "large")
    # Five of the small ones cost what a large one does; from the sixth on that is worth a change.
    assert found[0].to_requests_per_s == pytest.approx(5.0, rel=0.2)
    assert found[0].from_requests_per_s == pytest.approx(0.04)
    assert found[-1].to_requests_per_s == pytest.approx(400.0)
    assert found[0].usd_per_hour == 1.0


def test_intervals_follow_each_other_without_gaps() -> None:
    """Every load between the first and the last belongs to one fleet."""
    found = cheapest_by_load(fleets(("a", 1.0, 1.0), ("b", 3.0, 2.6), ("c", 40.0, 30.0)), 7.0)
    assert len(found) > 2
    for before, after in pairwise(found):
        assert before.to_requests_per_s == after.from_requests_per_s
        assert before.name != after.name


def test_a_fleet_that_is_always_cheaper_stands_alone() -> None:
    """Ties and losers make no intervals."""
    found = cheapest_by_load(fleets(("first", 2.0, 1.0), ("twin", 2.0, 1.0), ("worse", 1.0, 2.0)), 1.0)
    assert [each.name for each in found] == ["first"]


def test_reserves_are_paid_and_bound_the_loads() -> None:
    """Head-room and a spare node are in every amount; no load is listed that the largest fleet does not carry."""
    made = fleets(("small", 1.0, 1.0), ("large", 10.0, 5.0))
    found = cheapest_by_load(made, 4.0, Reserve(headroom=0.5, spare="node", max_nodes=9))
    assert found[0].usd_per_hour == 2.0
    (there,) = (each for each in found if each.planned_usd_per_hour is not None)
    assert (there.name, there.planned_usd_per_hour) == ("small", 7.0)
    # Eight nodes of ten requests/s and a spare one, two thirds of which are planned to be used.
    assert found[-1].to_requests_per_s == pytest.approx(8 * 10 / 1.5, rel=0.08)
    assert found[-1].to_usd_per_hour == 45.0
