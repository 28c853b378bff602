"""Are prices named by those who ask for them, and contradictions refused?"""

from __future__ import annotations

import pytest

from pricing.basis import Prices, prices_looked_up, prices_named, prices_wanted
from pricing.errors import OptionError


@pytest.mark.parametrize("name", ["auto", "live", "bundled"])
def test_what_can_be_asked_for_is_found(name: str) -> None:
    """Each word names its prices."""
    assert prices_named(name) == name


@pytest.mark.parametrize("name", ["", "LIVE", "known", "cached"])
def test_another_word_is_refused(name: str) -> None:
    """The error quotes the word and lists those that there are."""
    with pytest.raises(OptionError, match=f"prices={name} is not known; write auto, live or bundled"):
        prices_named(name)


@pytest.mark.parametrize(
    ("live", "offline", "wanted", "looked_up"),
    [
        (False, False, Prices.AUTO, Prices.KNOWN),
        (True, False, Prices.LIVE, Prices.LIVE),
        (False, True, Prices.BUNDLED, Prices.BUNDLED),
    ],
)
def test_flags_are_prices(live: bool, offline: bool, wanted: Prices, looked_up: Prices) -> None:
    """Without a flag a plan may ask AWS, and who looks something up does not."""
    assert prices_wanted(live=live, offline=offline) is wanted
    assert prices_looked_up(live=live, offline=offline) is looked_up


def test_flags_that_contradict_each_other_are_refused() -> None:
    """Asking and not asking is not decided for the user."""
    with pytest.raises(OptionError, match="leave one of them out"):
        prices_wanted(live=True, offline=True)
