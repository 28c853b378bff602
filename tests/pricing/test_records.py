"""Are records declared in one way, made from one another by known fields, and searched for what is no number?"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from msgspec import Struct

from pricing.records import no_numbers, plain, replace

ROOT = Path(__file__).parents[2]


class Part(Struct, frozen=True, kw_only=True):
    """A record within another."""

    share: float = 0.5
    usd: Decimal = Decimal("0.1")


class Whole(Struct, frozen=True, kw_only=True):
    """A record of records."""

    name: str = "nan"
    count: int = 1
    part: Part = Part()
    parts: tuple[Part | None, ...] = ()


@pytest.mark.parametrize(
    ("whole", "found"),
    [
        (Whole(parts=(Part(), None)), []),
        (Whole(part=Part(share=float("nan"))), ["part.share"]),
        (Whole(parts=(Part(), Part(share=float("-inf"), usd=Decimal("NaN")))), ["parts[1].share", "parts[1].usd"]),
        (Whole(part=Part(usd=Decimal("sNaN"))), ["part.usd"]),
    ],
)
def test_what_is_no_number_is_named(whole: Whole, found: list[str]) -> None:
    """Floats and amounts are found wherever they stand in a record, by the field; words are not taken for numbers."""
    assert list(no_numbers(whole)) == found


def test_a_record_is_made_from_another_by_its_own_fields() -> None:
    """The first stays as it was, and a field that there is not is refused."""
    whole = Whole()
    assert replace(whole, count=2) == Whole(count=2)
    assert whole.count == 1
    with pytest.raises(TypeError):
        replace(whole, novel=1)  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        whole.count = 2  # type: ignore[misc]


def test_records_are_declared_in_one_way() -> None:
    """No module that plans, prices or builds declares a dataclass, which would take its time at every start."""
    modules = [path for package in ("berth", "planner", "pricing", "stacks") for path in (ROOT / package).rglob("*.py")]
    assert len(modules) > 300
    assert [path for path in modules if "@dataclass" in path.read_text(encoding="utf-8")] == []


class Counted(Struct, frozen=True, kw_only=True):
    """A record whose figures come out of arrays."""

    share: float
    count: int


def test_numbers_of_arrays_are_plain() -> None:
    """What NumPy computed is written as Python's numbers are."""
    held = plain(Counted(share=np.float64(0.5), count=np.int64(3)))  # type: ignore[arg-type]
    assert held == {"share": 0.5, "count": 3}
    assert [type(each) for each in held.values()] == [float, int]
