"""Fits the bundled memory factors to the carried-over measured runs, and says how good they are on unseen ones.

python tools/fit_memory.py            # fit, cross-validate, print the tables
python tools/fit_memory.py --write    # and write the factors into planner/data/calibration.yaml
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from planner.calibration import MemoryFactors, load_calibration
from planner.carried import fitted_cases
from planner.crossval import HeldOut, factors_for, folds, leave_out, source_of
from planner.fitting import FITTED, fit_memory, predicted_bytes
from planner.measured_training import TrainingCase
from planner.scores import Scores, scores

CALIBRATION = Path(__file__).parent.parent / "planner" / "data" / "calibration.yaml"
VENDOR = "NVIDIA"
WIDER = 1.25
FEW, NARROWEST, NARROWEST_OF_FEW = 20, 0.05, 0.12
# Software that was not measured has as wide a band as nine sources in ten when they are left out.
SHARE_ABROAD = 0.9


def main() -> None:
    """Fits, judges and, where asked to, writes."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--write", action="store_true", help="write the factors into planner/data/calibration.yaml")
    write = asked.parse_args().write
    cases = fitted_cases()
    start = replace(load_calibration().memory[VENDOR], fragmentation=1.05, workspace_bytes=0, varied_lengths=2.0)
    fitted = fit_memory(cases, start)
    own = [HeldOut(case=case, predicted=predicted_bytes(case, factors_for(case, fitted))) for case in cases]
    crossed = leave_out(cases, folds(cases), start)
    abroad = leave_out(cases, source_of, start)
    for title, held in (("fitted", own), ("five folds", crossed), ("whole sources left out", abroad)):
        print(table(title, held))
    names = [name for name in fitted if name]
    bands = {name: band([item for item in crossed if item.case.framework.software.name == name]) for name in names}
    bands[""] = band(abroad, SHARE_ABROAD)
    for name, factors in fitted.items():
        low, high = bands[name]
        print(f"{name or 'all others':20} {figures(factors)} band {low:.2f} to {high:.2f}")
    above = [item.case.row.id for item in crossed if item.ratio > bands[item.case.framework.software.name][1]]
    print(f"above the upper edge: {len(above)} of {len(crossed)} {' '.join(above)}")
    if write:
        text = CALIBRATION.read_text(encoding="utf-8")
        CALIBRATION.write_text(written(text, fitted, bands, cases), encoding="utf-8")


def table(title: str, held: Sequence[HeldOut]) -> str:
    """The scores per source and over all rows, and the mean of the sources' means."""
    groups: dict[str, list[float]] = {}
    for item in held:
        groups.setdefault(source_of(item.case), []).append(item.error)
    lines = [f"{title:34} rows    mean  median    bias     p90"]
    lines += [line(name, scores(errors)) for name, errors in sorted(groups.items())]
    lines.append(line("all rows", scores([item.error for item in held])))
    mean = float(np.mean([scores(errors).mean for errors in groups.values()]))
    return "\n".join([*lines, f"{'mean of the sources means':34}      {mean:7.1%}", ""])


def line(name: str, found: Scores) -> str:
    """One line of a table."""
    shares = f"{found.mean:7.1%} {found.median:7.1%} {found.bias:+7.1%} {found.p90:7.1%}"
    return f"{name:34} {found.count:4} {shares}"


def band(held: Sequence[HeldOut], share: float = 1.0) -> tuple[float, float]:
    """Measured over predicted of unseen rows: the middle `share` of them, and beyond it a quarter of its reach.

    The worst of few rows is not the worst there is, hence the quarter; and never narrower than 5 %, or 12 % of few.
    """
    narrowest = NARROWEST if len(held) >= FEW else NARROWEST_OF_FEW
    ratios = [item.ratio for item in held]
    low, high = np.quantile(ratios, [(1 - share) / 2, (1 + share) / 2])
    low, high = 1 + WIDER * (low - 1), 1 + WIDER * (high - 1)
    return min(math.floor(100 * low) / 100, 1 - narrowest), max(math.ceil(100 * high) / 100, 1 + narrowest)


def figures(factors: MemoryFactors) -> str:
    """The fitted factors in a line of YAML."""
    values = {name: getattr(factors, name) for name in FITTED}
    return ", ".join(f"{name}: {value if known_whole(name) else round(value, 3)}" for name, value in values.items())


def known_whole(name: str) -> bool:
    """Whether a factor is counted in whole bytes."""
    return name.endswith("_bytes")


def written(
    text: str,
    fitted: Mapping[str, MemoryFactors],
    bands: Mapping[str, tuple[float, float]],
    cases: Sequence[TrainingCase],
) -> str:
    """The calibration's text with the fitted memory factors in place of what stands between the two marks."""
    begin, end = "  # fitted by tools/fit_memory.py\n", "  # end of what was fitted\n"
    head, _, rest = text.partition(begin)
    tail = rest.partition(end)[2]
    lines = []
    for name, factors in sorted(fitted.items()):
        rows = [case for case in cases if case.framework.software.name == name or not name]
        low, high = bands[name]
        sources = sorted({source_of(case) for case in rows})
        basis = f"{len(rows)} runs of {' and '.join(sources)}"
        fixed = ""
        if not name:
            basis = f"{len(rows)} runs of {len(sources)} projects, each judged by fits to the others"
            names = ("context_bytes", "collectives_bytes", "expert_load")
            fixed = "".join(f"{each}: {getattr(factors, each)}\n    " for each in names)
        lines.append(
            f"  {VENDOR}{'/' * bool(name)}{name}:\n    {fixed}{figures(factors).replace(', ', chr(10) + '    ')}\n"
            f'    band: {{low: {low:.2f}, high: {high:.2f}, basis: "{basis}"}}\n'
            f"    source: planner/data/measured/training_memory.csv\n"
        )
    return head + begin + "".join(lines) + end + tail


if __name__ == "__main__":
    main()
