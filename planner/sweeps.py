"""Do predictions rank layouts as measurement does, and scale to more accelerators as it does?

A sweep is what one publisher measured of one model on one cluster: the same accelerators, type and sequences, other
layouts. Repeated measurements of a layout count once, by their mean.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.time_crossval import HeldOutRun
from planner.time_fitting import TimedRun
from pricing.records import replace

Key = TypeVar("Key", bound=Hashable)

# Below this spread of what was measured, noise ranks layouts.
LEAST_SPREAD = 1.10
# Fewer layouts have too few orders: three are in the right one by chance every sixth time.
FEWEST_LAYOUTS = 4


class Sweep(Struct, frozen=True, kw_only=True):
    """The layouts of a sweep: measured and predicted tokens a second and accelerator, and who measured them."""

    name: str
    source: str
    measured: tuple[float, ...]
    predicted: tuple[float, ...]

    @property
    def rank_correlation(self) -> float:
        """Of what was measured and what is predicted."""
        return spearman(self.measured, self.predicted)


def spearman(some: Sequence[float], others: Sequence[float]) -> float:
    """The correlation of two sequences' ranks."""
    return float(np.corrcoef(_ranks(some), _ranks(others))[0, 1])


def sweeps(held: Sequence[HeldOutRun]) -> list[Sweep]:
    """Every sweep with enough layouts whose measured speeds spread far enough."""
    found = []
    for items in _grouped(held, [_cluster(item.run) for item in held]).values():
        layouts = _grouped(items, [(item.run.case.layout, item.run.case.recipe) for item in items])
        measured = tuple(float(np.mean([item.run.measured for item in each])) for each in layouts.values())
        predicted = tuple(float(np.mean([item.predicted for item in each])) for each in layouts.values())
        if len(layouts) >= FEWEST_LAYOUTS and max(measured) > LEAST_SPREAD * min(measured):
            row = items[0].run.case.row
            name = f"{row.says('model')} on {row.count('accelerators')} {row.says('accelerator')}"
            found.append(Sweep(name=name, source=items[0].run.source, measured=measured, predicted=predicted))
    return found


class Scaling(Struct, frozen=True, kw_only=True):
    """Speed on more accelerators over that on fewest, all else the same: measured and predicted."""

    name: str
    fewest: int
    most: int
    measured: float
    predicted: float


def weak_scaling(held: Sequence[HeldOutRun], fewest: int = 8, most: int = 512) -> list[Scaling]:
    """The efficiency from the fewest to the most accelerators of every run that was scaled by data ranks alone."""
    found = []
    within = [item for item in held if fewest <= item.run.case.row.count("accelerators") <= most]
    for items in _grouped(within, [_per_rank(item.run) for item in within]).values():
        sizes = _grouped(items, [item.run.case.row.count("accelerators") for item in items])
        ends = [sizes[size] for size in (min(sizes), max(sizes))]
        if len(sizes) < 2:
            continue
        measured = [np.mean([item.run.measured for item in end]) for end in ends]
        predicted = [np.mean([item.predicted for item in end]) for end in ends]
        row = items[0].run.case.row
        what = f"{row.says('model')} {row.says('compute_dtype')} on {row.says('accelerator')}"
        found.append(
            Scaling(
                name=f"{what}, {items[0].run.source}",
                fewest=min(sizes),
                most=max(sizes),
                measured=float(measured[1] / measured[0]),
                predicted=float(predicted[1] / predicted[0]),
            )
        )
    return found


def _cluster(run: TimedRun) -> Hashable:
    case, row = run.case, run.case.row
    kind = (row.says("technique"), row.says("compute_dtype"), row.says("recompute"), case.sequence_tokens)
    return run.source, replace(case.shape, notes=()), run.group, row.count("accelerators"), kind


def _per_rank(run: TimedRun) -> Hashable:
    """What stays the same when a run is spread over more data ranks with as many sequences each."""
    layout = replace(run.case.layout, data=1)
    return run.source, replace(run.case.shape, notes=()), run.group, run.case.recipe, run.case.sequence_tokens, layout


def _grouped(items: Sequence[HeldOutRun], keys: Sequence[Key]) -> Mapping[Key, list[HeldOutRun]]:
    found: dict[Key, list[HeldOutRun]] = {}
    for item, key in zip(items, keys, strict=True):
        found.setdefault(key, []).append(item)
    return found


def _ranks(values: Sequence[float]) -> NDArray[np.float64]:
    """Ranks, equal values sharing the mean of theirs."""
    given = np.asarray(values)
    below = (given[:, None] > given[None, :]).sum(axis=1)
    same = (given[:, None] == given[None, :]).sum(axis=1)
    return np.asarray(below + (same - 1) / 2.0)
