"""Fits the bundled memory factors to the carried-over measured runs, and says how good they are on unseen ones.

python tools/fit_memory.py            # fit, cross-validate, print the tables: training, then serving
python tools/fit_memory.py --write    # and write the factors into planner/data/calibration.yaml
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from planner.calibration import load_calibration
from planner.carried import fitted_cases, served_cases
from planner.crossval import SERVING, TRAINING, Case, Factors, HeldOut, Judge, folds, judged, leave_out, source_of
from planner.fitting import FITTED, Range
from planner.scores import Scores, reach, scores
from planner.serving_memory_fit import SERVED
from pricing.records import replace

CALIBRATION = Path(__file__).parent.parent / "planner" / "data" / "calibration.yaml"
VENDOR = "NVIDIA"
# What was not measured has as wide a band as nine sources in ten when they are left out.
SHARE_ABROAD = 0.9
BEGIN, END = "  # fitted by tools/fit_memory.py\n", "  # end of what was fitted\n"
# Factors of a vendor that are known from elsewhere, and stand with those that are fitted.
KNOWN = ("context_bytes", "collectives_bytes", "expert_load")


class Section(Struct, frozen=True, kw_only=True):
    """A section of the calibration: its name, who all others are in it, what each program is called, and its data."""

    name: str
    others: str
    called: Callable[[str], str]
    known: tuple[str, ...]
    ranges: Mapping[str, Range]
    data: str


class Fit(Struct, frozen=True, kw_only=True):
    """Factors by program, those of all others under the empty name, with their bands and what these stand on."""

    factors: Mapping[str, Any]
    bands: Mapping[str, tuple[float, float]]
    bases: Mapping[str, str]


MEMORY = Section(
    name="memory",
    others=VENDOR,
    called=lambda name: f"{VENDOR}/{name}",
    known=KNOWN,
    ranges=FITTED,
    data="planner/data/measured/training_memory.csv",
)
EAGER = Section(
    name="serving_memory",
    others="default",
    called=lambda name: name,
    known=(),
    ranges=SERVED,
    data="planner/data/measured/serving_memory.csv",
)


def main() -> None:
    """Fits, judges and, where asked to, writes."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--write", action="store_true", help="write the factors into planner/data/calibration.yaml")
    write = asked.parse_args().write
    known = load_calibration()
    trained = replace(known.memory[VENDOR], fragmentation=1.05, workspace_bytes=0, varied_lengths=2.0)
    served = replace(known.eager["default"], workspace_bytes=0, copied_share=0.0, row_share=1.0)
    of_training = fit("training", fitted_cases(), trained, TRAINING, MEMORY)
    of_serving = fit("serving", served_cases(), served, SERVING, EAGER)
    if write:
        text = CALIBRATION.read_text(encoding="utf-8")
        text = written(written(text, MEMORY, of_training), EAGER, of_serving)
        CALIBRATION.write_text(text, encoding="utf-8")


def fit(title: str, cases: Sequence[Case], start: Factors, judge: Judge[Case, Factors], section: Section) -> Fit:
    """Fits one kind of runs, prints how good the factors are on unseen ones, and bands them."""
    fitted = judge.fit(cases, start)
    crossed = leave_out(cases, folds(cases, judge), start, judge)
    abroad = leave_out(cases, lambda case: source_of(case.row), start, judge)
    for name, held in (
        (f"{title}, fitted", judged(cases, fitted, judge)),
        (f"{title}, five folds", crossed),
        (f"{title}, whole sources left out", abroad),
    ):
        print(table(name, held))
    print(table(f"{title}, five folds by kind", crossed, lambda item: item.kind))
    bands, bases = {"": reach([item.ratio for item in abroad], SHARE_ABROAD)}, {"": others_basis(crossed)}
    for name in (name for name in fitted if name):
        own = [item for item in crossed if item.program == name]
        bands[name] = reach([item.ratio for item in own])
        bases[name] = f"{len(own)} runs of {' and '.join(sorted({x.source for x in own}))}"
    for name, factors in fitted.items():
        low, high = bands[name]
        print(f"{name or 'all others':20} {figures(factors, section.ranges)} band {low:.2f} to {high:.2f}")
    above = [item.row.id for item in crossed if item.ratio > bands[item.program][1]]
    print(f"above the upper edge: {len(above)} of {len(crossed)} {' '.join(above)}\n")
    return Fit(factors=fitted, bands=bands, bases=bases)


def others_basis(held: Sequence[HeldOut]) -> str:
    """What the band of programs stands on that were not measured."""
    return f"{len(held)} runs of {len({item.source for item in held})} projects, each judged by fits to the others"


def table(title: str, held: Sequence[HeldOut], group: Callable[[HeldOut], str] = lambda item: item.source) -> str:
    """The scores per source, or per kind of memory, and over all rows, and the mean of their means."""
    groups: dict[str, list[float]] = {}
    for item in held:
        groups.setdefault(group(item), []).append(item.error)
    lines = [f"{title:34} rows    mean  median    bias     p90"]
    lines += [line(name, scores(errors)) for name, errors in sorted(groups.items())]
    lines.append(line("all rows", scores([item.error for item in held])))
    mean = float(np.mean([scores(errors).mean for errors in groups.values()]))
    return "\n".join([*lines, f"{'mean of these means':34}      {mean:7.1%}", ""])


def line(name: str, found: Scores) -> str:
    """One line of a table."""
    shares = f"{found.mean:7.1%} {found.median:7.1%} {found.bias:+7.1%} {found.p90:7.1%}"
    return f"{name:34} {found.count:4} {shares}"


def figures(factors: Any, ranges: Mapping[str, Range]) -> str:
    """The fitted factors in a line of YAML."""
    return ", ".join(f"{name}: {shown(name, getattr(factors, name))}" for name in ranges)


def shown(name: str, value: float) -> float:
    """A factor as it is written: bytes whole, others to three digits."""
    return int(value) if name.endswith("_bytes") else round(value, 3)


def written(text: str, section: Section, found: Fit) -> str:
    """The calibration's text with a section's fitted factors in place of what stands between its two marks."""
    head, heading, rest = text.partition(f"\n{section.name}:\n")
    before, _, rest = rest.partition(BEGIN)
    tail = rest.partition(END)[2]
    lines = []
    for name, factors in sorted(found.factors.items()):
        known = section.known if not name else ()
        low, high = found.bands[name]
        lines += [f"  {section.called(name) if name else section.others}:"]
        lines += [f"    {each}: {shown(each, getattr(factors, each))}" for each in (*known, *section.ranges)]
        lines += [f'    band: {{low: {low:.2f}, high: {high:.2f}, basis: "{found.bases[name]}"}}']
        lines += [f"    source: {section.data}"]
    return head + heading + before + BEGIN + "\n".join(lines) + "\n" + END + tail


if __name__ == "__main__":
    main()
