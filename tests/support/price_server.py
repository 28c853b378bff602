"""An AWS on loopback that knows prices, zones and quotas, and fails as a test wants it to.

Its prices on demand are the bundle's unless a test sets others; botocore finds it by `AWS_ENDPOINT_URL`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct, field

from pricing.bundle_prices import offerings
from pricing.offer import Purchase
from tests.support.bundled import load_offers

PAGE = 100
PUBLISHED = "2026-11-20T00:00:00Z"
EFFECTIVE = "2026-11-01T00:00:00Z"
_XMLNS = "http://ec2.amazonaws.com/doc/2016-11-15/"
_SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/")


class Request(Struct, frozen=True, kw_only=True):
    """What a client asked: the call, the region that it asked in, and its parameters (lists, where they are forms)."""

    call: str
    region: str
    parameters: dict[str, Any]

    @property
    def filters(self) -> dict[str, list[str]]:
        """The values of each filter of GetProducts."""
        given = self.parameters.get("Filters", ())
        return {each["Field"]: each["Value"].split(",") for each in given}


Reply = tuple[int, bytes]
Answer = Callable[[Request], Reply | None]
"""What is sent, or None: the connection breaks off within the answer."""


class PriceServer(Struct, frozen=True):
    """The server: where it listens, what it was asked, its prices, and what it answers to a call instead."""

    address: str
    ended: Event
    asked: list[Request] = field(default_factory=list)
    usd: dict[tuple[str, str], str] = field(default_factory=dict)
    instead: dict[str, Answer] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What leads clients here, with credentials."""
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }

    @property
    def calls(self) -> list[str]:
        """The names of the calls so far, each once."""
        return sorted({each.call for each in self.asked})

    def answer(self, request: Request) -> Reply | None:
        """The answer to a request, put down among those asked."""
        self.asked.append(request)
        usual: Answer = getattr(self, request.call.replace("-", "_").partition(".")[0], _not_known)
        return self.instead.get(request.call, usual)(request)

    def silence(self, request: Request) -> None:
        """Answers nothing as long as the server lives."""
        self.ended.wait()

    def GetProducts(self, request: Request) -> Reply:
        """Prices on demand of the types asked for, in pages; of anything else, none."""
        return page(request, self.products(request))

    def products(self, request: Request) -> list[str]:
        """The products that a request of GetProducts asks for."""
        names = request.filters.get("instanceType", ())
        regions = request.filters.get("regionCode", ())
        return [
            product(name, region, {"USD": usd})
            for (name, region), usd in (bundled_usd() | self.usd).items()
            if name in names and region in regions
        ]

    def DescribeInstanceTypeOfferings(self, request: Request) -> Reply:
        """The bundle's zones."""
        items = [
            f"<item><instanceType>{name}</instanceType><locationType>availability-zone-id</locationType>"
            f"<location>{zone}</location></item>"
            for (name, region), zones in offerings().items()
            for zone in zones
            if region == request.region
        ]
        return xml(request.call, f"<instanceTypeOfferingSet>{''.join(items)}</instanceTypeOfferingSet>")

    def ListServiceQuotas(self, request: Request) -> Reply:
        """768 vCPUs of each kind, and 5,000 network interfaces."""
        names = {
            "ec2": [f"Running On-Demand {kind} instances" for kind in ("P", "G and VT", "Inf", "Trn", "DL")],
            "vpc": ["Network interfaces per Region"],
        }
        values = {"ec2": 768.0, "vpc": 5000.0}
        service = request.parameters["ServiceCode"]
        quotas = [
            {"QuotaName": name, "QuotaCode": f"L-{number}", "Value": values[service]}
            for number, name in enumerate(names.get(service, ()))
        ]
        return reply({"Quotas": quotas})

    def spot_advisor_data(self, request: Request) -> Reply:
        """Of p5.48xlarge in us-east-1, a twentieth to a tenth is taken back within a month."""
        return reply({"spot_advisor": {"us-east-1": {"Linux": {"p5.48xlarge": {"s": 69, "r": 1}}}}})


def reply(body: dict[str, Any]) -> Reply:
    """An answer in JSON."""
    return 200, json.dumps(body).encode()


def page(request: Request, items: list[str], size: int = PAGE) -> Reply:
    """The page of products that a request's token names, the first without one."""
    start = int(request.parameters.get("NextToken", 0))
    following = {"NextToken": str(start + size)} if len(items) > start + size else {}
    return reply({"FormatVersion": "aws_v1", "PriceList": items[start : start + size], **following})


def product(name: str, region: str, price: dict[str, str]) -> str:
    """A product of the price list, which travels as a text: an instance type on demand at a price by currency."""
    sku = f"SKU{name.replace('.', '').replace('-', '').upper()}"
    attributes = {
        "regionCode": region,
        "instanceType": name,
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "capacitystatus": "Used",
        "preInstalledSw": "NA",
        "marketoption": "OnDemand",
        "licenseModel": "No License required",
        "locationType": "AWS Region",
        "operation": "RunInstances",
        "usagetype": f"BoxUsage:{name}",
    }
    rate = {"unit": "Hrs", "pricePerUnit": price}
    term = {"effectiveDate": EFFECTIVE, "priceDimensions": {f"{sku}.1": rate}, "termAttributes": {}}
    return json.dumps(
        {
            "product": {"sku": sku, "productFamily": "Compute Instance", "attributes": attributes},
            "serviceCode": "AmazonEC2",
            "terms": {"OnDemand": {f"{sku}.T": term}},
            "publicationDate": PUBLISHED,
            "version": "20261120000000",
        }
    )


def xml(call: str, body: str) -> Reply:
    """An answer of EC2."""
    return 200, f'<{call}Response xmlns="{_XMLNS}">{body}</{call}Response>'.encode()


def refusing(code: str, message: str = "No.", status: int = 400) -> Callable[[Request], Reply]:
    """Refuses a call, EC2's in XML and the others' in JSON."""

    def answer(request: Request) -> Reply:
        if request.call.startswith("Describe") and "SavingsPlans" not in request.call:
            error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            return status, f"<Response><Errors>{error}</Errors><RequestID>1</RequestID></Response>".encode()
        return status, json.dumps({"__type": code, "message": message}).encode()

    return answer


@cache
def bundled_usd() -> dict[tuple[str, str], str]:
    """The bundle's prices on demand, by type and region."""
    offers = [each for each in load_offers() if each.purchase is Purchase.ON_DEMAND]
    return {(each.instance_type, each.region): _ten_digits(each.usd_per_hour_per_node) for each in offers}


@contextmanager
def price_server() -> Iterator[PriceServer]:
    """A server on a free port of loopback, which ends with the block."""
    with _Http(("127.0.0.1", 0), _Handler) as http:
        server = http.prices = PriceServer(f"http://127.0.0.1:{http.server_address[1]}", Event())
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            http.shutdown()
            thread.join()


class _Http(ThreadingHTTPServer):
    prices: PriceServer
    # Requests that are never answered must not be waited for.
    daemon_threads = True
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    server: _Http

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
        answered = self.server.prices.answer(_request(self.path, dict(self.headers.items()), text))
        # Where nothing is answered, more is announced than comes.
        status, body = answered or (200, b'{"PriceList": [')
        # Whoever asked may have given up.
        with suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body) if answered else 1000))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def _request(path: str, headers: dict[str, str], text: str) -> Request:
    scope = _SCOPE.search(headers.get("Authorization", ""))
    region = scope[1] if scope else ""
    if target := headers.get("X-Amz-Target"):
        return Request(call=target.split(".")[-1], region=region, parameters=json.loads(text))
    form = parse_qs(text)
    if "Action" in form:
        return Request(call=form["Action"][0], region=region, parameters=dict(form))
    return Request(call=urlsplit(path).path.strip("/"), region=region, parameters=json.loads(text or "{}"))


def _not_known(request: Request) -> Reply:
    return refusing("InvalidAction", f"The server does not know {request.call}.")(request)


def _ten_digits(price: Decimal) -> str:
    return f"{price:.10f}"
