"""Prints a table: every target x every family with EFA x every way to pay, and what comes of it.

Each cell is a stack that is synthesized and verified, or the reason why there is none. `tests/stacks/test_targets.py`
holds the same cells.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from planner.built import Existing
from planner.image import image_parameter
from planner.plan import Build, Image, Lifecycle, Target
from pricing.catalog import load_instance_types
from pricing.instance_type import InstanceType
from pricing.offer import Purchase
from pricing.units import GIB
from stacks.errors import StackError
from stacks.verify.check import check
from stacks.verify.facts import zones_offering
from stacks.verify.reading import read_file

os.environ.setdefault("JSII_NODE", str(Path(sys.executable).with_name("node")))

TARGETS = (Target.SINGLE_INSTANCE, Target.EFA_CLUSTER, Target.HYPERPOD_SLURM, Target.EKS_NODES)
# Where a type is placed of which nobody says where it is sold.
ANYWHERE = ("us-east-1", frozenset({"use1-az6"}))
HELD = "cr-0123456789abcdef0"
PLAN = "arn:aws:sagemaker:{region}:111122223333:training-plan/held"
CLUSTER = Existing(
    eks_cluster="research",
    vpc="vpc-0123456789abcdef0",
    subnet="subnet-0123456789abcdef0",
    security_group="sg-0123456789abcdef0",
)
GROUP = "arn:aws:resource-groups:{region}:111122223333:group/held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A way to pay, with what was reserved before: an id, the ARN of a group, `open`, or a training plan."""

    name: str
    purchase: Purchase
    reservation: str | None = None
    training_plan: str | None = None


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
)


def families() -> tuple[InstanceType, ...]:
    """The largest type with EFA of each family that can be booted, by name."""
    found: dict[str, InstanceType] = {}
    for machine in sorted(load_instance_types().values(), key=lambda each: (each.devices, each.name)):
        if machine.efa_cards and not machine.retired and image_parameter(machine):
            found[machine.family] = machine
    return tuple(found[family] for family in sorted(found))


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
        existing=CLUSTER if target is Target.EKS_NODES else Existing(),
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
        for machine in families():
            for mode in MODES:
                yield target, machine, mode


def main() -> None:
    """Prints a row for each target and type; reasons are numbered, and told below."""
    from rich.console import Console
    from rich.table import Table

    table = Table("target", "type", *(mode.name for mode in MODES), box=None, pad_edge=False)
    reasons: dict[str, int] = {}
    for target in TARGETS:
        for machine in families():
            row = [result(build_for(target, machine, mode)) for mode in MODES]
            shown = ["ok" if each == "ok" else f"({reasons.setdefault(each, len(reasons) + 1)})" for each in row]
            table.add_row(target, machine.name, *shown)
    console = Console(width=200)
    console.print(table)
    for reason, number in reasons.items():
        console.print(f"({number}) {reason}", highlight=False, markup=False)


if __name__ == "__main__":
    main()
