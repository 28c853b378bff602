"""What does a plan's fleet make of a batch of requests that all stand ready?

Engines that let requests in as others end replay them from the first moment on (planner.simulation); those that work
in blocks are followed through one (planner.streamed_simulation).
"""

from __future__ import annotations

import numpy as np

from planner.batch_setting import BatchJob, BatchSetting
from planner.calibration import Calibration
from planner.choose import job_of
from planner.errors import WorkloadError
from planner.framework import load_frameworks
from planner.load import Loaded
from planner.plan import Candidate, Decision
from planner.recipes import Option
from planner.request_stream import ready_requests
from planner.serving import replica_of
from planner.simulate import Drawn, Recorded
from planner.simulated import Compared
from planner.simulated_batch import TIME_TOLERANCE, SimulatedBatch
from planner.simulation import replay
from planner.step_table import step_table
from planner.streamed_simulation import followed_block_s
from pricing.catalog import load_instance_types

# As many as are replayed in a few seconds.
USUAL_REQUESTS = 100_000


def simulate_batch(
    loaded: Loaded, decision: Decision, calibration: Calibration, stream: Drawn | Recorded
) -> SimulatedBatch:
    """Follows a batch job through the replicas of a decision. Raises WorkloadError where a trace is given."""
    if isinstance(stream, Recorded):
        raise WorkloadError(f"{loaded.file}: the requests of a batch job all stand ready; leave --trace out")
    job, chosen = job_of(loaded.workload, loaded.shape), decision.plan.chosen
    assert isinstance(job, BatchJob) and chosen.batch and decision.recipe
    setting = BatchSetting(
        shape=loaded.shape,
        option=Option(framework=load_frameworks()[chosen.framework], recipe=decision.recipe, extra=0),
        machine=load_instance_types()[chosen.instance_type],
        load=job.load,
        calibration=calibration,
    )
    if job.load.pools:
        raise WorkloadError(
            f"{loaded.file}: every step of a batch of embeddings is alike; there is nothing to simulate"
        )
    follow = _blocks if setting.option.framework.streaming else _requests
    return follow(setting, job, chosen, stream)


def _requests(setting: BatchSetting, job: BatchJob, chosen: Candidate, stream: Drawn) -> SimulatedBatch:
    """All requests, or as many as are wanted, each with its own lengths."""
    assert chosen.batch
    load, replicas = job.load, chosen.batch.replicas
    replica = replica_of(setting.shape, setting.option.recipe, chosen.layout, setting.machine, setting.factors, load)
    table = step_table(replica, load, chosen.layout.micro_batch)
    count = min(stream.count or USUAL_REQUESTS, job.requests)
    longest = min(setting.shape.context_tokens, table.room_tokens)
    requests = ready_requests(load, count, stream.seed or 0, stream.spread, longest)
    run = replay(requests, table, replicas)
    made = float(requests.output_tokens.sum())
    expected = float(setting.run(chosen.layout, float(-(-count // replicas))).work_s)
    half, most, whole = (float(each) for each in np.percentile(run.last_s, (50, 95, 100)))
    return SimulatedBatch(
        requests=count,
        of_requests=job.requests,
        whole_s=_whole_s(setting, job, chosen, run.end_s / expected),
        replicas=replicas,
        in_flight=min(table.batch, count),
        work_s=run.end_s,
        output_tokens_per_s=made / run.end_s,
        answered_s=(half, most, whole),
        preemptions=run.preemptions,
        how=f"each replayed, {stream}",
        compared=_compared(expected, run.end_s, count * load.output_tokens, made),
    )


def _blocks(setting: BatchSetting, job: BatchJob, chosen: Candidate, stream: Drawn) -> SimulatedBatch:
    """A whole block, followed through its layers and batches, as often as there are; and what is left in a last one."""
    assert chosen.batch
    layout, lengths = chosen.layout, job.load.lengths
    count = min(stream.count or job.requests, job.requests)
    share = -(-count // chosen.batch.replicas)
    streamed = setting.streamed(layout)
    block = layout.micro_batch * layout.micro_batches
    whole, rest = divmod(share, block)
    work_s = 0.0
    for times, batches in ((whole, layout.micro_batches), (1, -(-rest // layout.micro_batch))):
        if times and batches:
            work_s += times * followed_block_s(streamed, layout.micro_batch, batches, lengths)
    made = count * job.load.output_tokens
    expected = float(setting.run(layout, float(share)).work_s)
    return SimulatedBatch(
        requests=count,
        of_requests=job.requests,
        whole_s=_whole_s(setting, job, chosen, work_s / expected),
        replicas=chosen.batch.replicas,
        in_flight=min(block, share),
        work_s=work_s,
        output_tokens_per_s=made / work_s,
        answered_s=None,
        preemptions=0,
        how="a block followed layer by layer and batch by batch, requests of one length",
        compared=_compared(expected, work_s, made, made),
    )


def _whole_s(setting: BatchSetting, job: BatchJob, chosen: Candidate, slower: float) -> tuple[float, float]:
    """What all requests of the job take by the formula, and by it times what the simulation was `slower` by."""
    assert chosen.batch
    formula = float(setting.run(chosen.layout, float(-(-job.requests // chosen.batch.replicas))).work_s)
    return formula, formula * slower


def _compared(analytic_s: float, simulated_s: float, planned: float, made: float) -> tuple[Compared, ...]:
    pairs = (
        ("time", "s", analytic_s, simulated_s),
        ("output rate", "tokens/s", planned / analytic_s, made / simulated_s),
    )
    return tuple(
        Compared(name=name, unit=unit, analytic=analytic, simulated=simulated, tolerance=TIME_TOLERANCE)
        for name, unit, analytic, simulated in pairs
    )
