"""Which products are the controllers of AWS Parallel Computing Service?

Its user guide names three sizes, small, medium and large, priced by the hour; no public source quotes the name of
its price list or a usage type. So both are looked for by these words, and what is not found so stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pricing.aws.bands import PER_HOUR, Product
from pricing.price import Component

_CODES = re.compile(r"(aws|amazon)?(pcs|parallelcomputing(service)?)", re.IGNORECASE)
# What the service charges besides: for nodes, and for the accounting of jobs, by size of the controller too.
_OTHER_FEES = re.compile("accounting|node", re.IGNORECASE)
_SIZES = {
    Component.PCS_SMALL_CONTROLLER_HOUR: re.compile("small", re.IGNORECASE),
    Component.PCS_MEDIUM_CONTROLLER_HOUR: re.compile("medium", re.IGNORECASE),
    Component.PCS_LARGE_CONTROLLER_HOUR: re.compile("large", re.IGNORECASE),
}


def service_codes(services: Iterable[Mapping[str, Any]]) -> list[str]:
    """The codes in `Services` under which PCS may be listed."""
    codes = {str(each.get("ServiceCode", "")) for each in services}
    return sorted(code for code in codes if _CODES.fullmatch(code))


def controllers(products: Iterable[Product]) -> Iterator[tuple[Component, list[Product], Mapping[str, int]]]:
    """For each size of controller the products that may be it, and the units in which it may be priced."""
    every = [each for each in products if "controller" in each.usage.lower() and not _OTHER_FEES.search(each.usage)]
    for component, size in _SIZES.items():
        yield component, [each for each in every if size.search(each.usage)], PER_HOUR
