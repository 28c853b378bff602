"""What would the planner have said of measured serving runs, one by one or all at once?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.calibration import Calibration, StepFactors
from planner.replica import Replica
from planner.serving_modes import Lengths, Pace, closed_loop, full_rate, static_batch
from planner.serving_runs import FIRST_SHARE, ServingRun, Way
from planner.step_work import StepWork
from pricing.records import replace

Floats = NDArray[np.float64]


class Figures(Struct, frozen=True, kw_only=True):
    """What rows are judged by: seconds to the first token and between tokens, output tokens/s."""

    ttft_s: Any
    tpot_s: Any
    tokens_per_s: Any


def figures(way: Way, replica: Replica, lengths: Lengths, clients: Any) -> Figures:
    """The figures of a replica under one kind of load."""
    pace = _pace(way, replica, lengths, clients)
    rate = clients / pace.decode_s if way is Way.DECODE else pace.requests_per_s * lengths.answer
    return Figures(ttft_s=pace.ttft_s, tpot_s=pace.tpot_s, tokens_per_s=rate)


def run_figures(run: ServingRun, calibration: Calibration) -> Figures:
    """The figures of one run; NaN where a rate of its accelerator is not known."""
    return figures(run.way, run.replica(calibration), run.lengths, max(run.clients, 1.0))


def _pace(way: Way, replica: Replica, lengths: Lengths, clients: Any) -> Pace:
    if way is Way.CLOSED:
        return closed_loop(replica, lengths, clients, FIRST_SHARE)
    if way is Way.PEAK:
        most = replica.most_sequences(lengths.prompt, lengths.answer)
        return full_rate(replica, lengths, np.maximum(most, 1.0))
    return static_batch(replica, lengths, clients)


class _Alike(Struct, frozen=True, kw_only=True):
    """Runs under the same kind of load, as arrays; `at` is where they stand among all."""

    at: NDArray[np.int64]
    way: Way
    replica: Replica
    lengths: Lengths
    clients: Floats


class Stack:
    """Runs as arrays, so that one call answers for all of them under any factors."""

    def __init__(self, runs: Sequence[ServingRun], calibration: Calibration) -> None:
        self.count = len(runs)
        self._parts = [
            _stacked(way, [(index, run) for index, run in enumerate(runs) if run.way is way], calibration)
            for way in Way
            if any(run.way is way for run in runs)
        ]

    def figures(self, factors: dict[str, Floats]) -> Figures:
        """Figures of all runs; `factors` has an array of each factor of a step, a value for each run."""
        found = np.full((3, self.count), np.nan)
        for part in self._parts:
            own = {name: values[part.at] for name, values in factors.items()}
            if part.way is Way.STATIC:
                own["spread"] = own["alike"]
            answer = figures(part.way, replace(part.replica, factors=StepFactors(**own)), part.lengths, part.clients)
            found[:, part.at] = answer.ttft_s, answer.tpot_s, answer.tokens_per_s
        return Figures(ttft_s=found[0], tpot_s=found[1], tokens_per_s=found[2])


def _stacked(way: Way, runs: Sequence[tuple[int, ServingRun]], calibration: Calibration) -> _Alike:
    replicas = [run.replica(calibration) for _, run in runs]

    def column(name: str) -> Floats:
        return np.array([float(getattr(replica, name)) for replica in replicas])

    work = {
        name: np.array([float(getattr(replica.work, name)) for replica in replicas])
        for name in StepWork.__struct_fields__
    }
    return _Alike(
        at=np.array([index for index, _ in runs]),
        way=way,
        replica=Replica(
            work=StepWork(**work),
            factors=replicas[0].factors,
            capacity_tokens=column("capacity_tokens"),
            largest_batch=column("largest_batch"),
            batched_tokens=column("batched_tokens"),
            mixes_prompts=column("mixes_prompts").astype(bool),
            reserved_share=column("reserved_share"),
        ),
        lengths=Lengths(
            prompt=np.array([run.lengths.prompt for _, run in runs]),
            answer=np.array([run.lengths.answer for _, run in runs]),
        ),
        clients=np.array([max(run.clients, 1.0) for _, run in runs]),
    )
