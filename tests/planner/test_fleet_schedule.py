"""Do the nodes of each hour run when it begins, and no longer than it lasts?"""

from __future__ import annotations

import pytest

from planner.built import Floor
from planner.fleet_schedule import floors

NIGHT, DAY, RUSH = [1] * 8, [4] * 8, [2] * 8


def told(*pairs: tuple[int, int]) -> tuple[Floor, ...]:
    """Floors by minute and nodes."""
    return tuple(Floor(minute=minute, nodes=nodes) for minute, nodes in pairs)


@pytest.mark.parametrize(
    ("hours", "ready_s", "found"),
    [
        # Up as long before the hour as a node takes, to the next minute; down when it is over.
        (NIGHT + DAY + RUSH, 301, told((0, 1), (474, 4), (960, 2))),
        ([2] * 23 + [5], 600, told((0, 2), (1370, 5))),
        # A rise at midnight is ordered the evening before.
        ([5] + [2] * 23, 600, told((60, 2), (1430, 5))),
        # A start that takes hours begins hours before; another change in between is not missed.
        ([1] * 10 + [2] + [6] + [1] * 12, 2 * 3600, told((480, 2), (540, 6), (720, 1))),
        (NIGHT + DAY + RUSH, None, told((0, 1), (420, 4), (960, 2))),
        # Whoever takes more than a day keeps the most nodes all day.
        ([1] * 23 + [2], 10 * 86_400.0, told((0, 2))),
        ([3] * 24, 300, told((0, 3))),
        ([], 300, told()),
    ],
    ids=["day", "last hour", "midnight", "slow", "unknown", "slower than a day", "all alike", "no hours"],
)
def test_floors_follow_the_hours(hours: list[int], ready_s: float | None, found: tuple[Floor, ...]) -> None:
    """Each change of the least nodes stands once, by the minute of the day."""
    assert floors(hours, ready_s) == found


@pytest.mark.parametrize("ready_s", [0, 59, 300, 3600, 5000, 90_000])
def test_no_hour_begins_without_its_nodes(ready_s: float) -> None:
    """Whenever it is, the floor is at least what the hour and all that begin within a start's time need."""
    hours = [3, 1, 1, 2, 9, 2] * 4
    found = floors(hours, ready_s)
    for minute in range(0, 1440, 7):
        held = next((each for each in reversed(found) if each.minute <= minute), found[-1]).nodes
        assert held >= hours[minute // 60]
        assert held >= hours[(minute + min(int(-(-ready_s // 60)), 1380)) // 60 % 24]
