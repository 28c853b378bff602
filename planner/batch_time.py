"""How long does a replica take for its share of a batch job, and the whole job by the clock?

An engine with continuous batching lets the next request in as soon as one is answered: the full rate of a queue that
does not empty (planner.serving_modes), the first prompts and the emptying at the end. What streams in works block by
block (planner.streamed_time).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import Struct

from planner.failures import failures_per_s
from planner.local_disks import disk_rates
from planner.pooling import full_step
from planner.readiness import BOOT_S, weight_sources
from planner.replica import Replica
from planner.serving_modes import Lengths, full_rate
from pricing.instance_type import InstanceType


class ReplicaRun(Struct, frozen=True, kw_only=True):
    """A replica's share of a batch job. Seconds; numbers, or one per layout.

    `work_s` is all of it once the replica answers. It has `steps` of an engine, or blocks of a streamed one, each
    `step_s` long on average, which `terms` add up to; `in_flight` requests are worked on at once.
    """

    work_s: Any
    steps: Any
    step_s: Any
    terms: Mapping[str, Any]
    in_flight: Any


class BatchClock(Struct, frozen=True, kw_only=True):
    """A batch job by the clock. Seconds; numbers, or one per layout."""

    start_up_s: Any
    failures_s: Any
    between_failures_s: Any
    run_s: Any


def rolling_run(replica: Replica, lengths: Lengths, sequences: Any, share: Any) -> ReplicaRun:
    """`share` requests that all stand ready, `sequences` of them in flight.

    The first ones start together, and so do those of a few rounds: the last round is as long as any, however few are in
    it. In a share of many rounds they have drifted apart when the last ones are let in, and the batch empties over a
    whole answer, half full on average.
    """
    at_once = np.minimum(np.asarray(sequences, dtype=float), share)
    pace = full_rate(replica, lengths, at_once)
    rounds = share / at_once
    steps, drifted, rest = rounds * lengths.answer, 1 - 1 / rounds, share % at_once
    half, few = (full_rate(replica, lengths, np.maximum(left, 1.0)).decode_s for left in (at_once / 2, rest))
    last = np.where(rest > 0, few - rest / at_once * pace.decode_s, 0.0)
    emptying = lengths.answer * (drifted * np.maximum(half - pace.decode_s / 2, 0.0) + (1 - drifted) * last)
    terms = {
        "decode": pace.decode_s,
        "prompts in between": share * pace.prompt_s / steps,
        "emptying at the end": emptying / steps,
    }
    step_s = sum(terms.values())
    return ReplicaRun(work_s=steps * step_s, steps=steps, step_s=step_s, terms=terms, in_flight=at_once)


def pooled_run(replica: Replica, lengths: Lengths, share: Any) -> ReplicaRun:
    """`share` requests for embeddings that all stand ready: steps with as many prompts as they take."""
    together, step_s = full_step(replica, lengths)
    steps = np.ceil(share / together)
    return ReplicaRun(
        work_s=steps * step_s, steps=steps, step_s=step_s, terms={"prompts": step_s}, in_flight=together + 0.0 * steps
    )


def start_up_s(machine: InstanceType, weights_bytes: float, on_disk: bool = False) -> float:
    """Seconds from the order of a node until it works: it boots and reads the weights from S3, to its disks where they
    stay there. NaN where a rate is not stated."""
    source = weight_sources(machine, None)[0]
    rate = float("nan") if source.bytes_per_s is None else source.bytes_per_s
    if on_disk:
        rate = float(np.minimum(rate, disk_rates(machine.name).write))
    return BOOT_S + weights_bytes / rate


def batch_clock(work_s: Any, start_s: float, requests_per_s: Any, in_flight: Any, accelerators: Any) -> BatchClock:
    """The job of replicas that work beside each other, each on so many accelerators.

    A failure stops one replica alone: another node starts, and what was in flight is done again, half of it on average.
    """
    failing = failures_per_s(accelerators)
    failures_s = failing * (start_s + in_flight / requests_per_s / 2) * work_s
    return BatchClock(
        start_up_s=start_s,
        failures_s=failures_s,
        between_failures_s=1 / failing,
        run_s=start_s + work_s + failures_s,
    )
