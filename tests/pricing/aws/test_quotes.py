"""Does one price hold for each thing, and none where they contradict each other?"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from pricing.aws.quotes import Quote, amount, in_force, plain, settled
from pricing.offer import Payment, Provenance, Purchase
from pricing.price import PriceRow


def quote(
    price: str, *, sku: str = "A", currency: str = "USD", region: str = "us-east-1", spare: bool = False
) -> Quote:
    row = PriceRow(
        instance_type="p5.48xlarge",
        region=region,
        purchase=Purchase.ON_DEMAND,
        payment=Payment.UNSTATED,
        price_per_hour_per_node=Decimal(price),
        currency=currency,
        operating_system="linux",
        zone_id="",
        provenance=Provenance(source="a test", as_of=date(2026, 9, 11)),
    )
    return Quote(row=row, said_by=f"SKU {sku}", spare=spare)


def test_differing_prices_leave_the_subject_unknown() -> None:
    """Two prices for one thing give no row, and a finding with both prices and who says them."""
    listing = settled([quote("55.04", sku="A"), quote("60.54", sku="B"), quote("56", region="us-west-2")])
    assert [row.region for row in listing.rows] == ["us-west-2"]
    (finding,) = listing.findings
    assert finding == (
        "p5.48xlarge in us-east-1, on-demand linux: 55.04 USD by SKU A, 60.54 USD by SKU B; "
        "which of these prices holds is unknown, and none is used."
    )


def test_the_same_price_twice_is_one() -> None:
    """SKUs that agree are one row and no finding, also where one of them is rounded."""
    listing = settled([quote("21.95764"), quote("21.957642"), quote("21.957642")])
    assert [row.price_per_hour_per_node for row in listing.rows] == [Decimal("21.957642")]
    assert listing.findings == ()


def test_a_price_in_another_currency_is_another_price() -> None:
    """Equal figures in two currencies contradict each other."""
    listing = settled([quote("9"), quote("9", currency="CNY")])
    assert listing.rows == ()
    assert "9 CNY" in listing.findings[0]


@pytest.mark.parametrize(("spares", "price"), [(["8.6"], "7.8"), (["8.6", "9.9"], "7.8")])
def test_a_spare_price_yields_to_any_other(spares: list[str], price: str) -> None:
    """Spare prices count only where they are alone, however many they are."""
    listing = settled([*(quote(each, spare=True) for each in spares), quote("7.8")])
    assert [str(row.price_per_hour_per_node) for row in listing.rows] == [price]
    assert settled([quote("8.6", spare=True)]).rows


def test_earlier_findings_come_first() -> None:
    """What was found while reading stands before what is found here."""
    assert settled([quote("1"), quote("2")], ["Before."]).findings[0] == "Before."


@pytest.mark.parametrize(("text", "value"), [("55.0400000000", "55.04"), ("0.0000000000", "0"), ("280320", "280320")])
def test_amounts_are_exact(text: str, value: str) -> None:
    """What is printed is what is read; zero is read as well, and is for the caller to leave out."""
    assert amount(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "-1", "12,5", "free", None, "1e40"])
def test_what_is_no_amount_is_refused(text: str | None) -> None:
    """A malformed price is an error with the text in it, never zero."""
    with pytest.raises(ValueError, match="is not an amount of money"):
        amount(text)


@pytest.mark.parametrize(
    ("price", "shown"), [("55.0400000000", "55.04"), ("100.0", "100"), ("0.33333333333333", "0.3333333333")]
)
def test_prices_are_shown_without_ballast(price: str, shown: str) -> None:
    """Ten digits at most, no zeros at the end, no exponent."""
    assert str(plain(Decimal(price))) == shown


@pytest.mark.parametrize(
    ("days", "held"),
    [
        ([date(2026, 9, 1), date(2026, 10, 1)], [date(2026, 9, 1)]),
        ([date(2026, 9, 11), None], [date(2026, 9, 11), None]),
        ([None, date(2026, 9, 12)], [None]),
        ([date(2026, 10, 1), date(2026, 11, 1)], [date(2026, 10, 1), date(2026, 11, 1)]),
    ],
)
def test_what_begins_later_does_not_yet_hold(days: list[date | None], held: list[date | None]) -> None:
    """What states no day holds, and where all begin later the clock is doubted, not the prices."""
    assert in_force(days, lambda day: day, date(2026, 9, 11)) == held
