"""Does a table keep its history, move its days on, and lose nothing of a source that failed?"""

from __future__ import annotations

import pytest

from pricing.editions import Cells, Table, merged

PRICES = Table(name="prices.csv", subject=("name", "region", "purchase"), said=("price", "currency"))
ZONES = Table(name="zones.csv", subject=("name", "region"), said=("zones",), has_history=False)
BANDS = Table(name="bands.csv", subject=("name", "region"), said=("price",), band="starts_at")
SEED = "karpenter @1d92708, us-east-1 price file"
LIST = "AWS Price List, published {}"


def priced(price: str, as_of: str, source: str = "", **cells: str) -> Cells:
    """A row of prices."""
    return {
        "name": "p5",
        "region": "us-east-1",
        "purchase": "on-demand",
        "price": price,
        "currency": "USD",
        "as_of": as_of,
        "source": source or LIST.format(as_of),
        **cells,
    }


def zoned(zones: str, as_of: str, **cells: str) -> Cells:
    """A row of zones."""
    return {"name": "p5", "region": "us-east-1", "zones": zones, "as_of": as_of, "source": "EC2", **cells}


def test_a_new_price_stands_after_the_old_one() -> None:
    """A superseded price keeps its row, and the change is told with both figures."""
    old, new = priced("98.32", "2025-06-22"), priced("55.04", "2026-11-23")
    found = merged(PRICES, [old], [new])
    assert found.rows == (old, new)
    assert found.changes == ("p5 us-east-1 on-demand: 98.32 USD -> 55.04 USD",)
    assert (found.new, found.changed, found.confirmed) == (0, 1, 0)


@pytest.mark.parametrize("price", ["21.957642", "21.9576420", "21.95764"])
def test_the_same_price_moves_its_day_on(price: str) -> None:
    """What the same source says again takes the place of its row; rounding is no change."""
    found = merged(PRICES, [priced("21.957642", "2026-10-01")], [priced(price, "2026-11-23")])
    assert found.rows == (priced(price, "2026-11-23"),)
    assert (found.changes, found.confirmed) == ((), 1)


def test_another_source_stands_beside() -> None:
    """That two sources agree is worth a row of its own."""
    old, new = priced("55.04", "2026-07-20", SEED), priced("55.04", "2026-11-23")
    found = merged(PRICES, [old], [new])
    assert found.rows == (old, new)
    assert (found.changes, found.confirmed) == ((), 1)


def test_a_day_has_one_row() -> None:
    """Asked twice on a day, the later answer counts."""
    found = merged(PRICES, [priced("55.04", "2026-11-23", SEED)], [priced("50.00", "2026-11-23")])
    assert found.rows == (priced("50.00", "2026-11-23"),)
    assert found.changes == ("p5 us-east-1 on-demand: 55.04 USD -> 50.00 USD",)


def test_a_clock_in_the_past_supersedes_nothing() -> None:
    """A row that is older than what is known stands before it."""
    old, new = priced("55.04", "2026-11-23"), priced("98.32", "2020-01-01")
    assert merged(PRICES, [old], [new]).rows == (new, old)


def test_what_is_new_is_counted() -> None:
    """A subject that the table did not have is new, and everything stays sorted."""
    new = [priced("1", "2026-11-23", name=name) for name in ("z", "a")]
    found = merged(PRICES, [priced("55.04", "2026-07-20", SEED)], new)
    assert [row["name"] for row in found.rows] == ["a", "p5", "z"]
    assert (found.new, found.changed, found.confirmed) == (2, 0, 0)


def test_a_price_that_is_no_longer_listed_stays() -> None:
    """A price list that lacks a type does not say that its price was never true."""
    old = priced("55.04", "2026-07-20", SEED)
    assert old in merged(PRICES, [old], [priced("1", "2026-11-23", name="g6")]).rows


def test_spot_has_no_history() -> None:
    """A spot price of the same source is replaced, and one that its list lacks is gone, without a word."""
    old = [priced(usd, "2026-10-01", name=name, purchase="spot") for name, usd in (("p5", "9"), ("g6", "2"))]
    new = priced("8", "2026-11-23", purchase="spot")
    found = merged(PRICES, old, [new])
    assert found.rows == (new,)
    assert (found.changes, found.changed) == ((), 2)


def test_spot_of_another_region_or_source_stays() -> None:
    """A region that was not answered for keeps its prices, and so does what another source recorded."""
    other = priced("9", "2026-10-01", region="us-west-2", purchase="spot")
    seed = priced("7", "2026-05-18", SEED, name="g6", purchase="spot")
    new = priced("8", "2026-11-23", purchase="spot")
    assert set(map(str, merged(PRICES, [other, seed], [new]).rows)) == set(map(str, (other, seed, new)))


def test_zones_are_replaced_by_region() -> None:
    """A whole list of zones is the region's; what it lacks is no longer sold there, and other regions stay."""
    old = [
        zoned("use1-az1", "2026-10-01"),
        zoned("use1-az1", "2026-10-01", name="g3"),
        zoned("usw2-az1", "2026-10-01", region="us-west-2"),
    ]
    new = [zoned("use1-az1 use1-az6", "2026-11-23")]
    found = merged(ZONES, old, new)
    assert found.rows == (new[0], old[2])
    assert found.changes == (
        "g3 us-east-1: no longer listed",
        "p5 us-east-1: use1-az1 -> use1-az1 use1-az6",
    )


def test_bands_stand_and_fall_together() -> None:
    """The bands of a price are one edition: they are replaced or superseded as a whole."""

    def bands(as_of: str, *prices: str) -> list[Cells]:
        said = {"name": "out", "region": "us-east-1", "as_of": as_of, "source": LIST.format(as_of)}
        return [{**said, "price": price, "starts_at": str(10 * start)} for start, price in enumerate(prices)]

    old, same, new = (
        bands("2026-10-01", "4E-7", "3E-7"),
        bands("2026-11-01", "0.0000004", "3E-7"),
        bands("2026-11-23", "5E-7"),
    )
    assert merged(BANDS, old, same).rows == tuple(same)
    found = merged(BANDS, old, new)
    assert sorted(map(str, found.rows)) == sorted(map(str, [*old, *new]))
    assert found.changes == ("out us-east-1: 4E-7 then 3E-7 -> 5E-7",)


def test_nothing_new_changes_nothing() -> None:
    """Without an answer a table is what it was."""
    old = (priced("55.04", "2026-07-20", SEED),)
    assert merged(PRICES, old, []).rows == old
    assert merged(ZONES, [zoned("use1-az1", "2026-10-01")], []).changes == ()
