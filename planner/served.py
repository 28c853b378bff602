"""What does a fleet that serves the chosen candidate ask of its stack?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.built import Engine, Fleet
from planner.containers import engine
from planner.engine_words import engine_words
from planner.errors import NoFeasiblePlan
from planner.fleet_record import FleetPlan
from planner.fleet_schedule import floors
from planner.plan import Candidate
from planner.provisioning import Serving
from planner.subnets import BALANCER_ZONES, ZONES
from planner.weights_place import weights_place
from planner.workload import Inference, Workload
from pricing.instance_type import InstanceType
from pricing.records import replace
from pricing.regions import known_zones

# A tenth of the requests in flight may wait before another node is started: more would already miss the limits.
WAITING_SHARE = 0.1


def fleet_of(
    workload: Workload,
    candidate: Candidate,
    machine: InstanceType,
    *,
    weights_bytes: int,
    planned: FleetPlan | None = None,
) -> Fleet:
    """The fleet of a candidate on `machine`s, which follows its load as `planned`.

    Raises NoFeasiblePlan where the target cannot build it.
    """
    asked, service = workload.provision.serving, candidate.service
    assert asked is not None and asked.certificate and service is not None and workload.inference is not None
    replicas = machine.devices // candidate.layout.devices
    refused = _refusals(workload, candidate, machine)
    if refused:
        raise NoFeasiblePlan(refused)
    facts: dict[str, str | int] = {
        "name": workload.name,
        "tensor": candidate.layout.tensor,
        "pipeline": candidate.layout.pipeline,
        # Every data rank is an engine of its own.
        "replicas": replicas * candidate.layout.data,
        "batch": -(-places(workload, candidate) // candidate.layout.data),
        "context": workload.inference.context_tokens,
    }
    longest = service.ttft_s + (workload.inference.context_tokens - workload.inference.input_tokens) * service.tpot_s
    zones = candidate.zone_ids[: ZONES if _spare_zone(workload) else 1]
    hours = planned.nodes_by_hour if planned else ()
    spot = planned.spot_nodes if planned else 0
    weights, weights_path = weights_place(workload)
    least, most = bounds(asked, candidate.nodes, min(hours, default=candidate.nodes))
    return Fleet(
        engine=_told(
            workload,
            candidate,
            engine(asked.container, image=asked.image, facts=facts, techniques=_words(candidate)),
        ),
        least_nodes=least,
        most_nodes=most,
        waiting_per_node=max(1, round(WAITING_SHARE * service.concurrency * replicas)),
        running_per_node=max(1, round(service.concurrency * replicas)),
        longest_answer_s=longest * service.band.high,
        weights=weights,
        weights_path=weights_path,
        weights_bytes=weights_bytes,
        certificate=asked.certificate,
        issuer=asked.jwt.issuer if asked.jwt else None,
        keys=asked.jwt.keys if asked.jwt else None,
        registry_secret=asked.registry_secret,
        clients=asked.clients,
        zone_ids=zones,
        balancer_zone_ids=() if workload.provision.existing.vpc else _balancer_zones(candidate.region, zones),
        api_key=asked.api_key,
        on_demand_nodes=candidate.nodes - spot if spot else None,
        schedule=floors(hours, planned.ready_s) if planned else (),
        time_zone=workload.inference.fleet.time_zone,
    )


def _words(candidate: Candidate) -> tuple[str, ...]:
    """What the engine's words are chosen by: techniques, and experts on ranks of their own."""
    return (*candidate.techniques, *(["expert-parallel"] if candidate.layout.expert > 1 else []))


def _told(workload: Workload, candidate: Candidate, plain: Engine) -> Engine:
    """The engine with what it is told of embeddings and drafts."""
    assert workload.inference is not None
    return replace(plain, command=(*plain.command, *engine_words(workload.inference, candidate)))


def bounds(asked: Serving, nodes: int, quietest: int) -> tuple[int, int]:
    """Fewest and most nodes of a fleet that is planned with `nodes`, and needs `quietest` in its quietest hour."""
    return asked.least_nodes or quietest, max(asked.most_nodes or 0, nodes)


def _spare_zone(workload: Workload) -> bool:
    """Whether nodes stand in two zones: as the stack is asked to allow, or as the fleet is sized for."""
    serving, inference = workload.provision.serving, workload.inference
    return bool(serving and serving.spare_zone) or bool(inference and inference.fleet.spare == "zone")


def _balancer_zones(region: str, zones: tuple[str, ...]) -> tuple[str, ...]:
    """The nodes' zones, and as many others of the region as the load balancer takes."""
    others = sorted(zone for zone, where in known_zones().items() if where == region and zone not in zones)
    return (*zones, *others)[:BALANCER_ZONES]


def places(workload: Workload, candidate: Candidate) -> int:
    """Requests that the engine lets in at once: what its cache holds, unless the user has decided on the batch.

    More than planned costs nothing at the planned load, and in a burst a request need not wait for others to end:
    simulated, the 99th percentile of TTFT of an 8B model at 5 requests/s falls from 506 to 261 ms.
    """
    assert candidate.service is not None
    return workload.pin.micro_batch or candidate.service.largest_batch


def _kinds_refused(inference: Inference, container: str) -> Iterator[str]:
    """What of embeddings, drafts, adapters and further models the target cannot build yet."""
    if inference.co_served:
        yield (
            f"The target serving-fleet runs one model on all of its nodes, and {len(inference.co_served) + 1} share "
            "them here. Plan each model as a fleet of its own, or leave provision.target out and start the engines "
            "yourself."
        )
    if inference.adapters:
        yield (
            "The containers of the target serving-fleet know no adapters, which are fetched one by one. Leave "
            "provision.target out, and start the engine with the words that the plan then names."
        )
    if container != "vllm" and (inference.speculative or not inference.output_tokens):
        what = "of drafts" if inference.speculative else "to make embeddings"
        yield (
            f"The container {container} is told {what} by its own model repository or image, which Berth does not "
            "write. Set provision.serving.container to vllm."
        )


def _refusals(workload: Workload, candidate: Candidate, machine: InstanceType) -> list[str]:
    """Why the target cannot build what was chosen, all at once."""
    asked = workload.provision.serving or Serving()
    kinds = _kinds_refused(workload.inference, asked.container) if workload.inference else ()
    return [
        *_replicas_refused(candidate, machine, asked),
        *kinds,
        *_bounds_refused(candidate, asked),
        *_places_refused(workload, candidate, machine, asked),
        *_spot_refused(workload, machine),
        *_zones_refused(workload, candidate),
    ]


def _replicas_refused(candidate: Candidate, machine: InstanceType, asked: Serving) -> Iterator[str]:
    """Which of the candidate's replicas and machines the target does not start."""
    if candidate.layout.devices > machine.devices:
        yield (
            f"A replica takes {candidate.layout.devices} devices, more than one {machine.name} has, and a load "
            "balancer cannot tell the nodes of one replica apart. Serve it with the target efa-cluster, quantize it, "
            "or allow larger instance types."
        )
    if candidate.split:
        yield (
            "Prompts and answers have replicas of their own, and the target serving-fleet starts one kind. Set "
            "inference.disaggregate to compare."
        )
    if machine.accelerator.vendor == "NVIDIA" and candidate.framework != "vllm":
        yield (
            f"The plan is for {candidate.framework}, and the containers of the target serving-fleet run vLLM. Leave "
            "inference.engine out, or build another target."
        )
    if machine.accelerator.vendor != "NVIDIA":
        yield (
            f"The containers of the target serving-fleet run on NVIDIA GPUs, and {machine.name} has "
            f"{machine.accelerator.name}. Leave it out in limits.instance_types.deny, or build a single-instance."
        )
    elif machine.architecture != "x86_64" and not asked.image:
        yield (
            f"The pinned image of {asked.container} is for x86_64, and {machine.name} is {machine.architecture}. "
            "Name an image for it in provision.serving.image."
        )


def _bounds_refused(candidate: Candidate, asked: Serving) -> Iterator[str]:
    """Which bounds of the fleet its own nodes break."""
    if asked.most_nodes and asked.most_nodes < candidate.nodes:
        yield (
            f"provision.serving.most_nodes is {asked.most_nodes}, and the load takes {candidate.nodes} nodes. Raise "
            "it, or leave it out."
        )
    elif (asked.least_nodes or 0) > max(asked.most_nodes or 0, candidate.nodes):
        yield (
            f"provision.serving.least_nodes is {asked.least_nodes}, and the fleet has {candidate.nodes} nodes at most. "
            "Lower it, or give most_nodes."
        )


def _places_refused(workload: Workload, candidate: Candidate, machine: InstanceType, asked: Serving) -> Iterator[str]:
    """What is not where the plan serves: a second zone, a certificate, a secret."""
    if _spare_zone(workload) and len(candidate.zone_ids) < ZONES:
        yield (
            f"{machine.name} is offered in one zone of {candidate.region}, {candidate.zone_ids[0]}, so that there is "
            "no spare one. Leave provision.serving.spare_zone out, and inference.fleet.spare."
        )
    if asked.certificate and f":acm:{candidate.region}:" not in asked.certificate:
        yield (
            f"The certificate {asked.certificate} is not in {candidate.region}, where the plan serves. Issue one "
            "there, or leave its region alone in limits.regions."
        )
    for name, secret in (("api_key", asked.api_key), ("registry_secret", asked.registry_secret)):
        if secret and f":secretsmanager:{candidate.region}:" not in secret:
            yield (
                f"The secret {secret} (provision.serving.{name}) is not in {candidate.region}, where the plan serves. "
                "Replicate it there, and name the replica."
            )


def _spot_refused(workload: Workload, machine: InstanceType) -> Iterator[str]:
    """Whether spot nodes are asked for of a type that has none."""
    share = workload.inference.fleet.spot_share if workload.inference else 0.0
    if share and machine.usage_classes and "spot" not in machine.usage_classes:
        yield f"EC2 sells no {machine.name} on spot. Leave inference.fleet.spot_share out."


def _zones_refused(workload: Workload, candidate: Candidate) -> Iterator[str]:
    """Whether the region has as many zones as a load balancer takes."""
    if (
        not workload.provision.existing.vpc
        and len(_balancer_zones(candidate.region, candidate.zone_ids[:1])) < BALANCER_ZONES
    ):
        yield f"Berth knows one zone of {candidate.region} alone, and a load balancer takes two; use another region."
