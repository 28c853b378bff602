"""How does a test hand the verifier a template that is in memory already?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from stacks.verify.reading import Source


def from_document(name: str, document: Mapping[str, Any]) -> Source:
    """A template without lines."""
    return Source(name=name, document=document, size_bytes=len(json.dumps(document)), find_lines=dict)
