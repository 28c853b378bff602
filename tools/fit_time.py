"""Fits the bundled time factors to the carried-over measured runs, and says how good they are on unseen ones.

python tools/fit_time.py            # fit, cross-validate, print the tables
python tools/fit_time.py --write    # and write the factors into planner/data/calibration.yaml
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from msgspec.structs import asdict

from planner.calibration import TimeFactors
from planner.carried import timed_cases
from planner.plan import Band
from planner.repeats import best_rank_correlation, scatter_by_source
from planner.scores import Scores, scores
from planner.setting import RATED_AS
from planner.software import load_software
from planner.sweeps import sweeps, weak_scaling
from planner.time_bands import time_band
from planner.time_crossval import HeldOutRun, leave_pairs_out, leave_runs_out, predictions, time_folds
from planner.time_effects import GENERATIONS, VARIANTS, Effect, factors_of, inferred_factors
from planner.time_fitting import fit_time, measured_pairs, timed_run
from pricing.catalog import load_accelerators, load_instance_types

CALIBRATION = Path(__file__).parent.parent / "planner" / "data" / "calibration.yaml"
BEGIN, END = "  # fitted by tools/fit_time.py\n", "  # end of what was fitted to times\n"
ROWS = "planner/data/measured/training_throughput.csv"


def main() -> None:
    """Fits, judges and, where asked to, writes."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--write", action="store_true", help="write the factors into planner/data/calibration.yaml")
    write = asked.parse_args().write
    runs = [timed_run(case) for case in timed_cases()]
    effects = fit_time(runs)
    crossed = leave_runs_out(runs, time_folds(runs))
    paired = leave_pairs_out(runs)
    abroad = leave_runs_out(runs, lambda run: run.source)
    print(table("fitted", predictions(runs, effects), by_source))
    print(table("five folds, by source", crossed, by_source))
    print(table("five folds, by accelerator", crossed, by_chip))
    print(table("pairs of software and generation out", paired, by_pair))
    print(table("whole sources left out", abroad, by_source))
    print(repeated(crossed))
    print(ranked(crossed))
    print(scaled(crossed))
    if write:
        text = CALIBRATION.read_text(encoding="utf-8")
        CALIBRATION.write_text(written(text, effects, Held(crossed, paired, abroad)), encoding="utf-8")


def by_source(item: HeldOutRun) -> str:
    """Who published a run."""
    return item.run.source


def by_chip(item: HeldOutRun) -> str:
    """The accelerator of a run."""
    return item.run.group[1]


def by_pair(item: HeldOutRun) -> str:
    """The class of software and the generation of accelerators of a run."""
    return " on ".join(item.run.pair)


def table(title: str, held: Sequence[HeldOutRun], group: Callable[[HeldOutRun], str]) -> str:
    """The scores per group and over all rows, and the mean of the groups' means."""
    groups: dict[str, list[float]] = {}
    for item in held:
        groups.setdefault(group(item), []).append(item.error)
    lines = [f"{title:36} rows    mean  median    bias     p90  in 10 %  in 20 %"]
    lines += [line(name, scores(errors)) for name, errors in sorted(groups.items())]
    lines.append(line("all rows", scores([item.error for item in held])))
    mean = float(np.mean([scores(errors).mean for errors in groups.values()]))
    return "\n".join([*lines, f"{'mean of the means above':36}      {mean:7.1%}", ""])


def line(name: str, found: Scores) -> str:
    """One line of a table."""
    shares = f"{found.mean:7.1%} {found.median:7.1%} {found.bias:+7.1%} {found.p90:7.1%}"
    return f"{name:36} {found.count:4} {shares} {found.within_10:8.0%} {found.within_20:8.0%}"


def ranked(held: Sequence[HeldOutRun]) -> str:
    """The rank correlation of every sweep, beside the best to expect where its source measured some configurations more
    than once, and their mean by layouts."""
    found, scatter = sweeps(held), scatter_by_source(held)
    lines = []
    for each in found:
        known = scatter.get(each.source)
        best = best_rank_correlation(each.measured, known.deviation) if known else None
        beside = "" if best is None else f", {best:.2f} without any error of prediction"
        layouts = f"{len(each.measured):3} layouts  {each.name}, {each.source}"
        lines.append(f"{each.rank_correlation:5.2f}  {layouts}{beside}")
    counts = [len(each.measured) for each in found]
    mean = float(np.average([each.rank_correlation for each in found], weights=counts))
    return "\n".join(
        ["rank correlation of predicted and measured speeds", *lines, f"{mean:5.2f}  over all layouts", ""]
    )


def repeated(held: Sequence[HeldOutRun]) -> str:
    """How far each source's repeated measurements of one configuration scatter, which no model can follow."""
    lines = [
        f"{found.deviation:6.1%}  of {found.freedom:2} measured again  {source}"
        for source, found in scatter_by_source(held).items()
    ]
    return "\n".join(["deviation of repeated measurements of one configuration", *lines, ""])


def scaled(held: Sequence[HeldOutRun]) -> str:
    """Weak-scaling efficiencies, measured and predicted, and the mean distance in points."""
    found = weak_scaling(held)
    lines = [
        f"{each.fewest:4} to {each.most:4}  {each.measured:7.1%} {each.predicted:9.1%}  {each.name}" for each in found
    ]
    mean = float(np.mean([abs(each.predicted - each.measured) for each in found]))
    title = "weak scaling  measured predicted"
    return "\n".join([title, *lines, f"{100 * mean:.1f} points apart on average", ""])


class Held(NamedTuple):
    """Runs predicted by fits to the other folds, pairs of software and generation, and sources."""

    crossed: Sequence[HeldOutRun]
    paired: Sequence[HeldOutRun]
    abroad: Sequence[HeldOutRun]


def written(text: str, effects: Mapping[Effect, float], held: Held) -> str:
    """The calibration's text with the fitted time factors in place of what stands between the two marks."""
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    known: dict[str, str] = {}
    parts = []
    for name in sorted({*load_software(), *VARIANTS}):
        body = entry(name, effects, held)
        # Classes of one family that were not measured have the same factors: the first of them lends them.
        parts.append(f"  {name}: *{known[body]}\n" if body in known else f"  {name}: &{name}\n{body}")
        known.setdefault(body, name)
    return head + BEGIN + "".join(parts) + END + tail


def entry(software: str, effects: Mapping[Effect, float], held: Held) -> str:
    """A class of software: its factors on an accelerator that nobody measured, and what differs on others."""
    measured = measured_pairs([item.run for item in held.crossed])
    default = values(factors_of(software, "", effects), None)
    lines = ["    default:\n"]
    lines += [f"      {name}: {shown(value)}\n" for name, value in default.items()]
    lines.append(f"      band: {banded(time_band(*held, software, ''))}\n      source: {ROWS}\n")
    load = load_accelerators()
    vendor = "AWS" if software == "neuron" else "NVIDIA"
    sold = {machine.accelerator.name for machine in load_instance_types().values()}
    wanted = sold | {item.run.group[1] for item in held.crossed}
    for chip in sorted(chip for chips in GENERATIONS.values() for chip in chips):
        if chip not in wanted or load[chip].vendor != vendor:
            continue
        own = values(inferred_factors(software, chip, effects, measured), set(load[chip].flop_per_s))
        differing = {name: value for name, value in own.items() if value != default[name]}
        inside = ", ".join(f"{name}: {shown(value)}" for name, value in differing.items())
        band = banded(time_band(*held, software, chip))
        lines.append(f"    {chip}: {{{inside}, band: {band}}}\n")
    return "".join(lines)


def values(factors: TimeFactors, rated: set[str] | None) -> dict[str, Any]:
    """The factors rounded to what the runs can tell; shares of the peak only for the types that a chip rates."""
    found: dict[str, Any] = {}
    for name, value in asdict(factors).items():
        if name == "matmul":
            known = {name: float(share) for name, share in value.items()}
            found["matmul"] = {
                name: round(share, 3)
                for name, share in known.items()
                if rated is None or RATED_AS.get(name, name) in rated
            }
        elif name != "band":
            found[name] = float(f"{float(value):.3g}")
    return found


def shown(value: Any) -> str:
    """A figure, or several, as YAML writes them."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {share:g}" for name, share in value.items()) + "}"
    text = f"{value:.3g}"
    # YAML takes 1e-5 for a word: it needs the point.
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def banded(band: Band) -> str:
    """A band as YAML writes it."""
    unmeasured = "" if band.measured else ", measured: false"
    return f'{{low: {band.low:.2f}, high: {band.high:.2f}, basis: "{band.basis}"{unmeasured}}}'


if __name__ == "__main__":
    main()
