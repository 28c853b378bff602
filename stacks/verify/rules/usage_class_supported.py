"""The type can be bought in the way that is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import layouts
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body, _, facts in layouts(template):
        market = "on-demand" if body.market.missing else body.market.text
        asked = market in ("on-demand", "spot", "capacity-block")
        if asked and facts.usage_classes and market not in facts.usage_classes:
            place = body.data.at("InstanceType") if body.market.missing else body.market
            ways = ", ".join(sorted(facts.usage_classes))
            yield broken(place, f"{facts.name} cannot be had by {market}; EC2 sells it by {ways}")


RULE = Rule(
    id="usage-class-supported",
    severity=Severity.ERROR,
    why="not every type is sold in every way: trn1n has no Capacity Blocks, p6e-gb200 nothing else",
    change="Buy it in a way that EC2 sells it, or choose another type.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceTypeInfo.html",
    check=_check,
)
