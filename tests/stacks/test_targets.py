"""Does every target build every family on every legal way to pay, and say why not on the others?"""

from __future__ import annotations

import pytest

from planner.hyperpod import hyperpod_types
from planner.image import eks_image
from planner.plan import Target
from pricing.instance_type import InstanceType
from pricing.offer import Purchase
from tools.targets import HELD, TARGETS, Mode, build_for, cells, families, result

POD, EKS, FLEET = Target.HYPERPOD_SLURM, Target.EKS_NODES, Target.SERVING_FLEET
CLASSES = {Purchase.SPOT: "spot", Purchase.CAPACITY_BLOCK: "capacity-block"}


def legal(target: Target, machine: InstanceType, mode: Mode) -> bool:
    """Whether AWS sells it so: what the documents say, apart from how the stacks decide it."""
    if target is POD:
        on_demand = mode.purchase is Purchase.ON_DEMAND and mode.reservation is None
        return machine.name in hyperpod_types() and on_demand
    if target is EKS and eks_image(machine.name) is None:
        return False
    if mode.training_plan or CLASSES.get(mode.purchase, "on-demand") not in machine.usage_classes:
        return False
    if target is FLEET and (machine.accelerator.vendor != "NVIDIA" or mode.purchase is Purchase.CAPACITY_BLOCK):
        return False
    if mode.mixed and ("spot" not in machine.usage_classes or mode.reservation):
        return False
    if mode.purchase is Purchase.CAPACITY_BLOCK:
        return mode.reservation == HELD
    return mode.purchase is not Purchase.SPOT or mode.reservation is None


def test_every_family_is_there() -> None:
    """The families include all whose network cards follow rules of their own; fleets take those without EFA, too."""
    names = {machine.family for machine in families(Target.EFA_CLUSTER)}
    assert {"p4d", "p5", "p5en", "p6-b200", "p6-b300", "p6e-gb200", "trn1", "trn2", "g6e"} <= names
    assert names < {machine.family for machine in families(FLEET)}
    assert {target for target, _, _ in cells()} == set(TARGETS) == set(Target)


@pytest.mark.parametrize(("target", "machine", "mode"), [*cells()], ids=lambda each: getattr(each, "name", str(each)))
def test_each_cell(target: Target, machine: InstanceType, mode: Mode) -> None:
    """What AWS sells is built and keeps the verifier's rules; anything else is refused, with what to change."""
    found = result(build_for(target, machine, mode))
    if legal(target, machine, mode):
        assert found == "ok"
    else:
        assert found.startswith("refused: ") and found.endswith(".")
