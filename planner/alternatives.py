"""What would other ways to build the same fleet use on top: control planes, file systems, endpoints, balancers?

None of it is in a plan's sum. Amounts are what such a fleet would hold; what depends on habits is assumed, and said.
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.usage import Use
from planner.workload import Inference, Workload
from pricing.price import Component
from pricing.units import GIB, GIGA, HOUR_S, show_bytes

# The smallest persistent file system (FSx for Lustre user guide, deployment options).
FSX_GIB = 1200
# Session Manager's three, CloudWatch Logs, and SSM parameters come through the first: nodes without a NAT gateway.
ENDPOINTS = ("ssm", "ssmmessages", "ec2messages", "logs")
# Of host and accelerators together; what CloudWatch calls a custom metric.
METRICS_PER_NODE = 20
# An event stream wraps each token in some 200 bytes of JSON; a prompt's token is some 5 bytes of text.
STREAMED_BYTES_PER_TOKEN = 200
BYTES_PER_TOKEN = 5
# What one capacity unit of an Application Load Balancer holds (Elastic Load Balancing pricing page).
CONNECTIONS_PER_UNIT = 25
BYTES_PER_UNIT_HOUR = GIGA
# Sizes by managed instances (AWS PCS user guide, cluster size).
PCS_SIZES = (
    (Component.PCS_SMALL_CONTROLLER_HOUR, 32),
    (Component.PCS_MEDIUM_CONTROLLER_HOUR, 512),
    (Component.PCS_LARGE_CONTROLLER_HOUR, 2048),
)


def other_uses(workload: Workload, nodes: int) -> tuple[Use, ...]:
    """What other ways to build a fleet of so many nodes would use on top of it."""
    return tuple(_uses(workload, nodes))


def _uses(workload: Workload, nodes: int) -> Iterator[Use]:
    if workload.inference:
        yield from _before_a_service(workload.inference)
    if workload.inference or nodes > 1:
        basis = "the control plane of a Kubernetes cluster"
        yield Use(name="EKS", component=Component.EKS_CLUSTER_HOUR, fixed=1, basis=basis)
    if workload.training and nodes > 1:
        yield from _around_a_cluster(nodes)
    basis = f"of {', '.join(ENDPOINTS)}, in place of the NAT gateway"
    yield Use(
        name="interface endpoints", component=Component.INTERFACE_ENDPOINT_HOUR, fixed=len(ENDPOINTS), basis=basis
    )
    yield Use(
        name="custom metrics",
        component=Component.METRIC_MONTH,
        per_node=METRICS_PER_NODE,
        basis=f"{METRICS_PER_NODE} a node, assumed",
    )
    yield Use(name="dashboard", component=Component.DASHBOARD_MONTH, fixed=1, basis="one in CloudWatch")


def _around_a_cluster(nodes: int) -> Iterator[Use]:
    """A managed Slurm controller of the cluster's size, where there is one so large, and a shared file system."""
    for size, most in [each for each in PCS_SIZES if nodes <= each[1]][:1]:
        basis = f"the controller of a Slurm cluster of up to {most:,} instances"
        yield Use(name="AWS PCS", component=size, fixed=1, basis=basis)
    yield Use(
        name="FSx for Lustre",
        component=Component.FSX_LUSTRE_PERSISTENT_125_GIB_MONTH,
        fixed=FSX_GIB,
        basis=f"{FSX_GIB:,} GiB at 125 MB/s per TiB, the smallest persistent one",
    )


def _before_a_service(asked: Inference) -> Iterator[Use]:
    """A load balancer, with its capacity and what leaves AWS where the load is a rate."""
    balancer = "one before the instances"
    rate = asked.requests_per_second
    if rate is None:
        balancer += "; its capacity units and transfer come on top, by traffic"
    yield Use(name="load balancer", component=Component.LOAD_BALANCER_HOUR, fixed=1, basis=balancer)
    if rate is None:
        return
    sent = rate * HOUR_S * asked.output_tokens * STREAMED_BYTES_PER_TOKEN
    received = rate * HOUR_S * asked.input_tokens * BYTES_PER_TOKEN
    yield Use(
        name="balancer capacity",
        component=Component.LOAD_BALANCER_UNIT_HOUR,
        fixed=max(rate / CONNECTIONS_PER_UNIT, (sent + received) / BYTES_PER_UNIT_HOUR),
        basis=f"{rate:,.3g} connections/s, {show_bytes(sent + received)} an hour, assumed",
    )
    yield Use(
        name="transfer out",
        component=Component.TRANSFER_OUT_GIB,
        fixed=sent / GIB,
        basis=f"{show_bytes(sent)} an hour to the internet, {STREAMED_BYTES_PER_TOKEN} bytes a token, assumed",
    )
