"""How does a fleet answer whose prompts and answers have replicas of their own?

A prompt waits for a replica that does nothing else (M/D/1), is worked on, and its cache goes to a replica that decodes
without prompts between (DistServe, arXiv 2401.09670; Splitwise, arXiv 2311.18677). Devices of both sides send and
receive at their own part of the node's network, or of the link where one node holds all. Times are arrays with a row
for each layout that works on prompts and a column for each that decodes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict

from planner.calibration import ServingFactors
from planner.communication import node_fabric
from planner.layout import LayoutGrid
from planner.recipe import Recipe
from planner.serving import PLANNED_SHARE, Load, cache_bytes_per_token
from planner.shape import ModelShape
from planner.step_time import step_s
from planner.step_work import PEAKS, step_work
from pricing.instance_type import InstanceType


class Prompts(Struct, frozen=True, kw_only=True):
    """Replicas that work on prompts alone, one value for each layout. `alone_s` is a prompt's time, `each_s` what it
    takes of the replica's time, `senders` the devices that have its cache. Seconds."""

    alone_s: Any
    each_s: Any
    senders: Any

    def take(self, rows: Any) -> Prompts:
        """Those of the rows."""
        return Prompts(**{name: column[rows] for name, column in asdict(self).items()})


class Answers(Struct, frozen=True, kw_only=True):
    """Replicas that decode alone, one value for each layout: a step's seconds with so many requests in flight, the
    bytes of a prompt's cache on each of `receivers` devices."""

    step_s: Any
    in_flight: Any
    device_bytes: Any
    receivers: Any

    def take(self, rows: Any) -> Answers:
        """Those of the rows."""
        return Answers(**{name: column[rows] for name, column in asdict(self).items()})


class Served(Struct, frozen=True, kw_only=True):
    """What is served, on which machine and engine."""

    shape: ModelShape
    recipe: Recipe
    machine: InstanceType
    factors: ServingFactors
    load: Load


def prompts_of(served: Served, layout: LayoutGrid) -> Prompts:
    """The times of layouts that work on prompts, as many at once as they have data ranks."""
    lengths, factors = served.load.lengths, served.factors
    work = step_work(served.shape, served.recipe, layout, served.machine)
    alone = min(factors.batched_tokens or served.shape.context_tokens, lengths.fresh)
    piece, steps = layout.data * alone, np.ceil(lengths.fresh / alone)
    pairs = piece * (lengths.cached + lengths.fresh / 2)
    last, every = (steps * step_s(work, factors, 0.0, 0.0, piece, pairs, lone, alone) for lone in (True, False))
    return Prompts(alone_s=last, each_s=every / layout.data, senders=layout.tensor * layout.pipeline)


def answers_of(served: Served, layout: LayoutGrid) -> Answers:
    """The steps of layouts that decode `layout.micro_batch` requests, and what each device has of a prompt's cache."""
    load, in_flight = served.load, layout.micro_batch.astype(float)
    work = step_work(served.shape, served.recipe, layout, served.machine)
    tokens = load.input_tokens + load.output_tokens
    cached = cache_bytes_per_token(served.shape, served.recipe, layout, tokens) * layout.data
    return Answers(
        step_s=step_s(work, served.factors, in_flight, in_flight * load.lengths.live),
        in_flight=in_flight,
        device_bytes=cached * load.input_tokens,
        receivers=layout.tensor * layout.pipeline,
    )


class Roles(Struct, frozen=True, kw_only=True):
    """Every replica for prompts with every one for answers, rows by columns. Seconds, bytes in all.

    Both engines take a request in with all of its prompt (`received_s`), and the second one lets it in after so many
    steps, as any does.
    """

    prompts: Prompts
    answers: Answers
    handover_s: Any
    received_s: float
    admission_steps: float
    answer_tokens: int

    @property
    def first_s(self) -> Any:
        """Time to the first token where no other prompt is before: it comes with the first step that decodes."""
        entry = 2 * self.received_s + self.prompts.alone_s[:, None] + self.handover_s
        return entry + (self.admission_steps + 1) * self.answers.step_s

    @property
    def further_s(self) -> Any:
        """Time from the first token to the last."""
        return (self.answer_tokens - 1) * self.answers.step_s

    @property
    def decode_rate(self) -> Any:
        """Requests/s that a replica that decodes is planned to take; a place is held from the start of the handover."""
        held_s = self.handover_s + (self.admission_steps + self.answer_tokens) * self.answers.step_s
        return PLANNED_SHARE * self.answers.in_flight / held_s


def roles(served: Served, prompts: Prompts, answers: Answers, one_node: bool) -> Roles:
    """The pairs, with what handing over takes: every device of the side that has fewer is busy with it."""
    moved = answers.device_bytes * np.maximum(1.0, answers.receivers / prompts.senders[:, None])
    factors = served.factors
    return Roles(
        prompts=prompts,
        answers=answers,
        handover_s=moved / _device_bytes_per_s(served.machine, factors, one_node) + factors.network_latency_s,
        received_s=factors.request_s + served.load.input_tokens * factors.prompt_token_s,
        admission_steps=factors.admission_steps,
        answer_tokens=served.load.output_tokens,
    )


def _device_bytes_per_s(machine: InstanceType, factors: ServingFactors, one_node: bool) -> float:
    """What one device sends or receives while the others of its node do too; NaN where no source states it."""
    fabric = node_fabric(machine, PEAKS)
    if one_node:
        return float(factors.link * fabric.link_bytes_per_s)
    return float(factors.network * fabric.node_bytes_per_s / fabric.devices_per_node)


class Demanded(Struct, frozen=True, kw_only=True):
    """What a fleet must carry, with its head-room: requests/s, or requests in flight; within a TTFT. Seconds."""

    requests_per_s: float | None
    concurrency: float | None
    ttft_s: float


class Sized(Struct, frozen=True, kw_only=True):
    """Replicas of both roles, inf where no number of them answers in time; seconds, and the share of busy time."""

    prefill: Any
    decode: Any
    busy: Any
    queue_s: Any
    ttft_s: Any
    request_s: Any
    requests_per_s: Any


def sized(found: Roles, asked: Demanded) -> Sized:
    """The fewest replicas of each role that carry the load: none is planned to more than its share of what it could
    just sustain, and prompts wait no longer than the TTFT allows."""
    if asked.requests_per_s is None:
        # Who waits for prompts too asks less often: this is the most that may come.
        rate = (asked.concurrency or 0.0) / (found.first_s + found.further_s)
        decode = np.ceil((asked.concurrency or 0.0) / found.answers.in_flight)
    else:
        rate = asked.requests_per_s + 0.0 * found.first_s
        decode = np.ceil(rate / found.decode_rate - 1e-9)
    each_s = found.prompts.each_s[:, None]
    handing = rate * found.handover_s / PLANNED_SHARE
    left = np.clip(asked.ttft_s - found.first_s, 0.0, 1e9)
    # The queue of M/D/1, turned round.
    busiest = np.minimum(PLANNED_SHARE, 2 * left / (each_s + 2 * left))
    with np.errstate(divide="ignore"):
        needed = np.where(busiest > 0, rate * each_s / busiest, np.inf)
    prefill = np.maximum(np.ceil(np.maximum(needed, handing) - 1e-9), 1.0)
    busy = rate * each_s / prefill
    queue = busy / (2 * (1 - busy)) * each_s
    ttft = found.first_s + queue
    return Sized(
        prefill=prefill,
        decode=np.maximum(np.maximum(decode, np.ceil(handing - 1e-9)), 1.0),
        busy=busy,
        queue_s=queue,
        ttft_s=ttft,
        request_s=ttft + found.further_s,
        requests_per_s=rate,
    )
