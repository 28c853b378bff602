"""What stands around the nodes of a plan by the user's own choice of target, storage and guard?"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from planner.plan import Lifecycle, Target
from planner.workload import Inference, Workload
from pricing.price import Component
from pricing.units import GIB, GIGA, HOUR_S, show_bytes, show_requests

# EC2's detailed monitoring, which CloudWatch bills like custom metrics (CloudWatch pricing page, EC2 example).
MONITORING_METRICS_PER_NODE = 7
# Use and memory of the accelerators, memory and disks of the host: each node's, and all nodes' together; then tokens,
# EFA, requests that wait and requests in flight, of all together.
METRICS_PER_NODE = 4
METRICS_OF_ALL = 4 + 4
# Their nodes run no CloudWatch agent of ours, and publish of all together alone.
AGENTLESS = (Target.HYPERPOD_SLURM, Target.EKS_NODES)
# Each of a fleet's two scaling policies keeps two.
ALARMS, FLEET_ALARMS = 1, 4
# An event stream wraps each token in some 200 bytes of JSON; a prompt's token is some 5 bytes of text.
STREAMED_BYTES_PER_TOKEN = 200
BYTES_PER_TOKEN = 5
# A thousand numbers of twelve characters each, in JSON.
BYTES_PER_EMBEDDING = 12_000
# What one capacity unit of an Application Load Balancer holds (Elastic Load Balancing pricing page).
CONNECTIONS_PER_UNIT = 25
BYTES_PER_UNIT_HOUR = GIGA
LUSTRE = {
    125: Component.FSX_LUSTRE_PERSISTENT_125_GIB_MONTH,
    250: Component.FSX_LUSTRE_PERSISTENT_250_GIB_MONTH,
    500: Component.FSX_LUSTRE_PERSISTENT_500_GIB_MONTH,
    1000: Component.FSX_LUSTRE_PERSISTENT_1000_GIB_MONTH,
}


class Use(Struct, frozen=True, kw_only=True):
    """Units of a component, for a stack of n nodes: `fixed + per_node * n`, and `once_per_node * n` at the start.

    Of a component that is sold by the month or hour these units stand; of any other so many flow each hour. The
    component's name says its unit. `basis` says how the amount was counted, or what was assumed. `survives` is
    whether it is still there, and paid for, when the stack is gone.
    """

    name: str
    component: Component
    fixed: float = 0.0
    per_node: float = 0.0
    once_per_node: float = 0.0
    basis: str
    survives: bool = False


def is_fleet(workload: Workload) -> bool:
    """Whether a fleet behind a load balancer serves weights from a bucket of the user's own."""
    return workload.provision.target is Target.SERVING_FLEET


def surroundings(workload: Workload) -> Iterator[Use]:
    """What the stack holds beside nodes, network and bucket."""
    fleet = is_fleet(workload)
    yield from _file_system(workload)
    if fleet and workload.inference:
        yield from before_a_service(workload.inference)
    # Nobody sees whether a GPU that MIG has cut idles.
    idle = 0 if workload.provision.mig else ALARMS
    yield from _watch(workload.provision.target, alarms=idle + (FLEET_ALARMS if fleet else 0), fleet=fleet)


def _watch(target: Target | None, *, alarms: int, fleet: bool) -> Iterator[Use]:
    """What watches the nodes: those of EC2 also one by one, where they have an agent of ours."""
    if target is not Target.HYPERPOD_SLURM:
        yield Use(
            name="detailed monitoring",
            component=Component.METRIC_MONTH,
            per_node=MONITORING_METRICS_PER_NODE,
            basis=f"{MONITORING_METRICS_PER_NODE} metrics a node, each minute",
        )
    each = 0 if target in AGENTLESS else METRICS_PER_NODE
    together = f"{METRICS_OF_ALL} of all together, at most"
    yield Use(
        name="custom metrics",
        component=Component.METRIC_MONTH,
        fixed=METRICS_OF_ALL,
        per_node=each,
        basis=f"{each} a node and {together}" if each else together,
    )
    watched = "idle accelerators" + (", and what scales the fleet" if fleet else "")
    if alarms:
        yield Use(name="alarms", component=Component.ALARM_MONTH, fixed=alarms, basis=f"{alarms}, of {watched}")
    yield Use(name="dashboard", component=Component.DASHBOARD_MONTH, fixed=1, basis="one in CloudWatch")


def _file_system(workload: Workload) -> Iterator[Use]:
    storage = workload.provision.storage
    if storage.file_system is None:
        return
    yield Use(
        name="FSx for Lustre",
        component=LUSTRE[storage.file_system.throughput],
        fixed=storage.file_system.capacity,
        basis=f"{storage.file_system.capacity:,} GiB at {storage.file_system.throughput} MB/s per TiB",
        survives=storage.lifecycle is Lifecycle.PERSISTENT,
    )


def before_a_service(asked: Inference) -> Iterator[Use]:
    """A load balancer, with its capacity where the load is a rate."""
    balancer = "one before the instances"
    rate = asked.requests_per_second
    if rate is None:
        balancer += "; its capacity units and transfer come on top, by traffic"
    yield Use(name="load balancer", component=Component.LOAD_BALANCER_HOUR, fixed=1, basis=balancer)
    if rate is None:
        return
    sent = _sent_bytes_per_hour(rate, asked)
    opened = show_requests(rate).replace("request", "connection")
    received = rate * HOUR_S * asked.input_tokens * BYTES_PER_TOKEN
    yield Use(
        name="balancer capacity",
        component=Component.LOAD_BALANCER_UNIT_HOUR,
        fixed=max(rate / CONNECTIONS_PER_UNIT, (sent + received) / BYTES_PER_UNIT_HOUR),
        basis=f"{opened}, {show_bytes(sent + received)} an hour, assumed",
    )


def sent_out(asked: Inference) -> Iterator[Use]:
    """What leaves AWS where clients are on the internet and the load is a rate."""
    if asked.requests_per_second is None:
        return
    sent = _sent_bytes_per_hour(asked.requests_per_second, asked)
    yield Use(
        name="transfer out",
        component=Component.TRANSFER_OUT_GIB,
        fixed=sent / GIB,
        basis=f"{show_bytes(sent)} an hour to the internet, {_assumed(asked)}, assumed",
    )


def _assumed(asked: Inference) -> str:
    return (
        f"{STREAMED_BYTES_PER_TOKEN} bytes a token"
        if asked.output_tokens
        else f"{BYTES_PER_EMBEDDING:,} bytes an embedding"
    )


def _sent_bytes_per_hour(rate: float, asked: Inference) -> float:
    each = asked.output_tokens * STREAMED_BYTES_PER_TOKEN if asked.output_tokens else BYTES_PER_EMBEDDING
    return rate * HOUR_S * each
