"""Which feasible row is best, and in which order do the others follow?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.eligible import Contender
from planner.layout import Ints
from planner.search import Floats, Pool
from planner.workload import ObjectiveWeights, Workload
from pricing.units import HOUR_S, HOURS_PER_MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """All rows of a pool with their money, and the best first. USD.

    `usd` is the price of the run when training, of a month when serving; `order` lists the rows that keep
    deadline and budget, best first.
    """

    usd: Floats
    order: Ints


def rank(workload: Workload, contenders: tuple[Contender, ...], pool: Pool) -> Ranking:
    """Orders rows by the objective; ties go to less money, fewer nodes, fewer extra techniques, less time, the name.

    Money comes first, because types that differ only in their host are equally fast; nodes come before time,
    because a cluster that is as cheap as one instance only has more that can fail.
    """
    price = np.array([float(item.offer.usd_per_hour_per_node) for item in contenders] or [np.nan])
    hours = pool.job_s / HOUR_S if workload.training else np.full(len(pool), float(HOURS_PER_MONTH))
    usd = price[pool.machine] * pool.nodes * hours
    within = np.ones(len(pool), dtype=bool)
    if workload.training:
        within &= pool.job_s <= workload.limits.deadline_s
    if workload.limits.budget is not None:
        within &= usd <= float(workload.limits.budget)
    rows = np.flatnonzero(within)
    keys = (
        rows,
        pool.machine[rows],
        pool.job_s[rows],
        _extra(contenders, pool)[rows],
        pool.nodes[rows],
        _score(ObjectiveWeights(cost=1, time=0), usd[rows], pool.job_s[rows]),
        _score(workload.weights, usd[rows], pool.job_s[rows]),
    )
    return Ranking(usd=usd, order=rows[np.lexsort(keys)])


def _score(weights: ObjectiveWeights, usd: Floats, job_s: Floats) -> Floats:
    """Weighed logarithms, so that the weights compare relative changes and units do not matter.

    Rounded to a part in a billion, so that rows that differ by arithmetic noise alone are ties.
    """
    total = weights.cost + weights.time
    return np.round((weights.cost * np.log(usd) + weights.time * np.log(job_s)) / total, 9)


def _extra(contenders: tuple[Contender, ...], pool: Pool) -> Ints:
    widest = max((len(item.options) for item in contenders), default=1)
    table = np.zeros((max(len(contenders), 1), widest), dtype=np.int64)
    for index, item in enumerate(contenders):
        table[index, : len(item.options)] = [option.extra for option in item.options]
    return table[pool.machine, pool.option]
