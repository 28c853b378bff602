"""Can what `provision` asks for be had, and had together: target, purchase, reservation, storage, accounts?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.accounts import account_of, home
from planner.fleet_faults import fleet_faults
from planner.lustre import EFA_STEPS_GIB, SMALLEST_GIB, STEP_GIB
from planner.plan import Target
from planner.provisioning import FileSystem
from planner.source import Fault, FieldPath
from planner.standing_faults import standing_faults
from planner.workload import Workload
from pricing.offer import Purchase


def provision_faults(workload: Workload) -> Iterator[Fault]:
    """Everything of a workload's provisioning that cannot be, each with the field that it is about."""
    provision = workload.provision
    if provision.target is Target.SINGLE_INSTANCE and (workload.pin.nodes or 1) > 1:
        yield ("provision", "target"), "a single instance cannot have the nodes that pin.nodes asks for"
    if provision.budget and not provision.budget_email:
        yield ("provision", "budget"), "whom shall the budget warn? Add budget_email"
    yield from _reserved(workload)
    yield from _hyperpod(workload)
    yield from _training_plan(workload)
    yield from _accounts(workload)
    if provision.storage.file_system:
        yield from _file_system(provision.storage.file_system)
    yield from standing_faults(workload)
    yield from fleet_faults(workload)


def _reserved(workload: Workload) -> Iterator[Fault]:
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


def _hyperpod(workload: Workload) -> Iterator[Fault]:
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


def _training_plan(workload: Workload) -> Iterator[Fault]:
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


def _accounts(workload: Workload) -> Iterator[Fault]:
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


def _file_system(asked: FileSystem) -> Iterator[Fault]:
    path: FieldPath = ("provision", "storage", "file_system", "capacity")
    size, step = asked.capacity, EFA_STEPS_GIB[asked.throughput]
    if size != SMALLEST_GIB and (size <= 0 or size % STEP_GIB):
        yield path, f"{size:,} GiB is not sold; take {SMALLEST_GIB:,}GiB or a multiple of {STEP_GIB:,}GiB"
    elif asked.efa and size % step:
        yield path, f"with efa, {asked.throughput} MB/s per TiB takes a multiple of {step:,}GiB, not {size:,}"
