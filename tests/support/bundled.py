"""Which offers does the bundle make, whatever a workload asks for?"""

from __future__ import annotations

from pathlib import Path

from pricing.bundle_prices import offerings, price_rows
from pricing.catalog import DATA
from pricing.offer import Offer
from pricing.offers import offers_of


def load_offers(folder: Path = DATA) -> tuple[Offer, ...]:
    """Every offer of a bundle, in all regions."""
    return offers_of(price_rows(folder), offerings(folder))
