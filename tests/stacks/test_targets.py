"""Does every target build every family with EFA on every legal way to pay, and say why not on the others?"""

from __future__ import annotations

import pytest

from planner.hyperpod import hyperpod_types
from planner.image import eks_image
from planner.plan import Target
from pricing.instance_type import InstanceType
from pricing.offer import Purchase
from tools.targets import HELD, MODES, TARGETS, Mode, build_for, families, result

POD, EKS = Target.HYPERPOD_SLURM, Target.EKS_NODES
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
    if mode.purchase is Purchase.CAPACITY_BLOCK:
        return mode.reservation == HELD
    return mode.purchase is not Purchase.SPOT or mode.reservation is None


def test_every_family_is_there() -> None:
    """The families include all whose network cards follow rules of their own."""
    names = {machine.family for machine in families()}
    assert {"p4d", "p5", "p5en", "p6-b200", "p6-b300", "p6e-gb200", "trn1", "trn2", "g6e"} <= names


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
@pytest.mark.parametrize("machine", families(), ids=lambda machine: machine.name)
@pytest.mark.parametrize("target", TARGETS)
def test_each_cell(target: Target, machine: InstanceType, mode: Mode) -> None:
    """What AWS sells is built and keeps the verifier's rules; anything else is refused, with what to change."""
    found = result(build_for(target, machine, mode))
    if legal(target, machine, mode):
        assert found == "ok"
    else:
        assert found.startswith("refused: ") and found.endswith(".")
