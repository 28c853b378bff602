"""How many nodes does a load take hour by hour, and which fleet is the cheapest at which load?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np

# Zones that a fleet with a spare one stands in (planner.served).
ZONES = 2
# Loads at which fleets are compared: a hundredth to a hundred times the planned one, 60 to a decade, so that a
# crossing is found to 4 %.
LOAD_DECADES, LOADS_PER_DECADE = 2, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What a fleet is made of. Requests/s of a replica as planned, or requests in flight; USD an hour and node.

    A node has `replicas_per_node`, or a replica takes `nodes_per_replica`; one of the two is 1.
    """

    name: str
    requests_per_s: float
    replicas_per_node: int
    nodes_per_replica: int
    usd_per_hour_per_node: float

    def nodes(self, requests_per_s: float) -> int:
        """Whole nodes that carry a load; one replica at least, since a load of nothing still wants an answer."""
        # A rate that divides the load must not take one replica more for a rounding error.
        replicas = max(ceil(requests_per_s / self.requests_per_s - 1e-9), 1)
        return -(-replicas // self.replicas_per_node) * self.nodes_per_replica


def spare_nodes(nodes: Any, nodes_per_replica: Any, spare: str) -> Any:
    """Nodes beyond those of the load, so that one node, or one of two zones, may be lost; works on arrays."""
    if spare == "node":
        # A replica that has lost one of its nodes has lost them all.
        return nodes_per_replica
    return (ZONES - 1) * nodes if spare == "zone" else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """The cheapest fleet between two loads. Requests/s; USD a month at the lower one."""

    name: str
    from_requests_per_s: float
    to_requests_per_s: float
    nodes: int
    usd_per_hour: float


def cheapest_by_load(units: Sequence[Unit], planned_requests_per_s: float) -> tuple[Crossing, ...]:
    """Which unit makes the cheapest fleet at which load, from a hundredth of the planned one to a hundred times it.

    Ties go to the unit named first. Intervals shorter than a step of the loads, which rounding to whole nodes makes,
    belong to the unit that is cheapest on both sides.
    """
    steps = 2 * LOAD_DECADES * LOADS_PER_DECADE
    loads = planned_requests_per_s * np.logspace(-LOAD_DECADES, LOAD_DECADES, steps + 1)
    usd = np.array([[unit.usd_per_hour_per_node * unit.nodes(load) for load in loads] for unit in units])
    best = np.argmin(np.round(usd, 9), axis=0)
    flickers = (best[1:-1] != best[:-2]) & (best[:-2] == best[2:])
    best[1:-1][flickers] = best[:-2][flickers]
    starts = np.flatnonzero(np.diff(best, prepend=-1))
    ends = [*(int(each) for each in starts[1:]), len(loads) - 1]
    return tuple(
        Crossing(
            name=units[best[start]].name,
            from_requests_per_s=float(loads[start]),
            to_requests_per_s=float(loads[end]),
            nodes=units[best[start]].nodes(float(loads[start])),
            usd_per_hour=float(usd[best[start], start]),
        )
        for start, end in zip(starts, ends, strict=True)
    )
