"""How many nodes does a load take hour by hour, and which fleet is the cheapest at which load?"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.fleet_record import WORTH_CHANGING
from planner.subnets import ZONES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Loads at which fleets are compared: a hundredth to a hundred times the planned one, 30 to a decade, so that a
# crossing is found to 8 %.
LOAD_DECADES, LOADS_PER_DECADE = 2, 30


class Unit(Struct, frozen=True, kw_only=True):
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


class Units(Struct, frozen=True, kw_only=True):
    """Many units, as arrays; `kind` indexes `names`, which are those of several layouts each."""

    names: tuple[str, ...]
    kind: Ints
    requests_per_s: Floats
    replicas_per_node: Ints
    nodes_per_replica: Ints
    usd_per_hour_per_node: Floats

    def nodes(self, requests_per_s: float) -> Ints:
        """What `Unit.nodes` says, of each."""
        replicas = np.maximum(np.ceil(requests_per_s / self.requests_per_s - 1e-9), 1).astype(np.int64)
        return -(-replicas // self.replicas_per_node) * self.nodes_per_replica


class Reserve(Struct, frozen=True, kw_only=True):
    """What a fleet has beyond its load: `headroom` as a share of it, nodes that `spare` names; `max_nodes` in all."""

    headroom: float = 0.0
    spare: str = "none"
    max_nodes: float = np.inf

    def usd_per_hour(self, units: Units, requests_per_s: float) -> Floats:
        """USD an hour of a fleet of each unit; inf of one that would be larger than is allowed."""
        nodes = units.nodes(requests_per_s * (1 + self.headroom))
        nodes = nodes + spare_nodes(nodes, units.nodes_per_replica, self.spare)
        return np.where(nodes <= self.max_nodes, nodes * units.usd_per_hour_per_node, np.inf)


class Crossing(Struct, frozen=True, kw_only=True):
    """The cheapest fleet between two loads. Requests/s; USD an hour at both, and at the planned load where that lies
    between them, else None."""

    name: str
    from_requests_per_s: float
    to_requests_per_s: float
    usd_per_hour: float
    to_usd_per_hour: float
    planned_usd_per_hour: float | None


def cheapest_by_load(
    units: Units, planned_requests_per_s: float, reserve: Reserve | None = None
) -> tuple[Crossing, ...]:
    """Which kind makes the cheapest fleet at which load, from a hundredth of the planned one to a hundred times it, or
    to the most that a fleet of the allowed size carries.

    At the planned load it is the cheapest, of several the one named first. From there on, up and down, a kind stays
    until another one is `WORTH_CHANGING` cheaper: rounding to whole nodes would else change it with every node.
    """
    reserve = reserve or Reserve()
    planned = LOAD_DECADES * LOADS_PER_DECADE
    loads = planned_requests_per_s * np.logspace(-LOAD_DECADES, LOAD_DECADES, 2 * planned + 1)
    order = np.argsort(units.kind, kind="stable")
    present, first = np.unique(units.kind[order], return_index=True)
    usd = np.array([np.minimum.reduceat(reserve.usd_per_hour(units, float(load))[order], first) for load in loads])
    # Larger loads than the largest fleet carries have none.
    usd = usd[np.isfinite(usd.min(axis=1))]
    if len(usd) <= planned:
        return ()
    held = [*_held(usd[planned::-1])[::-1], *_held(usd[planned:])[1:]]
    starts = [0, *(step for step in range(1, len(usd)) if held[step] != held[step - 1])]
    stops = [*starts[1:], len(usd)]
    return tuple(
        Crossing(
            name=units.names[present[held[start]]],
            from_requests_per_s=float(loads[start]),
            to_requests_per_s=float(loads[min(stop, len(usd) - 1)]),
            usd_per_hour=float(usd[start, held[start]]),
            to_usd_per_hour=float(usd[stop - 1, held[start]]),
            planned_usd_per_hour=float(usd[planned, held[start]]) if start <= planned < stop else None,
        )
        for start, stop in zip(starts, stops, strict=True)
    )


def _held(usd: Floats) -> list[int]:
    """Which kind (column) is kept from load to load (row)."""
    current = int(np.argmin(np.round(usd[0], 9)))
    held = []
    for row in usd:
        if row[current] > (1 + WORTH_CHANGING) * row.min():
            current = int(np.argmin(np.round(row, 9)))
        held.append(current)
    return held
