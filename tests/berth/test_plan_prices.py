"""Does a plan come whatever AWS, the network, the clock and the disk do, and say what it is based on?

Through the whole command, against an AWS on loopback whose prices change the choice: p5.48xlarge for a dollar.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from pricing.feed import Feed
from pricing.snapshot import read_snapshot
from tests.berth.command import Command
from tests.planner.market_builders import TRAINING, written
from tests.support.price_server import Answer, PriceServer, Reply, Request, page, product, refusing, xml

REGIONS = ("us-east-1", "us-east-2", "us-west-2")
CHEAP = "p5.48xlarge"
BUNDLED = "Prices: bundled snapshot; the newest held on 2026-07-20, the oldest on 2026-04-30."
LIVE = re.compile(r"Prices of us-east-1, us-east-2 and us-west-2: live, as AWS answered at [-0-9]+ [:0-9]+ UTC\.")
KEPT = "Prices of us-east-1, us-east-2 and us-west-2: cache of 2.0 days ago, for want of newer ones."


class Planned(Struct, frozen=True, kw_only=True):
    """What a plan chose, and the sentences on what to mind."""

    instance_type: str
    usd_per_hour_per_node: float
    provenance: dict[str, Any]
    notes: list[str]


@pytest.fixture
def file(folder: Path) -> Path:
    """A workload."""
    return written(folder, TRAINING)


@pytest.fixture
def planned(berth: Command, file: Path) -> Callable[..., Planned]:
    """Plans the workload; a plan must come, and nothing else be said."""

    def plan(*options: str) -> Planned:
        answer = berth("plan", file, "--json", *options)
        assert (answer.status, answer.err) == (0, "")
        whole = json.loads(answer.out)["plan"]
        chosen = whole["chosen"]
        return Planned(
            instance_type=chosen["instance_type"],
            usd_per_hour_per_node=float(chosen["usd_per_hour"]) / chosen["nodes"],
            provenance=chosen["provenance"],
            notes=whole["warnings"],
        )

    return plan


@pytest.fixture
def cheap(server: PriceServer) -> PriceServer:
    """An AWS that has cut a price."""
    server.usd.update({(CHEAP, region): "1.0000000000" for region in REGIONS})
    return server


def files(folder: Path) -> dict[str, bytes]:
    """Everything in a folder."""
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def aged(cache_dir: Path, days: int) -> dict[str, bytes]:
    """The cache as if all of it had been fetched some days earlier; returns its files."""
    then = (datetime.now(UTC) - timedelta(days=days)).isoformat()
    for path in cache_dir.rglob("*.json"):
        whole = json.loads(path.read_text())
        path.write_text(json.dumps(whole | {"fetched_at": then}))
    return files(cache_dir)


def all_refused(server: PriceServer, code: str) -> None:
    """Refuses every call."""
    for call in (
        "GetProducts",
        "DescribeSpotPriceHistory",
        "DescribeSavingsPlansOfferingRates",
        "DescribeCapacityBlockOfferings",
        "DescribeInstanceTypeOfferings",
        "DescribeCapacityReservations",
        "ListServiceQuotas",
        "spot-advisor-data.json",
    ):
        server.instead[call] = refusing(code)


def second_page(answer: Callable[[Request], Reply | None]) -> Answer:
    """Price lists of pages with three types each, whose second page is another answer."""

    def answered(request: Request) -> Reply | None:
        if "NextToken" in request.parameters:
            return answer(request)
        regions = request.filters.get("regionCode", ())
        return page(request, [product("g5.xlarge", region, {"USD": "0.01"}) for region in regions] * 4, size=3)

    return answered


def test_live_prices_change_the_choice(cheap: PriceServer, planned: Callable[..., Planned]) -> None:
    """A machine that AWS has made cheap is chosen, at its price of today, and the plan says that prices are live."""
    before, after = planned("--offline"), planned()
    assert before.instance_type != CHEAP
    assert (after.instance_type, after.usd_per_hour_per_node) == (CHEAP, 1.0)
    assert after.provenance["source"].startswith("AWS Price List, published 2026-11-20")
    assert after.provenance["effective"] == "2026-11-01"
    assert LIVE.fullmatch(after.notes[0])
    assert BUNDLED in before.notes


def test_live_and_offline_exclude_each_other(berth: Command, file: Path) -> None:
    """A contradiction is refused, not decided."""
    for command in ("plan", "lock"):
        answer = berth(command, file, "--live", "--offline")
        assert (answer.status, answer.out) == (1, "")
        assert answer.err == "--live asks AWS, and --offline forbids it; leave one of them out.\n"


def test_the_lock_keeps_what_was_live(cheap: PriceServer, berth: Command, file: Path) -> None:
    """`berth lock` asks as `berth plan` does."""
    assert CHEAP in berth("lock", file, "--live").out


def test_the_report_says_what_it_is_based_on(cheap: PriceServer, berth: Command, file: Path) -> None:
    """People read it below the plan, with each price's day."""
    text = " ".join(berth("plan", file).out.split())
    assert "- Prices of us-east-1, us-east-2 and us-west-2: live, as AWS answered at" in text


def test_no_credentials(cheap: PriceServer, planned: Callable[..., Planned], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an account the plan is the bundle's, and nobody is asked."""
    for name in cheap.environment:
        monkeypatch.delenv(name)
    assert BUNDLED in planned().notes
    assert cheap.asked == []


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        ("ExpiredTokenException", "(log in again: the token has expired)"),
        ("UnrecognizedClientException", "(check the access key)"),
        ("RequestTimeTooSkewed", "(set this machine's clock: it is off by over 5 minutes)"),
        ("ThrottlingException", "(wait and try again: AWS slows this account down)"),
    ],
)
@pytest.mark.parametrize("has_cache", [True, False])
def test_everything_refused(
    cheap: PriceServer, planned: Callable[..., Planned], cache_dir: Path, code: str, mend: str, has_cache: bool
) -> None:
    """An expired token, a wrong key, a clock that is off, throttling without end: what was known before counts."""
    if has_cache:
        planned()
    before = aged(cache_dir, days=2)
    all_refused(cheap, code)
    found = planned("--live")
    assert (found.instance_type == CHEAP) is has_cache
    assert (KEPT if has_cache else BUNDLED) in found.notes
    assert sum(f"{code}: No. {mend}" in note for note in found.notes) >= 1
    assert len(found.notes) == len(set(found.notes))
    assert files(cache_dir) == before


def test_one_api_denied(cheap: PriceServer, planned: Callable[..., Planned]) -> None:
    """A role without a right on quotas still gets prices, and the right that it lacks is named."""
    cheap.instead["ListServiceQuotas"] = refusing("AccessDeniedException")
    found = planned()
    assert found.instance_type == CHEAP
    assert LIVE.fullmatch(found.notes[0])
    (denied,) = [note for note in found.notes if "AccessDeniedException" in note]
    assert denied.startswith(
        "Quotas of us-east-1, us-east-2 and us-west-2 could not be had, each for a reason like this: "
    )
    assert denied.endswith("(allow servicequotas:ListServiceQuotas to this role).")


def test_prices_denied(cheap: PriceServer, planned: Callable[..., Planned]) -> None:
    """A role without a right on prices plans with the bundle's, once said for three regions."""
    cheap.instead["GetProducts"] = refusing("AccessDeniedException")
    found = planned()
    assert BUNDLED in found.notes
    (denied,) = [note for note in found.notes if "AccessDeniedException" in note]
    assert denied == (
        "Prices of us-east-1, us-east-2 and us-west-2 could not be had: pricing:GetProducts in us-east-1: "
        "AccessDeniedException: No. (allow pricing:GetProducts to this role)."
    )


def test_throttling_that_passes(cheap: PriceServer, planned: Callable[..., Planned]) -> None:
    """A call that is slowed down is tried again, and the plan knows nothing of it."""
    slowed: set[str] = set()

    def answer(request: Request) -> Reply:
        asked = json.dumps(request.parameters, sort_keys=True)
        if asked not in slowed:
            slowed.add(asked)
            return refusing("ThrottlingException")(request)
        return cheap.GetProducts(request)

    cheap.instead["GetProducts"] = answer
    found = planned()
    assert found.instance_type == CHEAP
    assert LIVE.fullmatch(found.notes[0])
    assert not any("Throttling" in note for note in found.notes)


def test_a_connection_that_breaks_off_within_a_page(
    cheap: PriceServer, planned: Callable[..., Planned], cache_dir: Path
) -> None:
    """Half a list is no list: the first page is thrown away, and the cache stays as it was."""
    planned()
    before = aged(cache_dir, days=2)
    cheap.instead["GetProducts"] = second_page(lambda request: None)
    found = planned("--live")
    assert found.instance_type == CHEAP
    assert KEPT in found.notes
    assert [name for name in before if files(cache_dir)[name] != before[name] and "prices" in name] == []


def test_a_timeout_within_a_listing(
    cheap: PriceServer, planned: Callable[..., Planned], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that never comes ends the feed, and the plan says so."""
    from pricing.aws import session

    monkeypatch.setattr(session.client, "__kwdefaults__", {"read_s": 1.0, "attempts": 1})
    cheap.instead["GetProducts"] = second_page(cheap.silence)
    found = planned()
    assert BUNDLED in found.notes
    (why,) = [note for note in found.notes if "GetProducts" in note]
    assert "Read timeout on endpoint URL" in why


def test_patience_ends(cheap: PriceServer, planned: Callable[..., Planned], monkeypatch: pytest.MonkeyPatch) -> None:
    """An AWS that does not answer at once is not waited for, and the plan says who would wait."""
    monkeypatch.setattr("pricing.known.PATIENCE_S", 0.0)
    for call in ("GetProducts", "DescribeInstanceTypeOfferings", "ListServiceQuotas"):
        cheap.instead[call] = cheap.silence
    found = planned()
    assert BUNDLED in found.notes
    assert (
        "Prices, quotas and zones of us-east-1, us-east-2 and us-west-2 could not be had: no answer came within 0 s; "
        "`berth prices refresh` waits for it."
    ) in found.notes


def test_no_network(cheap: PriceServer, planned: Callable[..., Planned], monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and no network: the bundle, and the address that could not be reached."""
    # A port that nobody listens on: botocore gives up at once.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    found = planned()
    assert BUNDLED in found.notes
    assert any("Could not connect to the endpoint URL" in note for note in found.notes)


def test_something_else_answers(cheap: PriceServer, planned: Callable[..., Planned]) -> None:
    """A hotel's page instead of AWS is told as what it is."""
    for call in ("GetProducts", "DescribeInstanceTypeOfferings", "ListServiceQuotas"):
        cheap.instead[call] = lambda request: (200, b"<html><br>Log in</html>")
    found = planned()
    assert BUNDLED in found.notes
    assert any("what answers is not AWS (check the network and its proxy)" in note for note in found.notes)


@pytest.mark.parametrize("item", ["{", "[]", '{"product": {"sku": "X1"}}', "null"])
def test_a_malformed_item(cheap: PriceServer, planned: Callable[..., Planned], item: str) -> None:
    """One item that makes no sense is left out and told; the rest of the list holds."""

    def answer(request: Request) -> Reply:
        return page(request, [item, *cheap.products(request)])

    cheap.instead["GetProducts"] = answer
    found = planned()
    assert found.instance_type == CHEAP
    assert LIVE.fullmatch(found.notes[0])
    sku = "of SKU X1" if "X1" in item else "without a SKU"
    assert f"us-east-1: an item {sku} of the price list is malformed and left out." in found.notes


@pytest.mark.parametrize("currency", ["EUR", "XTS"])
def test_an_unknown_currency(cheap: PriceServer, planned: Callable[..., Planned], currency: str) -> None:
    """A price in money that nobody converts is not one of a dollar, and is told."""

    def answer(request: Request) -> Reply:
        (region,) = request.filters["regionCode"]
        others = [each for each in cheap.products(request) if f'"{CHEAP}"' not in each]
        return page(request, [product(CHEAP, region, {currency: "1.0"}), *others])

    cheap.instead["GetProducts"] = answer
    found = planned()
    assert found.instance_type != CHEAP
    assert LIVE.fullmatch(found.notes[0])
    assert (
        f"Prices of p5.48xlarge in us-east-1 are known in {currency} only and are left out: plans are in USD."
        in found.notes
    )


def test_an_empty_page_with_a_token(cheap: PriceServer, planned: Callable[..., Planned]) -> None:
    """A page without items does not end a list that goes on."""

    def answer(request: Request) -> Reply:
        if "NextToken" not in request.parameters:
            return 200, json.dumps({"FormatVersion": "aws_v1", "PriceList": [], "NextToken": "0"}).encode()
        return cheap.GetProducts(request)

    cheap.instead["GetProducts"] = answer
    found = planned()
    assert found.instance_type == CHEAP
    assert LIVE.fullmatch(found.notes[0])


@pytest.mark.parametrize("body", [b'{"FormatVersion": "aws_v1", "PriceList": []}', b"{}"])
def test_an_empty_list(cheap: PriceServer, planned: Callable[..., Planned], cache_dir: Path, body: bytes) -> None:
    """A price list without a price empties nothing: what was known stays, and stays in the cache."""
    planned()
    before = aged(cache_dir, days=2)
    cheap.instead["GetProducts"] = lambda request: (200, body)
    found = planned("--live")
    assert found.instance_type == CHEAP
    assert KEPT in found.notes
    assert all(files(cache_dir)[name] == before[name] for name in before if "prices" in name)


def test_a_clock_that_was_off(cheap: PriceServer, planned: Callable[..., Planned], cache_dir: Path) -> None:
    """A cache of tomorrow is not young: AWS is asked, and where it refuses, the doubt is said."""
    planned()
    aged(cache_dir, days=-1)
    cheap.asked.clear()
    assert LIVE.fullmatch(planned().notes[0])
    aged(cache_dir, days=-1)
    all_refused(cheap, "AccessDeniedException")
    notes = planned().notes
    assert any("one of the two clocks was off, so that they count as old." in note for note in notes)


def test_a_cache_disk_that_takes_nothing(
    cheap: PriceServer, planned: Callable[..., Planned], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan is live all the same, and says that the next one has to ask again."""
    monkeypatch.setenv("BERTH_CACHE_DIR", "/dev/null/berth")
    found = planned()
    assert found.instance_type == CHEAP
    (why,) = [note for note in found.notes if "/dev/null/berth" in note]
    assert why == "What AWS answered cannot be kept in /dev/null/berth (Not a directory); the next plan asks again."


def test_a_full_cache_disk(
    cheap: PriceServer, planned: Callable[..., Planned], cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up leaves the cache as it was, and the plan is live all the same."""
    import errno
    import os

    planned()
    before = aged(cache_dir, days=2)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    found = planned("--live")
    assert LIVE.fullmatch(found.notes[0])
    assert any("(No space left on device); the next plan asks again." in note for note in found.notes)
    assert files(cache_dir) == before


def test_a_cache_file_cut_in_half(cheap: PriceServer, planned: Callable[..., Planned], cache_dir: Path) -> None:
    """Half a file is nobody's price: it is told, and stays until a whole answer takes its place."""
    planned()
    path = cache_dir / "us-east-1" / "prices.json"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    half = path.read_bytes()
    cheap.instead["GetProducts"] = refusing("AccessDeniedException")
    notes = planned().notes
    assert f"The cache {path} is cut short or of another format, and is left out." in notes
    assert any(note.startswith("Prices of us-east-1: bundled snapshot; ") for note in notes)
    assert path.read_bytes() == half
    del cheap.instead["GetProducts"]
    assert any(note.startswith("Prices of us-east-1: live, ") for note in planned().notes)
    assert read_snapshot(path.read_text(), Feed.PRICES, "us-east-1") is not None


def test_two_processes_at_once(cheap: PriceServer, file: Path, cache_dir: Path) -> None:
    """Both plans come, and what they leave is whole."""
    environment = {
        **cheap.environment,
        "BERTH_CACHE_DIR": str(cache_dir),
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(cache_dir),
        "PATH": "",
        # The Spot Instance Advisor's file is the one thing that lies elsewhere: nobody answers for it.
        "https_proxy": "http://127.0.0.1:9",
    }
    berth = Path(sys.executable).with_name("berth")
    both = [
        subprocess.Popen([berth, "plan", str(file), "--live"], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for each in both:
        out, _ = each.communicate(timeout=120)
        assert (each.returncode, CHEAP in out.splitlines()[0]) == (0, True)
    kept = sorted(path.relative_to(cache_dir) for path in cache_dir.rglob("*") if path.is_file())
    assert [path.name for path in kept if len(path.parts) == 2] == ["offerings.json", "prices.json"] * 3
    for region in REGIONS:
        text = (cache_dir / region / "prices.json").read_text()
        assert read_snapshot(text, Feed.PRICES, region) is not None


def test_quotas_bound_the_plan(cheap: PriceServer, planned: Callable[..., Planned]) -> None:
    """What the account allows is asked for with its own right, and is not in what others may read."""
    planned()
    assert [each for each in cheap.asked if each.call == "ListServiceQuotas"]


RESERVED = """\
limits:
  purchase: [capacity-block]
  regions: [us-east-1]
pin:
  instance_type: p5.48xlarge
provision:
  reservation: cr-0123456789abcdef0
  zone: use1-az6
"""


def holding(hours: float, id: str = "cr-0123456789abcdef0") -> Callable[[Request], Reply]:
    """An account that has a block of two instances which began an hour ago and ends in so many."""
    now = datetime.now(UTC)

    def answer(request: Request) -> Reply:
        fields = {
            "capacityReservationId": id,
            "instanceType": CHEAP,
            "availabilityZoneId": "use1-az6",
            "totalInstanceCount": "2",
            "state": "active",
            "reservationType": "capacity-block",
            "startDate": (now - timedelta(hours=1)).isoformat(),
            "endDate": (now + timedelta(hours=hours)).isoformat(),
        }
        item = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
        return xml(request.call, f"<capacityReservationSet><item>{item}</item></capacityReservationSet>")

    return answer


def test_a_reservation_is_read(cheap: PriceServer, berth: Command, folder: Path) -> None:
    """The block that is to be used bounds the plan: its size is paid, and a run that outlasts it is refused."""
    file = written(folder, TRAINING + RESERVED)
    cheap.instead["DescribeCapacityReservations"] = holding(47.0)
    answer = berth("plan", file, "--json")
    found = json.loads(answer.out)["plan"]
    usd = float(found["chosen"]["usd_per_hour"]) / found["chosen"]["nodes"]
    assert float(found["chosen"]["run"]["usd"]) == pytest.approx(usd * 2 * 48, abs=0.01)
    assert any("cr-0123456789abcdef0 holds 2 x p5.48xlarge in use1-az6 until " in each for each in found["warnings"])
    cheap.instead["DescribeCapacityReservations"] = holding(0.6)
    refused = berth("plan", file, "--live")
    assert (refused.status, refused.out) == (1, "")
    assert "outlasts cr-0123456789abcdef0 to the edge of the band: 6.0 min of it can be used" in refused.err
    cheap.instead["DescribeCapacityReservations"] = holding(47.0, "cr-0000000000000000a")
    told = json.loads(berth("plan", file, "--json", "--live").out)["plan"]["warnings"]
    assert "The account has no reservation cr-0123456789abcdef0 in us-east-1 that is active or to come." in told
