"""Which public parameter names a machine image?"""

from __future__ import annotations

import re

from stacks.verify.template import Node
from stacks.verify.values import Unknown

_RESOLVED = re.compile(r"\{\{resolve:ssm:([^}]*)\}\}")
_VERSIONED = re.compile(r":\d+$")


def parameter_of(image: Node) -> str | None:
    """The SSM parameter that an image is looked up by at each deployment; None for an image that is named.

    The parameter of a dynamic reference that pins its version is not looked up anew.
    """
    if not isinstance(image.value, Unknown):
        text = image.known_text
        return text.removeprefix("resolve:ssm:") if text.startswith("resolve:ssm:") else None
    key = image.value.key
    match = _RESOLVED.fullmatch(key)
    if match:
        return None if _VERSIONED.search(match[1]) else match[1]
    return key.removeprefix("ssm:") if key.startswith("ssm:") else None
