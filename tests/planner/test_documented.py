"""Does every key of a file come with what its class says of it?"""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from planner.documented import Documented, meaning


class Inner(Documented):
    """A section within."""

    size: int = 1
    """How large."""


class Outer(Documented):
    """A file."""

    name: Annotated[str, Field(max_length=9)]
    """What it is
    called."""
    silent: int = 0
    told: int = Field(0, description="In its own words.")
    """In others."""
    inner: Inner | None = None
    """What lies within."""


@pytest.mark.parametrize(
    ("section", "field", "says"),
    [
        (Outer, "name", "What it is\ncalled."),
        (Outer, "silent", ""),
        (Outer, "told", "In its own words."),
        (Inner, "size", "How large."),
    ],
)
def test_a_field_means_what_stands_beneath_it(section: type[BaseModel], field: str, says: str) -> None:
    """The docstring beneath a field, indentation removed; a description of its own first; nothing where none stands."""
    assert meaning(section, field) == says


def test_the_schema_tells_the_keys_of_every_section() -> None:
    """Docstrings stand in the JSON Schema, those of sections within too."""
    schema = Outer.model_json_schema()
    assert schema["properties"]["inner"]["description"] == "What lies within."
    assert schema["$defs"]["Inner"]["properties"]["size"]["description"] == "How large."
    assert schema["properties"]["name"]["maxLength"] == 9
