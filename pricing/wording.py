"""How do names become words for a person?"""

from __future__ import annotations

import difflib
from collections.abc import Collection

# A letter left out, doubled or swapped in a name of ten; of difflib's measure, by which equal names are 1.
_NEARLY_THE_SAME = 0.85


def close_match(name: str, known: Collection[str]) -> str:
    """The end of a sentence on an unknown `name`: the known names that may be meant, or a full stop."""
    by_key = {each.casefold(): each for each in known}
    key = name.casefold()
    # A slip seldom hits the first letter, and names that only end alike (`.xlarge`) are none.
    begun_alike = [each for each in by_key if each[:1] == key[:1]]
    keys = (
        [each for each in by_key if key and key in each][:3]
        or difflib.get_close_matches(key, begun_alike)
        or difflib.get_close_matches(key, by_key, cutoff=_NEARLY_THE_SAME)
    )
    return f"; did you mean {' or '.join(by_key[each] for each in keys)}?" if keys else "."


def listed(names: Collection[str], joint: str = "and", *, whole: bool = False) -> str:
    """Names in order, as a list in a sentence; of more than five the first four, unless `whole`."""
    shown = sorted(names)
    # Four names fit a line of a report; a type can be sold in twenty regions.
    if len(shown) > 5 and not whole:
        shown = [*shown[:4], f"{len(shown) - 4} more"]
    *first, last = shown
    return f"{', '.join(first)} {joint} {last}" if first else last
