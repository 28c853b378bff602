"""Is every number of a layout told of, and no other?"""

from __future__ import annotations

from planner.degrees import DEGREES
from planner.framework import load_frameworks
from planner.layout import Layout
from planner.techniques import load_techniques
from planner.workload import PinLayout


def test_the_degrees_are_those_of_a_layout() -> None:
    """Each field of a layout is one degree with a few words and a source, in the same order."""
    assert [item.name for item in DEGREES] == [*Layout.__struct_fields__]
    assert all(10 <= len(item.gist) <= 70 and item.source for item in DEGREES)


def test_no_degree_is_a_technique_too() -> None:
    """There is one way to ask for each: a degree is pinned, a technique required."""
    names = {item.name for item in DEGREES}
    assert names.isdisjoint(load_techniques())
    assert set(PinLayout.model_fields) | {"micro_batch", "micro_batches"} == names
    assert all(item.degrees <= names for item in load_frameworks().values())
