"""Does the fitting script write a calibration that says what was fitted?"""

from __future__ import annotations

import pytest
import yaml

from planner.calibration import bundled_figures, calibration_of, load_calibration
from planner.crossval import HeldOut
from planner.measured import Row
from pricing.records import replace
from tools.fit_memory import CALIBRATION, EAGER, MEMORY, Fit, Section, table, written

TEXT = CALIBRATION.read_text(encoding="utf-8")


def fit(section: Section) -> Fit:
    """A fit of one program and of all others, with figures that no bundled entry has."""
    known = load_calibration()
    others = known.memory["NVIDIA"] if section is MEMORY else known.eager["default"]
    name = "litgpt" if section is MEMORY else "hf"
    factors = {"": replace(others, workspace_bytes=111), name: replace(others, workspace_bytes=222)}
    return Fit(
        factors=factors,
        bands={"": (0.8, 1.3), name: (0.9, 1.2)},
        bases={"": "9 runs of 2 projects, each judged by fits to the others", name: "4 runs of somebody/something"},
    )


@pytest.mark.parametrize("section", [MEMORY, EAGER], ids=lambda section: section.name)
def test_a_section_is_replaced_and_all_else_stays(section: Section) -> None:
    """What was fitted takes the place of what stood between the marks; every other section is as before."""
    figures = yaml.safe_load(written(TEXT, section, fit(section)))
    bundled = yaml.safe_load(TEXT)
    assert {name for name in bundled if figures[name] != bundled[name]} == {section.name}
    name = section.called("litgpt" if section is MEMORY else "hf")
    assert figures[section.name][section.others]["workspace_bytes"] == 111
    assert figures[section.name][name]["workspace_bytes"] == 222
    assert figures[section.name][name]["band"] == {"low": 0.9, "high": 1.2, "basis": "4 runs of somebody/something"}
    assert all(each in figures[section.name][section.others] for each in section.known)
    assert calibration_of({**bundled_figures(), **figures}) != load_calibration()


def test_what_is_written_twice_is_the_same() -> None:
    """Writing replaces and never piles up."""
    once = written(TEXT, EAGER, fit(EAGER))
    assert written(once, EAGER, fit(EAGER)) == once


def test_a_table_has_a_line_for_each_source_and_their_mean() -> None:
    """Errors of 10 % and 30 % from two sources, three rows in all, have a mean of 16.7 % and means of 20 %."""
    held = [
        HeldOut(
            row=Row(line=index, text={"id": str(index), "source": source}, numbers={}),
            program="x",
            kind="y",
            predicted=predicted,
            measured=10.0,
        )
        for index, (source, predicted) in enumerate((("a", 11.0), ("a", 9.0), ("b", 13.0)))
    ]
    lines = table("unseen", held).splitlines()
    assert [line.split()[0] for line in lines] == ["unseen", "a", "b", "all", "mean"]
    assert "16.7%" in lines[3]
    assert lines[4].split()[-1] == "20.0%"
