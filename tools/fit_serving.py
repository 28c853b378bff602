"""Fits the factors of serving steps to the carried-over measured runs, and says how good they are on unseen ones.

python tools/fit_serving.py            # fit, cross-validate, print the tables
python tools/fit_serving.py --write    # and write the factors into planner/data/engines/fitted
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path

import numpy as np

from planner.calibration import load_calibration
from planner.carried import carried_speed
from planner.engines import factor_ranges, generations
from planner.scores import reach
from planner.serving_answers import Floats
from planner.serving_crossval import Score, errors, held_out, kinds_of_score, score
from planner.serving_runs import ServingRun, serving_run
from planner.serving_step_fit import NAMES, Fit, judged_figures, outer, usual

FOLDER = Path(__file__).parent.parent / "planner" / "data" / "engines" / "fitted"
STEPS = 16
# Edges of bands: nine runs in ten of what was measured, and as many of all runs where nothing was.
SHARE = 0.9
# No prediction is said to be five times too long.
LOWEST = 0.2
Ratios = Mapping[tuple[str, str], list[float]]


def main() -> None:
    """Fits, judges and, where asked to, writes."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--write", action="store_true", help="write the factors into planner/data/engines/fitted")
    write = asked.parse_args().write
    measured, known = carried_speed(), load_calibration()
    runs = [serving_run(row, known) for row in measured.rows]
    fit = Fit(runs, judged_figures(runs, {row.id: row.kinds for row in measured.rows}), known)
    theta = fit.solve(np.zeros(len(fit.owners)), np.ones(len(fit.judged.at)), STEPS)
    seen, unseen = fit.residuals(fit.values(theta)), held_out(fit, theta, runs)
    print(table("fitted", fit, runs, errors(fit, seen)))
    print(table("whole groups left out", fit, runs, errors(fit, unseen)))
    for title, of in PARTS.items():
        print(parts(title, of, fit, runs, unseen))
    timed, first = (banded(fit, runs, unseen, kinds) for kinds in (("tpot", "throughput"), ("ttft",)))
    for engine in sorted({run.engine for run in runs}):
        text = "\n".join(lines(engine, fit, theta, timed, first))
        if write:
            (FOLDER / f"{engine}.yaml").write_text(text + "\n", encoding="utf-8")


PARTS: Mapping[str, Callable[[ServingRun], str]] = {
    "by source": lambda run: run.row.says("source"),
    "by engine": lambda run: run.engine,
    "by accelerator": lambda run: run.machine.accelerator.name,
}


def table(title: str, fit: Fit, runs: Sequence[ServingRun], found: Floats) -> str:
    """The score of each kind of figure."""
    groups = [runs[at].group for at in fit.judged.at]
    head = f"{title:34} mean of group means   median   rows  groups"
    return "\n".join(
        [head, *(line(name, score(found, groups, chosen)) for name, chosen in kinds_of_score(fit, runs).items()), ""]
    )


def line(name: str, found: Score) -> str:
    """One line of a table."""
    return f"  {name:32} {found.mean:19.1%} {found.median:8.1%} {found.rows:6} {found.groups:7}"


def parts(title: str, of: Callable[[ServingRun], str], fit: Fit, runs: Sequence[ServingRun], residuals: Floats) -> str:
    """The score of each part of the rows, kind by kind, with the mean of the logarithms."""
    found = errors(fit, residuals)
    groups: list[Hashable] = [runs[at].group for at in fit.judged.at]
    names = np.array([of(runs[at]) for at in fit.judged.at])
    made = [f"whole groups left out, {title:11} mean of group means   median   rows  groups    bias of times"]
    for kind, chosen in kinds_of_score(fit, runs).items():
        for name in sorted(set(names[chosen])):
            own = chosen & (names == name)
            bias = float(np.mean(residuals[own]))
            made.append(f"{line(f'{kind[:4]} {name}'[:34], score(found, groups, own))} {bias:+16.1%}")
    return "\n".join([*made, ""])


def banded(fit: Fit, runs: Sequence[ServingRun], residuals: Floats, kinds: Sequence[str]) -> Ratios:
    """Measured over predicted times of unseen runs, by engine and accelerator."""
    found: dict[tuple[str, str], list[float]] = {}
    for at, kind, residual in zip(fit.judged.at, fit.judged.kinds, residuals, strict=True):
        if kind in kinds:
            run = runs[at]
            found.setdefault((run.engine, run.machine.accelerator.name), []).append(float(np.exp(-residual)))
    return found


def lines(engine: str, fit: Fit, theta: Floats, timed: Ratios, first: Ratios) -> list[str]:
    """An engine's file: factors of all, by generation, and bands by accelerator."""
    made = ["# fitted by tools/fit_serving.py to planner/data/measured/serving_speed.csv", "default:"]
    made += [f"  {name}: {shown(value(fit, theta, engine, '', name))}" for name in NAMES]
    made += [f"  band: {widest(engine, timed)}", f"  ttft_band: {widest(engine, first)}", "generations:"]
    neuron = engine.startswith("neuron")
    for make in generations():
        own = [name for name in NAMES if (name, make) in fit.owners]
        if own and make.startswith("neuron") is neuron:
            made.append(f"  {make}: {{{', '.join(f'{n}: {shown(value(fit, theta, engine, make, n))}' for n in own)}}}")
    made.append("accelerators:")
    for chip in sorted({chip for of, chip in (*timed, *first) if of == engine}):
        said = []
        for key, found in (("band", timed), ("ttft_band", first)):
            if own_ratios := found.get((engine, chip)):
                said.append(f"{key}: {band(own_ratios)}")
        made.append(f"  {chip}: {{{', '.join(said)}}}")
    return made


def widest(engine: str, found: Ratios) -> str:
    """The band of accelerators without runs: as wide as that of all runs, and as any of the engine's own."""
    edges = [edge([ratio for each in found.values() for ratio in each])]
    edges += [edge(each) for (of, _), each in found.items() if of == engine]
    low, high = min(low for low, _ in edges), max(high for _, high in edges)
    basis = "not measured on this accelerator: the widest of all runs left out and of the engine's own"
    return f'{{low: {low:.2f}, high: {high:.2f}, basis: "{basis}", measured: false}}'


def edge(ratios: Sequence[float]) -> tuple[float, float]:
    """The edges of a band of measured over predicted times."""
    low, high = reach(ratios, SHARE)
    return max(low, LOWEST), high


def band(ratios: Sequence[float]) -> str:
    """A band of runs on an accelerator, as it is written."""
    low, high = edge(ratios)
    return f'{{low: {low:.2f}, high: {high:.2f}, basis: "{len(ratios)} runs, each judged by fits to others"}}'


def value(fit: Fit, theta: Floats, engine: str, make: str, name: str) -> float:
    """A factor of an engine on a generation of accelerators, "" for one that is not known."""
    start = usual(engine, name)
    inner = (
        np.log(start / (1 - start)) if factor_ranges()[name]["high"] < 1 and not name.endswith("_s") else np.log(start)
    )
    shift = sum(
        float(theta[at]) for at, (owner, part) in enumerate(fit.owners) if owner == name and part in ("", engine, make)
    )
    return float(outer(name, inner + shift))


def shown(number: float) -> str:
    """A factor to three digits."""
    return f"{number:.3g}" if number >= 1e-3 else f"{number:.2e}"


if __name__ == "__main__":
    main()
