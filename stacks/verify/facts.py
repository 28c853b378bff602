"""What is known of an instance type: its hardware, and where it is offered?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from pricing.bundle_prices import offering_rows
from pricing.catalog import DATA, load_instance_types
from pricing.instance_type import InstanceType

# EC2 takes EFA on these cards too, at no gain: each shares its port with the card below (EC2 User Guide, P6e).
SHARED_EFA_CARDS = {"p6e-gb200.36xlarge": frozenset(range(2, 17, 2))}
# One device of 400 Gbps for each of the four GPUs brings as much as two of 200.
FEWER_EFA_CARDS = {"p6e-gb200.36xlarge": frozenset({frozenset({1, 5, 9, 13})})}


def hardware(name: str | None) -> InstanceType | None:
    """The facts of an instance type, by its EC2 name or that of SageMaker (`ml.`); None where none are known."""
    return load_instance_types().get(name.removeprefix("ml.")) if name else None


def load_facts() -> None:
    """Reads everything that is known, so that the first question is answered at once."""
    load_instance_types()
    _offerings()


@cache
def _offerings() -> Mapping[str, Mapping[str, frozenset[str]]]:
    found: dict[str, dict[str, frozenset[str]]] = {}
    for row in offering_rows(DATA):
        found.setdefault(row.instance_type, {})[row.region] = frozenset(row.zone_ids)
    return found


def zones_offering(name: str) -> Mapping[str, frozenset[str]]:
    """The zone ids that offer an instance type, by region; empty where nothing is known."""
    return _offerings().get(name, {})


@cache
def regions_by_zone_prefix() -> Mapping[str, str]:
    """The region of a zone id's first part: use1 is us-east-1."""
    return {
        zone.rpartition("-")[0]: region
        for places in _offerings().values()
        for region, zones in places.items()
        for zone in zones
    }
