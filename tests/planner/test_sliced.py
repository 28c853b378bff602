"""Are accelerators cut only where the plan fits a part?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from planner.errors import NoFeasiblePlan
from planner.plan import Mig
from pricing.errors import CatalogError
from pricing.instance_type import InstanceType
from tests.planner.market_builders import decision, machine, market, offer, training, workload


def a100(accelerators: int) -> InstanceType:
    """A node with so many chips that MIG can cut."""
    made = machine("p4d.node", accelerators=accelerators, memory_gib=40)
    return replace(made, accelerator=replace(made.accelerator, name="A100-40GB"))


KIND, TWO = a100(1), a100(2)


def cut(profile: str, kind: InstanceType = KIND, **sections: Any) -> Mig | None:
    """How a plan on the only type there is cuts it."""
    sold = market([kind], [offer("p4d.node", 1)])
    return decision(workload(provision={"mig": profile}, **sections), sold).build.mig


def test_a_plan_without_a_cut_takes_whole_accelerators() -> None:
    """Nothing is cut unasked."""
    assert decision(workload(), market([KIND], [offer("p4d.node", 1)])).build.mig is None


@pytest.mark.parametrize(("profile", "instances"), [("2g.10gb", 3), ("3g.20gb", 2), ("7g.40gb", 1)])
def test_a_device_is_cut_into_as_many_parts_as_there_are(profile: str, instances: int) -> None:
    """The profile's own number of instances, where the plan fits one of them."""
    assert cut(profile) == Mig(profile=profile, instances=instances)


def test_a_plan_that_fits_no_part_is_refused() -> None:
    """Need and room stand in the same unit, with what to change."""
    with pytest.raises(NoFeasiblePlan, match=r"GiB on a device, and 1g\.5gb of A100-40GB has 4\.\d+ GiB"):
        cut("1g.5gb", training=training(global_batch=512, sequence_length=4096), pin={"micro_batch": 8})


def test_devices_that_work_together_are_not_cut() -> None:
    """MIG instances cannot reach each other."""
    with pytest.raises(NoFeasiblePlan, match="have no link to each other"):
        cut("3g.20gb", kind=TWO, pin={"layout": {"data": 2}})


def test_a_profile_that_the_chip_has_not_is_refused() -> None:
    """The refusal names those that there are."""
    with pytest.raises(CatalogError, match=r"has no such part; it has 1g\.5gb"):
        cut("1g.23gb")
