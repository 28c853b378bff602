"""Does `berth catalog refresh` bring the bundled tables up to date, whole or not at all?"""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from pricing.bundle_prices import offerings
from pricing.catalog import DATA
from pricing.offer import Purchase
from tests.berth.command import Command
from tests.support.bundled import load_offers
from tests.support.price_server import PriceServer, refusing

REGION = "us-east-1"
CALLS = ("GetProducts", "DescribeInstanceTypeOfferings", "spot-advisor-data.json")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the bundle's tables."""
    folder = tmp_path / "data"
    folder.mkdir()
    for path in DATA.glob("*.csv"):
        shutil.copy(path, folder)
    return folder


def rows(bundle: Path, table: str) -> list[dict[str, str]]:
    """The rows of a table."""
    with (bundle / table).open(newline="") as file:
        return list(csv.DictReader(file))


def contents(bundle: Path) -> dict[str, bytes]:
    """Every table as it stands."""
    return {path.name: path.read_bytes() for path in bundle.iterdir()}


def test_changes_are_told_and_written(server: PriceServer, berth: Command, bundle: Path) -> None:
    """A new price is a row with its source and day; the superseded one stays; and both are printed."""
    server.usd["p5.48xlarge", REGION] = "50.0000000000"
    answer = berth("catalog", "refresh", "--region", REGION, "--folder", bundle)
    assert answer.status == 0
    assert "  p5.48xlarge us-east-1 on-demand linux: 55.04 USD -> 50 USD\n" in answer.out
    assert f"{bundle / 'prices.csv'}: " in answer.out
    mine = [
        row
        for row in rows(bundle, "prices.csv")
        if (row["instance_type"], row["region"], row["purchase"]) == ("p5.48xlarge", REGION, "on-demand")
    ]
    linux = [row for row in mine if row["operating_system"] == "linux"]
    prices = [row["price_per_hour_per_node"] for row in linux]
    assert (prices[0], prices[-2:]) == ("98.32", ["55.04", "50"])
    last = linux[-1]
    assert last["source"].startswith("AWS Price List, published 2026-11-20")
    assert last["source"].endswith(", in force since 2026-11-01")


def test_the_bundle_written_is_a_bundle(server: PriceServer, berth: Command, bundle: Path) -> None:
    """What was written loads, is sorted, and offers the new price; the other regions are as they were."""
    server.usd["p5.48xlarge", REGION] = "50.0000000000"
    berth("catalog", "refresh", "--region", REGION, "--folder", bundle)
    offers = load_offers(bundle)
    (p5,) = [
        each
        for each in offers
        if (each.instance_type, each.region, each.purchase) == ("p5.48xlarge", REGION, Purchase.ON_DEMAND)
    ]
    assert p5.usd_per_hour_per_node == 50
    subject = ("instance_type", "region", "purchase", "payment", "operating_system", "zone_id", "as_of")
    keys = [tuple(row[column] for column in subject) for row in rows(bundle, "prices.csv")]
    assert keys == sorted(set(keys))
    others = [each for each in offers if each.region != REGION]
    assert others == [each for each in load_offers() if each.region != REGION]
    assert offerings(bundle).keys() == offerings().keys()


def test_a_second_refresh_adds_nothing(server: PriceServer, berth: Command, bundle: Path) -> None:
    """What AWS says again moves its day on; the table does not grow with every refresh."""
    berth("catalog", "refresh", "--region", REGION, "--folder", bundle)
    first = contents(bundle)
    answer = berth("catalog", "refresh", "--region", REGION, "--folder", bundle)
    assert "prices.csv: 0 new, 0 changed, " in answer.out
    assert contents(bundle) == first


def test_one_api_that_fails_leaves_the_others(server: PriceServer, berth: Command, bundle: Path) -> None:
    """Zones that cannot be had stay as they are, and that is said."""
    before = contents(bundle)
    server.instead["DescribeInstanceTypeOfferings"] = refusing("UnauthorizedOperation")
    answer = berth("catalog", "refresh", "--region", REGION, "--folder", bundle)
    after = contents(bundle)
    assert answer.status == 0
    assert "allow ec2:DescribeInstanceTypeOfferings to this role" in answer.err
    assert after["offerings.csv"] == before["offerings.csv"]
    assert after["prices.csv"] != before["prices.csv"]


def test_nothing_is_written_when_nothing_came(server: PriceServer, berth: Command, bundle: Path) -> None:
    """Without an answer the bundle is byte for byte what it was, and the command fails."""
    before = contents(bundle)
    for call in CALLS:
        server.instead[call] = refusing("AccessDeniedException")
    answer = berth("catalog", "refresh", "--region", REGION, "--folder", bundle)
    assert (answer.status, answer.out) == (1, "")
    assert answer.err.endswith("Nothing came from AWS, and nothing was written.\n")
    assert contents(bundle) == before


def test_no_quota_reaches_the_bundle(server: PriceServer, berth: Command, bundle: Path) -> None:
    """What is an account's own is not even asked for."""
    berth("catalog", "refresh", "--region", REGION, "--folder", bundle)
    assert not {"ListServiceQuotas", "DescribeCapacityBlockOfferings"} & set(server.calls)


def test_a_bundle_that_cannot_be_written_is_told(
    server: PriceServer, berth: Command, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed Berth may lie in a closed folder: a finding with the file's path."""

    def closed(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    before = contents(bundle)
    monkeypatch.setattr("pricing.bundle_refresh.write_whole", closed)
    answer = berth("catalog", "refresh", "--region", REGION, "--folder", bundle)
    assert (answer.status, answer.err.splitlines()[-1]) == (
        1,
        f"{bundle / 'prices.csv'} cannot be written: Permission denied.",
    )
    assert contents(bundle) == before
