"""Which instance types are bought for their memory alone, and at what price?

`data/hosts.csv` holds memory-optimised types without accelerators, `data/host_prices.csv` what they cost, in the form
of `data/prices.csv`. Apart from these tables they are in no search: a vector index is all that is planned onto them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct

from pricing.bundle_prices import price_row
from pricing.catalog import DATA
from pricing.offer import Offer, Provenance
from pricing.table import provenance, read_cell, read_table
from pricing.units import GIGA, MIB


class HostType(Struct, frozen=True, kw_only=True):
    """One EC2 instance type without accelerators. Bytes, bytes/s; the network is the baseline, not the burst."""

    name: str
    architecture: str
    vcpus: int
    memory_bytes: int
    nvme_bytes: int
    network_bytes_per_s: float
    provenance: Provenance


@cache
def load_hosts(folder: Path = DATA) -> tuple[HostType, ...]:
    """Every memory-optimised type of the bundle. Raises CatalogError naming each faulty line and column."""
    return read_table(folder / "hosts.csv", _host)


@cache
def host_offers(folder: Path = DATA) -> tuple[Offer, ...]:
    """What they cost, the newest price of each; no source lists their zones. Raises CatalogError as above."""
    newest: dict[tuple[str, ...], Offer] = {}
    for row in sorted(read_table(folder / "host_prices.csv", price_row), key=lambda each: each.provenance.as_of):
        newest[row.subject] = Offer(
            instance_type=row.instance_type,
            region=row.region,
            purchase=row.purchase,
            usd_per_hour_per_node=row.price_per_hour_per_node,
            zone_ids=(),
            provenance=row.provenance,
        )
    return tuple(newest.values())


def _host(cells: Mapping[str, str]) -> HostType:
    return HostType(
        name=cells["instance_type"],
        architecture=cells["architecture"],
        vcpus=read_cell(cells, "vcpus", int),
        memory_bytes=read_cell(cells, "memory_mib", int) * MIB,
        nvme_bytes=read_cell(cells, "nvme_gb", int) * GIGA,
        network_bytes_per_s=read_cell(cells, "network_gbps", float) * GIGA / 8,
        provenance=provenance(cells),
    )
