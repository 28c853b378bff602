"""Do the price dimensions of a product become its bands, and nonsense a reason?"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from pricing.aws.bands import Bands, Product, bands, is_usage, products, scaled

FREE, PAID = {"beginRange": "0", "endRange": "100", "price": "0"}, {"beginRange": "100", "endRange": "Inf"}


def product(
    *dimensions: dict[str, Any], usage: str = "USE2-Storage", effective: str = "2026-08-01T00:00:00Z"
) -> Product:
    """A product with one term of such dimensions; each is 0.10 USD per GB for all use, as far as it says nothing."""
    texts = []
    for each in dimensions:
        plain = {"unit": "GB", "beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": each.get("price", "0.10")}}
        texts.append(plain | each)
    term = {"effectiveDate": effective, "priceDimensions": {str(number): each for number, each in enumerate(texts)}}
    item = {"product": {"attributes": {"usagetype": usage}}, "terms": {"OnDemand": {"T": term}}}
    ((read,), ()) = products([json.dumps(item)])
    return read


def shown(one: Bands) -> list[tuple[str, str]]:
    """Where each band starts and what one costs there."""
    return [(f"{start:f}", f"{price:f}") for start, price in one.steps]


def steps(read: Product) -> list[tuple[str, str]]:
    (one,) = bands(read)
    return shown(one)


def test_bands_are_in_order_of_use() -> None:
    """Dimensions come in any order; a band starts where the one before ends."""
    later, first = PAID | {"price": "0.05"}, {"beginRange": "0", "endRange": "100"}
    assert steps(product(later, first)) == [("0", "0.10"), ("100", "0.05")]


def test_a_free_first_band_is_an_allowance() -> None:
    """The first hundred units for nothing are no unknown price, since the rest is priced."""
    assert steps(product(FREE, PAID)) == [("0", "0"), ("100", "0.10")]


@pytest.mark.parametrize(
    ("dimensions", "reason"),
    [
        ([{"price": "0.0000000000"}], "a price of zero"),
        ([{"beginRange": "0", "endRange": "100"}, PAID | {"price": "0"}], "a price of zero"),
        ([{"price": "-0.1"}], "not an amount of money"),
        ([{"price": "free"}], "not an amount of money"),
        ([{"pricePerUnit": {"EUR": "0.10"}}], "priced in EUR"),
        ([{"pricePerUnit": {}}], "priced in no currency"),
        ([PAID], "do not join"),
        ([{"beginRange": "0", "endRange": "50"}, PAID], "do not join"),
        ([{"endRange": "50"}], "do not join"),
        ([{"beginRange": "0", "endRange": "100"}, PAID | {"unit": "TB"}], "not one"),
        ([{"unit": None, "pricePerUnit": None}], "no price as it should"),
    ],
)
def test_prices_without_sense_say_why(dimensions: list[dict[str, Any]], reason: str) -> None:
    """Zero, negative and foreign prices, gaps and mixed units are refused with their reason."""
    with pytest.raises(ValueError, match=reason):
        bands(product(*dimensions))


def test_yuan_are_kept_as_yuan() -> None:
    """China's list has no other currency; where there are dollars too, they count."""
    (china,) = bands(product({"pricePerUnit": {"CNY": "0.5312"}}))
    (both,) = bands(product({"pricePerUnit": {"CNY": "0.5312", "USD": "0.08"}}))
    assert (china.currency, china.steps[0][1]) == ("CNY", Decimal("0.5312"))
    assert (both.currency, both.steps[0][1]) == ("USD", Decimal("0.08"))


def test_a_unit_of_many_is_divided() -> None:
    """40.96 USD per GiB/s are 0.04 per MiB/s, and its bands start 1,024 times further on."""
    each = Bands(
        usage="",
        unit="GiBps-mo",
        currency="USD",
        effective=None,
        steps=((Decimal(0), Decimal("40.96")), (Decimal(2), Decimal(1))),
    )
    assert shown(scaled(each, {"gibps-mo": 1024})) == [("0", "0.04"), ("2048", "0.0009765625")]
    with pytest.raises(ValueError, match="its unit is 'GiBps-mo', not gb"):
        scaled(each, {"gb": 1})


@pytest.mark.parametrize(
    ("usage", "matches"),
    [
        ("LoadBalancerUsage", True),
        ("USE2-LoadBalancerUsage", True),
        ("EU-LoadBalancerUsage", True),
        ("UGW1-LoadBalancerUsage", True),
        ("USE2-TS-LoadBalancerUsage", False),
        ("TS-LoadBalancerUsage", False),
        ("USE2-LoadBalancerUsage-Reserved", False),
        ("USW2-RegionalLoadBalancerUsage", False),
    ],
)
def test_usage_types_match_to_the_letter(usage: str, matches: bool) -> None:
    """A region may stand before a usage type, and nothing else before or after it."""
    assert is_usage(product({}, usage=usage), "LoadBalancerUsage") is matches


def test_a_malformed_item_leaves_the_others() -> None:
    """Half a JSON text, and one that is no product, are said and left out."""
    good = json.dumps({"product": {"attributes": {"usagetype": "A"}}})
    read, findings = products(['{"product": {"attr', "[]", good])
    assert [each.usage for each in read] == ["A"]
    assert len(findings) == 2 and "malformed" in findings[0]
