"""A managed node group and its launch template buy the same capacity."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import EKS_NODES, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_BLOCK = "CAPACITY_BLOCK"


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        bought = launch.by.at("CapacityType")
        if launch.by.type != EKS_NODES or bought.open or launch.body.market.open:
            continue
        market = launch.body.market.text
        if (bought.text == _BLOCK) != (market == "capacity-block"):
            place = launch.by if bought.missing else bought
            said = "ON_DEMAND by default" if bought.missing else bought.text
            yield broken(place, f"CapacityType is {said}, and the launch template's market {market or 'on demand'}")
        if bought.text == "SPOT" and not launch.body.reservation.missing:
            yield broken(bought, "CapacityType is SPOT, and the launch template targets a reservation")


RULE = Rule(
    id="eks-capacity-type",
    severity=Severity.ERROR,
    why="EKS creates a node group in a Capacity Block only where CapacityType and the launch template's market both "
    "say so, and spot nodes use no reservation",
    change="Set CapacityType to CAPACITY_BLOCK and InstanceMarketOptions.MarketType to capacity-block, or neither.",
    source="https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html",
    check=_check,
)
