"""Is a trace's day what its arrivals say?"""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import TraceError
from planner.load_profile import traced_profile


def trace(folder: Path, per_hour: list[int]) -> Path:
    """A trace with so many requests, evenly, in each hour."""
    times = [hour * 3600 + 3600 * place / count for hour, count in enumerate(per_hour) for place in range(count)]
    file = folder / "trace.csv"
    file.write_text("arrival_s,input_tokens,output_tokens\n" + "".join(f"{at:.3f},10,5\n" for at in times))
    return file


def profile(folder: Path, per_hour: list[int], rate: float) -> tuple[float, ...]:
    """The profile of such a trace, for a planned rate."""
    return traced_profile(trace(folder, per_hour), rate, 1000, "tiny")


def test_hours_are_shares_of_the_planned_rate(tmp_path: Path) -> None:
    """360 requests in an hour are 0.1 requests/s: half of 0.2 planned."""
    found = profile(tmp_path, [360] * 12 + [720] * 12, 0.2)
    assert found == (0.5,) * 12 + (1.0,) * 12


def test_of_several_days_the_busiest_counts(tmp_path: Path) -> None:
    """A fleet must carry the worse of two Mondays."""
    found = profile(tmp_path, [360] * 24 + [720] * 24, 0.2)
    assert found == (1.0,) * 24


def test_less_than_a_day_is_no_profile(tmp_path: Path) -> None:
    """Hours that nobody recorded are not made up."""
    with pytest.raises(TraceError, match=r"5\.0 hours are less than a day"):
        profile(tmp_path, [360] * 5, 0.2)


def test_a_busier_hour_than_planned_is_told(tmp_path: Path) -> None:
    """A plan for less than what came is refused, with the rate that it would take."""
    with pytest.raises(TraceError, match=r"from 3:00 on has 0\.3 requests/s, more than the 0\.2 planned"):
        profile(tmp_path, [360] * 3 + [1080] + [360] * 20, 0.2)
