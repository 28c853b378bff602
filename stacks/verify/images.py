"""Which public parameter names a machine image?"""

from __future__ import annotations

import re

from stacks.verify.template import Node
from stacks.verify.values import Unknown

# A dynamic reference of CloudFormation, or the form that EC2 follows by itself in a launch template.
_RESOLVED = re.compile(r"(?:\{\{resolve:ssm:|resolve:ssm:|ssm:)([^}]*?)(:\d+)?(?:\}\})?")


def parameter_of(image: Node) -> str | None:
    """The SSM parameter that names an image; None for an image that is named itself."""
    found = _match(image)
    return found[1] if found else None


def looked_up_anew(image: Node) -> bool:
    """Whether each deployment looks the image up again, since the parameter's version is not named."""
    found = _match(image)
    return found is not None and found[2] is None


def _match(image: Node) -> re.Match[str] | None:
    return _RESOLVED.fullmatch(image.value.key if isinstance(image.value, Unknown) else image.known_text)
