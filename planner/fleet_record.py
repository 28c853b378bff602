"""What does a plan say of the fleet that serves a model?"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

# Nobody moves a fleet for less.
WORTH_CHANGING = 0.1


class Loading(Struct, frozen=True, kw_only=True):
    """How long a node takes from its order to an answer, by where it reads the weights. Bytes/s, seconds; None unknown.

    `chosen` marks the place that the workload names.
    """

    source: str
    bytes_per_s: float | None
    ready_s: float | None
    basis: str
    chosen: bool


def chosen_ready_s(loading: Sequence[Loading]) -> float | None:
    """Seconds that a node takes from the place that the workload names; None where unknown."""
    return next((each.ready_s for each in loading if each.chosen), None)


class LoadRange(Struct, frozen=True, kw_only=True):
    """The fleet that is the cheapest of those compared between two loads. Requests/s, USD a month.

    `usd_per_month` is at the lower load, `to_usd_per_month` at the upper; `planned_usd_per_month` at the planned one,
    None where that lies elsewhere, or an older lock does not say.
    """

    fleet: str
    from_requests_per_s: float
    to_requests_per_s: float
    usd_per_month: Decimal
    to_usd_per_month: Decimal | None = None
    planned_usd_per_month: Decimal | None = None


class FleetPlan(Struct, frozen=True, kw_only=True):
    """How the fleet of a served model is made up, follows its load and survives losses. Nodes, USD a month.

    `load_nodes` carry the planned load with its head-room, `spare_nodes` stand by for what `spare` names.
    `nodes_by_hour` follows the profile of a day, empty without one; `scaled_usd_per_month` is what the instances then
    cost. `spot_nodes` of the nodes are on spot, which makes `mixed_usd_per_month`, None where no spot price is known;
    EC2 is expected to take back `losses_per_month` of them all together, None where an older lock does not say.
    The load of a replica is requests/s as planned, None for a load of requests in flight. `usd_per_million_input` and
    `_output` share the instances' price by the time that prompts and answers take; embeddings have no output.
    """

    replicas: int
    requests_per_s_per_replica: float | None
    headroom: float
    spare: str
    load_nodes: int
    spare_nodes: int
    least_nodes: int
    most_nodes: int
    nodes_by_hour: tuple[int, ...]
    scaled_usd_per_month: Decimal | None
    spot_nodes: int
    mixed_usd_per_month: Decimal | None
    usd_per_million_input: Decimal
    usd_per_million_output: Decimal | None
    prompt_share: float
    loading: tuple[Loading, ...]
    cheapest: tuple[LoadRange, ...]
    losses_per_month: float | None = None

    @property
    def ready_s(self) -> float | None:
        """Seconds that a node takes from where the workload has it read the weights; None where unknown."""
        return chosen_ready_s(self.loading)
