"""Which products of the Price List match a filter? (Price List GetProducts; needs credentials)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pricing.aws.pages import pages
from pricing.aws.session import asked, client

ACTION = "pricing:GetProducts"
# The largest page of each call of this API (botocore's model).
PAGE = 100


def pricing_client(place: str) -> Any:
    """The Price List API in a region that has one (`session.pricing_region`). Raises MarketError without a client."""
    with asked(ACTION, place):
        return client("pricing", place)


def listed_products(api: Any, place: str, service: str, filters: Sequence[Mapping[str, str]]) -> list[str]:
    """The products of a service that match all filters, as JSON texts of one each.

    `api` is the `pricing_client` of `place`. Raises MarketError without credentials, permission
    (`pricing:GetProducts`) or network.
    """
    with asked(ACTION, place):
        answers = pages(api.get_products, ServiceCode=service, Filters=filters, FormatVersion="aws_v1", MaxResults=PAGE)
    return [item for page in answers for item in page.get("PriceList", ())]
