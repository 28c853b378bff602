"""On which prices may a plan stand?"""

from __future__ import annotations

from enum import StrEnum

from pricing.errors import OptionError


class Prices(StrEnum):
    """Where prices are taken from."""

    AUTO = "auto"
    """The cache while it is young; else AWS, where credentials are found and it answers at once; else what is known."""
    LIVE = "live"
    """AWS, within a minute; else what is known."""
    KNOWN = "known"
    """What is known without asking: of cache and bundle the newer."""
    BUNDLED = "bundled"
    """The bundle and nothing else, on every machine the same."""


# `known` is for looking things up, not for planning.
_ASKED_FOR = (Prices.AUTO, Prices.LIVE, Prices.BUNDLED)


def prices_named(name: str) -> Prices:
    """The prices that a user asks for by name. Raises OptionError for another name."""
    if name not in _ASKED_FOR:
        raise OptionError(f"prices={name} is not known; write {', '.join(_ASKED_FOR[:-1])} or {_ASKED_FOR[-1]}.")
    return Prices(name)


def prices_wanted(*, live: bool, offline: bool) -> Prices:
    """The prices that two flags ask for. Raises OptionError where they exclude each other."""
    if live and offline:
        raise OptionError("--live asks AWS, and --offline forbids it; leave one of them out.")
    return Prices.LIVE if live else Prices.BUNDLED if offline else Prices.AUTO


def prices_looked_up(*, live: bool, offline: bool) -> Prices:
    """As `prices_wanted` for who looks something up: without a flag AWS is not asked. Raises OptionError."""
    wanted = prices_wanted(live=live, offline=offline)
    return Prices.KNOWN if wanted is Prices.AUTO else wanted
