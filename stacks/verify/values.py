"""What can a value in a template be, once its intrinsic functions are followed as far as the template tells?"""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

from msgspec import Struct


class Missing(Enum):
    """What stands for a property that is not there, or that AWS::NoValue takes away."""

    MISSING = "missing"


MISSING = Missing.MISSING

# Longer ones are no counts, sizes or indexes.
_WHOLE = re.compile(r"-?[0-9]{1,15}")


class Unknown(Struct, frozen=True):
    """A value that only the deployment knows; two of the same `key` are the same value."""

    reason: str
    key: str


class Reference(Struct, frozen=True):
    """What a resource of the template answers: its id (`attribute` None) or an attribute."""

    name: str
    attribute: str | None = None


class Joined(Struct, frozen=True):
    """A text of which some parts are not known."""

    parts: tuple[Any, ...]

    @property
    def known(self) -> str:
        """What is known of the text, with `*` for each part that is not."""
        return "".join(part if isinstance(part, str) else "*" for part in self.parts)


class Encoded(Struct, frozen=True):
    """What Fn::Base64 encodes: a text, or what is known of it."""

    content: Any


Value = Any
"""None, bool, int, float, str, list, dict, or one of the above."""

OPEN = (Unknown, Reference, Joined, Encoded)
"""Values that the template does not spell out."""


def joined(parts: list[Value]) -> Value:
    """The parts as one text: a str where every one of them is known."""
    flat: list[Value] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Joined) else (scalar_text(part),):
            if isinstance(piece, str) and flat and isinstance(flat[-1], str):
                flat[-1] += piece
            elif piece != "":
                flat.append(piece)
    if all(isinstance(part, str) for part in flat):
        return "".join(flat)
    return flat[0] if len(flat) == 1 else Joined(tuple(flat))


def scalar_text(value: Value) -> Value:
    """A scalar as CloudFormation would write it into a text; anything open stays as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, (str, *OPEN)):
        return value
    return Unknown("a text is made of something that is none", key_of(value))


def whole(value: Value) -> int | None:
    """A whole number, also one written as a text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        return int(value) if _WHOLE.fullmatch(value.strip()) else None
    return value if isinstance(value, int) else None


def key_of(value: Value) -> str:
    """A text that is the same for the same value, whether it is known or not."""
    if isinstance(value, Unknown):
        return value.key
    if isinstance(value, Reference):
        return f"{value.name}.{value.attribute or 'Ref'}"
    if isinstance(value, Joined):
        return "".join(part if isinstance(part, str) else f"<{key_of(part)}>" for part in value.parts)
    if isinstance(value, Encoded):
        return f"base64({key_of(value.content)})"
    return str(scalar_text(value)) if isinstance(value, bool | int | float | str) else repr(value)
