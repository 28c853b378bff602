"""Prints a table: every target x every family of accelerators x every way to pay, and what comes of it.

Each cell is a stack that is synthesized and verified, or the reason why there is none. `tests/stacks/test_targets.py`
holds the same cells.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from planner.built import Existing, Fleet, Floor, Image
from planner.containers import engine
from planner.image import image_parameter
from planner.plan import Build, Lifecycle, Target
from pricing.catalog import load_instance_types
from pricing.instance_type import InstanceType
from pricing.offer import Purchase
from pricing.regions import known_zones
from pricing.units import GIB
from stacks.errors import StackError
from stacks.verify.check import check
from stacks.verify.facts import zones_offering
from stacks.verify.reading import read_file

os.environ.setdefault("JSII_NODE", str(Path(sys.executable).with_name("node")))

TARGETS = tuple(Target)
# Where a type is placed of which nobody says where it is sold.
ANYWHERE = ("us-east-1", frozenset({"use1-az6"}))
HELD = "cr-0123456789abcdef0"
PLAN = "arn:aws:sagemaker:{region}:111122223333:training-plan/held"
CERTIFICATE = "arn:aws:acm:{region}:111122223333:certificate/0f0e0d0c-0b0a-0908-0706-050403020100"
CLUSTER = Existing(
    eks_cluster="research",
    vpc="vpc-0123456789abcdef0",
    subnet="subnet-0123456789abcdef0",
    security_group="sg-0123456789abcdef0",
)
GROUP = "arn:aws:resource-groups:{region}:111122223333:group/held"


class Mode(Struct, frozen=True, kw_only=True):
    """A way to pay, with what was reserved before: an id, the ARN of a group, `open`, or a training plan.

    `mixed` is half of the nodes on spot, which fleets that serve alone can be.
    """

    name: str
    purchase: Purchase
    reservation: str | None = None
    training_plan: str | None = None
    mixed: bool = False


MODES = (
    Mode(name="on-demand", purchase=Purchase.ON_DEMAND),
    Mode(name="spot", purchase=Purchase.SPOT),
    Mode(name="savings plan", purchase=Purchase.SAVINGS_PLAN_1YR),
    Mode(name="open reservation", purchase=Purchase.ON_DEMAND, reservation="open"),
    Mode(name="reservation", purchase=Purchase.ON_DEMAND, reservation=HELD),
    Mode(name="group", purchase=Purchase.ON_DEMAND, reservation=GROUP),
    Mode(name="capacity block", purchase=Purchase.CAPACITY_BLOCK, reservation=HELD),
    Mode(name="block, no id", purchase=Purchase.CAPACITY_BLOCK),
    Mode(name="spot in reservation", purchase=Purchase.SPOT, reservation=HELD),
    Mode(name="training plan", purchase=Purchase.ON_DEMAND, training_plan=PLAN),
    Mode(name="half on spot", purchase=Purchase.ON_DEMAND, mixed=True),
    Mode(name="half, reserved", purchase=Purchase.ON_DEMAND, reservation=HELD, mixed=True),
)


def families(target: Target) -> tuple[InstanceType, ...]:
    """The largest type of each family that can be booted, by name; with EFA but for fleets, whose nodes work alone."""
    found: dict[str, InstanceType] = {}
    for machine in sorted(load_instance_types().values(), key=lambda each: (each.devices, each.name)):
        fits = machine.efa_cards or target is Target.SERVING_FLEET
        if fits and not machine.retired and image_parameter(machine):
            found[machine.family] = machine
    return tuple(found[family] for family in sorted(found))


def modes(target: Target) -> tuple[Mode, ...]:
    """The ways to pay that a target can be asked for."""
    return tuple(mode for mode in MODES if target is Target.SERVING_FLEET or not mode.mixed)


def build_for(target: Target, machine: InstanceType, mode: Mode) -> Build:
    """The build of a cell: four nodes where the target takes several, in the first region and zone that sells them."""
    region, zones = next(iter(sorted(zones_offering(machine.name).items())), ANYWHERE)
    named = (each and each.format(region=region) for each in (mode.reservation, mode.training_plan))
    reservation, training_plan = named
    return Build(
        name="table",
        target=target,
        instance_type=machine.name,
        vendor=machine.accelerator.vendor,
        accelerators=machine.accelerators,
        nvme_bytes=machine.nvme_bytes,
        efa_cards=machine.efa_cards,
        nic_slots=machine.nic_slots,
        nodes=1 if target is Target.SINGLE_INSTANCE else 4,
        region=region,
        zone_id=min(zones),
        purchase=mode.purchase,
        reservation_id=reservation,
        image=Image(parameter=image_parameter(machine), id=None),
        root_volume_bytes=300 * GIB,
        lifecycle=Lifecycle.EPHEMERAL,
        expires_at=None,
        budget_usd=None,
        budget_email=None,
        training_plan_arn=training_plan,
        fleet=fleet_for(region, min(zones), mixed=mode.mixed) if target is Target.SERVING_FLEET else None,
        existing=CLUSTER if target is Target.EKS_NODES else Existing(),
    )


def fleet_for(region: str, zone: str, *, mixed: bool) -> Fleet:
    """A fleet of two to eight nodes of vLLM, half of the planned four on spot where they are `mixed`."""
    facts: dict[str, str | int] = {
        "name": "table",
        "tensor": 1,
        "pipeline": 1,
        "replicas": 1,
        "batch": 16,
        "context": 4096,
    }
    others = (name for name, where in known_zones().items() if where == region and name != zone)
    return Fleet(
        engine=engine("vllm", image=None, facts=facts, techniques=("bf16",)),
        least_nodes=2,
        most_nodes=8,
        waiting_per_node=2,
        running_per_node=16,
        longest_answer_s=120.0,
        weights="s3://my-models/table",
        weights_bytes=16 * GIB,
        certificate=CERTIFICATE.format(region=region),
        issuer=None,
        keys=None,
        registry_secret=None,
        clients=(),
        zone_ids=(zone,),
        balancer_zone_ids=(zone, min(others, default=zone)),
        on_demand_nodes=2 if mixed else None,
        schedule=(Floor(minute=470, nodes=4), Floor(minute=1080, nodes=2)),
    )


def result(build: Build) -> str:
    """`ok`, the rules of severity error that the stack breaks, or why it is refused."""
    from aws_cdk import App

    from stacks.build import build_stack

    with TemporaryDirectory() as folder:
        app = App(outdir=folder, analytics_reporting=False, builtin_cloud_formation_validation=False)
        try:
            stack = build_stack(app, build, account=None, warnings=())
        except StackError as refused:
            return f"refused: {refused.findings[0]}"
        app.synth()
        broken = sorted({each.rule.id for each in check(read_file(Path(folder, stack.template_file))) if each.failing})
        return f"broken: {', '.join(broken)}" if broken else "ok"


def cells() -> Iterator[tuple[Target, InstanceType, Mode]]:
    """Every target, family and mode."""
    for target in TARGETS:
        for machine in families(target):
            for mode in modes(target):
                yield target, machine, mode


def main() -> None:
    """Prints a row for each target and type; reasons are numbered, and told below."""
    from rich.console import Console
    from rich.table import Table

    table = Table("target", "type", *(mode.name for mode in MODES), box=None, pad_edge=False)
    reasons: dict[str, int] = {}
    kinds: Counter[str] = Counter()
    for target in TARGETS:
        for machine in families(target):
            row = [result(build_for(target, machine, mode)) for mode in modes(target)]
            kinds.update(each.split(":")[0] for each in row)
            shown = ["ok" if each == "ok" else f"({reasons.setdefault(each, len(reasons) + 1)})" for each in row]
            table.add_row(target, machine.name, *shown)
    console = Console(width=200)
    console.print(table)
    for reason, number in reasons.items():
        console.print(f"({number}) {reason}", highlight=False, markup=False)
    counts = ", ".join(f"{kinds[kind]:,} {kind}" for kind in ("ok", "refused", "broken"))
    console.print(f"{kinds.total():,} stacks: {counts}", highlight=False)


if __name__ == "__main__":
    main()
