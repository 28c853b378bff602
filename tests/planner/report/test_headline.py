"""Is a plan told in one line, wherever that is printed?"""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from planner.plan import Plan
from planner.report.headline import headline
from planner.workload import Workload
from pricing.records import replace
from pricing.units import show_usd
from tests.planner.market_builders import (
    inference,
    market,
    plan,
    serving_machines,
    three_machines,
    three_offers,
    workload,
)

TRAIN = workload(limits={"max_nodes": 4})
SERVE = workload(inference=inference(), limits={"max_nodes": 4})


def planned(asked: Workload) -> Plan:
    """A plan on the small market."""
    return plan(asked, market(serving_machines() if asked.inference else three_machines(), three_offers()))


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (
            TRAIN,
            r"\d+ x p5\.\w+ \(us-east-1, on-demand\): \$[\d.]+ \(\$[\d.]+ to \$[\d.]+\) for the instances, "
            r"[\d.]+ \w+ \(.* to .*\)",
        ),
        (
            SERVE,
            r"\d+ x p5\.\w+ \(us-east-1, on-demand\): \$[\d,.]+ a month for the instances, "
            r"\$[\d.]+ per million tokens in and out, TTFT .+, TPOT .+",
        ),
    ],
    ids=["training", "serving"],
)
def test_a_plan_fits_one_line(asked: Workload, line: str) -> None:
    """What, how many, where, on which terms, for how much and how fast."""
    assert re.fullmatch(line, headline(planned(asked)))


def test_what_a_fleet_saves_is_in_its_line() -> None:
    """The month by its hours and spot nodes is the bill's: told in plan and lock alike."""
    asked = planned(SERVE)
    saving = replace(asked.cost.lines[0], usd_per_month=Decimal("-10.50"))
    line = headline(replace(asked, cost=replace(asked.cost, lines=(*asked.cost.lines, saving))))
    assert asked.chosen.service
    left = asked.chosen.service.usd_per_month - Decimal("10.50")
    assert line.startswith(f"{headline(asked)}; by its hours and spot nodes {show_usd(left)} a month, $")
    quiet = headline(replace(asked, cost=replace(asked.cost, load_share=0.5)))
    twice = show_usd(2 * asked.chosen.service.usd_per_million_tokens)
    assert f"{twice} per million tokens at 50% of the planned load" in quiet
