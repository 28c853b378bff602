"""How far may a run lie from its predicted time, by what was measured of its software and accelerator?

Bands are quantiles of measured over predicted times of runs that the fit had not seen. Where the accelerator was
measured under this software, its own runs count; else those of its generation, and where there are none those of
sources that were left out as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from planner.plan import Band
from planner.time_crossval import HeldOutRun
from planner.time_effects import class_of, generation_of

# Of runs from 5 % to 95 %; beyond them a quarter of the reach for runs of one's own, more where others stand for them.
SHARE = 0.9
WIDER, WIDER_OF_ITS_LIKE = 1.25, 1.6
FEW, NARROWEST, NARROWEST_OF_FEW, NARROWEST_OF_ITS_LIKE = 20, 0.05, 0.12, 0.18
FEWEST = 4
# No band reaches beyond half of or twice the prediction: there the prediction itself would be in doubt.
LEAST, MOST = 0.5, 2.0


def time_band(crossed: Sequence[HeldOutRun], abroad: Sequence[HeldOutRun], software: str, chip: str) -> Band:
    """The band of a class of software on an accelerator; an empty name stands for one that was not measured.

    `crossed` are runs predicted by fits to the other folds, `abroad` by fits to the other sources.
    """
    of_class = [item for item in crossed if class_of(item.run.group[0]) == class_of(software)]
    own = [item for item in of_class if item.run.group[1] == chip]
    generation = generation_of(chip)
    like = [item for item in of_class if generation and generation_of(item.run.group[1]) == generation]
    if len(own) >= FEWEST:
        narrowest = NARROWEST if len(own) >= FEW else NARROWEST_OF_FEW
        return _band(own, WIDER, narrowest, f"{_runs(own)}, each judged by fits to others")
    if len(like) >= FEWEST:
        chips = ", ".join(sorted({item.run.group[1] for item in like}))
        mine = f"{len(own)} of them on this accelerator" if own else "none of them on this accelerator"
        basis = f"{_runs(like)} on {chips}: the same generation, {mine}"
        return _band(like, WIDER_OF_ITS_LIKE, NARROWEST_OF_ITS_LIKE, basis)
    basis = f"not measured on this accelerator with this software: as {len(abroad)} runs of sources left out as a whole"
    return replace(_band(abroad, WIDER, NARROWEST_OF_ITS_LIKE, basis), measured=False)


def _band(held: Sequence[HeldOutRun], wider: float, narrowest: float, basis: str) -> Band:
    # Time lies as far above as the rate lies below: measured over predicted time is predicted over measured rate.
    ratios = [item.error + 1 for item in held]
    low, high = np.quantile(ratios, [(1 - SHARE) / 2, (1 + SHARE) / 2])
    low, high = min(1 + wider * (low - 1), 1 - narrowest), max(1 + wider * (high - 1), 1 + narrowest)
    return Band(low=max(math.floor(100 * low) / 100, LEAST), high=min(math.ceil(100 * high) / 100, MOST), basis=basis)


def _runs(held: Sequence[HeldOutRun]) -> str:
    sources = " and ".join(sorted({item.run.source for item in held}))
    return f"{len(held)} runs of {sources}"
