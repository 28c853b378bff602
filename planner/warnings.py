"""What should a reader of the plan not overlook?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from planner.containers import is_digested, pinned_image
from planner.cost import UNSTATED_SHARE
from planner.fleet_cost import spot_nodes
from planner.plan import Candidate, Cost, Deal, Lifecycle, Target, is_own
from planner.recipe import Job
from planner.surroundings import is_fleet
from planner.techniques import load_techniques
from planner.terms import block_hours, block_nodes
from planner.workload import Workload
from pricing.instance_type import InstanceType
from pricing.market import Market
from pricing.offer import Purchase
from pricing.reservation import Held
from pricing.units import DAY_S, HOUR_S, show_duration, show_usd

# No median error of predicted times is below this (tools/fit_time.py).
CLOSE = 0.03
# AWS cut P4 and P5 prices by a third within one quarter (June 2025): older figures are doubtful.
OLD_PRICE_DAYS = 90


def warnings_of(
    workload: Workload,
    chosen: Candidate,
    runners_up: Sequence[Candidate],
    cost: Cost,
    deals: Sequence[Deal],
    machine: InstanceType,
    market: Market,
    now: datetime,
) -> Iterator[str]:
    """Sentences on doubtful prices, unmeasured predictions and what the plan leaves out."""
    yield from market.notes
    age = chosen.provenance.age_days(now.date())
    if age > OLD_PRICE_DAYS:
        yield f"The price of {chosen.instance_type} is {age} days old; check it before you commit."
    if chosen.purchase is Purchase.SPOT:
        yield _interrupted(chosen, market)
    band = chosen.run.band if chosen.run else chosen.service.band if chosen.service else None
    if band and not band.measured:
        yield f"The time band is wide: {band.basis}."
    if workload.inference and workload.inference.prefix_cache_hit_rate:
        yield (
            "No measured run states its prefix cache's hit rate: what the hits save is computed, not measured, and the "
            "bands do not cover it."
        )
    yield from _untimed(chosen)
    yield from _close(chosen, runners_up)
    yield from _edges(workload, chosen, cost)
    if workload.ends and workload.limits.deadline is None:
        yield "No deadline is given; 30 days were assumed."
    yield from _guarded(workload, chosen)
    yield from _committed(chosen, deals)
    yield from _reserved(workload, chosen, market.held)
    yield from _bought_as_block(chosen, market.held)
    yield from _within_quotas(workload, chosen, deals)
    yield from _target(workload, chosen, machine)
    alone = chosen.batch is not None and chosen.layout.devices <= machine.devices
    if alone and chosen.nodes > 1:
        yield f"The {chosen.nodes} nodes work without each other: divide the requests among them."
    elif chosen.nodes > 1 and not machine.efa_cards:
        yield f"{chosen.instance_type} has no EFA: its nodes talk over TCP."


def _target(workload: Workload, chosen: Candidate, machine: InstanceType) -> Iterator[str]:
    """What the target leaves to the reader."""
    fleet = workload.provision.target is Target.SERVING_FLEET
    if chosen.service and chosen.nodes > 1 and chosen.layout.devices <= machine.devices and not (fleet or chosen.split):
        yield (
            f"{chosen.nodes} independent instances serve; the stack puts no load balancer before them. "
            "Set provision.target to serving-fleet for one."
        )
    if fleet:
        yield "The load balancer's access logs stay for 30 days after `cdk destroy`, and then end by themselves."
        yield from _served(workload)
    if workload.provision.target is Target.EKS_NODES:
        yield _in_cluster(machine)
    asked = workload.inference.fleet if workload.inference else None
    if asked and asked.spot_share and not fleet:
        yield (
            "Only a serving-fleet mixes spot with other terms: what spot_share comes to is told, and the stack's nodes "
            "are all one kind."
        )
    if asked and asked.weights_from != "s3" and not fleet:
        yield f"The stacks read weights from S3; weights_from: {asked.weights_from} is told for its time alone."
    shared = workload.provision.storage.file_system
    if shared and shared.efa:
        yield (
            "The file system takes EFA, but nodes mount it over TCP until their LNet is set up for EFA, which the "
            "stack leaves to the job (FSx for Lustre user guide, EFA clients)."
        )
    if shared and workload.provision.storage.lifecycle is Lifecycle.PERSISTENT:
        yield "With a persistent file system its VPC, subnet and security group stay too; they cost nothing."


def _in_cluster(machine: InstanceType) -> str:
    """What an EKS cluster must have for its nodes' devices to be seen (EKS user guide, device plugins, EFA)."""
    maker = "NVIDIA's" if machine.accelerator.vendor == "NVIDIA" else "Neuron's"
    efa = ", the EFA device plugin, and the VPC CNI from 1.18.5 on, which leaves EFA-only interfaces alone"
    return (
        f"Pods see accelerators where the cluster has {maker} device plugin{efa if machine.efa_cards else ''}; the "
        "stack installs nothing in it, and the control plane is on its owner's bill."
    )


def _served(workload: Workload) -> Iterator[str]:
    """What a fleet leaves to the reader: its key, and an image that may change."""
    serving, inference = workload.provision.serving, workload.inference
    if serving is None or inference is None:
        return
    if serving.api_key:
        yield (
            f"Nodes read the API key from {serving.api_key}, and use no key of KMS: where one of your own encrypts it, "
            "its policy must let the role of the nodes kms:Decrypt."
        )
    elif not serving.jwt:
        yield "The fleet's API key is one secret of AWS Secrets Manager, whose price is in no line."
    image = serving.image or pinned_image(serving.container)
    if not is_digested(image):
        yield (
            f"The image {image} is named by a tag, which its publisher may move: a node that starts later may run "
            "another. Give it by digest (repo@sha256:...) in provision.serving.image."
        )
    if inference.fleet.weights_from == "fsx" and workload.provision.storage.file_system:
        yield "The first node to read the weights waits until FSx has them from S3; the times are the next ones'."
    if inference.fleet.spot_share:
        yield (
            "Where EC2 has no spot instances to sell, the nodes on spot are missed: nothing starts on demand in their "
            "place."
        )


def _untimed(chosen: Candidate) -> Iterator[str]:
    """Techniques whose cost in time the prediction leaves out."""
    known, job = load_techniques(), Job.TRAINING if chosen.run and not chosen.batch else Job.INFERENCE
    names = [name for name in chosen.techniques if job in known[name].untimed]
    if names:
        yield f"The predicted time does not know what {' and '.join(names)} costs; measure it before you commit."


def _close(chosen: Candidate, runners_up: Sequence[Candidate]) -> Iterator[str]:
    """Another type that is as good as the choice for all that the predictions can tell."""
    for other in runners_up:
        if not chosen.run or not other.run:
            continue
        dearer = float(other.run.usd / chosen.run.usd) - 1
        if abs(dearer) < CLOSE:
            yield (
                f"{other.nodes} x {other.instance_type} costs {show_usd(other.run.usd)} and takes "
                f"{show_duration(other.run.run_s)}: as good a choice, since the predictions are not sure to "
                f"{CLOSE:.0%}; pin it where its time or its band suits better."
            )


def _edges(workload: Workload, chosen: Candidate, cost: Cost) -> Iterator[str]:
    """Limits that the prediction keeps and the edge of its band does not."""
    limits, run, service = workload.limits, chosen.run, chosen.service
    figures: list[tuple[str, float, float, Callable[[float], str]]]
    if run:
        figures = [("the deadline", run.run_s, limits.deadline_s, show_duration)]
        # A block's fee is the same however long the run takes.
        if limits.budget and cost.usd_per_run and chosen.purchase is not Purchase.CAPACITY_BLOCK:
            figures.append(("the budget", float(cost.usd_per_run), float(limits.budget), show_usd))
        high = run.band.high
    else:
        assert service and workload.inference
        first = service.ttft_band or service.band
        high = service.band.high
        # Each is judged at the edge of its own band.
        asked = (
            ("the TTFT limit", service.ttft_s * first.high / high, workload.inference.ttft),
            ("the TPOT limit", service.tpot_s, workload.inference.tpot),
        )
        figures = [(name, value, limit, show_duration) for name, value, limit in asked if limit]
    for name, value, limit, show in figures:
        if value * high > limit:
            yield f"At the upper edge of the band {name} of {show(limit)} is missed: {show(value * high)}."


def _guarded(workload: Workload, chosen: Candidate) -> Iterator[str]:
    """What the guard of the stack does to this run, and what it needs."""
    live = workload.provision.time_to_live
    if chosen.run and live and live < chosen.run.latest_s:
        yield (
            f"The stack deletes itself after {show_duration(live)}; the run may take "
            f"{show_duration(chosen.run.latest_s)}. Raise provision.time_to_live."
        )
    if workload.provision.budget:
        yield "The budget counts nothing until the cost allocation tag berth:workload is activated in Billing."


def _reserved(workload: Workload, chosen: Candidate, held: Held | None) -> Iterator[str]:
    """What the account's own reservation holds, for how long; or that nobody could say."""
    named = workload.provision.reservation_id
    if named and held is None:
        yield f"What {named} holds, and until when, was not looked up; `berth plan --live` asks, with credentials."
    if held is None:
        return
    own = held.reservation
    what = f"{own.id} holds {own.count} x {own.instance_type} in {own.zone_id}"
    if own.ends_at is None:
        yield f"{what} until it is cancelled."
        return
    longest = f"; the run may take {show_duration(chosen.run.latest_s)}" if chosen.run else ", and a service goes on"
    left = show_duration(held.hours_left * HOUR_S)
    yield f"{what} until {own.ends_at:%Y-%m-%d %H:%M} UTC, of which {left} can be used{longest}."


def _bought_as_block(chosen: Candidate, held: Held | None) -> Iterator[str]:
    """Which Capacity Block the plan counts on, where nothing is known of the one that was bought."""
    if chosen.purchase is not Purchase.CAPACITY_BLOCK:
        return
    if held:
        yield f"What was paid for the block is not known; its fee is reckoned by the hour: {chosen.provenance.source}."
    elif chosen.run:
        hours = float(block_hours(chosen.run.hours.latest))
        yield (
            f"The plan counts on a block of {block_nodes(chosen.nodes):.0f} x {chosen.instance_type} for "
            f"{show_duration(hours * HOUR_S)}: the run may take {show_duration(chosen.run.latest_s)}, and EC2 takes "
            "the instances back half an hour before the end. A shorter block may end before the run does."
        )
        yield (
            f"The block's fee is reckoned by the hour from: {chosen.provenance.source}. `berth prices show "
            f"{chosen.instance_type} --block-nodes {block_nodes(chosen.nodes):.0f} --block-days "
            f"{hours * HOUR_S / DAY_S:.0f}` asks EC2 for the fee of its size and length."
        )


def _within_quotas(workload: Workload, chosen: Candidate, deals: Sequence[Deal]) -> Iterator[str]:
    """Quotas of the account that keep the fleet from other terms, or the part of it on spot from its own."""
    asked = workload.inference.fleet if workload.inference and is_fleet(workload) else None
    on_spot = spot_nodes(asked, chosen) if asked else 0
    for deal in deals:
        spot = deal.purchase is Purchase.SPOT
        taken = on_spot if spot and on_spot else chosen.nodes - on_spot
        if deal.instance_type != chosen.instance_type or deal.nodes_allowed is None or deal.nodes_allowed >= taken:
            continue
        part = f" The plan takes {taken:,} of its {chosen.nodes:,} so." if on_spot else ""
        yield (
            f"The account's quota allows {deal.nodes_allowed:,} nodes of {chosen.instance_type} as {deal.purchase} in "
            f"{deal.region}, at {show_usd(deal.usd_per_hour_per_node)} an hour and node.{part}"
        )


def _committed(chosen: Candidate, deals: Sequence[Deal]) -> Iterator[str]:
    """What the chosen terms oblige to beyond the run."""
    for deal in deals:
        own = is_own(deal, chosen)
        if own and deal.committed_usd and deal.purchase is not Purchase.CAPACITY_BLOCK:
            used = f"; this run uses {show_usd(chosen.run.usd)} of it" if chosen.run else ""
            yield f"{deal.purchase} commits to {show_usd(deal.committed_usd)}, used or not{used}."


def _interrupted(chosen: Candidate, market: Market) -> str:
    """What interruptions do to the figures of a fleet on spot."""
    if chosen.service:
        return "Spot instances can be interrupted; the service lacks them until others have started."
    if (chosen.instance_type, chosen.region) in market.interruptions:
        return "Spot instances can be interrupted; restarts are in the cost, not in the predicted time."
    where = f"{chosen.instance_type} is in {chosen.region}"
    return (
        f"Spot instances can be interrupted; no source states how often {where}: for the cost, that over "
        f"{UNSTATED_SHARE:.0%} are within a month was assumed."
    )
