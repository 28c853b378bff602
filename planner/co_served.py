"""What do further models take of the instances that a model is served on, and where do they stand?

Each replica has whole devices of its own, so that models do not slow each other down: on an instance type every
further model takes the replicas that carry its load on the fewest devices. As many devices as there are in all then
say how many instances it takes: replicas inside a node are of sizes that divide it and each other, and fill it without
gaps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

import numpy as np
from msgspec import Struct

from planner.calibration import Calibration
from planner.candidate import candidate
from planner.cost import cents, hundredth_cents
from planner.eligible import Contender, contenders, most_nodes
from planner.fleet_record import WORTH_CHANGING
from planner.models import load_preset
from planner.plan import Candidate, Rejection, ServedBeside
from planner.search import ANY_NODES, Pool, Scope
from planner.search_serving import ServingJob, fleet_nodes, load_of, search_serving
from planner.serving_fields import CoServed
from planner.shape import ModelShape
from planner.workload import Inference, Pin, Workload
from pricing.market import Market
from pricing.records import replace
from pricing.units import HOURS_PER_MONTH, show_usd


class Other(Struct, frozen=True, kw_only=True):
    """A further model: its replicas that keep its limits, and by machine the row with the fewest devices."""

    shape: ModelShape
    job: ServingJob
    able: Mapping[str, Contender]
    pool: Pool
    rows: Mapping[str, int]

    def devices(self, machine: str) -> int:
        """Devices of all its replicas on a machine that has a row."""
        row = self.rows[machine]
        return int(self.pool.replicas[row] * self.pool.layout.devices[row])


def others_of(workload: Workload, market: Market, calibration: Calibration) -> tuple[Other, ...]:
    """The further models of a workload, in its order."""
    inference = workload.inference
    asked = inference.co_served if inference else ()
    return tuple(_other(workload, each, market, calibration) for each in asked)


def _other(workload: Workload, asked: CoServed, market: Market, calibration: Calibration) -> Other:
    assert workload.inference is not None
    shape = load_preset(asked.model)
    inference = Inference(
        requests_per_second=asked.requests_per_second,
        input_tokens=asked.input_tokens,
        output_tokens=asked.output_tokens,
        engine=workload.inference.engine,
    )
    alone = workload.model_copy(update={"model": asked.model, "inference": inference, "pin": Pin()})
    able, _ = contenders(alone, shape, market)
    job = ServingJob(
        load=load_of(inference, shape),
        requests_per_s=asked.requests_per_second,
        concurrency=None,
        ttft_s=asked.ttft or np.inf,
        tpot_s=asked.tpot or np.inf,
        headroom=workload.inference.fleet.headroom,
    )
    # A pipeline inside a node would leave devices that nothing fits.
    scope = replace(_scope(shape, able, calibration), pins={"pipeline": 1})
    pool = search_serving(scope, job)
    return Other(
        shape=shape, job=job, able={item.machine.name: item for item in able}, pool=pool, rows=_fewest(able, pool)
    )


def _scope(shape: ModelShape, able: Sequence[Contender], calibration: Calibration) -> Scope:
    return Scope(
        shape=shape,
        machines=tuple(item.machine for item in able),
        options=tuple(item.options for item in able),
        calibration=calibration,
        # Nodes are counted with those of the other models, and judged there.
        max_nodes=ANY_NODES,
        pins={},
    )


def _fewest(able: Sequence[Contender], pool: Pool) -> dict[str, int]:
    """By machine the row with the fewest devices in all, the fastest of these."""
    devices = pool.replicas * pool.layout.devices
    order = np.lexsort((pool.job_s, devices, pool.machine))
    present, first = np.unique(pool.machine[order], return_index=True)
    return {able[index].machine.name: int(order[place]) for index, place in zip(present, first, strict=True)}


def with_others(job: ServingJob, others: Sequence[Other], able: Sequence[Contender]) -> ServingJob:
    """The job of the first model, on nodes that it shares with the others."""
    if not others:
        return job
    beside = {item.machine.name: sum(other.devices(item.machine.name) for other in others) for item in able}
    tokens = sum((other.job.requests_per_s or 0.0) * other.job.load.request_tokens for other in others)
    return replace(job, beside=beside, beside_tokens_per_s=tokens)


def room_for_all(
    able: Sequence[Contender], others: Sequence[Other]
) -> tuple[tuple[Contender, ...], tuple[Rejection, ...]]:
    """The contenders on which every further model has replicas, and why the rest have none."""
    kept, refused = [], []
    for item in able:
        lacking = [other.shape.name for other in others if item.machine.name not in other.rows]
        if lacking:
            reason = f"no replica of {' and '.join(lacking)} fits a node of it and answers in time"
            refused.append(Rejection(subject=item.machine.name, reason=reason, change="plan the models apart"))
        else:
            kept.append(item)
    return tuple(kept), tuple(refused)


def device_share(job: ServingJob, chosen: Candidate) -> float:
    """The first model's part of all devices that models use."""
    assert chosen.service is not None
    own = chosen.service.replicas * chosen.layout.devices
    return own / (own + (job.beside[chosen.instance_type] if job.beside else 0))


def apart_sentence(
    workload: Workload,
    shape: ModelShape,
    job: ServingJob,
    chosen: Candidate,
    others: Sequence[Other],
    market: Market,
    calibration: Calibration,
) -> Iterator[str]:
    """What the models would take on instances of their own each, where that is cheaper: with the same spare nodes,
    within limits.max_nodes and the quotas of each alone. A pin is of the models together, and left aside."""
    if not others:
        return
    alone, free = replace(job, beside=None), workload.model_copy(update={"pin": Pin()})
    able, _ = contenders(free, shape, market)
    pool = search_serving(_scope(shape, able, calibration), alone)
    most, spare = workload.limits.max_nodes, job.spare
    each = [
        _cheapest_usd(alone, able, pool, most, market),
        *(
            _cheapest_usd(replace(other.job, spare=spare), tuple(other.able.values()), other.pool, most, market)
            for other in others
        ),
    ]
    apart, aside = sum(each), ", pin left aside" if workload.pin != Pin() else ""
    if apart < (1 - WORTH_CHANGING) * float(chosen.usd_per_hour):
        yield (
            f"Planned apart, each on the instances that suit it best{aside}, the {len(each)} models would take some "
            f"{show_usd(apart * HOURS_PER_MONTH)} a month for the instances."
        )


def _cheapest_usd(job: ServingJob, able: Sequence[Contender], pool: Pool, most: int, market: Market) -> float:
    """USD an hour of the cheapest fleet of one model alone on `most` nodes at most; infinity where there is none."""
    least = np.inf
    for index, item in enumerate(able):
        rows = np.flatnonzero(pool.machine == index)
        if len(rows):
            nodes = int(fleet_nodes(pool.layout.take(rows), item.machine, pool.replicas[rows], job).min())
            prices = (
                each.usd_per_hour_per_node for each in item.offers if nodes <= min(most, most_nodes(each, market))
            )
            least = min(least, nodes * float(min(prices, default=np.inf)))
    return least


def served_beside(
    chosen: Candidate, devices_per_node: int, others: Sequence[Other], market: Market, calibration: Calibration
) -> Iterator[ServedBeside]:
    """The further models on the chosen instances: their replicas, what they answer, where they stand.

    A model is told the part of the instances' price that its devices have of all that are used.
    """
    machine = chosen.instance_type
    assert chosen.service is not None
    own = chosen.service.replicas * chosen.layout.devices
    used = own + sum(other.devices(machine) for other in others)
    # Larger replicas come first, so that each begins where its size divides; the first model's may fill whole nodes.
    sizes = {index: int(other.pool.layout.devices[other.rows[machine]]) for index, other in enumerate(others)}
    entries = sorted([(-chosen.layout.devices, -1), *((-size, index) for index, size in sizes.items())])
    begins, at = {}, 0
    for _, index in entries:
        begins[index] = at
        at += own if index < 0 else others[index].devices(machine)
    for index, other in enumerate(others):
        found = candidate(
            other.shape, other.job, other.able[machine], other.pool, other.rows[machine], market, calibration
        )
        assert found.service is not None
        share = Decimal(other.devices(machine)) / Decimal(used)
        paid = chosen.usd_per_hour * share
        ratio = paid / found.usd_per_hour
        service = replace(
            found.service,
            usd_per_month=cents(chosen.service.usd_per_month * share),
            usd_per_million_tokens=hundredth_cents(found.service.usd_per_million_tokens * ratio),
        )
        yield ServedBeside(
            model=other.shape.name,
            devices=_place(begins[index], other.devices(machine), devices_per_node),
            candidate=replace(
                found,
                nodes=chosen.nodes,
                region=chosen.region,
                zone_ids=chosen.zone_ids,
                purchase=chosen.purchase,
                provenance=chosen.provenance,
                usd_per_hour=paid,
                service=service,
            ),
        )


def _place(begin: int, count: int, devices_per_node: int) -> str:
    """Devices in words, nodes counted from 1 and devices from 0."""
    (node, first), (last_node, last) = (divmod(each, devices_per_node) for each in (begin, begin + count - 1))
    if count == 1:
        return f"device {first} of node {node + 1}"
    if node == last_node:
        return f"devices {first} to {last} of node {node + 1}"
    return f"device {first} of node {node + 1} to device {last} of node {last_node + 1}"
