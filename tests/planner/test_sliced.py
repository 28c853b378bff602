"""Are accelerators cut only where the plan fits a part?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.built import Mig
from planner.errors import NoFeasiblePlan
from planner.plan import Decision
from pricing.errors import CatalogError
from pricing.instance_type import InstanceType
from pricing.records import replace
from tests.planner.market_builders import decision, inference, machine, market, offer, training, workload


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


def served_on_parts(**asked: Any) -> Decision:
    """A served model on parts of two chips of 40 GB."""
    sold = market([TWO], [offer("p4d.node", 1)])
    return decision(workload(inference=inference(**asked), provision={"mig": "1g.5gb"}), sold)


def test_a_served_model_has_a_replica_on_each_part() -> None:
    """Its device is the part: its memory, its share of the bandwidth, and seven of them on each chip."""
    found = served_on_parts()
    chosen = found.plan.chosen
    assert (chosen.accelerator, chosen.accelerators_per_node) == ("A100-40GB/1g.5gb", 14)
    assert chosen.memory.device_bytes == 4864 * 2**20
    assert chosen.layout.devices == 1
    assert found.build.mig == Mig(profile="1g.5gb", instances=7) and found.build.accelerators == 2


def test_a_part_is_slower_than_the_whole() -> None:
    """An eighth of the bandwidth takes longer between tokens."""
    sold = market([TWO], [offer("p4d.node", 1)])
    pin = {"layout": {"tensor": 1, "pipeline": 1}, "micro_batch": 8}
    whole, part = (
        decision(workload(inference=inference(), pin=pin, **cuts), sold).plan.chosen.service
        for cuts in ({}, {"provision": {"mig": "1g.5gb"}})
    )
    assert whole and part and part.tpot_s > whole.tpot_s


def test_a_chip_without_the_profile_is_left_out_for_serving() -> None:
    """With the reason, while another type is cut."""
    plain = machine("p5.plain")
    sold = market([TWO, plain], [offer("p4d.node", 9), offer("p5.plain", 1)])
    found = decision(workload(inference=inference(), provision={"mig": "1g.5gb"}), sold).plan
    assert found.chosen.instance_type == "p4d.node"
    (refused,) = [each for each in found.rejections if each.subject == "p5.plain"]
    assert refused.reason == "chip of p5.plain has no MIG profile 1g.5gb"
