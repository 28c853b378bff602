"""Does `berth prices refresh` fetch what it can, keep it, and say what failed?"""

from __future__ import annotations

from pathlib import Path

import pytest

from pricing.cache import read_cache
from pricing.feed import Feed
from tests.berth.command import Command
from tests.support.price_server import PriceServer, Reply, Request, refusing

REGION = ("--region", "us-east-1")


def lines_of(out: str) -> dict[str, str]:
    """What came, by feed."""
    return {" ".join(line.split()[1:-1]): line.split()[-1] for line in out.splitlines()[1:]}


def test_what_came_and_what_failed_is_told(server: PriceServer, berth: Command) -> None:
    """Each feed is counted or has its reason; anything that came is a success."""
    answer = berth("prices", "refresh", *REGION)
    assert answer.status == 0
    came = lines_of(answer.out)
    assert set(came) == {"prices", "zones", "quotas", "quotas of HyperPod", "interruption rates"}
    assert int(came["prices"]) > 50
    assert "SageMaker prices, component prices, spot prices and 1 more" not in answer.err
    assert (
        "Savings Plans rates of us-east-1 could not be had: savingsplans:DescribeSavingsPlansOfferingRates"
        in answer.err
    )
    assert "Spot prices of us-east-1 could not be had: ec2:DescribeSpotPriceHistory" in answer.err


def test_the_next_plan_uses_it(server: PriceServer, berth: Command) -> None:
    """What a refresh brought is what is known from then on."""
    server.usd["p5.48xlarge", "us-east-1"] = "1.2500000000"
    berth("prices", "refresh", *REGION)
    shown = berth("prices", "show", "p5.48xlarge", *REGION).out
    assert " 1.2500 USD  2026-11-01 " in shown
    assert "AWS Price List, published 2026-11-20" in shown


def test_a_refresh_does_not_ask_the_cache(server: PriceServer, berth: Command) -> None:
    """However young the cache is, whoever asks for a refresh gets one."""
    berth("prices", "refresh", *REGION)
    server.usd["p5.48xlarge", "us-east-1"] = "1.25"
    berth("prices", "refresh", *REGION)
    assert " 1.2500 USD" in berth("prices", "show", "p5.48xlarge", *REGION).out


@pytest.mark.parametrize("denied", [True, False])
def test_public_files_stand_in(
    server: PriceServer, berth: Command, monkeypatch: pytest.MonkeyPatch, denied: bool
) -> None:
    """Without credentials, or the right to ask, prices are read from the region's file, and that is said."""
    recorded = Path(__file__).parents[1] / "pricing" / "aws" / "answers" / "price_file" / "us-east-1.csv"

    def file(request: Request) -> Reply:
        return 200, recorded.read_bytes()

    server.instead["offers/v1.0/aws/AmazonEC2/current/us-east-1/index.csv"] = file
    monkeypatch.setattr("pricing.aws.price_file._HOSTS", {"aws": (server.address, "aws")})
    if denied:
        server.instead["GetProducts"] = refusing("AccessDeniedException")
    else:
        for name in server.environment:
            monkeypatch.delenv(name)
    answer = berth("prices", "refresh", *REGION)
    assert answer.status == 0
    assert int(lines_of(answer.out)["prices"]) > 0
    why = "AccessDeniedException" if denied else "no AWS credentials are found"
    assert "The prices of us-east-1 are from its price list file: " in answer.err and why in answer.err
    assert "AWS Price List file, published" in berth("prices", "show", "g4dn.metal", *REGION).out


def test_nothing_at_all_is_a_failure(server: PriceServer, berth: Command, cache_dir: Path) -> None:
    """Status 1 where nothing came; the cache is as it was."""
    berth("prices", "refresh", *REGION)
    before = read_cache(Feed.PRICES, "us-east-1")
    for call in ("GetProducts", "DescribeInstanceTypeOfferings", "ListServiceQuotas", "spot-advisor-data.json"):
        server.instead[call] = refusing("AccessDeniedException")
    server.instead["DescribeCapacityBlockOfferings"] = refusing("AccessDeniedException")
    answer = berth("prices", "refresh", *REGION)
    assert (answer.status, answer.out) == (1, "")
    assert "Traceback" not in answer.err
    assert read_cache(Feed.PRICES, "us-east-1") == before


def test_what_cannot_be_kept_is_a_failure(server: PriceServer, berth: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refresh that leaves nothing behind has not refreshed anything."""
    monkeypatch.setenv("BERTH_CACHE_DIR", "/dev/null/berth")
    answer = berth("prices", "refresh", *REGION)
    assert answer.status == 1
    assert "What AWS answered cannot be kept in /dev/null/berth (Not a directory)" in answer.err


def test_an_unknown_region_is_a_finding(berth: Command) -> None:
    """The region that may be meant is said, and nobody is asked."""
    answer = berth("prices", "refresh", "--region", "us-east1")
    assert (answer.status, answer.out) == (1, "")
    assert "did you mean us-east-1" in answer.err
