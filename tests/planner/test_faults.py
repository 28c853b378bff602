"""planner.faults: every fault that pydantic finds is told in a sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from planner.faults import fault_sentences
from planner.pinned_file import PinnedFile
from planner.source import Source
from planner.workload import Workload

WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    10**30,
    "x",
    "x" * 500,
    [],
    [1],
    [None] * 23,
    [1] * 25,
    ["x"] * 2000,
    [[]],
    {"a": {"b": 1}},
)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (
            (1.0, 1.0),
            "inference.fleet.profile: 2 values, where at least 24 belong; wanted: load in each hour of the day",
        ),
        (
            (1.0,) * 25,
            "inference.fleet.profile: 25 values, where at most 24 belong; wanted: load in each hour of the d",
        ),
        ((2.0,) * 24, "inference.fleet.profile[23]: 2.0: it should be less than or equal to 1"),
    ],
)
def test_a_list_of_the_wrong_length_is_counted(values: tuple[float, ...], says: str) -> None:
    """Too few or too many values are told with how many belong there, once; wrong ones for themselves."""
    told = _told(Workload, ("inference", "fleet", "profile"), values)
    assert sum(says in each for each in told) == 1
    assert sum("fleet.profile" in each for each in told) == (24 if values[0] > 1 else 1)


@pytest.mark.parametrize("root", [Workload, PinnedFile])
def test_no_fault_is_silent(root: type[BaseModel]) -> None:
    """Whatever stands in whichever field, what is wrong there is told with the name of the field."""
    silent = [
        (path, value)
        for path in _fields(root)
        for value in WRONG
        if _fails_at(root, path, value) and not any(f": {'.'.join(path)}" in each for each in _told(root, path, value))
    ]
    assert not silent


def test_items_of_lists_are_told_as_items() -> None:
    """A wrong item and an unknown key inside one are told by number, with what the list is for."""
    told = _told(Workload, ("provision", "existing", "balancer_subnets"), ["x", "y"])
    assert (
        sum(": provision.existing.balancer_subnets[1]: 'y' has the wrong form; wanted: " in each for each in told) == 1
    )
    told = _told(Workload, ("inference", "co_served"), [{"modle": "x"}])
    assert any("inference.co_served[0].modle: unknown key; did you mean model" in each for each in told)


def _data(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for part in reversed(path):
        value = {part: value}
    return dict(value)


def _told(root: type[BaseModel], path: tuple[str, ...], value: Any) -> tuple[str, ...]:
    data = _data(path, value)
    try:
        root.model_validate_json(json.dumps(data))
    except ValidationError as error:
        return fault_sentences(Source(file="w.yaml", data=data, lines={}), error, root)
    return ()


def _fails_at(root: type[BaseModel], path: tuple[str, ...], value: Any) -> bool:
    """Whether pydantic finds a fault in the field itself, and not only in what is missing elsewhere."""
    try:
        root.model_validate_json(json.dumps(_data(path, value)))
    except ValidationError as error:
        return any(each["loc"][: len(path)] == path for each in error.errors())
    return False


def _fields(section: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in section.model_fields.items():
        yield (*path, name)
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from _fields(inner, (*path, name))
