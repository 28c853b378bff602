"""Can the workloads of one app stand side by side?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path

from msgspec import Struct

from planner.errors import WorkloadError
from planner.load import load_workload
from planner.lock import read_head
from planner.places import lock_path
from planner.plan import Target


class Claim(Struct, frozen=True, kw_only=True):
    """What no two stacks may share: a name, and addresses of one VPC that stands."""

    name: str
    vpc: str | None
    cidr: str | None


def claim_of(file: Path, *, replan: bool, target: Target | None) -> Claim:
    """What a workload file takes for itself, by its lock where that is built. Raises LockError and WorkloadError."""
    path = lock_path(file)
    if os.path.exists(path) and not replan:
        build = read_head(path).build
        return Claim(name=build.name, vpc=build.existing.vpc, cidr=build.cidr)
    asked = load_workload(file, target).workload
    return Claim(name=asked.name, vpc=asked.provision.existing.vpc, cidr=asked.provision.cidr)


def refuse_together(claims: Sequence[Claim]) -> None:
    """Raises WorkloadError where stacks would get in each other's way: one name, or one address twice."""
    names = [each.name for each in claims]
    twice = sorted({name for name in names if names.count(name) > 1})
    findings = [f"Two workloads are called {name!r}. Give each a name of its own." for name in twice]
    joining = [each for each in claims if each.vpc and each.cidr]
    for one, other in combinations(joining, 2):
        if one.vpc == other.vpc and IPv4Network(str(one.cidr)).overlaps(IPv4Network(str(other.cidr))):
            findings.append(
                f"{one.name!r} and {other.name!r} both take addresses of {one.cidr} and {other.cidr} in {one.vpc}. "
                "Change provision.cidr of one of them."
            )
    if findings:
        raise WorkloadError(findings)
