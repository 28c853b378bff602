"""Do names become words that help?"""

from __future__ import annotations

import pytest

from pricing.catalog import load_instance_types
from pricing.wording import close_match


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("p5.47xlarge", "; did you mean p5.4xlarge or p5.48xlarge"),
        ("P5.48XLARG", "; did you mean p5.48xlarge"),
        ("p6.48xlarge", "; did you mean p5.48xlarge"),
        ("5p.48xlarge", "; did you mean p5.48xlarge"),
        ("nosuch.large", "."),
        ("nosuch.48xlarge", "."),
        ("", "."),
    ],
)
def test_only_names_that_may_be_meant_are_offered(name: str, end: str) -> None:
    """A slip leads to the name; one that has no more than its size in common with others leads nowhere."""
    found = close_match(name, load_instance_types())
    assert found == end if end == "." else found.startswith(end)
