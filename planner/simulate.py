"""What does a plan's fleet make of a stream of requests, drawn from its workload or recorded?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from msgspec import Struct

from planner.calibration import Calibration
from planner.errors import WorkloadError
from planner.handover import Served
from planner.load import Loaded
from planner.plan import Candidate, Decision
from planner.pooling import pooled, pooled_loop
from planner.replica import Replica
from planner.replica_clock import StepTable
from planner.request_stream import closed_requests, poisson_requests
from planner.search_serving import load_of
from planner.served import places
from planner.serving import Load, replica_of
from planner.serving_modes import LEAST_IN_FLIGHT, STEPS, Lengths, arrivals, closed_loop, in_flight_at, late_s
from planner.serving_spread import spreads
from planner.simulated import Expected, Simulated, simulated
from planner.simulation import Requests
from planner.sliced import as_cut
from planner.split_simulation import SplitFleet, expected_of_split, replay_split
from planner.spread import USUAL_VARIATION
from planner.step_table import step_table
from planner.trace import read_trace
from planner.workload import Inference
from pricing.catalog import load_instance_types
from pricing.records import replace

# Enough for the 99th percentile to stand on 200 requests.
USUAL_REQUESTS = 20_000


class Drawn(Struct, frozen=True, kw_only=True):
    """Requests at random, as many as wanted; the same ones for the same seed.

    `variation` is the standard deviation of their lengths over the workload's means.
    """

    count: int | None = None
    seed: int | None = None
    variation: float | None = None

    @property
    def spread(self) -> float:
        """The variation of lengths, the usual one unless another is wanted."""
        return USUAL_VARIATION if self.variation is None else self.variation

    def __str__(self) -> str:
        return f"drawn from the workload's load, lengths {self.spread:.0%} apart on average, seed {self.seed or 0}"


class Recorded(Struct, frozen=True, kw_only=True):
    """Requests of a trace."""

    path: Path
    gaps_are_idle: bool = False

    def __str__(self) -> str:
        return f"the trace {self.path}"


def simulate_plan(loaded: Loaded, decision: Decision, calibration: Calibration, stream: Drawn | Recorded) -> Simulated:
    """Replays a stream through the replicas of a decision.

    Raises WorkloadError where nothing is served, TraceError where the trace cannot be right, or asks for more than the
    model or a replica can hold.
    """
    inference, chosen = loaded.workload.inference, decision.plan.chosen
    if inference is None or chosen.service is None or decision.recipe is None:
        raise WorkloadError(f"{loaded.file}: a training run has no requests to simulate; simulate what is served")
    load = load_of(inference, loaded.shape)
    machine = as_cut(loaded.workload, load_instance_types())[chosen.instance_type]
    factors = calibration.serving_factors(chosen.framework, chosen.accelerator)
    replica = replica_of(loaded.shape, decision.recipe, chosen.layout, machine, factors, load)
    table = step_table(replica, load, places(loaded.workload, chosen))
    requests = _requests(loaded, inference, load, table, stream, chosen)
    if chosen.split:
        served = Served(shape=loaded.shape, recipe=decision.recipe, machine=machine, factors=factors, load=load)
        fleet = SplitFleet(served=served, split=chosen.split, decode=chosen.layout, replicas=chosen.service.replicas)
        return _split(loaded, requests, fleet, table, warm_up=isinstance(stream, Drawn))
    expected = (_expected_embeddings if load.pools else _expected)(replica, requests, chosen.service.replicas, table)
    return simulated(
        requests, table, chosen.service.replicas, expected, warm_up=isinstance(stream, Drawn), embeds=load.pools
    )


def _split(loaded: Loaded, requests: Requests, fleet: SplitFleet, table: StepTable, *, warm_up: bool) -> Simulated:
    """The same through replicas for prompts and others for answers."""
    if requests.clients is not None:
        raise WorkloadError(
            f"{loaded.file}: prompts and answers on replicas of their own are simulated for arrivals alone, and the "
            "load is of requests in flight. Give inference.requests_per_second, or a trace."
        )
    expected = expected_of_split(requests, fleet, table.batch)
    run = replay_split(requests, fleet, table)
    return simulated(requests, table, fleet.replicas, expected, warm_up=warm_up, replayed=run)


def _expected(replica: Replica, requests: Requests, replicas: int, table: StepTable) -> Expected:
    """What the formulas say of a stream's mean rate and lengths, shared evenly by the replicas."""
    prompt, answer = float(requests.input_tokens.mean()), float(requests.output_tokens.mean())
    lengths = Lengths(prompt=prompt, answer=answer, cached=table.known_share * prompt)
    at_once: float
    if requests.clients is not None:
        at_once = requests.clients / replicas
        pace = closed_loop(replica, lengths, at_once)
    else:
        at_once = in_flight_at(replica, lengths, _rate(requests) / replicas, table.batch)
        pace = arrivals(replica, lengths, at_once)
    variation = float(requests.input_tokens.std() / prompt)
    late = late_s(replica, pace.tpot_s) + _rest_of_a_round_s(replica, at_once, at_once * lengths.live)
    return Expected(
        ttft_s=float(pace.ttft_s),
        tpot_s=float(pace.tpot_s),
        output_tokens_per_s=float(pace.requests_per_s) * replicas * lengths.answer,
        delay_s=float(replica.received_s(prompt) + late),
        spreads=spreads(replica, lengths, at_once, pace, variation=variation, replicas=replicas),
    )


def _expected_embeddings(replica: Replica, requests: Requests, replicas: int, table: StepTable) -> Expected:
    """The same of requests for embeddings, of which each counts as one token."""
    lengths = Lengths(prompt=float(requests.input_tokens.mean()), answer=0.0)
    if requests.clients is not None:
        pace = pooled_loop(replica, lengths, requests.clients / replicas)
    else:
        in_flight = np.geomspace(LEAST_IN_FLIGHT, table.batch, STEPS)
        rates = pooled(replica, lengths, in_flight).requests_per_s
        pace = pooled(replica, lengths, np.interp(_rate(requests) / replicas, rates, in_flight))
    return Expected(
        ttft_s=float(pace.ttft_s),
        tpot_s=0.0,
        output_tokens_per_s=float(pace.requests_per_s) * replicas,
        delay_s=float(replica.received_s(lengths.prompt)),
    )


def _rate(requests: Requests) -> float:
    """Requests/s of a stream, from its first to its last."""
    return len(requests) / float(requests.at_s[-1] - requests.at_s[0] or 1.0)


def _rest_of_a_round_s(replica: Replica, sequences: float, live: float) -> float:
    """What a round of drafts takes beyond the one token that the simulation counts a step by, whose end a first token
    waits for; nothing without drafts."""
    return float(replica.step_s(sequences, live, undivided=True) - replica.step_s(sequences, live))


def _requests(
    loaded: Loaded, inference: Inference, load: Load, table: StepTable, stream: Drawn | Recorded, chosen: Candidate
) -> Requests:
    if isinstance(stream, Recorded):
        model, cache = loaded.shape.context_tokens, table.room_tokens
        whose = (
            f"for which {loaded.shape.name} was made"
            if model <= cache
            else f"what a replica on {chosen.instance_type} holds"
        )
        return read_trace(
            stream.path,
            longest_tokens=min(model, cache),
            why_longest=whose,
            gaps_are_idle=stream.gaps_are_idle,
            embeds=load.pools,
        )
    count, seed = stream.count or USUAL_REQUESTS, stream.seed or 0
    # Lengths vary around the means, which alone may be all that the workload names as its context.
    load = replace(load, context_tokens=min(loaded.shape.context_tokens, table.room_tokens))
    if inference.requests_per_second is not None:
        return poisson_requests(load, inference.requests_per_second, count, seed, stream.spread)
    assert inference.concurrency is not None
    return closed_requests(load, inference.concurrency, count, seed, stream.spread)
