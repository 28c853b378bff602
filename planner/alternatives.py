"""What would other ways to build the same fleet use on top: control planes, file systems, endpoints, balancers?

None of it is in a plan's sum. Amounts are what such a fleet would hold; what depends on habits is assumed, and said.
"""

from __future__ import annotations

from collections.abc import Iterator

from planner.lustre import SMALLEST_GIB
from planner.plan import Target
from planner.surroundings import Use, before_a_service, is_fleet, sent_out
from planner.workload import Workload
from pricing.price import Component

# Session Manager's three, CloudWatch Logs, and SSM parameters come through the first: nodes without a NAT gateway.
ENDPOINTS = ("ssm", "ssmmessages", "ec2messages", "logs")
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
    if workload.inference and not workload.ends and not is_fleet(workload):
        yield from before_a_service(workload.inference)
    if workload.inference:
        yield from sent_out(workload.inference)
    if (workload.inference or nodes > 1) and workload.provision.target is not Target.EKS_NODES:
        basis = "the control plane of a Kubernetes cluster"
        yield Use(name="EKS", component=Component.EKS_CLUSTER_HOUR, fixed=1, basis=basis)
    if workload.training and nodes > 1:
        yield from _around_a_cluster(workload, nodes)
    basis = f"of {', '.join(ENDPOINTS)}, in place of the NAT gateway"
    yield Use(
        name="interface endpoints", component=Component.INTERFACE_ENDPOINT_HOUR, fixed=len(ENDPOINTS), basis=basis
    )


def _around_a_cluster(workload: Workload, nodes: int) -> Iterator[Use]:
    """A managed Slurm controller of the cluster's size, where there is one so large, and a shared file system."""
    for size, most in [each for each in PCS_SIZES if nodes <= each[1]][:1]:
        basis = f"the controller of a Slurm cluster of up to {most:,} instances"
        yield Use(name="AWS PCS", component=size, fixed=1, basis=basis)
    if workload.provision.storage.file_system is None:
        yield Use(
            name="FSx for Lustre",
            component=Component.FSX_LUSTRE_PERSISTENT_125_GIB_MONTH,
            fixed=SMALLEST_GIB,
            basis=f"{SMALLEST_GIB:,} GiB at 125 MB/s per TiB, the smallest persistent one",
        )
