"""Does the price list file become the same prices as GetProducts, whole or not at all, and in little memory?"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from pricing.aws.price_file import _HOSTS, price_file, read_price_file
from pricing.aws.price_list import price_list
from pricing.errors import MarketError
from pricing.offer import Purchase
from pricing.price import PriceRow
from pricing.records import replace
from tests.support.recorded import Replay, price_page, products, recorded

TODAY = date(2026, 9, 11)
TYPES = {"p5.48xlarge", "g4dn.xlarge", "g4dn.metal"}
FILE = recorded("price_file", "us-east-1.csv")
PATH = "/offers/v1.0/aws/AmazonEC2/current/us-east-1/index.csv"


class Server(ThreadingHTTPServer):
    """A price list server: by path its files, as what stands on the wire after the status line."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.wire: dict[str, list[bytes]] = {}
        self.asked: list[tuple[str, str | None]] = []

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def holds(self, path: str, body: bytes, length: int | None = None) -> None:
        """A file, which claims to be `length` bytes long."""
        self.wire[path] = [f"Content-Length: {len(body) if length is None else length}\r\n\r\n".encode(), body]


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Authorization"]))
        wire = self.server.wire.get(self.path, [b"Content-Length: 0\r\n\r\n"])
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" if self.path in self.server.wire else b"HTTP/1.1 404 Not Found\r\n")
        for part in wire:
            self.wfile.write(part)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server(aws: Replay, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on loopback, on a machine without credentials and behind no proxy."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as serving:
        hosts = {partition: (serving.base, folder) for partition, (_, folder) in _HOSTS.items()}
        monkeypatch.setattr("pricing.aws.price_file._HOSTS", hosts)
        thread = Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def facts(rows: tuple[PriceRow, ...]) -> set[PriceRow]:
    """Rows without the name of their source."""
    return {replace(row, provenance=replace(row.provenance, source="")) for row in rows}


def test_the_file_states_what_the_api_states(aws: Replay) -> None:
    """The same products through both ways are the same rows: on demand, Windows, reserved and bare metal."""
    plain = products("us-east-1.json")
    aws.answers("GetProducts", price_page(*plain), price_page(*products("us-east-1-metal.json")))
    listed = price_list("us-east-1", TYPES, TODAY)
    filed = read_price_file(iter(FILE.split(b"\n")), "us-east-1", TYPES, TODAY)
    assert facts(filed.rows) == facts(listed.rows)
    assert len(filed.rows) == 10
    assert filed.findings == ()


def test_it_needs_no_credentials(server: Server) -> None:
    """One request without any, and the rows say which edition of the file they are from."""
    server.holds(PATH, FILE)
    listing = price_file("us-east-1", TYPES, TODAY)
    assert server.asked == [(PATH, None)]
    assert len(listing.rows) == 10
    sources = {row.provenance.source for row in listing.rows}
    assert sources == {"AWS Price List file, published 2026-09-10, version 20260910195514"}


@pytest.mark.parametrize(
    ("region", "path"),
    [
        ("cn-northwest-1", "/offers/v1.0/cn/AmazonEC2/current/cn-northwest-1/index.csv"),
        ("us-gov-west-1", "/offers/v1.0/aws/AmazonEC2/current/us-gov-west-1/index.csv"),
    ],
)
def test_partitions_have_folders(server: Server, region: str, path: str) -> None:
    """China's files lie apart, GovCloud's with the others."""
    server.holds(path, recorded("price_file", "cn-northwest-1.csv").replace(b"cn-northwest-1", region.encode()))
    rows = price_file(region, TYPES, TODAY).rows
    assert {(row.region, row.currency) for row in rows} == {(region, "CNY")}


def test_a_partition_without_files_says_so(server: Server) -> None:
    """Nothing is asked of a partition whose files nobody knows."""
    with pytest.raises(MarketError, match="us-iso-east-1: no price list file is known of the partition aws-iso"):
        price_file("us-iso-east-1", TYPES, TODAY)
    assert server.asked == []


def test_a_capacity_block_is_never_on_demand() -> None:
    """The line of a block at zero, and at a licence's price, is no row."""
    lines = [line.replace(b"0.0000000000", b"0.3360000000") for line in FILE.split(b"\n")]
    kept = [line for line in lines if b"RunInstances:CB" in line or b"3D4V8UAYEMB38GU2" not in line]
    rows = read_price_file(iter(kept), "us-east-1", TYPES, TODAY).rows
    assert any(b"RunInstances:CB" in line for line in kept)
    assert "p5.48xlarge" not in {row.instance_type for row in rows}


def test_columns_are_found_by_name() -> None:
    """A file with its columns in another order, a line more before them and no quotes reads the same."""
    lines = FILE.decode().split("\n")
    turned = [",".join(reversed(line.replace('"', "").split(","))) for line in lines[5:] if "Disclaimer" not in line]
    again = "\n".join([*lines[:5], "A new line,1", *turned]).encode()
    one, other = (read_price_file(iter(each.split(b"\n")), "us-east-1", TYPES, TODAY) for each in (FILE, again))
    assert one == other


def test_the_last_line_counts_without_its_end(server: Server) -> None:
    """A file that ends without a line break has lost nothing."""
    server.holds(PATH, FILE.rstrip(b"\n"))
    rows = price_file("us-east-1", TYPES, TODAY).rows
    assert "g4dn.metal" in {row.instance_type for row in rows}


@pytest.mark.parametrize("cut", [1, 200, len(FILE) // 2, len(FILE)])
def test_a_truncated_file_yields_nothing(server: Server, cut: int) -> None:
    """However much of it came, a file that ends before its announced length is an error with both figures."""
    server.holds(PATH, FILE[:-cut], len(FILE))
    with pytest.raises(MarketError, match=rf"broke off after {len(FILE) - cut:,} of {len(FILE):,} bytes"):
        price_file("us-east-1", TYPES, TODAY)


def test_a_file_in_pieces_is_read_to_its_last(server: Server) -> None:
    """A server that announces no length but ends the file properly is believed; one that breaks off is not."""
    pieces = [FILE[:3000], FILE[3000:]]
    chunks = [f"{len(each):x}\r\n".encode() + each + b"\r\n" for each in pieces]
    server.wire[PATH] = [b"Transfer-Encoding: chunked\r\n\r\n", *chunks, b"0\r\n\r\n"]
    assert len(price_file("us-east-1", TYPES, TODAY).rows) == 10
    server.wire[PATH] = [b"Transfer-Encoding: chunked\r\n\r\n", chunks[0], chunks[1][:500]]
    with pytest.raises(MarketError, match="cannot be read"):
        price_file("us-east-1", TYPES, TODAY)


def test_a_file_of_unknown_length_is_refused(server: Server) -> None:
    """Where nothing says how long it is, half a file looks like a whole one."""
    server.wire[PATH] = [b"Connection: close\r\n\r\n", FILE]
    with pytest.raises(MarketError, match="does not say how long it is"):
        price_file("us-east-1", TYPES, TODAY)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "it is no price list"),
        (b"<html>\n<p>Log in to this network.\n" * 20, "it is no price list"),
        (FILE.replace(b'"PricePerUnit"', b'"Price"'), "it has no column priceperunit"),
        (FILE.replace(b"GPU instance", b"GPU \xff"), "can't decode byte"),
    ],
)
def test_what_is_no_price_list_is_refused(server: Server, body: bytes, said: str) -> None:
    """A page of another kind, a missing column or broken text is an error with the address."""
    server.holds(PATH, body)
    with pytest.raises(MarketError) as caught:
        price_file("us-east-1", TYPES, TODAY)
    assert f"{server.base}{PATH}" in caught.value.findings[0]
    assert said in caught.value.findings[0]


def test_a_missing_file_and_a_missing_server_are_errors(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """404 and a refused connection are said in one sentence each."""
    with pytest.raises(MarketError, match="HTTP Error 404"):
        price_file("us-east-1", TYPES, TODAY)
    monkeypatch.setattr("pricing.aws.price_file._HOSTS", {"aws": ("http://127.0.0.1:9", "aws")})
    with pytest.raises(MarketError, match="The price list file of us-east-1"):
        price_file("us-east-1", TYPES, TODAY)


def test_a_malformed_line_is_found_and_the_rest_survives() -> None:
    """A line with a cell too few names its SKU, a price that is none does too, and other SKUs are priced."""
    lines = FILE.split(b"\n")
    short = next(i for i, line in enumerate(lines) if line.startswith(b'"7TVXMFHQR6U7W5CV"'))
    lines[short] = lines[short].rsplit(b",", 1)[0]
    lines = [line.replace(b"7.8240000000", b"n/a") for line in lines]
    found = read_price_file(iter(lines), "us-east-1", TYPES, TODAY)
    assert len(found.rows) == 8
    assert [("7TVXMFHQR6U7W5CV" in each, "JF6MSG4MGBSUDTNN" in each) for each in found.findings] == [
        (True, False),
        (False, True),
    ]


def test_distinct_prices_of_a_type_are_shown() -> None:
    """The rule is that of the API: both SKUs are named and the price is unknown."""
    line = next(each for each in FILE.split(b"\n") if each.startswith(b'"7TVXMFHQR6U7W5CV"'))
    second = line.replace(b"7TVXMFHQR6U7W5CV", b"SECONDSKU").replace(b"0.526", b"0.752")
    found = read_price_file(iter([*FILE.split(b"\n"), second]), "us-east-1", {"g4dn.xlarge"}, TODAY)
    assert {row.operating_system for row in found.rows} == {"windows"}
    assert "0.752 USD by SKU SECONDSKU" in found.findings[0]


@pytest.mark.parametrize("code", ["JRTCKXETXF", "OTHERTERMC"])
@pytest.mark.parametrize("before", [True, False])
def test_a_price_announced_for_later_does_not_yet_count(code: str, before: bool) -> None:
    """Under its own term code or another, above or below today's line: today's price holds until its day."""
    lines = FILE.split(b"\n")
    place = next(i for i, line in enumerate(lines) if line.startswith(b'"3D4V8UAYEMB38GU2","JRTCKXETXF"'))
    later = lines[place].replace(b"2026-09-01", b"2026-12-01").replace(b"55.0400000000", b"44.0000000000")
    lines.insert(place if before else place + 1, later.replace(b"JRTCKXETXF", code.encode()))
    found = read_price_file(iter(lines), "us-east-1", {"p5.48xlarge"}, TODAY)
    prices = {str(row.price_per_hour_per_node) for row in found.rows if row.purchase is Purchase.ON_DEMAND}
    assert (prices, found.findings) == ({"55.04"}, ())
    then = read_price_file(iter(lines), "us-east-1", {"p5.48xlarge"}, date(2026, 12, 1))
    assert any("44 USD" in each and "55.04 USD" in each for each in then.findings)


def test_it_is_never_held_whole(server: Server) -> None:
    """A file of 24 MB is read with a few blocks of memory, and quickly passes what is not asked for."""
    other = next(each for each in FILE.split(b"\n") if b"Storage" in each) + b"\n"
    filler = other * (2**20 // len(other))
    head, tail = FILE.split(b"\n", 6)[:6], FILE.split(b"\n", 6)[6]
    start = b"\n".join([*head, b""])
    parts = [start, *[filler] * 24, tail]
    server.wire[PATH] = [f"Content-Length: {sum(map(len, parts))}\r\n\r\n".encode(), *parts]
    tracemalloc.start()
    listing = price_file("us-east-1", TYPES, TODAY)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(listing.rows) == 10
    assert peak < 8 * 2**20
