"""Does GetProducts, as it was recorded and as it fails, become the prices that hold?"""

from __future__ import annotations

import json
from collections.abc import Collection
from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from pricing.aws.price_list import FILTER_CHARACTERS, price_list, read_price_list
from pricing.aws.session import session
from pricing.catalog import load_instance_types
from pricing.errors import MarketError
from pricing.offer import Purchase
from pricing.price import PriceRow
from tests.support.recorded import Replay, price_page, products

CALL = "GetProducts"
TODAY = date(2026, 9, 11)
TYPES = {"p5.48xlarge", "g4dn.xlarge"}


def asked_of(aws: Replay, field: str) -> list[str]:
    """The value of one filter in each request."""
    filters = [request["Filters"] for request in aws.requests(CALL)]
    return [next(each["Value"] for each in some if each["Field"] == field) for some in filters]


def prices(rows: Collection[PriceRow], purchase: Purchase) -> dict[tuple[str, str], str]:
    return {
        (row.instance_type, row.operating_system): str(row.price_per_hour_per_node)
        for row in rows
        if row.purchase is purchase
    }


def priced_in(currency: str, product: dict[str, Any]) -> dict[str, Any]:
    """A product whose prices stand under another currency."""
    other: dict[str, Any] = json.loads(json.dumps(product).replace('"USD"', json.dumps(currency)))
    return other


def test_one_price_for_each_system(aws: Replay) -> None:
    """Of four SKUs of a type on Windows and Linux each, the plain ones are the price on demand."""
    aws.answers(CALL, price_page(*products("us-east-1.json")))
    listing = price_list("us-east-1", TYPES, TODAY)
    assert prices(listing.rows, Purchase.ON_DEMAND) == {
        ("p5.48xlarge", "linux"): "55.04",
        ("g4dn.xlarge", "linux"): "0.526",
        ("g4dn.xlarge", "windows"): "0.71",
    }
    assert listing.findings == ()
    assert all(row.currency == "USD" and row.region == "us-east-1" for row in listing.rows)


def test_a_capacity_block_is_never_on_demand() -> None:
    """Its SKU costs nothing by the hour: alone it is no price, with a price it is not that of an hour on demand."""
    block = products("us-east-1.json")[1]
    assert block["product"]["attributes"]["marketoption"] == "CapacityBlock"
    assert read_price_list([json.dumps(block)], "us-east-1", TYPES, TODAY).rows == ()
    licence = json.dumps(block).replace("0.0000000000", "0.3360000000")
    assert read_price_list([licence], "us-east-1", TYPES, TODAY).rows == ()


def test_reserved_terms_are_standard_with_fees_folded_in(aws: Replay) -> None:
    """Six terms, three of each length; the convertible one is none of them."""
    aws.answers(CALL, price_page(*products("us-east-1.json")))
    rows = [row for row in price_list("us-east-1", TYPES, TODAY).rows if row.purchase is not Purchase.ON_DEMAND]
    assert {(row.purchase, row.payment): row.price_per_hour_per_node for row in rows} == {
        ("reserved-1yr", "no-upfront"): Decimal("33.626"),
        ("reserved-1yr", "partial-upfront"): Decimal(32),
        ("reserved-1yr", "all-upfront"): Decimal(32),
        ("reserved-3yr", "no-upfront"): Decimal("23.777"),
        ("reserved-3yr", "partial-upfront"): Decimal(22),
        ("reserved-3yr", "all-upfront"): Decimal(21),
    }


def test_rows_carry_the_list_and_the_day(aws: Replay) -> None:
    """Publication, version and the term's own day are kept with every price."""
    aws.answers(CALL, price_page(*products("us-east-1.json")))
    row = next(row for row in price_list("us-east-1", TYPES, TODAY).rows if row.purchase is Purchase.ON_DEMAND)
    assert row.provenance.source == "AWS Price List, published 2026-09-10, version 20260910195514"
    assert (row.provenance.as_of, row.provenance.effective) == (TODAY, date(2026, 9, 1))


def test_requests_are_pages(aws: Replay) -> None:
    """Every type is asked for once, in as few filters as hold the names, and no page is asked for twice."""
    types = set(load_instance_types())
    metal = {each for each in types if ".metal" in each}
    one, two, three = products("us-east-1.json")[:3]
    aws.answers(CALL, price_page(one, token="a"), price_page(two, token="b"), price_page(three))
    aws.answers(CALL, price_page(), price_page(*products("us-east-1-metal.json")))
    listing = price_list("us-east-1", types, TODAY)
    assert len(aws.requests(CALL)) == 5
    assert prices(listing.rows, Purchase.ON_DEMAND)["g4dn.metal", "linux"] == "7.824"
    filters = asked_of(aws, "instanceType")
    assert max(map(len, filters)) <= FILTER_CHARACTERS
    assert filters[0] == filters[1] == filters[2]
    names = [name for joined in filters[2:] for name in joined.split(",")]
    assert sorted(names) == sorted(types)
    assert set(filters[4].split(",")) == metal
    assert asked_of(aws, "tenancy") == ["Shared"] * 4 + ["Shared,Dedicated"]


def test_filters_leave_one_sku_to_each_type(aws: Replay) -> None:
    """The request itself excludes what a plain instance is not, and asks for whole pages of the region."""
    aws.answers(CALL, price_page(*products("us-east-1.json")))
    price_list("us-east-1", TYPES, TODAY)
    (request,) = aws.requests(CALL)
    assert (request["ServiceCode"], request["MaxResults"], request["FormatVersion"]) == ("AmazonEC2", 100, "aws_v1")
    assert {each["Field"]: each["Value"] for each in request["Filters"]} == {
        "regionCode": "us-east-1",
        "instanceType": "g4dn.xlarge,p5.48xlarge",
        "operatingSystem": "Linux,Windows",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
        "licenseModel": "No License required",
        "locationType": "AWS Region",
    }


@pytest.mark.parametrize(
    ("region", "chosen", "host"),
    [
        ("us-east-1", "", "api.pricing.us-east-1.amazonaws.com"),
        ("eu-west-1", "", "api.pricing.us-east-1.amazonaws.com"),
        ("eu-west-1", "eu-central-1", "api.pricing.eu-central-1.amazonaws.com"),
        ("cn-north-1", "eu-central-1", "api.pricing.cn-northwest-1.amazonaws.com.cn"),
    ],
)
def test_the_list_is_asked_where_it_lives(
    aws: Replay, monkeypatch: pytest.MonkeyPatch, region: str, chosen: str, host: str
) -> None:
    """The region that is priced does not choose the endpoint; the user may, within the partition."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-4")
    monkeypatch.setenv("BERTH_PRICING_REGION", chosen)
    aws.answers(CALL, price_page())
    price_list(region, {"p5.48xlarge"}, TODAY)
    assert aws.asked[0].host == host
    assert asked_of(aws, "regionCode") == [region]


def test_china_is_priced_in_yuan(aws: Replay) -> None:
    """The one currency of a product is its currency, on demand and reserved."""
    aws.answers(CALL, price_page(*products("cn-northwest-1.json")))
    rows = price_list("cn-northwest-1", TYPES, TODAY).rows
    assert [(str(row.price_per_hour_per_node), row.currency) for row in rows] == [("3.711", "CNY"), ("2.339", "CNY")]


def test_an_unknown_currency_is_kept_with_its_price() -> None:
    """A later stage leaves it out by its name, and it is never taken for dollars."""
    product = priced_in("EUR", products("us-east-1.json")[2])
    (row,) = read_price_list([json.dumps(product)], "us-east-1", TYPES, TODAY).rows
    assert (str(row.price_per_hour_per_node), row.currency) == ("0.526", "EUR")


def test_dollars_are_read_beside_another_currency() -> None:
    """Of a price in USD and EUR the first counts; of two others neither can."""
    product = products("us-east-1.json")[2]
    text = json.dumps(product).replace('"USD": "0.5260000000"', '"EUR": "0.4", "USD": "0.526"')
    (row,) = read_price_list([text], "us-east-1", TYPES, TODAY).rows
    assert row.currency == "USD"
    found = read_price_list([text.replace("USD", "CNY")], "us-east-1", TYPES, TODAY)
    assert found.rows == ()
    assert "7TVXMFHQR6U7W5CV" in found.findings[0]


def without(product: dict[str, Any], *path: str) -> dict[str, Any]:
    """A product that lacks what lies at a path; `*` is the one key there is."""
    cut = deepcopy(product)
    place = cut
    for name in path[:-1]:
        place = place[next(iter(place)) if name == "*" else name]
    del place[path[-1]]
    return cut


G4DN = products("us-east-1.json")[2]


@pytest.mark.parametrize(
    "item",
    [
        json.dumps(G4DN)[:-40],
        json.dumps(without(G4DN, "product", "attributes")),
        json.dumps(without(G4DN, "terms", "OnDemand", "*", "priceDimensions")),
        json.dumps(without(G4DN, "terms", "OnDemand", "*", "priceDimensions", "*", "pricePerUnit")),
        json.dumps(without(G4DN, "terms", "OnDemand", "*", "priceDimensions", "*", "unit")),
        json.dumps(priced_in("", G4DN)),
        json.dumps(G4DN).replace("0.5260000000", "n/a"),
        json.dumps(G4DN).replace("2026-09-01T00:00:00Z", "in autumn"),
        json.dumps(G4DN | {"terms": "none"}),
    ],
)
def test_a_malformed_item_is_found_and_the_rest_survives(item: str) -> None:
    """It is left out under its SKU, and the product after it is priced."""
    whole = json.dumps(products("us-east-1.json")[3])
    found = read_price_list([item, whole], "us-east-1", TYPES, TODAY)
    assert prices(found.rows, Purchase.ON_DEMAND) == {("g4dn.xlarge", "windows"): "0.71"}
    (finding,) = found.findings
    assert finding.startswith("us-east-1: ")
    assert "SKU 7TVXMFHQR6U7W5CV" in finding
    assert "malformed and left out" in finding


@pytest.mark.parametrize("item", ["", "[]", "null", "17", '{"error": true}'])
def test_an_item_without_a_sku_is_found_too(item: str) -> None:
    """What is no product at all is left out, and said."""
    found = read_price_list([item], "us-east-1", TYPES, TODAY)
    assert found.findings[0] == "us-east-1: an item without a SKU of the price list is malformed and left out."


def test_distinct_prices_of_a_type_are_shown(aws: Replay) -> None:
    """A second plain SKU at another price leaves that price unknown, names both, and spares the others."""
    second = json.loads(json.dumps(G4DN).replace("7TVXMFHQR6U7W5CV", "SECONDSKU").replace("0.526", "0.752"))
    aws.answers(CALL, price_page(*products("us-east-1.json"), second))
    listing = price_list("us-east-1", TYPES, TODAY)
    assert ("g4dn.xlarge", "linux") not in prices(listing.rows, Purchase.ON_DEMAND)
    assert ("p5.48xlarge", "linux") in prices(listing.rows, Purchase.ON_DEMAND)
    (finding,) = listing.findings
    assert "0.526 USD by SKU 7TVXMFHQR6U7W5CV, 0.752 USD by SKU SECONDSKU" in finding


def test_an_empty_page_with_a_token_is_not_the_end(aws: Replay) -> None:
    """What comes after it is priced."""
    aws.answers(CALL, price_page(token="a"), price_page(*products("us-east-1.json")))
    assert prices(price_list("us-east-1", TYPES, TODAY).rows, Purchase.ON_DEMAND)
    assert [request.get("NextToken") for request in aws.requests(CALL)] == [None, "a"]


def test_an_expired_listing_is_read_anew(aws: Replay) -> None:
    """A price that the first half stated and the second reading does not is gone."""
    aws.answers(CALL, price_page(products("us-east-1.json")[0], token="a"))
    aws.refuses(CALL, "ExpiredNextTokenException")
    aws.answers(CALL, price_page(G4DN))
    assert {row.instance_type for row in price_list("us-east-1", TYPES, TODAY).rows} == {"g4dn.xlarge"}


def test_throttling_is_tried_again(aws: Replay) -> None:
    """After two refusals the answer is whole."""
    aws.refuses(CALL, "ThrottlingException")
    aws.refuses(CALL, "ThrottlingException")
    aws.answers(CALL, price_page(G4DN))
    assert len(price_list("us-east-1", TYPES, TODAY).rows) == 1
    assert len(aws.requests(CALL)) == 3


def test_a_timeout_in_the_middle_is_no_half_listing(aws: Replay) -> None:
    """A page that never comes fails the whole, with the call and where it was made."""
    aws.answers(CALL, price_page(G4DN, token="a"), *[ReadTimeoutError(endpoint_url="https://aws")] * 4)
    with pytest.raises(MarketError, match=r"^pricing:GetProducts in us-east-1: Read timeout"):
        price_list("us-east-1", TYPES, TODAY)
    assert len(aws.requests(CALL)) == 5


def test_one_lost_page_is_asked_for_again(aws: Replay) -> None:
    """A single timeout costs a request and no price."""
    aws.answers(CALL, price_page(G4DN, token="a"), ReadTimeoutError(endpoint_url="https://aws"))
    aws.answers(CALL, price_page(*products("us-east-1.json")[:1]))
    assert {row.instance_type for row in price_list("us-east-1", TYPES, TODAY).rows} == TYPES


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        ("AccessDeniedException", "allow pricing:GetProducts to this role"),
        ("ExpiredTokenException", "log in again: the token has expired"),
        ("RequestTimeTooSkewed", "set this machine's clock: it is off by over 5 minutes"),
        ("InvalidSignatureException", "this machine's clock"),
        ("UnrecognizedClientException", "check the access key"),
    ],
)
def test_a_refusal_says_what_to_change(aws: Replay, code: str, mend: str) -> None:
    """Each is one sentence with the call, the place and the remedy, and is not tried again."""
    for _ in range(4):
        aws.refuses(CALL, code, "Because.")
    with pytest.raises(MarketError) as caught:
        price_list("eu-west-1", TYPES, TODAY)
    (finding,) = caught.value.findings
    assert finding.startswith(f"pricing:GetProducts in us-east-1: {code}: Because. (")
    assert mend in finding
    assert len(aws.requests(CALL)) == 1


def test_without_network_the_call_fails_in_words(aws: Replay) -> None:
    """A host that does not answer is an expected error."""
    aws.answers(CALL, *[ConnectTimeoutError(endpoint_url="https://aws")] * 4)
    with pytest.raises(MarketError, match="Connect timeout"):
        price_list("us-east-1", TYPES, TODAY)


def test_without_credentials_nothing_is_sent(aws: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    """The missing credentials are named, and the network is not touched."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(MarketError, match=r"pricing:GetProducts in us-east-1: .*credentials"):
        price_list("us-east-1", TYPES, TODAY)
    assert aws.asked == []
    assert session().get_credentials() is None


def test_a_partition_without_the_api_says_so(aws: Replay) -> None:
    """GovCloud has no Price List API: the sentence points to the file."""
    with pytest.raises(MarketError, match="price list file needs none"):
        price_list("us-gov-west-1", TYPES, TODAY)
    assert aws.asked == []
