"""No card holds more interfaces than it takes."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import by_card, layouts
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body, _, facts in layouts(template):
        for card, nics in by_card(body.nics):
            slots = facts.nic_slots[card] if 0 <= card < len(facts.nic_slots) else None
            beyond = [nic for nic in nics if slots is not None and nic.device is not None and nic.device >= slots]
            for nic in beyond:
                yield broken(
                    nic.node, f"card {card} of {facts.name} takes {slots} interfaces, so no device {nic.device}"
                )
            if slots is not None and not beyond and len({nic.device for nic in nics}) > slots:
                yield broken(nics[-1].node, f"card {card} of {facts.name} takes {slots} interfaces, not {len(nics)}")


RULE = Rule(
    id="nic-slots-per-card",
    severity=Severity.ERROR,
    why="each network card takes so many interfaces and no more; on p6e-gb200 the odd cards take one",
    change="Spread the interfaces over the cards; on a card that takes one, use DeviceIndex 0.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html",
    check=_check,
)
