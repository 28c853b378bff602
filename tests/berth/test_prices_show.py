"""Does `berth prices show` print every known price of a type, for people and for programs?"""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest

from pricing.errors import MarketError
from pricing.price import BlockListing, Placement
from tests.berth.command import Command
from tests.pricing.snapshots import block

P5 = "p5.48xlarge"


def test_people_read_a_table(berth: Command) -> None:
    """A line per price: region, purchase, zone, figure, day, age and source; what it is based on goes to stderr."""
    answer = berth("prices", "show", P5)
    assert answer.status == 0
    titles, *lines = answer.out.splitlines()
    assert titles.split()[:4] == ["type", "region", "purchase", "payment"]
    assert {line.split()[1] for line in lines} == {"us-east-1", "us-east-2", "us-west-2"}
    (on_demand,) = [line for line in lines if line.startswith(f"{P5} ") and " us-east-1  on-demand " in line]
    assert " 55.0400 USD " in on_demand and on_demand.endswith("karpenter-provider-aws @1d92708, us-east-1 price file")
    assert any("use1-az6" in line for line in lines)
    assert answer.err.startswith("Prices: bundled snapshot; ")
    shown = "Shown are us-east-1, us-east-2 and us-west-2; --region names others, `--region all` every known one.\n"
    assert answer.err.endswith(shown)
    assert shown not in berth("prices", "show", P5, "--region", "us-east-1").err


def test_programs_read_json_and_csv(berth: Command) -> None:
    """Both have the same rows, with figures as they are."""
    rows = json.loads(berth("prices", "show", P5, "--region", "us-east-1", "--json").out)
    lines = list(csv.DictReader(StringIO(berth("prices", "show", P5, "--region", "us-east-1", "--csv").out)))
    assert [row["zone_id"] for row in rows] == [line["zone_id"] for line in lines]
    assert (rows[0]["price_per_hour_per_node"], rows[0]["currency"]) == (55.04, "USD")
    assert (lines[0]["price_per_hour_per_node"], lines[0]["as_of"]) == ("55.04", "2026-07-20")
    assert {row["region"] for row in rows} == {"us-east-1"}
    assert rows[0]["effective"] is None


def test_all_regions_can_be_asked_for(berth: Command) -> None:
    """`all` is every region of which anything is known, those of a workload's default first."""
    regions = [row["region"] for row in json.loads(berth("prices", "show", P5, "--region", "all", "--json").out)]
    assert {"us-east-1", "ap-northeast-1", "eu-north-1"} <= set(regions)


@pytest.mark.parametrize(
    ("arguments", "finding"),
    [
        ([f"{P5}x"], "p5.48xlargex is not a known instance type; did you mean p5.48xlarge"),
        (
            [P5, "--region", "us-east1"],
            "No price and no offering is known of a region us-east1; did you mean us-east-1",
        ),
        ([P5, "--json", "--csv"], "--json and --csv exclude each other; leave one of them out."),
        (
            [P5, "--block-nodes", "5", "--block-days", "15"],
            "--block-nodes 5: blocks have 1, 2, 4, 8, 16, 32, 64 instances.\n"
            "--block-days 15: blocks last 1 to 14 days, or 3 to 26 whole weeks (21, 28, ... 182).",
        ),
        (
            [P5, "--block-nodes", "8", "--block-days", "0"],
            "--block-days 0: blocks last 1 to 14 days, or 3 to 26 whole weeks (21, 28, ... 182).\n",
        ),
        (
            [P5, "--offline", "--block-nodes", "5"],
            "--block-nodes asks EC2, and --offline forbids it; leave one of them out.\n"
            "--block-nodes 5: blocks have 1, 2, 4, 8, 16, 32, 64 instances.\n",
        ),
        ([P5, "--block-days", "7"], "--block-days is the length of the blocks that --block-nodes asks for; add it."),
        (
            [P5, "--offline", "--spot-nodes", "4", "--block-nodes", "8"],
            "--spot-nodes asks EC2, and --offline forbids it; leave one of them out.\n"
            "--block-nodes asks EC2, and --offline forbids it; leave one of them out.",
        ),
        (
            [P5, "--csv", "--block-nodes", "8"],
            "--block-nodes answers in sentences, not in --json or --csv; ask twice.",
        ),
        ([P5, "--live", "--offline"], "--live asks AWS, and --offline forbids it; leave one of them out."),
    ],
)
def test_mistakes_are_findings(berth: Command, arguments: list[str], finding: str) -> None:
    """What may be meant is said, and nothing else."""
    answer = berth("prices", "show", *arguments)
    assert (answer.status, answer.out) == (1, "")
    assert answer.err.startswith(finding) and "Traceback" not in answer.err


def test_an_unknown_price_is_said_to_be_unknown(berth: Command) -> None:
    """A type without a price is a sentence, not an empty table, and no failure."""
    answer = berth("prices", "show", "p6e-gb200.36xlarge", "--region", "us-east-1")
    assert (answer.status, answer.out) == (0, "")
    assert answer.err.startswith("No price of p6e-gb200.36xlarge is known in us-east-1, and no source lists it there; ")
    assert json.loads(berth("prices", "show", "p6e-gb200.36xlarge", "--json").out) == []


def test_spot_capacity_is_scored_where_it_is_asked_for(berth: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """EC2's scores stand beside the prices; a region that refuses them says why, and the prices come all the same."""

    def scored(region: str, instance_type: str, count: int) -> tuple[Placement, ...]:
        if region == "us-east-2":
            raise MarketError("AccessDenied")
        return (Placement(instance_type=instance_type, count=count, region=region, zone_id="use1-az6", score=7),)

    monkeypatch.setattr("pricing.capacity.placement_scores", scored)
    answer = berth("prices", "show", P5, "--region", "us-east-1", "--region", "us-east-2", "--spot-nodes", "4")
    assert answer.status == 0 and answer.out.startswith("type")
    assert f"Spot placement scores for 4 x {P5} in us-east-1, of 10: use1-az6 7." in answer.err
    assert "Spot placement scores of us-east-2 could not be had: AccessDenied" in answer.err
    assert "placement scores" not in berth("prices", "show", P5).err


def test_blocks_are_asked_for_in_their_size_and_length(berth: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """What EC2 offers stands with its whole fee and its times; where it offers none, or refuses, that is said."""

    def offered(region: str, names: list[str], counts: list[int], days: list[int]) -> BlockListing:
        assert (names, counts, days) == ([P5], [2], [7])
        if region == "us-east-2":
            raise MarketError("AccessDenied")
        return BlockListing(blocks=(block(P5),) if region == "us-east-1" else (), findings=())

    monkeypatch.setattr("pricing.capacity.capacity_blocks", offered)
    told = berth("prices", "show", f"ML.{P5.upper()}", "--block-nodes", "2", "--block-days", "7").err
    assert f"Capacity Block of 2 x {P5} in use1-az6, 2026-12-01 11:30 to 2026-12-02 11:30 UTC: 100.10 USD" in told
    assert "Capacity Blocks of us-east-2 could not be had: AccessDenied" in told
    assert f"No Capacity Block of 2 x {P5} for 7 d is on offer in us-west-2." in told
