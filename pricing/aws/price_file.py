"""What does an instance cost on demand and reserved? (the Price List file of a region; needs no credentials)

The file holds every product of EC2 in a region in some hundred MB of CSV: it is read as it arrives, and all but the
lines that name a type asked for are dropped before they are parsed.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING

from pricing.aws.price_terms import Rate, Term, is_wanted, key, listing
from pricing.aws.session import READ_S, partition_of
from pricing.errors import MarketError
from pricing.price import Listing

if TYPE_CHECKING:
    from http.client import HTTPResponse

# Where skypilot and gpuhunt read the file. GovCloud's prices lie with those of the commercial partition.
_COMMERCIAL = ("https://pricing.us-east-1.amazonaws.com", "aws")
_HOSTS = {
    "aws": _COMMERCIAL,
    "aws-us-gov": _COMMERCIAL,
    "aws-cn": ("https://pricing.cn-northwest-1.amazonaws.com.cn", "cn"),
}
# Little memory, and few enough turns through a file of some hundred MB.
_BLOCK_BYTES = 1 << 18
# Five lines stand before the header; a page of a captive portal has none.
_HEADER_WITHIN = 20
_COLUMNS = "sku offertermcode termtype unit priceperunit currency instancetype operatingsystem tenancy capacitystatus"


def price_file(region: str, types: Collection[str], today: date) -> Listing:
    """On-demand and Standard reserved prices per hour of instance types in a region, Linux and Windows.

    Raises MarketError where the server cannot be reached, breaks off
    or sends something else, and for a partition without such files; the findings are those of `price_list`.
    """
    # These two take longer to import than all of this package, and few commands read the file.
    from http.client import HTTPException
    from urllib.request import urlopen

    partition = partition_of(region)
    if partition not in _HOSTS:
        raise MarketError(f"{region}: no price list file is known of the partition {partition}.")
    host, folder = _HOSTS[partition]
    address = f"{host}/offers/v1.0/{folder}/AmazonEC2/current/{region}/index.csv"
    try:
        with urlopen(address, timeout=READ_S) as response:
            return read_price_file(_lines(response), region, types, today)
    # A truncated file, a decoding error and a cell that is too long for CSV end here as well.
    except (OSError, HTTPException, ValueError, csv.Error) as error:
        raise MarketError(f"The price list file of {region} ({address}) cannot be read: {error}") from None


def read_price_file(lines: Iterator[bytes], region: str, types: Collection[str], today: date) -> Listing:
    """The prices in the lines of a file. Raises ValueError where they are no price list."""
    preamble, columns = _header(lines)
    published, version = preamble.get("publicationdate", "")[:10], preamble.get("version", "")
    source = f"AWS Price List file, published {published}, version {version}"
    terms: dict[tuple[str, ...], Term] = {}
    findings: list[str] = []
    names = {each.encode() for each in types}
    # No cell that matters here holds a comma, and quotes stand around some cells only.
    kept = (line.decode() for line in lines if not names.isdisjoint(line.replace(b'"', b"").split(b",")))
    for cells in csv.reader(kept):
        product = dict(zip(columns, cells, strict=False))
        if len(cells) != len(columns):
            findings.append(f"{region}: a line of SKU {cells[0]} of the price list is malformed and left out.")
        elif is_wanted(product, region, types):
            rate = Rate(unit=product["unit"], price=product["priceperunit"], currency=product["currency"])
            code = product["sku"], product["offertermcode"], product.get("effectivedate", "")
            known = terms[code].rates if code in terms else ()
            terms[code] = _term(product, (*known, rate), source)
    return listing(terms.values(), region, today, findings)


def _term(product: Mapping[str, str], rates: tuple[Rate, ...], source: str) -> Term:
    return Term(
        sku=product["sku"],
        product=product,
        kind=product["termtype"],
        conditions=product,
        effective=product.get("effectivedate", ""),
        rates=rates,
        source=source,
    )


def _header(lines: Iterator[bytes]) -> tuple[dict[str, str], list[str]]:
    """What stands before the header, by `key`, and the columns by `key`."""
    preamble: dict[str, str] = {}
    for cells in csv.reader(line.decode() for line in islice(lines, _HEADER_WITHIN)):
        columns = [key(each) for each in cells]
        if "sku" in columns:
            missing = set(_COLUMNS.split()) - set(columns)
            if missing:
                raise ValueError(f"it has no column {', '.join(sorted(missing))}")
            return preamble, columns
        if len(cells) > 1:
            preamble[columns[0]] = cells[1]
    raise ValueError("it is no price list")


def _lines(response: HTTPResponse) -> Iterator[bytes]:
    """The lines of the answer. Raises ValueError where fewer bytes come than were announced."""
    announced = response.headers["Content-Length"]
    if announced is None and not response.chunked:
        raise ValueError("the server does not say how long it is, so nobody can tell whether all of it came")
    received, rest = 0, b""
    while block := response.read(_BLOCK_BYTES):
        received += len(block)
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
    if announced is not None and received != int(announced):
        raise ValueError(f"it broke off after {received:,} of {int(announced):,} bytes")
    yield rest
