"""Can the stack use what stands already: a network, a cluster, a file system, a key?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.plan import Target
from planner.source import Fault, FieldPath
from planner.subnets import BALANCER_ZONES
from planner.workload import Workload


def standing_faults(workload: Workload) -> Iterator[Fault]:
    """Everything of `provision.existing` that cannot be used as it is told; nothing is looked up."""
    yield from _eks(workload)
    yield from _network(workload)
    yield from _balanced(workload)
    yield from _beside(workload)


def _eks(workload: Workload) -> Iterator[Fault]:
    """What nodes of an EKS cluster that stands must be told, and what is the cluster's own affair."""
    provision, given = workload.provision, workload.provision.existing
    if provision.target is not Target.EKS_NODES:
        if given.eks_cluster:
            yield (
                ("provision", "existing", "eks_cluster"),
                f"only nodes of the target {Target.EKS_NODES} join a cluster; set provision.target to it",
            )
        return
    lacking = [f"existing.{name}" for name in ("eks_cluster", "vpc", "security_group") if not getattr(given, name)]
    if lacking:
        yield (
            ("provision", "target"),
            f"its nodes join a cluster that stands, in its VPC and its own security group; add {' and '.join(lacking)} "
            "(`aws eks describe-cluster --name NAME --query cluster.resourcesVpcConfig`: clusterSecurityGroupId)",
        )
    if provision.image:
        yield ("provision", "image"), "EKS boots its own image for the accelerator; leave image out"
    if provision.mig:
        yield ("provision", "mig"), "NVIDIA's GPU operator cuts the GPUs of a cluster; leave mig out"
    for path, named in (
        (("provision", "storage", "file_system"), provision.storage.file_system),
        (("provision", "existing", "file_system"), given.file_system),
    ):
        if named:
            yield path, "pods mount file systems through the cluster's FSx CSI driver; leave it out"


def _network(workload: Workload) -> Iterator[Fault]:
    """An existing network must be told in full, since nothing is looked up."""
    provision, given = workload.provision, workload.provision.existing
    if given.subnet and not (given.vpc and provision.zone):
        yield ("provision", "existing", "subnet"), "nothing is looked up; add existing.vpc and provision.zone"
    if given.subnet and (provision.cidr or given.route_table):
        yield ("provision", "existing", "subnet"), "it has its block and routes; drop cidr and route_table"
    if given.vpc and not given.subnet and not (provision.cidr and given.route_table):
        yield (
            ("provision", "existing", "vpc"),
            "name a private subnet in existing.subnet; or a free block in provision.cidr and a way out in "
            "existing.route_table",
        )
    if given.subnet and provision.storage.file_system:
        yield (
            ("provision", "existing", "subnet"),
            "a file system of the stack's own must know the subnet's block; name one that stands in "
            "existing.file_system, or let the stack make the subnet",
        )
    for name in ("route_table", "security_group"):
        if getattr(given, name) and not given.vpc:
            yield ("provision", "existing", name), "it stands in a VPC; name that in existing.vpc"


def _balanced(workload: Workload) -> Iterator[Fault]:
    """What a fleet behind a load balancer needs of a VPC that stands, which the stack cannot see into."""
    given, serving = workload.provision.existing, workload.provision.serving
    path: FieldPath = ("provision", "existing", "balancer_subnets")
    if workload.provision.target is not Target.SERVING_FLEET:
        if given.balancer_subnets:
            yield path, f"only a {Target.SERVING_FLEET} has a load balancer; leave it out"
        return
    if given.vpc is None:
        if given.balancer_subnets:
            yield path, "they stand in a VPC; name that in existing.vpc"
        return
    if len(set(given.balancer_subnets)) < max(BALANCER_ZONES, len(given.balancer_subnets)):
        yield path, "a load balancer stands in two zones; name a subnet of existing.vpc in each, none of them twice"
    if not serving or not serving.clients:
        yield (
            ("provision", "serving"),
            "nothing is looked up, so that the addresses of existing.vpc are not known; name the blocks that may reach "
            "the load balancer in clients",
        )
    spare = workload.inference is not None and workload.inference.fleet.spare == "zone"
    if spare or (serving and serving.spare_zone):
        yield (
            ("provision", "existing", "vpc"),
            "in a VPC that stands nodes have one subnet, and so one zone; ask for a spare node instead of a zone",
        )


def _beside(workload: Workload) -> Iterator[Fault]:
    provision, given = workload.provision, workload.provision.existing
    if bool(given.file_system) != bool(given.mount_name):
        yield (
            ("provision", "existing", "file_system" if given.file_system else "mount_name"),
            "file_system and mount_name come together (`aws fsx describe-file-systems` tells both)",
        )
    if given.file_system and provision.storage.file_system:
        yield (
            ("provision", "existing", "file_system"),
            "nodes mount one file system; leave this or provision.storage.file_system out",
        )
    if given.file_system and not given.vpc:
        yield (
            ("provision", "existing", "file_system"),
            "it is reached from its own VPC; name that in existing.vpc, and a group that it lets in in "
            "existing.security_group",
        )
    if given.key and given.key.split(":")[3] not in workload.limits.regions:
        yield ("provision", "existing", "key"), "the key is in a region that limits.regions leaves out"
