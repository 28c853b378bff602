"""A cluster's interfaces stay within the default quota."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

# L-DF5E4CA3, network interfaces per Region.
_DEFAULT = 5000


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        nics, nodes = len(launch.body.nics), launch.nodes or 0
        if nodes * nics > _DEFAULT:
            count = launch.count or launch.body.data
            yield broken(
                count, f"{nodes:,} nodes x {nics} interfaces are {nodes * nics:,}; the default quota is {_DEFAULT:,}"
            )


RULE = Rule(
    id="eni-quota",
    severity=Severity.WARNING,
    why="every interface counts, also those without an address: 151 nodes of p5.48xlarge exhaust the default quota",
    change="Raise quota L-DF5E4CA3 (network interfaces per Region) first.",
    source="https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html",
    check=_check,
)
