"""Does `berth catalog` list instance types as a person asks for them?"""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest

from tests.berth.command import Command
from tests.support.price_server import PriceServer


def test_the_issue_s_example(berth: Command) -> None:
    """H100 machines of 600 GiB or more in us-east-1: one line, with its price and the day on which that held."""
    answer = berth("catalog", "--gpu", "H100", "--min-memory", "600GiB", "--region", "us-east-1", "--sort", "price")
    assert answer.status == 0
    titles, line = answer.out.splitlines()
    assert titles.split()[0] == "type"
    assert line.startswith("p5.48xlarge  8 x H100-80GB  637.2 GiB    192  2,048.0 GiB  3,200 Gbit/s   32  us-east-1")
    assert line.endswith("$55.04  $6.88  2026-07-20")
    assert answer.err == "Prices: bundled snapshot; the newest held on 2026-07-20, the oldest on 2026-07-20.\n"


def test_every_type_is_there(berth: Command) -> None:
    """Without a filter each type that EC2 offers stands once; an unknown price is called so."""
    lines = berth("catalog").out.splitlines()[1:]
    names = [line.split()[0] for line in lines]
    assert names == sorted(set(names))
    assert {"p5.48xlarge", "trn2.48xlarge", "g6f.large", "inf2.xlarge"} <= set(names)
    assert "g3.4xlarge" not in names
    (h200,) = [line for line in lines if line.startswith("p5e.48xlarge ")]
    assert h200.count("unknown") == 2
    assert "g3.4xlarge" in berth("catalog", "--retired").out


def test_programs_read_json_and_csv(berth: Command) -> None:
    """Figures in base units; what is unknown is null, or an empty cell."""
    rows = {row["instance_type"]: row for row in json.loads(berth("catalog", "--gpu", "h200", "--json").out)}
    assert rows["p5e.48xlarge"]["usd_per_hour_per_node"] is None
    assert rows["p5en.48xlarge"]["usd_per_hour_per_node"] == 63.296
    assert rows["p5en.48xlarge"]["accelerator_memory_bytes"] == 8 * 143771 * 1024**2
    lines = list(csv.DictReader(StringIO(berth("catalog", "--gpu", "h200", "--csv").out)))
    assert [line["instance_type"] for line in lines] == list(rows)
    assert lines[0]["usd_per_hour_per_node"] == ""
    assert lines[1]["zone_ids"] == "use1-az2 use1-az6"


def test_other_purchases_have_other_prices(berth: Command) -> None:
    """Spot is dearest where on demand is, and each says what it is."""
    (row,) = json.loads(berth("catalog", "--gpu", "H100", "--min-gpus", "8", "--purchase", "spot", "--json").out)
    assert row["purchase"] == "spot"
    assert row["usd_per_hour_per_node"] < 55


def test_a_price_can_be_bounded(berth: Command) -> None:
    """Nothing dearer is listed, and nothing without a price."""
    rows = json.loads(berth("catalog", "--max-price", "2", "--sort", "price-per-accelerator", "--json").out)
    assert rows and all(row["usd_per_hour_per_node"] <= 2 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "finding"),
    [
        (["--gpu", "H1000"], "H1000 is not a known accelerator; did you mean H100-80GB"),
        (["--region", "us-east1"], "No price and no offering is known of a region us-east1; did you mean us-east-1"),
        (["--min-memory", "640"], "--min-memory: '640' is not a size; write it with a unit, such as 640GiB or 1.2TB."),
        (["--max-price", "cheap"], "--max-price: 'cheap' is not a positive amount."),
        (["--json", "--csv"], "--json and --csv exclude each other; leave one of them out."),
        (["--live", "--offline"], "--live asks AWS, and --offline forbids it; leave one of them out."),
    ],
)
def test_mistakes_are_findings(berth: Command, arguments: list[str], finding: str) -> None:
    """What is wrong and what may be meant is said, and nothing else."""
    answer = berth("catalog", *arguments)
    assert (answer.status, answer.out) == (1, "")
    assert answer.err.startswith(finding) and "Traceback" not in answer.err


def test_nothing_found_is_said(berth: Command) -> None:
    """An empty list is not left to be guessed at."""
    answer = berth("catalog", "--gpu", "T4", "--min-memory", "640GiB")
    assert (answer.status, answer.out) == (0, "")
    assert answer.err.startswith("Nothing in the catalog is like that.\n")


def test_prices_in_another_currency_are_why_nothing_is_found(berth: Command) -> None:
    """Who looks in China reads that its prices are known, and in what."""
    answer = berth("catalog", "--gpu", "T4", "--region", "cn-north-1")
    assert "Prices of cn-north-1 are known in CNY only and are left out: plans are in USD." in answer.err


def test_it_can_ask_aws(server: PriceServer, berth: Command) -> None:
    """--live lists today's prices, and later lists know them too."""
    server.usd["p5.48xlarge", "us-east-1"] = "1.25"
    asked = ("catalog", "--gpu", "H100", "--min-gpus", "8", "--region", "us-east-1")
    assert "$1.25" in berth(*asked, "--live").out
    assert "$1.25" in berth(*asked).out
    assert "$55.04" in berth(*asked, "--offline").out
