"""What does every way to do a job cost, counted one by one?

An oracle for the search and the choice: plain loops over machines, recipes, degrees and offers, written from the
definitions of a legal layout and of what is paid. It shares only the physics, and calls that with one layout at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from msgspec import Struct

from planner.calibration import Calibration
from planner.choose import job_of
from planner.framework import Framework, load_frameworks
from planner.layout import Layout
from planner.memory import peak_bytes, training_memory
from planner.plan import Candidate, Rung
from planner.recipe import Recipe
from planner.recipes import Option, allowed_options
from planner.resident import Stage, resident
from planner.run_band import run_band
from planner.search_serving import ServingJob
from planner.search_training import TrainingJob
from planner.serving import replica_answer, replica_memory
from planner.shape import ModelShape
from planner.training_time import step_time
from planner.workload import Workload
from pricing.instance_type import InstanceType
from pricing.market import Market
from pricing.offer import Offer, Purchase


class Way(Struct, frozen=True, kw_only=True):
    """One way that fits and keeps every limit. USD of a run, or of a month; seconds of a run, or of a request."""

    instance_type: str
    offer: Offer
    nodes: int
    option: Option
    layout: Layout
    rung: Rung
    usd: float
    job_s: float
    ttft_s: float = 0.0


def score(asked: Workload, usd: float, job_s: float) -> float:
    """What the objective minimises: logarithms of money and time, weighed."""
    cost, time = asked.weights.cost, asked.weights.time
    return (cost * math.log(usd) + time * math.log(job_s)) / (cost + time)


def figures(asked: Workload, chosen: Candidate, sold: Market | None = None) -> tuple[float, float]:
    """USD and seconds of a candidate, unrounded: of the run when training, of a month and a request when serving.

    Without a market nothing is known to be interrupted.
    """
    if chosen.run:
        lost = _lost(sold, chosen.instance_type, chosen.region, chosen.purchase) if sold else 0.0
        price = float(chosen.usd_per_hour) / chosen.nodes
        latest_s = chosen.run.run_s * chosen.run.band.high
        node_hours = _paid_node_hours(chosen.purchase, chosen.nodes, chosen.run.run_s, latest_s)
        return price * node_hours * (1 + lost * chosen.nodes), chosen.run.run_s
    assert chosen.service and asked.inference
    request_s = chosen.service.ttft_s + (asked.inference.output_tokens - 1) * chosen.service.tpot_s
    return float(chosen.usd_per_hour) * 730, request_s


def every_way(asked: Workload, shape: ModelShape, sold: Market, calibration: Calibration) -> list[Way]:
    """Every way to do the job on the market."""
    job = job_of(asked, shape)
    if isinstance(job, TrainingJob):
        return list(_training(asked, job, shape, sold, calibration))
    assert isinstance(job, ServingJob)
    return list(_serving(asked, job, shape, sold, calibration))


def _lost(sold: Market, instance_type: str, region: str, purchase: Purchase) -> float:
    """The share of a run's time that one node of a fleet is expected to lose."""
    if purchase is not Purchase.SPOT:
        return 0.0
    # What nobody states is taken to be as bad as the worst of what is published.
    kept_a_month = 0.8
    for (name, where), band in sold.interruptions.items():
        if (name, where) == (instance_type, region):
            kept_a_month = 1 - (band.low + band.high) / 2
    interruptions_an_hour = -math.log(kept_a_month) / 730
    # A quarter of an hour to start again, and half of the half-hour since the last checkpoint.
    return interruptions_an_hour * (0.25 + 0.25)


def _most(sold: Market, machine: InstanceType, offer: Offer) -> float:
    """How many nodes of an offer the account may run."""
    wanted = {"spot": "spot-vcpus", "on-demand": "on-demand-vcpus"}.get(offer.purchase)
    for each in sold.quotas:
        if (each.kind, each.subject, each.region) == (wanted, machine.name, offer.region):
            return float(each.value // machine.vcpus)
    return math.inf


def _paid_node_hours(purchase: Purchase, nodes: int, run_s: float, latest_s: float) -> float:
    """The hours that a run pays for: of a Capacity Block a power of two of nodes, for days or, beyond 14, for weeks.

    The run must be over half an hour before the block is, however long it takes.
    """
    if purchase is not Purchase.CAPACITY_BLOCK:
        return nodes * run_s / 3600
    size, days = 1, 1
    while size < nodes:
        size *= 2
    while days * 86_400 < latest_s + 1800:
        days += 1 if days < 14 else 7
    return size * 24.0 * days if size <= 64 and days <= 182 else math.inf


class Terms(Struct, frozen=True, kw_only=True):
    """One way to buy a machine: USD per hour and node, the most nodes, and a node's share of the run lost."""

    offer: Offer
    price: float
    most: float
    lost: float

    def usd_of_run(self, nodes: int, run_s: float, latest_s: float) -> float:
        """What so many nodes cost for a run, lost time and unused days included; inf where no block holds them."""
        node_hours = _paid_node_hours(self.offer.purchase, nodes, run_s, latest_s)
        return self.price * node_hours * (1 + self.lost * nodes)


def every_terms(asked: Workload, sold: Market, machine: InstanceType) -> list[Terms]:
    """Every way to buy a machine that the workload accepts."""
    return [
        Terms(
            offer=each,
            price=float(each.usd_per_hour_per_node),
            most=_most(sold, machine, each),
            lost=_lost(sold, machine.name, each.region, each.purchase),
        )
        for each in sold.offers
        if each.instance_type == machine.name and each.zone_ids and each.purchase in asked.limits.purchase
    ]


def _machines(asked: Workload, sold: Market) -> Iterator[tuple[InstanceType, list[Terms]]]:
    """The machines that are sold, each with every way to buy it."""
    for machine in sold.instance_types.values():
        terms = every_terms(asked, sold, machine)
        if terms and asked.pin.instance_type in (None, machine.name):
            yield machine, terms


def _rung(machine: InstanceType, layout: Layout, option: Option) -> Rung:
    if layout.devices == 1:
        return Rung.MORE_OPTIMIZATION if option.extra else Rung.SINGLE_ACCELERATOR
    return Rung.CLUSTER if layout.devices > machine.devices else Rung.ONE_INSTANCE


def _training(
    asked: Workload, job: TrainingJob, shape: ModelShape, sold: Market, calibration: Calibration
) -> Iterator[Way]:
    assert asked.training and asked.training.framework
    framework = load_frameworks()[asked.training.framework]
    deadline_s = asked.limits.deadline_s
    budget = float(asked.limits.budget) if asked.limits.budget else math.inf
    for machine, terms in _machines(asked, sold):
        vendor, mixture = machine.accelerator.vendor, shape.experts > 0
        memory = calibration.memory_factors(vendor, framework.software.name, mixture)
        factors = calibration.time_factors(framework.software.name, machine.accelerator.name)
        for nodes in range(1, asked.limits.max_nodes + 1):
            for layout in _layouts(shape, framework, machine.devices, nodes, job):
                for option in allowed_options(asked, framework):
                    if "fp16" in option.recipe.techniques or not _combines(framework, option, layout):
                        continue
                    need = training_memory(shape, option.recipe, layout, job.sequence_tokens, framework, memory)
                    if memory.band.high * float(peak_bytes(need)) > machine.device_memory_bytes:
                        continue
                    step = step_time(shape, option.recipe, layout, job.sequence_tokens, machine, factors)
                    steps_s = job.steps * float(step.total)
                    run_s = 900 + steps_s * (1 + _interrupted(shape, option.recipe, layout.devices))
                    slowest = run_band(shape, framework, option.recipe, machine.accelerator.name, calibration).high
                    for each in terms if run_s <= deadline_s else ():
                        usd = each.usd_of_run(nodes, run_s, run_s * slowest)
                        if usd <= budget and nodes <= each.most and math.isfinite(usd):
                            yield Way(
                                instance_type=machine.name,
                                offer=each.offer,
                                nodes=nodes,
                                option=option,
                                layout=layout,
                                rung=_rung(machine, layout, option),
                                usd=usd,
                                job_s=run_s,
                            )


def _interrupted(shape: ModelShape, recipe: Recipe, devices: int) -> float:
    """Every half hour a checkpoint is copied at 20 GB/s; a failed GPU costs ten, fifteen and fifteen minutes."""
    trained = resident(shape, Layout(), Stage.FIRST, recipe.adapter)
    parameters = float(trained.adapter) if recipe.adapter else float(trained.model)
    copied = parameters * (max(recipe.master_bytes, recipe.block_weight_bytes) + recipe.optimizer_bytes) / devices
    failures_per_s = devices * 419 / 54 / 86_400 / 16_384
    return copied / 20e9 / 1800 + failures_per_s * (600 + 900 + 900)


def _combines(framework: Framework, option: Option, layout: Layout) -> bool:
    """Sharding needs ranks to share among where doing without is offered, and a pipeline that allows it."""
    sharding = {"replicated", "zero1", "zero2", "zero3", "fsdp"} & set(option.recipe.techniques)
    if layout.pipeline > 1 and not sharding & framework.piped_sharding:
        return False
    alone = layout.data * layout.context == 1
    return not (alone and "replicated" in framework.techniques and sharding != {"replicated"})


def _layouts(shape: ModelShape, framework: Framework, per_node: int, nodes: int, job: TrainingJob) -> Iterator[Layout]:
    devices = per_node * nodes
    for tensor in range(1, per_node + 1):
        for pipeline in range(1, shape.layers + 1):
            for virtual in range(1, shape.layers + 1):
                for context in range(1, 17):
                    others = tensor * pipeline * context
                    if devices % others:
                        continue
                    data = devices // others
                    for expert in range(1, max(shape.experts, 1) + 1):
                        for micro_batch in range(1, 129):
                            if job.global_batch % (data * micro_batch):
                                continue
                            layout = Layout(
                                tensor=tensor,
                                pipeline=pipeline,
                                virtual=virtual,
                                context=context,
                                expert=expert,
                                data=data,
                                micro_batch=micro_batch,
                                micro_batches=job.global_batch // (data * micro_batch),
                            )
                            if _legal(shape, framework, per_node, job.sequence_tokens, layout):
                                yield layout


def _legal(shape: ModelShape, framework: Framework, per_node: int, sequence: int, layout: Layout) -> bool:
    """Whether a layout is legal, by the definition of each degree."""
    known = all(
        getattr(layout, name) == 1 or name in framework.degrees
        for name in ("tensor", "pipeline", "virtual", "context", "expert", "data")
    )
    heads = shape.heads % layout.tensor == 0 and shape.kv_heads % layout.tensor == 0
    chunks = layout.pipeline * layout.virtual
    if layout.virtual > 1:
        equal_chunks = layout.pipeline > 1 and shape.layers % chunks == 0
        staged = equal_chunks and layout.micro_batches % layout.pipeline == 0
    else:
        depth = math.ceil(shape.layers / layout.pipeline)
        staged = depth * (layout.pipeline - 1) < shape.layers
    filled = layout.micro_batches >= layout.pipeline
    split = layout.context == 1 or (sequence % (2 * layout.context) == 0 and sequence // layout.context >= 4096)
    experts = layout.expert == 1 or (
        shape.experts > 0 and shape.experts % layout.expert == 0 and layout.data * layout.context % layout.expert == 0
    )
    return known and heads and per_node % layout.tensor == 0 and staged and filled and split and experts


def _serving(
    asked: Workload, job: ServingJob, shape: ModelShape, sold: Market, calibration: Calibration
) -> Iterator[Way]:
    assert asked.inference and asked.inference.engine
    framework = load_frameworks()[asked.inference.engine]
    budget = float(asked.limits.budget) if asked.limits.budget else math.inf
    tokens = job.load.input_tokens + job.load.output_tokens
    for machine, terms in _machines(asked, sold):
        factors = calibration.serving_factors(framework.name, machine.accelerator.name)
        for option in allowed_options(asked, framework):
            if "fp16" in option.recipe.techniques:
                continue
            for layout in _replicas(shape, machine, asked.limits.max_nodes, factors.largest_batch):
                memory = replica_memory(shape, option.recipe, layout, machine, factors)
                wanted = max(layout.micro_batch * tokens, job.load.context_tokens)
                need = float(memory.beside_cache) + wanted * float(memory.cache_per_token)
                if need > factors.usable_share * machine.device_memory_bytes:
                    continue
                answer = replica_answer(shape, option.recipe, layout, job.load, machine, factors)
                ttft_s, tpot_s, request_s = float(answer.ttft_s), float(answer.tpot_s), float(answer.request_s)
                if not math.isfinite(request_s) or ttft_s > job.ttft_s or tpot_s > job.tpot_s:
                    continue
                if job.concurrency is not None:
                    replicas = math.ceil(job.concurrency / layout.micro_batch)
                else:
                    assert job.requests_per_s is not None
                    replicas = math.ceil(job.requests_per_s / float(answer.requests_per_s))
                if layout.devices > machine.devices:
                    nodes = replicas * (layout.devices // machine.devices)
                else:
                    nodes = math.ceil(replicas / (machine.devices // layout.devices))
                for each in terms:
                    usd = each.price * nodes * 730
                    if nodes <= min(asked.limits.max_nodes, each.most) and usd <= budget:
                        yield Way(
                            instance_type=machine.name,
                            offer=each.offer,
                            nodes=nodes,
                            option=option,
                            layout=layout,
                            rung=_rung(machine, layout, option),
                            usd=usd,
                            job_s=request_s,
                            ttft_s=ttft_s,
                        )


def _replicas(shape: ModelShape, machine: InstanceType, max_nodes: int, largest_batch: int) -> Iterator[Layout]:
    """Replicas inside a node or over whole nodes; a tensor degree beyond the key-value heads copies them."""
    for tensor in range(1, machine.devices + 1):
        shared = shape.kv_heads % tensor == 0 or tensor % shape.kv_heads == 0
        if machine.devices % tensor or shape.heads % tensor or not shared:
            continue
        for pipeline in range(1, min(16, shape.layers) + 1):
            devices = tensor * pipeline
            inside = devices <= machine.devices
            if not inside and (devices % machine.devices or devices > machine.devices * max_nodes):
                continue
            batch = 1
            while batch <= largest_batch:
                yield Layout(tensor=tensor, pipeline=pipeline, micro_batch=batch)
                batch *= 2
