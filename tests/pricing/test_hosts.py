"""Is every memory-optimised type whole, and has every price a type?"""

from __future__ import annotations

from decimal import Decimal

from pricing.hosts import host_offers, load_hosts
from pricing.offer import Purchase
from pricing.units import GIB


def test_every_type_is_whole() -> None:
    """Each has memory, processors, a network, an architecture and a source, and stands once."""
    hosts = load_hosts()
    assert len({each.name for each in hosts}) == len(hosts) > 50
    for host in hosts:
        assert host.memory_bytes >= 16 * GIB and host.vcpus >= 1 and host.network_bytes_per_s > 0
        assert host.architecture in ("x86_64", "arm64")
        assert host.provenance.source


def test_known_figures() -> None:
    """r7g.16xlarge has 64 processors and 512 GiB (EC2 instance type guide)."""
    host = next(each for each in load_hosts() if each.name == "r7g.16xlarge")
    assert (host.vcpus, host.memory_bytes, host.architecture) == (64, 512 * GIB, "arm64")


def test_prices_are_of_known_types_and_plausible() -> None:
    """A GiB of memory costs from a third of a cent to three cents an hour, and each price has a day."""
    hosts = {each.name: each for each in load_hosts()}
    offers = host_offers()
    assert {each.instance_type for each in offers} == set(hosts)
    for offer in offers:
        per_gib = offer.usd_per_hour_per_node * GIB / hosts[offer.instance_type].memory_bytes
        assert Decimal("0.003") < per_gib < Decimal("0.03")
        assert offer.purchase is Purchase.ON_DEMAND and offer.provenance.as_of.year >= 2026
