"""Are the rates of local disks those of types that have any, and is what nobody states unknown?"""

from __future__ import annotations

from math import isnan

import pytest

from planner.local_disks import disk_rates
from pricing.catalog import load_instance_types

KNOWN = [name for name in load_instance_types() if not isnan(disk_rates(name).read)]


@pytest.mark.parametrize("name", KNOWN)
def test_types_with_rates_have_disks_that_read_faster_than_they_write(name: str) -> None:
    """A rate belongs to a type with local disks; flash reads at least as fast as it writes."""
    rates = disk_rates(name)
    assert load_instance_types()[name].nvme_bytes > 0
    assert 0 < rates.write <= rates.read < 100e9


def test_what_no_source_states_is_not_guessed() -> None:
    """250,000 reads of 4,096 bytes are a gigabyte a second; a type that no table has is unknown."""
    assert disk_rates("g4dn.8xlarge").read == 250_000 * 4096
    assert disk_rates("g7.2xlarge").write == 98_421 * 4096
    assert isnan(disk_rates("m7i.large").write)
