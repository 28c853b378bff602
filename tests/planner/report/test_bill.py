"""Does a reader see of a bill and of other terms every amount, and what is not known, where it belongs?"""

from __future__ import annotations

import io
import re
from datetime import date
from decimal import Decimal

import pytest
from rich.console import Console, RenderableType

from planner.plan import Candidate, Cost, CostLine, Deal
from planner.report.bill import bill_table, deals_table, total
from planner.report.terminal import FILE_WIDTH
from pricing.offer import Provenance, Purchase
from pricing.records import replace
from tests.planner.market_builders import inference, machine, market, offer, plan, workload

TODAY = date(2026, 6, 11)
SOLD = market([machine("p5.one", memory_gib=9)], [offer("p5.one", 3)])
TRAINED = plan(workload(limits={"max_nodes": 1}), SOLD).chosen
SERVED = plan(workload(inference=inference(), limits={"max_nodes": 4}), SOLD).chosen


def shown(table: RenderableType, *, width: int = FILE_WIDTH, styled: bool = False) -> str:
    """What stands on a page or a terminal."""
    page = io.StringIO()
    plain = Console(file=page, width=width, markup=False, highlight=False, force_terminal=styled, _environ={})
    plain.print(table)
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines())


def a_line(name: str, hour: str | None, run: str | None, month: str | None, basis: str = "counted") -> CostLine:
    per_hour, per_run, per_month = (None if each is None else Decimal(each) for each in (hour, run, month))
    return CostLine(name=name, usd_per_hour=per_hour, usd_per_run=per_run, usd_per_month=per_month, basis=basis)


BILL = Cost(
    lines=(
        a_line("instances", "6", "60", "4380", "2 x p5.one, on-demand"),
        a_line("checkpoints", None, None, None, "2 of 1.0 GiB kept; no price of s3 is known in us-east-1"),
        a_line("crumbs", "0.00003", "0.0003", "0.0219"),
        a_line("setup", "0", "1.60", "1.60"),
    ),
    elsewhere=(a_line("EKS", "0.1", "1", "73"), a_line("AWS PCS", None, None, None, "no price of pcs is known")),
    usd_per_hour=Decimal("6.00003"),
    usd_per_run=Decimal("61.6003"),
    usd_per_month=Decimal("4381.6219"),
    unpriced=("checkpoints",),
)
SERVICE = replace(
    BILL,
    lines=tuple(replace(each, usd_per_run=None) for each in BILL.lines),
    elsewhere=(),
    usd_per_run=None,
    unpriced=(),
)


def rows(text: str) -> dict[str, list[str]]:
    """The cells of a table by the first of each row."""
    cells = [re.split(r"  +", line.strip()) for line in text.splitlines()]
    return {each[0]: each[1:] for each in cells}


def test_every_line_of_a_training_has_its_amounts() -> None:
    """An hour, a run and a month of each line; the sum after the lines, other ways to build after the sum."""
    text = shown(bill_table(BILL))
    assert rows(text) == {
        "an hour": ["a run", "a month", "how counted"],
        "instances": ["$6.00", "$60.00", "$4,380", "2 x p5.one, on-demand"],
        "checkpoints": ["unknown", "unknown", "unknown", "2 of 1.0 GiB kept; no price of s3 is known in us-east-1"],
        "crumbs": ["<$0.0001", "$0.0003", "$0.0219", "counted"],
        "setup": ["once", "$1.60", "$1.60", "counted"],
        "in all": ["$6.00", "$61.60", "$4,382", "without checkpoints: no price is known"],
        "+ EKS": ["$0.10", "$1.00", "$73.00", "counted"],
        "+ AWS PCS": ["unknown", "unknown", "unknown", "no price of pcs is known"],
        "Lines with + are not in the sum; each would come on top of a fleet that has it.": [],
        "After `cdk destroy` none of these lines goes on.": [],
    }
    names = list(rows(text))
    assert names.index("setup") < names.index("in all") < names.index("+ EKS")


def test_what_survives_is_told_with_its_cost() -> None:
    """What is still billed when the stack has been destroyed stands below the bill, by name and month."""
    kept = tuple(replace(each, survives=each.name in ("checkpoints", "setup")) for each in BILL.lines)
    text = " ".join(shown(bill_table(replace(BILL, lines=kept))).split())
    assert "there remain, until you delete them: checkpoints (unknown a month) and setup ($1.60 a month)." in text


def test_a_service_has_no_column_for_runs() -> None:
    """Serving is paid by the hour and the month; a bill without gaps or other ways does not speak of them."""
    text = shown(bill_table(SERVICE))
    assert rows(text)["an hour"] == ["a month", "how counted"]
    assert rows(text)["instances"] == ["$6.00", "$4,380", "2 x p5.one, on-demand"]
    assert rows(text)["in all"] == ["$6.00", "$4,382"]
    assert "run" not in text and "+" not in text


def test_nothing_unknown_reads_as_free() -> None:
    """Neither an unknown price nor an amount below a hundredth of a cent is shown as $0."""
    for each in (BILL, SERVICE):
        assert not re.search(r"\$0\.0+(?!\d)", shown(bill_table(each)))


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (BILL, "$61.60 a run, without checkpoints"),
        (replace(BILL, unpriced=()), "$61.60 a run"),
        (replace(BILL, unpriced=("a", "b")), "$61.60 a run, without a, b"),
        (SERVICE, "$4,382 a month"),
        (
            replace(SERVICE, usd_per_million_tokens=Decimal("0.301")),
            "$4,382 a month, $0.30 per million tokens in and out",
        ),
        (
            replace(SERVICE, usd_per_million_tokens=Decimal("0.301"), load_share=0.7),
            "$4,382 a month, $0.30 per million tokens in and out at 70% of the planned load, the average of its hours",
        ),
        # A run that rounds to nothing is a run all the same.
        (replace(BILL, usd_per_run=Decimal(0), unpriced=()), "$0.00 a run"),
    ],
)
def test_the_sum_is_in_the_unit_of_the_job(cost: Cost, said: str) -> None:
    """A run or a month, with the names of what is not in it."""
    assert total(cost) == said


def deal(region: str, purchase: Purchase, usd: str, instance_type: str = "p5.one", **figures: str | int | None) -> Deal:
    """A deal of that price; amounts by name."""
    money = {key: Decimal(str(value)) for key, value in figures.items() if key.endswith("usd") and value is not None}
    nodes = figures.get("nodes_allowed")
    return Deal(
        instance_type=instance_type,
        region=region,
        purchase=purchase,
        zone_ids=("use1-az6",),
        usd_per_hour_per_node=Decimal(usd),
        usd_per_run=Decimal(usd) * 20,
        usd_per_month=Decimal(usd) * 730,
        committed_usd=money.get("committed_usd"),
        idle_usd=money.get("idle_usd"),
        nodes_allowed=None if nodes is None else int(nodes),
        provenance=Provenance(source="made up", as_of=date(2026, 6, 1)),
    )


DEALS = (
    deal("us-west-2", Purchase.SPOT, "0.5", nodes_allowed=0),
    deal("us-east-1", Purchase.CAPACITY_BLOCK, "2", committed_usd=96, idle_usd=56),
    deal("us-east-1", Purchase.ON_DEMAND, "3", nodes_allowed=1200),
    deal("us-east-2", Purchase.ON_DEMAND, "3"),
)


@pytest.mark.parametrize(("chosen", "title", "amounts"), [(TRAINED, "a run", 20), (SERVED, "a month", 730)])
def test_each_deal_has_its_row(chosen: Candidate, title: str, amounts: int) -> None:
    """Price, what the job comes to, what is committed and idle, the quota and the day, in the order given."""
    lines = shown(deals_table(DEALS, chosen, TODAY)).splitlines()
    cells = [re.split(r"  +", line.strip()) for line in lines]
    job = [f"${amounts * usd:,.2f}" if amounts * usd < 1000 else f"${amounts * usd:,.0f}" for usd in (0.5, 2, 3)]
    assert [*cells[:6], cells[-1]] == [
        ["region", "purchase", "hour and node", title, "committed", "of it idle", "held on", "age", "quota"],
        ["us-west-2", "spot, use1-az6", "$0.50", job[0], "-", "-", "2026-06-01", "10 d", "0 nodes"],
        ["us-east-1", "capacity-block", "$2.00", job[1], "$96.00", "$56.00", "2026-06-01", "10 d", "unknown"],
        ["us-east-1", "on-demand, chosen", "$3.00", job[2], "-", "-", "2026-06-01", "10 d", "1,200 nodes"],
        ["us-east-2", "on-demand", "$3.00", job[2], "-", "-", "2026-06-01", "10 d", "unknown"],
        ["A plan buys on the terms that limits.purchase names, in limits.regions."],
        ["capacity-block, on-demand and spot in us-east-1, us-east-2 and us-west-2: made up."],
    ]


def test_terms_without_a_price_are_named() -> None:
    """A gap is said, by region, and is nothing that was left out for being dear."""
    managed = [deal("us-east-1", each, "4", "ml.p5.one") for each in (Purchase.ON_DEMAND, Purchase.SAVINGS_PLAN_1YR)]
    text = " ".join(shown(deals_table([*DEALS, *managed], TRAINED, TODAY)).split())
    assert "us-east-1 HyperPod on-demand $4.00" in text
    said = text.partition("No price known, or none sold so large or long: ")[2].partition(". --live asks AWS")[0]
    gaps = {where: ways.split(", ") for ways, _, where in (each.partition(" in ") for each in said.split("; "))}
    assert gaps["us-east-2 and us-west-2"] == ["capacity-block", "HyperPod on-demand", "HyperPod savings-plan-1yr"]
    assert gaps["us-west-2"] == ["on-demand"]
    assert gaps["us-east-1 and us-east-2"] == ["spot"]
    assert gaps["us-east-1, us-east-2 and us-west-2"][-1] == "HyperPod savings-plan-3yr"
    complete = [deal("us-east-1", each, "1") for each in Purchase]
    complete += [deal("us-east-1", each, "1", "ml.p5.one") for each in Purchase if "savings" in each or "on-" in each]
    assert "No price known" not in shown(deals_table(complete, TRAINED, TODAY))


def test_quotas_that_nobody_knows_take_no_column() -> None:
    """Without credentials no quota is known, which is said once and not in every row."""
    unasked = [replace(each, nodes_allowed=None) for each in DEALS]
    text = shown(deals_table(unasked, TRAINED, TODAY))
    assert text.count("quota") == text.count("unknown") == 1
    assert "The account's quotas are unknown: they are read where credentials are found." in text


def test_each_source_is_named_with_what_it_prices() -> None:
    """Whoever doubts a price sees whose word it is, and since when it holds where that is said."""
    since = Provenance(source="the list", as_of=date(2026, 6, 1), effective=date(2026, 5, 1))
    text = shown(deals_table([*DEALS[:2], replace(DEALS[2], provenance=since)], TRAINED, TODAY))
    assert "\ncapacity-block and spot in us-east-1 and us-west-2: made up." in text
    assert "\non-demand in us-east-1: the list, effective since 2026-05-01." in text


def test_the_age_of_the_prices_beside_is_told() -> None:
    """The oldest and newest day on which what stands beside the instances is known to have had its price."""
    days = [Provenance(source="made up", as_of=date(2026, month, 1)) for month in (1, 5, 3)]
    lines = [replace(each, provenance=said) for each, said in zip(BILL.lines, days, strict=False)]
    # The first line is that of the instances, whose age stands beside their price.
    text = shown(bill_table(replace(BILL, lines=tuple(lines))))
    assert "known to have held between 2026-03-01 and 2026-05-01;" in text
    assert "known to have held" not in shown(bill_table(BILL))


def test_the_plans_own_terms_are_told_from_the_others() -> None:
    """Exactly one row is the chosen one, in words for a file and in bold for a terminal."""
    text = shown(deals_table(DEALS, TRAINED, TODAY), styled=True)
    (bold,) = [line for line in text.splitlines() if "\x1b[1m" in line]
    assert "us-east-1" in bold and "on-demand, chosen" in bold
    assert text.count("chosen") == 1


def test_the_tables_fit_a_page() -> None:
    """At the width of a file no amount is broken over lines, however long the reasons are."""
    long = replace(BILL, lines=tuple(replace(each, basis=" ".join(["word"] * 60)) for each in BILL.lines))
    for table in (bill_table(long), deals_table(DEALS, TRAINED, TODAY)):
        lines = shown(table).splitlines()
        assert max(map(len, lines)) <= FILE_WIDTH
    assert "$4,380" in shown(bill_table(long))
