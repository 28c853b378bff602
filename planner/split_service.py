"""How does a fleet answer whose prompts have replicas of their own, in full?"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from msgspec.structs import asdict

from planner.calibration import Calibration
from planner.handover import Served, answers_of, prompts_of, roles, sized
from planner.layout import Layout, LayoutGrid
from planner.plan import Service
from planner.recipes import Option
from planner.search import Partner
from planner.search_serving import ServingJob
from planner.search_split import demanded
from planner.serving_band import serving_bands
from planner.shape import ModelShape
from planner.split_record import Split
from pricing.instance_type import InstanceType
from pricing.records import replace


def split_service(
    shape: ModelShape,
    job: ServingJob,
    machine: InstanceType,
    option: Option,
    layout: Layout,
    partner: Partner,
    together: Service,
    calibration: Calibration,
) -> tuple[Service, Split]:
    """The service of replicas of `layout` that decode beside a partner's, and what is said of the partner.

    `together` is what the same replicas would do alone, with prompts.
    """
    engine, chip = option.framework, machine.accelerator.name
    factors = calibration.serving_factors(engine.name, chip)
    served = Served(shape=shape, recipe=option.recipe, machine=machine, factors=factors, load=job.load)
    prompts, answers = prompts_of(served, _grid(partner.layout)), answers_of(served, _grid(layout))
    times = roles(served, prompts, answers, partner.one_node)
    found = sized(times, demanded(job))
    band, ttft_band = serving_bands(layout, engine.name, chip, calibration, apart=True)
    service = replace(
        together,
        ttft_s=float(found.ttft_s[0, 0]),
        tpot_s=float(answers.step_s[0]),
        band=band,
        ttft_band=ttft_band,
        requests_per_s_per_replica=float(times.decode_rate[0, 0]),
        # Those of replicas that do both; how times of two roles are spread nobody has derived here.
        spreads=None,
        load_concurrency=None,
        load_spreads=None,
    )
    if job.concurrency is not None:
        # Replicas carry the head-room too; what comes is the load alone, by Little's law.
        service = _at_rate(service, job.concurrency / float(found.request_s[0, 0]) / together.requests_per_s)
    return service, Split(
        layout=partner.layout,
        replicas=partner.replicas,
        busy=float(found.busy[0, 0]),
        queue_s=float(found.queue_s[0, 0]),
        prompt_s=float(prompts.alone_s[0]),
        handover_s=float(times.handover_s[0, 0]),
        handover_bytes=int(answers.device_bytes[0] * answers.receivers[0]),
        hands_over=engine.hands_over,
        one_node=partner.one_node,
    )


def _at_rate(service: Service, share: float) -> Service:
    """The service with so much of the rate: who has a fixed number in flight is answered sooner, and asks again."""
    million = float(service.usd_per_million_tokens) / share
    return replace(
        service,
        requests_per_s=service.requests_per_s * share,
        tokens_per_s=service.tokens_per_s * share,
        output_tokens_per_s=service.output_tokens_per_s * share,
        usd_per_million_tokens=Decimal(million).quantize(service.usd_per_million_tokens),
    )


def _grid(layout: Layout) -> LayoutGrid:
    return LayoutGrid.of({name: np.array([value]) for name, value in asdict(layout).items()})
