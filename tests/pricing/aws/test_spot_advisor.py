"""Does the Spot Instance Advisor's file become bands of interruption?"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pricing.aws.spot_advisor import interruptions, read_interruptions
from pricing.errors import MarketError
from tests.support.price_server import PriceServer, Reply, Request

TODAY = date(2026, 11, 23)
TYPES = ("g5.xlarge", "p5.48xlarge")


def file(**bands: Any) -> dict[str, Any]:
    """The file with bands of types in us-east-1; a dash in a name stands for its dot."""
    found = {name.replace("_", "."): {"s": 60, "r": band} for name, band in bands.items()}
    return {
        "ranges": [{"index": 0, "label": "<5%", "max": 5}],
        "spot_advisor": {"us-east-1": {"Linux": found, "Windows": {"g5.xlarge": {"s": 1, "r": 4}}}},
    }


@pytest.mark.parametrize(
    ("band", "low", "high", "says"),
    [
        (0, 0.0, 0.05, "0% to 5%"),
        (1, 0.05, 0.1, "5% to 10%"),
        (2, 0.1, 0.15, "10% to 15%"),
        (3, 0.15, 0.2, "15% to 20%"),
        (4, 0.2, 0.2, "over 20%"),
    ],
)
def test_bands_are_shares(band: int, low: float, high: float, says: str) -> None:
    """Each of the five bands has its edges; the open one is what it is at least."""
    (found,) = read_interruptions(file(g5_xlarge=band), "us-east-1", TYPES, TODAY)
    assert (found.instance_type, found.region, found.low, found.high) == ("g5.xlarge", "us-east-1", low, high)
    assert found.says == says
    assert found.provenance.as_of == TODAY


def test_only_what_was_asked_for_is_read() -> None:
    """Types without an accelerator, and regions that the file does not know, have no rows."""
    assert read_interruptions(file(m5_large=0), "us-east-1", TYPES, TODAY) == ()
    assert read_interruptions(file(g5_xlarge=0), "us-west-2", TYPES, TODAY) == ()


def test_the_file_is_read_from_its_server(server: PriceServer) -> None:
    """No credentials are sent, and what comes is read."""
    (found,) = interruptions("us-east-1", TYPES, TODAY)
    assert (found.instance_type, found.low) == ("p5.48xlarge", 0.05)
    (asked,) = server.asked
    assert asked.region == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"spot_advisor": 1}',
        b'{"spot_advisor": {"us-east-1": {"Linux": {"g5.xlarge": {"r": 9}}}}}',
    ],
)
def test_something_else_is_refused(server: PriceServer, body: bytes) -> None:
    """A page that is not the file, or a band that is none, is a failure and no traceback."""

    def answer(request: Request) -> Reply:
        return 200, body

    server.instead["spot-advisor-data.json"] = answer
    with pytest.raises(MarketError, match="cannot be read"):
        interruptions("us-east-1", TYPES, TODAY)
