"""On which terms is each feasible row bought, which is best, and in which order do the others follow?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from planner.cost import wasted_share
from planner.eligible import Contender, most_nodes
from planner.layout import Ints
from planner.search import Floats, Pool
from planner.terms import block_hours
from planner.workload import ObjectiveWeights, Workload
from pricing.market import Market
from pricing.offer import Offer, Purchase
from pricing.units import HOUR_S, HOURS_PER_MONTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """All rows of a pool with their money, and the best first. USD.

    `usd` is the price of the run when training, of a month when serving; `order` lists the rows that keep
    deadline and budget, best first.
    """

    usd: Floats
    order: Ints


def join_offers(contenders: tuple[Contender, ...], pool: Pool, market: Market) -> Pool:
    """Every row with every offer of its machine that the account's quota lets it take so often."""
    counts = np.array([len(item.offers) for item in contenders] or [0])
    copies = counts[pool.machine]
    rows = np.repeat(np.arange(len(pool)), copies)
    offer = np.arange(len(rows)) - np.repeat(np.cumsum(copies) - copies, copies)
    most = _by_offer(contenders, lambda each: most_nodes(each, market))
    allowed = pool.nodes[rows] <= most[pool.machine[rows], offer]
    return pool.take(rows[allowed], offer[allowed])


def rank(workload: Workload, contenders: tuple[Contender, ...], pool: Pool, market: Market) -> Ranking:
    """Orders rows by the objective; ties go to less money, fewer nodes, fewer extra techniques, less time, the name.

    A row's money is that of its instances: of a training run in a Capacity Block, for the whole block; of one on spot,
    with the time that interruptions are expected to waste. Money comes first, because types that differ only in their
    host are equally fast; nodes come before time, because a cluster that is as cheap as one instance only has more
    that can fail.
    """
    price = _by_offer(contenders, lambda each: float(each.usd_per_hour_per_node))
    hours = pool.job_s / HOUR_S if workload.training else np.full(len(pool), float(HOURS_PER_MONTH))
    if workload.training:
        block = _by_offer(contenders, lambda each: each.purchase is Purchase.CAPACITY_BLOCK)
        hours = np.where(block[pool.machine, pool.offer] == 1, block_hours(hours), hours)
    usd = price[pool.machine, pool.offer] * pool.nodes * hours
    if workload.training:
        wasted = _by_offer(contenders, lambda each: wasted_share(each, market) or 0.0)
        usd *= 1 + wasted[pool.machine, pool.offer] * pool.nodes
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


def _by_offer(contenders: tuple[Contender, ...], figure: Callable[[Offer], float]) -> Floats:
    """A figure of every offer, by contender and offer; NaN beyond a contender's last."""
    widest = max((len(item.offers) for item in contenders), default=1)
    table = np.full((max(len(contenders), 1), widest), np.nan)
    for index, item in enumerate(contenders):
        table[index, : len(item.offers)] = [figure(each) for each in item.offers]
    return table


def _extra(contenders: tuple[Contender, ...], pool: Pool) -> Ints:
    widest = max((len(item.options) for item in contenders), default=1)
    table = np.zeros((max(len(contenders), 1), widest), dtype=np.int64)
    for index, item in enumerate(contenders):
        table[index, : len(item.options)] = [option.extra for option in item.options]
    return table[pool.machine, pool.option]
