"""Can what `provision` asks for be had together: target, purchase, reservation, and what stands there already?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.accounts import account_of, home
from planner.plan import Target
from planner.source import FieldPath
from planner.subnets import BALANCER_ZONES
from planner.workload import Workload
from pricing.offer import Purchase

Misplaced = tuple[FieldPath, str]
"""A field of the workload, and what is wrong with it and what to change."""


def misplaced(workload: Workload) -> Iterator[Misplaced]:
    """Everything of a workload's provisioning that cannot be, each with the field that it is about."""
    provision = workload.provision
    if provision.target is Target.SINGLE_INSTANCE and (workload.pin.nodes or 1) > 1:
        yield ("provision", "target"), "a single instance cannot have the nodes that pin.nodes asks for"
    if provision.budget and not provision.budget_email:
        yield ("provision", "budget"), "whom shall the budget warn? Add budget_email"
    yield from _reserved(workload)
    yield from _hyperpod(workload)
    yield from _eks(workload)
    yield from _training_plan(workload)
    yield from _network(workload)
    yield from _beside(workload)
    yield from _accounts(workload)


def _reserved(workload: Workload) -> Iterator[Misplaced]:
    """Purchases and reservations that exclude each other or lack what they need."""
    provision, purchase = workload.provision, workload.limits.purchase
    reservation = provision.reservation
    by_id = provision.reservation_id is not None
    if Purchase.CAPACITY_BLOCK in purchase and not by_id:
        yield (
            ("limits", "purchase"),
            "a capacity block is bought before it is used; name its id in provision.reservation",
        )
    if reservation and (lacking := _place_lacking(workload)):
        yield (
            ("provision", "reservation"),
            f"a reservation holds one instance type in one zone; add {' and '.join(lacking)}",
        )
    if Purchase.SPOT in purchase and reservation:
        yield ("provision", "reservation"), "spot instances cannot use a reservation; drop one"
    if provision.reservation_end and purchase != (Purchase.CAPACITY_BLOCK,):
        yield ("provision", "reservation_end"), "only a capacity block ends; set limits.purchase to [capacity-block]"
    if provision.existing.placement_group and not by_id:
        yield (
            ("provision", "existing", "placement_group"),
            "the stack makes its own unless a reservation was made in one; name provision.reservation by its id",
        )


def _place_lacking(workload: Workload) -> list[str]:
    """What a reservation of one type in one zone still lacks."""
    named = (("provision.zone", workload.provision.zone), ("pin.instance_type", workload.pin.instance_type))
    return [name for name, value in named if value is None]


def _hyperpod(workload: Workload) -> Iterator[Misplaced]:
    """What SageMaker HyperPod cannot do."""
    provision, purchase = workload.provision, workload.limits.purchase
    if provision.target is not Target.HYPERPOD_SLURM:
        return
    if workload.inference:
        yield ("provision", "target"), f"{provision.target} trains; leave it out to serve, or for a batch of requests"
    if provision.mig:
        yield ("provision", "mig"), "HyperPod's nodes keep their accelerators whole; leave mig out"
    if provision.reservation:
        yield (
            ("provision", "reservation"),
            "SageMaker launches HyperPod's nodes, outside EC2 reservations; buy a training plan, and name it in "
            "provision.training_plan",
        )
    if purchase != (Purchase.ON_DEMAND,):
        yield (
            ("limits", "purchase"),
            f"HyperPod with Slurm has on-demand nodes and training plans, not {', '.join(purchase)}; set "
            "[on-demand], or leave the target out",
        )


def _eks(workload: Workload) -> Iterator[Misplaced]:
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


def _training_plan(workload: Workload) -> Iterator[Misplaced]:
    provision = workload.provision
    plan, path = provision.training_plan, ("provision", "training_plan")
    if plan is None:
        return
    if provision.target is not Target.HYPERPOD_SLURM:
        yield path, f"only HyperPod runs in a training plan; set provision.target to {Target.HYPERPOD_SLURM}"
    if lacking := _place_lacking(workload):
        yield path, f"a training plan holds one instance type in one zone; add {' and '.join(lacking)}"
    if (region := plan.split(":")[3]) not in workload.limits.regions:
        yield path, f"it is in {region}, which limits.regions leaves out; add it there"


def _network(workload: Workload) -> Iterator[Misplaced]:
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
    yield from _balanced(workload)
    for name in ("route_table", "security_group"):
        if getattr(given, name) and not given.vpc:
            yield ("provision", "existing", name), "it stands in a VPC; name that in existing.vpc"


def _balanced(workload: Workload) -> Iterator[Misplaced]:
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


def _beside(workload: Workload) -> Iterator[Misplaced]:
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


def _accounts(workload: Workload) -> Iterator[Misplaced]:
    """What no stack can use from another account: its roles' boundary, its certificate and its training plan."""
    provision = workload.provision
    named: tuple[tuple[FieldPath, str | None], ...] = (
        (("provision", "existing", "permissions_boundary"), provision.existing.permissions_boundary),
        (("provision", "serving", "certificate"), provision.serving.certificate if provision.serving else None),
        (("provision", "serving", "api_key"), provision.serving.api_key if provision.serving else None),
        (("provision", "training_plan"), provision.training_plan),
    )
    owner = home(provision.account, (arn for _, arn in named))
    for path, arn in named:
        account = account_of(arn)
        if account and account != owner:
            yield path, f"it is in account {account}, and the stack's is {owner}; name one of that account"
