"""How often does EC2 take spot instances back? (the Spot Instance Advisor's file; needs no credentials)"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from pricing.aws.session import READ_S
from pricing.errors import MarketError
from pricing.offer import Provenance
from pricing.price import Interruption

# The file behind the advisor's page, for all regions; where ec2instances.info reads it.
ADDRESS = "https://spot-bid-advisor.s3.amazonaws.com/spot-advisor-data.json"
SOURCE = "EC2 Spot Instance Advisor"
# Shares of a type's instances that were interrupted within a month, by the file's `r`; the last is open.
_BANDS = ((0.0, 0.05), (0.05, 0.1), (0.1, 0.15), (0.15, 0.2), (0.2, 0.2))


def interruptions(region: str, types: Collection[str], today: date) -> tuple[Interruption, ...]:
    """The interruption band of each instance type in a region, Linux; none of a type that the file leaves out.

    Raises MarketError without network, or where the server sends something else.
    """
    # A plan from the bundle imports this module, and needs no network library.
    from http.client import HTTPException
    from urllib.request import urlopen

    try:
        with urlopen(ADDRESS, timeout=READ_S) as response:
            return read_interruptions(json.load(response), region, types, today)
    except (OSError, HTTPException, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise MarketError(f"The Spot Instance Advisor's file ({ADDRESS}) cannot be read: {error}") from None


def read_interruptions(
    file: Mapping[str, Any], region: str, types: Collection[str], today: date
) -> tuple[Interruption, ...]:
    """The bands in the file, by type."""
    bands = file["spot_advisor"].get(region, {}).get("Linux", {})
    provenance = Provenance(source=SOURCE, as_of=today)
    found = []
    for name in sorted(set(types) & bands.keys()):
        band = bands[name]["r"]
        if band not in range(len(_BANDS)):
            raise ValueError(f"{name} has a band {band!r}")
        low, high = _BANDS[band]
        found.append(Interruption(instance_type=name, region=region, low=low, high=high, provenance=provenance))
    return tuple(found)
