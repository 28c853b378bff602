"""What do single requests see where prompts and answers have replicas of their own?

Two simulations of planner.simulation, one after the other: the prompts, each with one token to make, on replicas that
do nothing else; then, in the order in which their caches arrive, the answers on replicas that know the whole prompt.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict

from planner.handover import Served, answers_of, prompts_of, roles
from planner.layout import Ints, Layout, LayoutGrid
from planner.replica_clock import StepTable
from planner.serving import PLANNED_SHARE, replica_of
from planner.serving_modes import BUSIEST
from planner.simulated import Expected
from planner.simulation import Replay, Requests, replay
from planner.split_record import Split
from planner.step_table import step_table
from pricing.records import replace


class SplitFleet(Struct, frozen=True, kw_only=True):
    """A fleet to simulate: what it serves, who works on its prompts, and the layout and number of those that decode."""

    served: Served
    split: Split
    decode: Layout
    replicas: int


def replay_split(requests: Requests, fleet: SplitFleet, decode: StepTable) -> Replay:
    """Lets a fleet answer arrivals; sums over replicas are of those that decode."""
    served, split = fleet.served, fleet.split
    replica = replica_of(served.shape, served.recipe, split.layout, served.machine, served.factors, served.load)
    prompts = step_table(replica, served.load, int(replica.largest_batch))
    first = replay(replace(requests, output_tokens=np.ones_like(requests.output_tokens)), prompts, split.replicas)
    ready = first.last_s + split.handover_s * requests.input_tokens / served.load.input_tokens
    order = np.argsort(ready, kind="stable")
    handed = Requests(
        at_s=ready[order], input_tokens=requests.input_tokens[order], output_tokens=requests.output_tokens[order]
    )
    second = replay(handed, replace(decode, known_share=1.0), fleet.replicas)
    back = np.argsort(order, kind="stable")
    return replace(second, at_s=requests.at_s, first_s=second.first_s[back], last_s=second.last_s[back])


def expected_of_split(requests: Requests, fleet: SplitFleet, batch: int) -> Expected:
    """What the formulas say of a stream's mean rate and lengths, shared evenly by the replicas of each role."""
    prompt, answer = (max(round(float(each.mean())), 1) for each in (requests.input_tokens, requests.output_tokens))
    served = replace(fleet.served, load=replace(fleet.served.load, input_tokens=prompt, output_tokens=answer))
    rate = len(requests) / float(requests.at_s[-1] - requests.at_s[0] or 1.0)
    counts = np.arange(1, batch + 1)
    decode = LayoutGrid.of({**_columns(fleet.decode, batch), "micro_batch": counts})
    prompts = prompts_of(served, LayoutGrid.of(_columns(fleet.split.layout, 1)))
    times = roles(served, prompts, answers_of(served, decode), fleet.split.one_node)
    # Who come at a rate are in flight as many as are answered at it.
    at_once = np.interp(rate / fleet.replicas, times.decode_rate[0] / PLANNED_SHARE, counts)
    step, late_steps = float(np.interp(at_once, counts, times.answers.step_s)), times.admission_steps - 0.5
    each = float(prompts.each_s[0])
    busy = min(rate * each / fleet.split.replicas, BUSIEST)
    within = float(prompts.alone_s[0]) + busy / (2 * (1 - busy)) * each + float(times.handover_s[0, 0])
    # Of the wait to be let in the simulation has the rest of the step at work, half of one on average.
    delay = 2 * times.received_s + max(late_steps, 0.0) * step
    return Expected(
        ttft_s=within + delay + (min(times.admission_steps, 0.5) + 1) * step,
        tpot_s=step,
        output_tokens_per_s=rate * answer,
        delay_s=delay,
    )


def _columns(layout: Layout, rows: int) -> dict[str, Ints]:
    """The layout so many times."""
    return {name: np.full(rows, value, dtype=np.int64) for name, value in asdict(layout).items()}
