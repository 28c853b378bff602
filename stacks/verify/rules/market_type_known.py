"""Nodes are bought on a market that there is."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken, cannot_know
from stacks.verify.template import Template

_MARKETS = ("spot", "capacity-block", "interruptible-capacity-reservation")


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        if body.market.open:
            yield cannot_know(body.market, "how the nodes are bought")
        elif not body.market.missing and body.market.text not in _MARKETS:
            yield broken(body.market, f"{body.market.value!r} is no market type")


RULE = Rule(
    id="market-type-known",
    severity=Severity.ERROR,
    why="EC2 refuses a market that it does not know; on demand has none",
    change=f"Write one of {', '.join(_MARKETS)}, or nothing for on demand.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceMarketOptionsRequest.html",
    check=_check,
)
