"""Does every other name lead to something that there is?"""

from __future__ import annotations

from planner.degrees import DEGREES
from planner.known_as import KNOWN_AS
from planner.techniques import load_techniques


def test_each_name_stands_for_techniques_or_degrees() -> None:
    """No name hides a technique or a degree of its own, and all that it stands for exists."""
    there = {*load_techniques(), *(item.name for item in DEGREES)}
    assert there.isdisjoint(KNOWN_AS)
    assert [(name, each) for name, item in KNOWN_AS.items() for each in item.names if each not in there] == []
    assert all(item.where for item in KNOWN_AS.values())
