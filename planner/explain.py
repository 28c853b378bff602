"""Why does the chosen rung win, why do the others lose, and why is each instance type not in the plan?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from planner.eligible import Contender
from planner.layout import Ints, Layout
from planner.legal import (
    BATCH_DIVIDES,
    EXPERTS_DIVIDE,
    HEADS_DIVIDE,
    MICRO_BATCHES_FILL,
    NODES_DIVIDE,
    SEQUENCE_SPLITS,
    STAGES_FILLED,
    TENSOR_IN_NODE,
    Rule,
    Space,
    broken_rules,
)
from planner.plan import Candidate, Rejection, Rung, RungAnswer
from planner.rank import Ranking
from planner.search import OF_DEVICE, RUNGS, Miss, Pool, Scope
from planner.workload import Inference, Workload
from pricing.offer import Offer
from pricing.records import replace
from pricing.reservation import Held
from pricing.units import HOUR_S, show_duration, show_gib, show_mib, show_usd

if TYPE_CHECKING:
    from planner.replica import Replica
    from planner.serving import Load
    from planner.serving_modes import Pace

# An instance type that a sentence names by itself.
_TYPE = re.compile(r"(?<! x )(?<![\w.])[\w-]+\.[\w-]+(?![\w.])")
_ALONE = (Rung.SINGLE_ACCELERATOR, Rung.MORE_OPTIMIZATION)
# Rules that a pinned degree breaks or keeps whatever the free ones are.
_RULES_OF_ONE = (
    HEADS_DIVIDE,
    TENSOR_IN_NODE,
    STAGES_FILLED,
    SEQUENCE_SPLITS,
    EXPERTS_DIVIDE,
    BATCH_DIVIDES,
    MICRO_BATCHES_FILL,
    NODES_DIVIDE,
)


class Found(Struct, frozen=True, kw_only=True):
    """What a search came to.

    `pool` are the rows that may be bought, each on every terms; `fitting` are the same before the account's quotas.
    `loose` are the rows that only memory limits: when serving, those too that answer too late or take too many
    instances. `describe` tells a row of any of them in full.
    """

    workload: Workload
    scope: Scope
    contenders: tuple[Contender, ...]
    pool: Pool
    fitting: Pool
    loose: Pool
    ranking: Ranking
    describe: Callable[[Pool, int], Candidate]
    nodes_allowed: Callable[[Offer], float]
    held: Held | None

    @property
    def allows_split(self) -> bool:
        """Whether the pool has fleets whose prompts have replicas of their own."""
        return self.workload.inference is not None and self.workload.inference.disaggregate == "allow"

    @property
    def chosen(self) -> int:
        """The best row."""
        return int(self.ranking.order[0])


def ladder(found: Found) -> tuple[RungAnswer, ...]:
    """The best of every rung, with a verdict: chosen, dearer or slower by how much, or what it misses."""
    answers = []
    order = found.ranking.order
    for index, rung in enumerate(RUNGS):
        rows = order[found.pool.rung[order] == index]
        if len(rows):
            row = int(rows[0])
            verdict = "chosen" if row == found.chosen else _comparison(found, row)
            answers.append(RungAnswer(rung=rung, best=found.describe(found.pool, row), verdict=verdict))
        else:
            answers.append(RungAnswer(rung=rung, best=None, verdict=rung_miss(found, rung)))
    return tuple(answers)


def searched_rejections(found: Found) -> tuple[Rejection, ...]:
    """For each contender that is not chosen: what its best costs, or which limit or memory it misses."""
    answers = []
    pool, best = found.pool, best_of_each(found)
    for index, contender in enumerate(found.contenders):
        if index == int(pool.machine[found.chosen]):
            continue
        if index in best:
            reason = _comparison(found, best[index])
        elif len(rows := np.flatnonzero(pool.machine == index)):
            reason = _limit_miss(found, rows, np.flatnonzero(found.fitting.machine == index))
        elif len(fitting := np.flatnonzero(found.fitting.machine == index)):
            reason = _quota_miss(found, fitting)
        elif len(loose := np.flatnonzero(found.loose.machine == index)):
            reason = _late_miss(found, loose)
        else:
            reason = _machine_miss(pool, index)
        answers.append(Rejection(subject=contender.machine.name, reason=reason, change=""))
    return tuple(answers)


def best_of_each(found: Found) -> dict[int, int]:
    """The best row of each contender that has one within the limits, by their indices, best first."""
    order = found.ranking.order
    first = np.full(len(found.contenders), len(order))
    np.minimum.at(first, found.pool.machine[order], np.arange(len(order)))
    return {int(index): int(order[first[index]]) for index in np.argsort(first) if first[index] < len(order)}


def rung_miss(found: Found, rung: Rung) -> str:
    """Why a rung has no answer: what came nearest, and by how much it misses."""
    rows, fitting, loose = (
        np.flatnonzero(pool.rung == RUNGS.index(rung)) for pool in (found.pool, found.fitting, found.loose)
    )
    if len(rows):
        return _limit_miss(found, rows, fitting)
    if len(fitting):
        return _quota_miss(found, fitting)
    if len(loose):
        return _late_miss(found, loose, floors=True)
    if rung in found.pool.misses:
        return _memory_miss(found, found.pool.misses[rung])
    if rung in _ALONE and all(item.machine.accelerators > 1 for item in found.contenders):
        return "no instance type that may be considered has a single accelerator"
    if rung is Rung.MORE_OPTIMIZATION:
        return "no further technique is allowed; techniques.accept widens the choice"
    if rung is Rung.CLUSTER and found.scope.max_nodes == 1:
        return "the limits allow one node"
    return "no legal layout within the limits and pins"


def broken_pins(found: Found) -> tuple[str, ...]:
    """Rules that the pinned degrees break on every contender, in words."""
    training = found.workload.training
    pins = found.scope.pins
    layout = Layout(**{name: value for name, value in pins.items() if name != "nodes"})
    # A replica that serves has no micro-batches to fill its stages with, and needs none.
    each = layout.data * layout.micro_batch
    passes = training.global_batch // each if training else layout.pipeline
    layout = replace(layout, micro_batches=passes)
    spaces = [
        Space(
            shape=found.scope.shape,
            sequence_tokens=training.sequence_length if training else 1,
            global_batch=training.global_batch if training else each,
            framework=framework,
            devices_per_node=contender.machine.devices,
            max_nodes=found.scope.max_nodes,
            pins=found.scope.pins,
        )
        for contender in found.contenders
        for framework in {option.framework.name: option.framework for option in contender.options}.values()
        # Software without a degree has no layouts with it, whatever the rules.
        if all(value == 1 or name in {*framework.degrees, "micro_batch", "nodes"} for name, value in pins.items())
    ]
    rules: tuple[Rule, ...] = _RULES_OF_ONE
    if not training:
        from planner.serving_layouts import SERVING_RULES

        rules = (*rules, *SERVING_RULES)
    broken = [broken_rules(space, layout, rules) for space in spaces]
    everywhere = [rule for rule in rules if broken and all(rule in each for each in broken)]
    # What is broken on every type is told of the one with most devices.
    return tuple(rule.says(max(spaces, key=lambda space: space.devices_per_node), layout) for rule in everywhere)


def grouped(rejections: Sequence[Rejection]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What keeps types out, with the types that each reason keeps out; the reason of most of them first."""
    groups: dict[str, list[str]] = {}
    for item in rejections:
        # What is said of each type by its name is the same sentence; `8 x TYPE` is about something else.
        says = _TYPE.sub(partial(_named, item.subject), item.reason)
        groups.setdefault(f"{says}; {item.change}" if item.change else says, []).append(item.subject)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    return tuple((says, tuple(names)) for says, names in ordered)


def _named(subject: str, found: re.Match[str]) -> str:
    return "it" if found[0] == subject else found[0]


def _comparison(found: Found, row: int) -> str:
    ranking, job_s = found.ranking, found.pool.job_s
    money = ranking.usd[row] / ranking.usd[found.chosen]
    time = job_s[row] / job_s[found.chosen]
    dearer = f"{times(money, 'cheaper', 'dearer')} ({show_usd(ranking.usd[row])} {_per(found.workload)})"
    slower = f"{times(time, 'faster', 'slower')} ({show_duration(float(job_s[row]))} {_of(found.workload)})"
    return f"{slower}, {dearer}" if found.workload.objective == "time" else f"{dearer}, {slower}"


def times(ratio: float, less: str, more: str) -> str:
    """A ratio in words, such as 12% dearer."""
    if abs(ratio - 1) < 0.005:
        return f"no {more}"
    if ratio > 2:
        return f"{ratio:.1f} times {more}"
    return f"{ratio - 1:.0%} {more}" if ratio > 1 else f"{1 - ratio:.0%} {less}"


def _per(workload: Workload) -> str:
    return "a run" if workload.ends else "a month"


def _of(workload: Workload) -> str:
    return "a run" if workload.ends else "a request"


def _memory_miss(found: Found, miss: Miss) -> str:
    techniques = ", ".join(miss.option.recipe.techniques)
    # What is trained, or streams, is judged with its band, a served model by the share of memory that the engine takes.
    banded = found.workload.training or miss.option.framework.streaming
    edge = " at the upper edge of its band" if banded and miss.of == OF_DEVICE else ""
    return (
        f"does not fit: nearest is {_fleet(miss.machine.name, miss.nodes)}, which needs "
        f"{show_gib(miss.need_bytes)} {miss.of}{edge} and has {show_gib(miss.have_bytes)} ({techniques})"
    )


def _machine_miss(pool: Pool, index: int) -> str:
    """Why a contender has no row that fits."""
    miss = pool.machine_misses.get(index)
    if index in pool.untimed:
        return "fits, but no source states all rates that its time depends on"
    if miss is None:
        return "no legal layout fills its devices within the limits and pins"
    on = f"{miss.nodes} nodes" if miss.nodes > 1 else "one node"
    # A need that rounds to what the device has is told more exactly.
    show = show_gib if show_gib(miss.need_bytes) != show_gib(miss.have_bytes) else show_mib
    return f"needs {show(miss.need_bytes)} {miss.of} or more, even on {on}, and has {show(miss.have_bytes)}"


def _limit_miss(found: Found, rows: Ints, fitting: Ints) -> str:
    """Fits in memory, but breaks the deadline or the budget; the row nearest to keeping both.

    `fitting` are the same before the account's quotas, which may be what the deadline is broken for.
    """
    limits, job_s, usd = found.workload.limits, found.pool.job_s, found.ranking.whole_usd
    deadline = limits.deadline_s if found.workload.ends else np.inf
    timely = fitting[found.fitting.job_s[fitting] <= deadline]
    if len(timely) and np.all(job_s[rows] > deadline):
        return _quota_miss(found, timely)
    budget = float(limits.budget) if limits.budget else np.inf
    unsold = ~np.isfinite(usd)
    spent = np.where(unsold[rows], np.inf, np.where(unsold[rows], 0.0, usd[rows]) / budget)
    excess = np.maximum(job_s[rows] / deadline, spent)
    # Types that differ only in their host are equally fast: the cheaper one is nearer.
    best = int(rows[np.lexsort((usd[rows], np.round(excess, 9)))[0]])
    broken = []
    if job_s[best] > deadline:
        priced = "" if unsold[best] or usd[best] > budget else f" for {show_usd(usd[best])}"
        broken.append(f"takes {show_duration(float(job_s[best]))}{priced} (the deadline is {show_duration(deadline)})")
    if unsold[best]:
        broken.append(_unheld(found.held))
    elif usd[best] > budget:
        broken.append(f"costs {show_usd(usd[best])} {_per(found.workload)} (the budget is {show_usd(budget)})")
    return f"nearest is {_name(found, found.pool, best)}, which {' and '.join(broken)}"


def _unheld(held: Held | None) -> str:
    """Why a run is held neither by a block that is sold, nor by what the account has reserved."""
    if held is None:
        return "no Capacity Block holds: none has more than 64 instances or 182 days, to the edge of the band"
    left = show_duration(held.hours_left * HOUR_S)
    return f"outlasts {held.reservation.id} to the edge of the band: {left} of it can be used"


def _quota_miss(found: Found, rows: Ints) -> str:
    """Does the job, but with more nodes than the account may run."""
    row = int(rows[np.argmin(found.fitting.nodes[rows])])
    contender = found.contenders[int(found.fitting.machine[row])]
    allowed = ", ".join(
        f"{found.nodes_allowed(offer):.0f} as {offer.purchase} in {offer.region}" for offer in contender.offers
    )
    bounds = "reservation and quotas allow" if found.held else "quotas allow"
    return f"nearest is {_name(found, found.fitting, row)}, but the account's {bounds} {allowed}; raise them"


def _late_miss(found: Found, rows: Ints, *, floors: bool = False) -> str:
    """Fits in memory, but answers too late, or carries the load only with too many instances.

    With `floors` it says how fast the replica could be, and what keeps it from that.
    """
    # A training plan does not load what answers requests.
    from planner.serving import pace_of

    loose, inference, pins = found.loose, found.workload.inference, found.scope.pins
    assert inference is not None
    most = pins.get("nodes", found.scope.max_nodes)
    few = rows[loose.nodes[rows] <= most]
    best = int(few[np.argmin(loose.job_s[few])] if len(few) else rows[np.argmin(loose.nodes[rows])])
    replica, load = _replica(found, inference, best)
    pace = pace_of(replica, load, loose.layout.row(best).micro_batch)
    late = [
        f"a {name} of {show_duration(value)} (the limit is {show_duration(limit)})"
        for name, value, limit in (
            ("TTFT", float(pace.ttft_s), inference.ttft),
            ("TPOT", float(pace.tpot_s), inference.tpot),
        )
        if len(few) and limit is not None and value > limit
    ]
    machine = found.contenders[int(loose.machine[best])].machine
    alone = int(loose.layout.devices[best]) // machine.devices
    if not len(few) and alone > most:
        return f"nearest is {machine.name}, of which one replica takes {alone}, and the limits allow {most}"
    allowed = "pin.nodes asks for" if "nodes" in pins else "the limits allow"
    missed = f"which has {' and '.join(late)}" if late else f"which the load takes, but {allowed} {most}"
    bound = _floors(inference, replica, load, pace) if floors else ()
    return "; ".join((f"nearest is {_name(found, loose, best)}, {missed}", *bound))


def _replica(found: Found, inference: Inference, row: int) -> tuple[Replica, Load]:
    """The replica of a loose row, and the load that it answers."""
    from planner.search_serving import load_of
    from planner.serving import replica_of

    loose, shape = found.loose, found.scope.shape
    contender = found.contenders[int(loose.machine[row])]
    option = contender.options[int(loose.option[row])]
    factors = found.scope.calibration.serving_factors(option.framework.name, contender.machine.accelerator.name)
    load = load_of(inference, shape)
    return replica_of(shape, option.recipe, loose.layout.row(row), contender.machine, factors, load), load


def _floors(inference: Inference, replica: Replica, load: Load, pace: Pace) -> Iterator[str]:
    """How fast a replica answers a request alone, and what binds it, where its pace is not enough."""
    # Needed where nothing answers in time: plans that succeed do without.
    from planner.binding import prompt_floor, token_floor

    if inference.ttft is not None and pace.ttft_s > inference.ttft:
        yield prompt_floor(replica, load)
    if inference.tpot is not None and pace.tpot_s > inference.tpot:
        yield token_floor(replica, load)


def _name(found: Found, pool: Pool, row: int) -> str:
    return _fleet(found.contenders[int(pool.machine[row])].machine.name, int(pool.nodes[row]))


def _fleet(name: str, nodes: int) -> str:
    return f"{nodes} x {name}" if nodes > 1 else name
