"""Are workloads that would get in each other's way refused, before any of them is locked?"""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import WorkloadError
from planner.lock import Lock, write_lock
from planner.places import lock_path
from planner.together import Claim, claim_of, refuse_together
from pricing.records import replace
from tests.planner.market_builders import TRAINING, written

VPC = "vpc-0123456789abcdef0"
ONE = Claim(name="one", vpc=VPC, cidr="10.1.0.0/24")


def test_what_gets_in_each_others_way_is_refused() -> None:
    """Two of one name, or with the same addresses of one existing VPC, are refused together; all else may stand."""
    elsewhere = Claim(name="third", vpc="vpc-0123456789abcdef1", cidr=ONE.cidr)
    refuse_together([ONE, Claim(name="two", vpc=VPC, cidr="10.1.1.0/24"), elsewhere])
    with pytest.raises(WorkloadError) as caught:
        refuse_together([ONE, replace(ONE, cidr="10.1.0.0/25")])
    assert ["Two workloads are called 'one'" in each for each in caught.value.findings] == [True, False]
    assert "both take addresses of 10.1.0.0/24 and 10.1.0.0/25" in caught.value.findings[1]


def test_a_lock_claims_what_it_builds(tmp_path: Path, lock: Lock) -> None:
    """What is locked counts where it is built, and the file where it is planned anew or not locked yet."""
    file = written(tmp_path, TRAINING + "provision: {cidr: 10.2.0.0/20}\n")
    assert claim_of(file, replan=False, target=None).cidr == "10.2.0.0/20"
    write_lock(lock_path(file), replace(lock, build=replace(lock.build, cidr="10.3.0.0/20")))
    assert claim_of(file, replan=False, target=None).cidr == "10.3.0.0/20"
    assert claim_of(file, replan=True, target=None) == Claim(name="tiny", vpc=None, cidr="10.2.0.0/20")
