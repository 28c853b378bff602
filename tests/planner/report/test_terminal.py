"""Does a plan read the same on a terminal and in a file, with every figure where a reader looks for it?"""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from planner.need_record import Requirement
from planner.plan import Plan, Rejection, Rung
from planner.recipe import Accuracy
from planner.report.terminal import FILE_WIDTH, SHOWN_REJECTIONS, plan_text, print_plan
from planner.techniques import load_techniques
from planner.workload import Workload
from pricing.records import replace
from pricing.units import show_gib, show_usd
from tests.planner.market_builders import (
    NOW,
    gib,
    inference,
    machine,
    market,
    plan,
    serving_machines,
    three_machines,
    three_offers,
    training,
    workload,
)

TRAIN = workload(limits={"max_nodes": 4})
SERVE = workload(inference=inference(), limits={"max_nodes": 4})


def planned(asked: Workload) -> Plan:
    """A plan on the small market."""
    return plan(asked, market(serving_machines() if asked.inference else three_machines(), three_offers()))


TODAY = NOW.date()


def printed(found: Plan, capsys: pytest.CaptureFixture[str]) -> str:
    """What stands in a file that a plan is printed to."""
    print_plan(found, TODAY)
    return capsys.readouterr().out


def on_terminal(found: Plan, **options: Any) -> str:
    """What stands on a terminal."""
    screen = io.StringIO()
    Console(file=screen, force_terminal=True, width=100, _environ={}, **options).print(plan_text(found, TODAY))
    return screen.getvalue()


@pytest.mark.parametrize("asked", [TRAIN, SERVE], ids=["training", "serving"])
def test_the_decision_stands_in_its_order(asked: Workload, capsys: pytest.CaptureFixture[str]) -> None:
    """Model, job, technique, memory, instance, availability, layout, choice: the decision's path; then its figures."""
    text = printed(planned(asked), capsys)
    decision = text[text.index("\nDecision\n") : text.index("\nMemory, ")]
    names = re.findall(r"^  ([a-z]+) +\S", decision, re.MULTILINE)
    last = [*(["run", "software"] if asked.training else ["service", "latency"]), "network", "energy"]
    assert names == ["model", "job", "technique", "memory", "instance", "availability", "layout", "choice", *last]


@pytest.mark.parametrize(("asked", "timed"), [(TRAIN, True), (SERVE, False)], ids=["training", "serving"])
def test_every_section_is_there(asked: Workload, timed: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Memory, time, cost, ladder, runners-up, other terms, rejections, warnings; a service has no step to time."""
    found = planned(asked)
    titles = re.findall(r"^(\w[\w. -]+?)(?:,.*)?$", printed(found, capsys), re.MULTILINE)
    time = ["Time of a step"] if timed else []
    terms = f"{found.chosen.nodes} x {found.chosen.instance_type} on other terms"
    expected = ["Decision", "Memory", *time, "Cost", "Ladder", "Runners-up", terms, "Not chosen", "Mind"]
    assert [title for title in titles if title in expected] == expected


def test_the_figures_are_the_plans(capsys: pytest.CaptureFixture[str]) -> None:
    """Money, bands, memory terms and head-room are those of the plan, and shares add up to the whole."""
    found = planned(TRAIN)
    text = printed(found, capsys)
    run, memory = found.chosen.run, found.chosen.memory
    assert run is not None
    assert text.startswith(f"tiny: {found.chosen.nodes} x {found.chosen.instance_type} (us-east-1, on-demand): ")
    low, high = (show_usd(float(run.usd) * edge) for edge in (run.band.low, run.band.high))
    assert f"{show_usd(run.usd)} ({low} to {high}) for the instances, " in text
    assert f"head-room  {show_gib(memory.headroom_bytes)} (" in text
    assert f"total      {show_gib(memory.total_bytes)} (" in text
    table = text[text.index("\nMemory, ") : text.index("\n  total ")]
    shares = [float(each) for each in re.findall(r"([\d.]+)%$", table, re.MULTILINE)]
    assert len(shares) == len(memory.terms)
    assert sum(shares) == pytest.approx(100, abs=0.05 * len(shares))
    assert [term.name in table for term in memory.terms] == [True] * len(memory.terms)


@pytest.mark.parametrize(
    ("plain", "least", "largest", "sentence"),
    [
        (10, 10, 24, "10.0 GiB on one device as it is; the largest single device has 24.0 GiB"),
        (
            30,
            20,
            24,
            "30.0 GiB on one device as it is, 20.0 GiB with every technique allowed; "
            "the largest single device has 24.0 GiB",
        ),
        # A saving below a hundredth is not told.
        (20, 19.9, 24, "20.0 GiB on one device as it is; the largest single device has 24.0 GiB"),
        (24, 24, 24, "24.0 GiB on one device as it is; the largest single device has 24.0 GiB"),
        (30, 30, 24, "30.0 GiB on one device as it is: 2 devices of 24.0 GiB or more smaller ones"),
        (48, 48, 24, "48.0 GiB on one device as it is: 2 devices of 24.0 GiB or more smaller ones"),
        (
            100,
            49,
            24,
            "100.0 GiB on one device as it is, 49.0 GiB with every technique allowed: "
            "3 devices of 24.0 GiB or more smaller ones",
        ),
    ],
)
def test_the_memory_line_compares_need_and_have(
    plain: float, least: float, largest: float, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Need and have stand in the same unit, and the devices are counted where one is too small."""
    need = Requirement(plain_bytes=gib(plain), least_bytes=gib(least), largest_device_bytes=gib(largest))
    words = " ".join(printed(replace(planned(TRAIN), requirement=need), capsys).split())
    assert f" memory {sentence} instance " in words


def test_the_technique_line_says_what_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    """The loss of accuracy that the chosen techniques bring stands behind them."""
    found = planned(TRAIN)
    lossy = replace(found, chosen=replace(found.chosen, accuracy=Accuracy.QUANTIZED))
    for each, accuracy in ((found, "exact"), (lossy, "quantized")):
        words = " ".join(printed(each, capsys).split())
        technique = words[words.index(" technique ") : words.index(" memory ")]
        assert technique.endswith(f"; accuracy: {accuracy}")


def test_every_rung_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The ladder tells of each rung who stood for it and why it lost or won."""
    found = planned(TRAIN)
    text = printed(found, capsys)
    ladder = text[text.index("\nLadder\n") : text.index("\nRunners-up\n")]
    assert [rung for rung in Rung if f"\n  {rung}  " in ladder] == list(Rung)
    assert ladder.count(": chosen") == 1


@pytest.mark.parametrize("asked", [TRAIN, SERVE], ids=["training", "serving"])
def test_a_file_is_plain_text(asked: Workload, capsys: pytest.CaptureFixture[str]) -> None:
    """No colours, no blanks at the ends of lines, no line wider than the fixed width, one line end at the end."""
    text = printed(planned(asked), capsys)
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
    assert max(map(len, text.splitlines())) <= FILE_WIDTH
    assert text.endswith("\n") and not text.endswith("\n\n")


def test_a_terminal_has_colours_unless_it_should_not() -> None:
    """Colours on a terminal; none where NO_COLOR is set; the same words either way."""
    found = planned(TRAIN)
    coloured, plain = on_terminal(found), on_terminal(found, no_color=True)
    assert "\x1b[1;32m" in coloured
    assert "\x1b[32m" not in plain and "\x1b[1;32m" not in plain
    bare = [re.sub(r"\x1b\[[\d;]*m", "", text) for text in (coloured, plain)]
    assert bare[0] == bare[1]


def test_names_are_not_read_as_styles(capsys: pytest.CaptureFixture[str]) -> None:
    """A model called `[/bold]` or `:rocket:` is printed as it is called."""
    for name in ("[bold]x[/bold]", "[/bold]", ":rocket:", "[link=http://a]"):
        text = printed(replace(planned(TRAIN), model=name), capsys)
        assert f"  model         {name}, " in text


def test_instances_are_never_broken_over_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Where a row is too wide, techniques go over lines; the count and the type stay together."""
    found = planned(TRAIN)
    for techniques in (("zero1", "recompute-full"), ("fsdp", "recompute-full", "fp8"), tuple(load_techniques())):
        wide = replace(found.chosen, nodes=1024, instance_type="p6e-gb200.36xlarge", techniques=techniques)
        text = printed(replace(found, runners_up=(wide,)), capsys)
        assert "\n  1024 x p6e-gb200.36xlarge  us-east-1" in text


def test_shared_reasons_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Types with one reason stand together, the largest group first, and what is left out is counted."""
    many = [Rejection(subject=f"g{n}.x", reason=f"g{n}.x is retired", change="pin it") for n in range(5)]
    few = [Rejection(subject=f"h{n}.x", reason=f"reason {n}", change="") for n in range(SHOWN_REJECTIONS + 2)]
    text = printed(replace(planned(TRAIN), rejections=(*few, *many)), capsys)
    section = text[text.index("\nNot chosen\n") : text.index("\nMind\n")]
    assert "  g0.x and 4 more  it is retired; pin it\n" in section
    assert section.index("g0.x") < section.index("h0.x")
    assert "  3 others         each with its reason in --json\n" in section


def test_nothing_else_to_choose_from_prints_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A market of one type has no runners-up and no rejections, and still a plan."""
    (only, *_), (price, *_) = three_machines(), three_offers()
    text = printed(plan(workload(limits={"max_nodes": 1}), market([only], [price])), capsys)
    assert "others" not in text
    assert text.count("1 x p5.small") >= 2


def test_layouts_name_only_what_is_split(capsys: pytest.CaptureFixture[str]) -> None:
    """One device is called that; of a cluster the degrees above one are told."""
    pin = {"instance_type": "p5.four", "nodes": 2, "layout": {"pipeline": 2, "tensor": 2, "virtual": 1}}
    small, _, large = three_machines()
    sold = market([small, machine("p5.four", accelerators=4, memory_gib=6), large], three_offers())
    text = printed(plan(workload(pin=pin, training=training()), sold), capsys)
    assert re.search(r"  layout +tensor 2 x pipeline 2 x data 2; micro-batch \d, \d a step\n", text)
    alone = printed(plan(workload(limits={"max_nodes": 1}, pin={"instance_type": "p5.small"}), sold), capsys)
    assert re.search(r"  layout +one device; micro-batch \d, \d a step\n", alone)
