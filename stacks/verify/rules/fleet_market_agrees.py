"""A fleet and its launch template buy on the same market."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import FLEET, launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_MARKETS = ("on-demand", "spot", "capacity-block")


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        kind = launch.by.at("TargetCapacitySpecification", "DefaultTargetCapacityType")
        market = launch.body.market
        if launch.by.type != FLEET or kind.open or market.open:
            continue
        fleet, nodes = kind.text or "on-demand", market.text or "on-demand"
        if nodes in _MARKETS and fleet != nodes and not (fleet == "spot" and market.missing):
            yield broken(market if kind.missing else kind, f"the fleet buys {fleet}, its launch template {nodes}")


RULE = Rule(
    id="fleet-market-agrees",
    severity=Severity.ERROR,
    why="EC2 refuses the request, or buys what was not meant",
    change="Let DefaultTargetCapacityType and InstanceMarketOptions.MarketType name the same market.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TargetCapacitySpecificationRequest.html",
    check=_check,
)
