"""What is a rule, and what does it find?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum

from msgspec import Struct

from stacks.verify.positions import Path
from stacks.verify.template import Node, Resource, Template


class Severity(StrEnum):
    """How grave it is to break a rule.

    An error does not come up, does not do what it says, or is unsafe; a warning comes up and will disappoint; an
    info is worth knowing.
    """

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Found(Struct, frozen=True, kw_only=True):
    """One place where a rule is broken or, where `open`, where the template does not tell whether it is."""

    path: Path
    message: str
    open: bool = False


class Rule(Struct, frozen=True, kw_only=True):
    """One thing that a template must keep: `why`, by whose word (`source`), and what to `change` where it does not."""

    id: str
    severity: Severity
    why: str
    change: str
    source: str
    check: Callable[[Template], Iterator[Found]]

    @property
    def failing(self) -> bool:
        """Whether a template that breaks it is refused."""
        return self.severity is Severity.ERROR


def broken(place: Node | Resource, message: str) -> Found:
    """The rule is broken at `place`."""
    return Found(path=_path(place), message=message)


def cannot_know(node: Node, what: str) -> Found:
    """Whether the rule is kept depends on a value that is known only at deployment; `what` names the value."""
    return Found(path=node.path, message=f"{what} cannot be known from the template: {node.reason}", open=True)


def not_told(place: Node | Resource, message: str) -> Found:
    """Whether the rule is kept cannot be known from the template, for the reason that `message` gives."""
    return Found(path=_path(place), message=message, open=True)


def _path(place: Node | Resource) -> Path:
    return place.path if isinstance(place, Node) else place.body.path
