"""On which terms is each feasible row bought, which is best, and in which order do the others follow?"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from msgspec import Struct

from planner.calibration import Calibration
from planner.cost import RESTART_H, Beside, beside, interruptions_per_h
from planner.eligible import Contender, most_nodes
from planner.failures import lost_s
from planner.layout import Ints
from planner.recipe import Recipe
from planner.recipes import Option
from planner.run_band import run_band
from planner.search import Floats, Pool
from planner.shape import ModelShape
from planner.terms import block_node_hours
from planner.usage import CHECKPOINT_INTERVAL_H
from planner.workload import ObjectiveWeights, Workload
from pricing.market import Market
from pricing.offer import Offer, Purchase
from pricing.units import HOUR_S, HOURS_PER_MONTH


class Ranking(Struct, frozen=True, kw_only=True):
    """All rows of a pool with their money, and the best first. USD.

    `usd` is the instances' price of a run that ends, of a month when serving, inf where no Capacity Block, or
    not the account's own reservation, holds the fleet or the run; `whole_usd` counts what stands beside them too.
    `order` lists the rows that keep deadline and budget, best first.
    """

    usd: Floats
    whole_usd: Floats
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


def rank(
    workload: Workload,
    shape: ModelShape,
    contenders: tuple[Contender, ...],
    pool: Pool,
    market: Market,
    calibration: Calibration,
) -> Ranking:
    """Orders rows by the objective; ties go to less money, fewer nodes, fewer extra techniques, less time, the name.

    Of replicas that serve, data ranks of attention and expert ranks count as techniques too.

    A row's money is that of its instances: of a training run in a Capacity Block, for the whole block; of one on spot,
    with the time that interruptions are expected to waste. Money comes first, because types that differ only in their
    host are equally fast; nodes come before time, because a cluster that is as cheap as one instance only has more
    that can fail. The budget is for all that is paid, as far as its prices are known.
    """
    price = _by_offer(contenders, lambda each: float(each.usd_per_hour_per_node))[pool.machine, pool.offer]
    hours = pool.job_s / HOUR_S if workload.ends else np.full(len(pool), float(HOURS_PER_MONTH))
    usd = price * pool.nodes * hours
    within = np.ones(len(pool), dtype=bool)
    if workload.ends:
        often = _by_offer(contenders, lambda each: interruptions_per_h(each, market))[pool.machine, pool.offer]
        usd *= 1 + often * _stopped_h(contenders, pool, batch=workload.training is None)
        block = _by_offer(contenders, lambda each: each.purchase is Purchase.CAPACITY_BLOCK)
        latest = hours * _slowest(shape, contenders, calibration)[pool.machine, pool.option]
        held = market.held
        whole_block = price * block_node_hours(pool.nodes, latest, held if held and held.reservation.is_block else None)
        usd = np.where(block[pool.machine, pool.offer] == 1, whole_block, usd)
        usd = np.where(latest <= (held.hours_left if held else np.inf), usd, np.inf)
        within &= np.isfinite(usd) & (pool.job_s <= workload.limits.deadline_s)
    whole_usd = usd + _beside_usd(workload, shape, contenders, pool, market, hours)
    if workload.limits.budget is not None:
        within &= whole_usd <= float(workload.limits.budget)
    rows = np.flatnonzero(within)
    extra = _by_option(contenders, lambda _, option: option.extra)[pool.machine, pool.option]
    if workload.inference:
        extra += (pool.layout.data > 1).astype(float) + (pool.layout.expert > 1)
    keys = (
        rows,
        pool.machine[rows],
        pool.job_s[rows],
        extra[rows],
        pool.nodes[rows],
        score(ObjectiveWeights(cost=1, time=0), usd[rows], pool.job_s[rows]),
        score(workload.weights, usd[rows], pool.job_s[rows]),
    )
    return Ranking(usd=usd, whole_usd=whole_usd, order=rows[np.lexsort(keys)])


def _stopped_h(contenders: tuple[Contender, ...], pool: Pool, *, batch: bool) -> Floats:
    """Hours of nodes that an interruption of one wastes, by row: of all nodes a restart and half a checkpoint's
    interval; of a batch job's one replica a restart and half of what was in flight."""
    if not batch:
        return np.asarray((RESTART_H + CHECKPOINT_INTERVAL_H / 2) * pool.nodes)
    devices = np.array([item.machine.devices for item in contenders] or [1])[pool.machine]
    in_flight = pool.layout.micro_batch * pool.layout.micro_batches
    lost = lost_s(in_flight, pool.rate, pool.job_s) / HOUR_S
    return np.asarray((RESTART_H + lost) * np.maximum(pool.layout.devices // devices, 1))


def _slowest(shape: ModelShape, contenders: tuple[Contender, ...], calibration: Calibration) -> Floats:
    """The upper edge of the band of times, as a factor, by contender and option."""

    def edge(contender: Contender, option: Option) -> float:
        chip = contender.machine.accelerator.name
        return run_band(shape, option.framework, option.recipe, chip, calibration).high

    return _by_option(contenders, edge)


def _beside_usd(
    workload: Workload,
    shape: ModelShape,
    contenders: tuple[Contender, ...],
    pool: Pool,
    market: Market,
    hours: Floats,
) -> Floats:
    """USD of what stands beside the instances of each row, for so many hours."""
    # The same recipe in the same region stands at many types.
    known: dict[tuple[Recipe, str], Beside] = {}
    options = max((len(item.options) for item in contenders), default=1)
    offers = max((len(item.offers) for item in contenders), default=1)
    table = np.zeros((3, max(len(contenders), 1), options, offers))
    for index, item in enumerate(contenders):
        for (number, option), (place, offer) in product(enumerate(item.options), enumerate(item.offers)):
            key = option.recipe, offer.region
            if key not in known:
                known[key] = beside(workload, shape, *key, market)
            each = known[key]
            table[:, index, number, place] = each.usd_per_hour, each.usd_per_hour_per_node, each.usd_once_per_node
    fixed, per_node, once = table[:, pool.machine, pool.option, pool.offer]
    return np.asarray((fixed + per_node * pool.nodes) * hours + once * pool.nodes)


def score(weights: ObjectiveWeights, usd: Floats, job_s: Floats) -> Floats:
    """What rows are ordered by, least first: weighed logarithms, so that weights compare relative changes, in any unit.

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


def _by_option(contenders: tuple[Contender, ...], figure: Callable[[Contender, Option], float]) -> Floats:
    """A figure of every option, by contender and option; NaN beyond a contender's last."""
    widest = max((len(item.options) for item in contenders), default=1)
    table = np.full((max(len(contenders), 1), widest), np.nan)
    for index, item in enumerate(contenders):
        table[index, : len(item.options)] = [figure(item, option) for option in item.options]
    return table
