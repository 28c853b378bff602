"""User data is small enough for EC2."""

from __future__ import annotations

from collections.abc import Iterator

from pricing.units import KIB
from stacks.verify.launches import template_bodies
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Node, Template
from stacks.verify.values import Encoded

_MOST_BYTES = 16 * KIB


def _check(template: Template) -> Iterator[Found]:
    for body in template_bodies(template):
        node = body.data.at("UserData")
        size = _bytes(node)
        if size > _MOST_BYTES:
            yield broken(node, f"user data is at least {size:,} bytes; EC2 takes {_MOST_BYTES:,}")


def _bytes(node: Node) -> int:
    """The size before base64, of what is known of it."""
    if isinstance(node.value, Encoded):
        return len(node.known_text.encode(errors="replace"))
    return len(node.text or "") * 3 // 4


RULE = Rule(
    id="user-data-size",
    severity=Severity.ERROR,
    why="EC2 refuses more, when the first node is launched",
    change="Keep the script in S3 and fetch it.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html",
    check=_check,
)
