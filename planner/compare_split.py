"""What would replicas for prompts beside others for answers cost, and why are they in the plan or not?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.explain import Found, times
from planner.plan import Candidate, Comparison
from planner.rank import join_offers, rank, score
from planner.search import Part, pool
from planner.workload import ObjectiveWeights
from pricing.market import Market
from pricing.units import show_duration, show_usd


def split_comparison(found: Found, parts: Sequence[Part], chosen: Candidate, market: Market) -> Comparison:
    """The best fleet of the other kind beside the chosen one, and what decides between them."""
    if chosen.split:
        return Comparison(best=_together(found), verdict=_won(chosen, _together(found)))
    rows = join_offers(found.contenders, pool(parts), market)
    ranking = rank(found.workload, found.scope.shape, found.contenders, rows, market, found.scope.calibration)
    if not len(ranking.order):
        return Comparison(best=None, verdict=_missing(found))
    row, other = int(ranking.order[0]), found.chosen
    usd = np.array([ranking.usd[row], found.ranking.usd[other]])
    mine, chosens = score(found.workload.weights, usd, np.array([rows.job_s[row], found.pool.job_s[other]]))
    best = found.describe(rows, row)
    worth = not found.allows_split and bool(mine < chosens)
    return Comparison(best=best, verdict=_lost(best, chosen, worth, found.workload.objective))


def _together(found: Found) -> Candidate | None:
    """The best fleet whose replicas do both."""
    order = found.ranking.order
    rows = order[found.pool.partner[order] < 0] if found.pool.partner is not None else order
    return found.describe(found.pool, int(rows[0])) if len(rows) else None


def _won(chosen: Candidate, other: Candidate | None) -> str:
    if other is None:
        return "chosen: no fleet whose replicas do both keeps the limits"
    return f"chosen: with both on the same replicas {_against(other, chosen)}; {_unproven(chosen)}"


def _lost(best: Candidate, chosen: Candidate, worth: bool, objective: str | ObjectiveWeights) -> str:
    """Why the best split fleet is not in the plan: `worth` is whether it is the better one by the objective."""
    if not worth:
        by = objective if isinstance(objective, str) else f"cost {objective.cost:g} to time {objective.time:g}"
        return f"{_against(best, chosen)}: not worth it by the objective, {by}"
    return f"{_against(best, chosen)}; not considered unless inference.disaggregate is allow: {_unproven(best)}"


def _unproven(split: Candidate) -> str:
    assert split.split is not None
    return f"it takes {split.split.hands_over}, no run of it was measured, and no stack builds it yet"


def _against(one: Candidate, other: Candidate) -> str:
    """A fleet's money and time beside another's."""
    money = times(float(one.usd_per_hour / other.usd_per_hour), "cheaper", "dearer")
    first, second = one.service, other.service
    assert first is not None and second is not None
    return (
        f"{one.nodes} x {one.instance_type}: {money} ({show_usd(first.usd_per_month)} a month), "
        f"TTFT {show_duration(first.ttft_s)}, TPOT {show_duration(first.tpot_s)}"
    )


def _missing(found: Found) -> str:
    engines = {option.framework.title: option.framework for item in found.contenders for option in item.options}
    if not any(engine.hands_over for engine in engines.values()):
        return f"{' or '.join(engines)} hands no cache from one replica to another"
    most = found.scope.max_nodes
    return f"no pair of replicas keeps the limits on {f'{most} nodes or fewer' if most > 1 else 'one node'}"
