"""How far may a run lie from its predicted time, by what was measured of its software and accelerator?

Bands are quantiles of measured over predicted times of runs that the fit had not seen. Where the accelerator was
measured under this software, its own runs count; else those of its generation. Software that was measured on other
generations alone is inferred from earlier releases or kindred software on this one, or from what is known of both:
such pairs were left out in turn, and count alike, however many runs they have. For all else sources that were left out
as a whole stand.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from planner.plan import Band
from planner.software import load_class
from planner.time_crossval import HeldOutRun
from planner.time_effects import class_of, generation_of, stand_ins
from pricing.records import replace

# Of runs from 5 % to 95 %; beyond them a quarter of the reach for runs of one's own, more where others stand for them.
SHARE = 0.9
WIDER, WIDER_OF_ITS_LIKE = 1.25, 1.6
FEW, NARROWEST, NARROWEST_OF_FEW, NARROWEST_OF_ITS_LIKE = 20, 0.05, 0.12, 0.18
FEWEST = 4
# No band reaches beyond half of or twice the prediction: there the prediction itself would be in doubt.
LEAST, MOST = 0.5, 2.0


def time_band(
    crossed: Sequence[HeldOutRun],
    paired: Sequence[HeldOutRun],
    abroad: Sequence[HeldOutRun],
    software: str,
    chip: str,
) -> Band:
    """The band of a class of software on an accelerator; an empty name stands for one that was not measured.

    `crossed` are runs predicted by fits to the other folds, `paired` by fits without the runs of their class on their
    generation, `abroad` by fits to the other sources.
    """
    of_class = [item for item in crossed if class_of(item.run.group[0]) == class_of(software)]
    own = [item for item in of_class if item.run.group[1] == chip]
    generation = generation_of(chip)
    there = [item for item in crossed if generation and generation_of(item.run.group[1]) == generation]
    like = [item for item in of_class if item in there]
    if len(own) >= FEWEST:
        narrowest = NARROWEST if len(own) >= FEW else NARROWEST_OF_FEW
        return _band(own, WIDER, narrowest, f"{_runs(own)}, each judged by fits to others")
    if len(like) >= FEWEST:
        mine = f"{len(own)} of them on this accelerator" if own else "none of them on this accelerator"
        basis = f"{_runs(like)} on {_chips(like)}: the same generation, {mine}"
        return _band(like, WIDER_OF_ITS_LIKE, NARROWEST_OF_ITS_LIKE, basis)
    if of_class and there:
        held = [item for item in paired if _known_elsewhere(item, crossed)]
        count = len({item.run.pair for item in held})
        basis = f"{_inferred(of_class, there, generation)}; {count} such pairs, left out, were {_off(held):.0%} off"
        return replace(_band(held, WIDER, NARROWEST_OF_ITS_LIKE, basis, _alike(held)), measured=False)
    basis = f"not measured on this accelerator with this software: as {len(abroad)} runs of sources left out as a whole"
    return replace(_band(abroad, WIDER, NARROWEST_OF_ITS_LIKE, basis), measured=False)


def _inferred(of_class: Sequence[HeldOutRun], there: Sequence[HeldOutRun], generation: str) -> str:
    """What software stands on that was measured on other generations alone."""
    software = class_of(of_class[0].run.group[0])
    instead = stand_ins(software, generation, {item.run.pair for item in (*of_class, *there)})
    if not instead:
        return (
            f"not measured on {generation} with this software: inferred from its {len(of_class)} runs on "
            f"{_chips(of_class)} and {len(there)} of other software on {_chips(there)}"
        )
    theirs = [item for item in there if item.run.pair[0] in instead]
    names = " and ".join(load_class(name).title for name in instead)
    fastest = max(item.run.utilization for item in there)
    older = set(instead) <= set(load_class(software).earlier)
    what, faster = ("release", "; newer releases may be faster") if older else ("software", "")
    return (
        f"not measured on {generation} with this {what}: as {names} on {_chips(theirs)} ({len(theirs)} runs), at most "
        f"the {fastest:.0%} of the peak that the fastest software reached there{faster}"
    )


def _known_elsewhere(item: HeldOutRun, crossed: Sequence[HeldOutRun]) -> bool:
    """Whether the class of a run was measured on another generation too."""
    software, generation = item.run.pair
    return any(other == software and place != generation for other, place in (each.run.pair for each in crossed))


def _off(held: Sequence[HeldOutRun]) -> float:
    """The mean over pairs of their mean errors."""
    return float(np.average([abs(item.error) for item in held], weights=_alike(held)))


def _alike(held: Sequence[HeldOutRun]) -> list[float]:
    """Weights with which every pair counts as much as any other."""
    pairs = Counter(item.run.pair for item in held)
    return [1 / pairs[item.run.pair] for item in held]


def _band(
    held: Sequence[HeldOutRun], wider: float, narrowest: float, basis: str, of_pairs: Sequence[float] | None = None
) -> Band:
    # Time lies as far above as the rate lies below: measured over predicted time is predicted over measured rate.
    ratios = np.array([item.error + 1 for item in held])
    weights = None if of_pairs is None else np.asarray(of_pairs)
    method: Literal["linear", "inverted_cdf"] = "linear" if of_pairs is None else "inverted_cdf"
    low, high = np.quantile(ratios, [(1 - SHARE) / 2, (1 + SHARE) / 2], weights=weights, method=method)
    low, high = min(1 + wider * (low - 1), 1 - narrowest), max(1 + wider * (high - 1), 1 + narrowest)
    return Band(low=max(math.floor(100 * low) / 100, LEAST), high=min(math.ceil(100 * high) / 100, MOST), basis=basis)


def _chips(held: Sequence[HeldOutRun]) -> str:
    return ", ".join(sorted({item.run.group[1] for item in held}))


def _runs(held: Sequence[HeldOutRun]) -> str:
    sources = " and ".join(sorted({item.run.source for item in held}))
    return f"{len(held)} runs of {sources}"
