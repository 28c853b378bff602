"""Does the stack get exactly what was chosen and what the user decided?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from planner.built import Image
from planner.errors import NoFeasiblePlan
from planner.plan import Build, Decision, Lifecycle, Target
from pricing.instance_type import InstanceType
from pricing.offer import Purchase
from pricing.price import Reservation
from pricing.records import replace
from pricing.reservation import held
from pricing.units import GIB
from tests.planner.market_builders import NOW, decision, machine, market, offer, workload

KIND: InstanceType = machine("p5.node", accelerators=2, memory_gib=6)
PARAMETER = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"
OFFERS = [offer("p5.node", 1, zones=["use1-az4", "use1-az6"])]


def built(**sections: Any) -> Build:
    """The build of a plan on the only type there is."""
    return decision(workload(**sections), market([KIND], OFFERS)).build


def test_hardware_is_that_of_the_type() -> None:
    """What the stack must know of the type comes with the build, so that it asks no catalog."""
    build = built()
    assert (build.instance_type, build.vendor) == ("p5.node", "NVIDIA")
    assert (build.accelerators, build.nvme_bytes) == (2, 0)
    assert (build.efa_cards, build.nic_slots) == (KIND.efa_cards, KIND.nic_slots)


@pytest.mark.parametrize(
    ("sections", "field", "value"),
    [
        ({}, "name", "tiny"),
        ({}, "target", Target.SINGLE_INSTANCE),
        ({"pin": {"nodes": 2}}, "target", Target.EFA_CLUSTER),
        ({"pin": {"nodes": 2}}, "nodes", 2),
        ({"provision": {"target": "efa-cluster"}, "pin": {"nodes": 1}}, "target", Target.EFA_CLUSTER),
        ({}, "region", "us-east-1"),
        # The first zone that offers the type, or the one asked for.
        ({}, "zone_id", "use1-az4"),
        ({"provision": {"zone": "use1-az6"}}, "zone_id", "use1-az6"),
        ({}, "purchase", Purchase.ON_DEMAND),
        ({}, "reservation_id", None),
        ({"provision": {"reservation": "cr-01234567"}}, "reservation_id", "cr-01234567"),
        ({}, "image", Image(parameter=PARAMETER, id=None)),
        # An image of the user's own is known by its id alone, so that it is never taken for the public one.
        ({"provision": {"image": "ami-01234567"}}, "image", Image(parameter=None, id="ami-01234567")),
        ({}, "root_volume_bytes", 300 * GIB),
        ({"provision": {"storage": {"root_volume": "100GB"}}}, "root_volume_bytes", 100 * 10**9),
        ({"provision": {"storage": {"root_volume": "1MiB"}}}, "root_volume_bytes", 2**20),
        ({}, "lifecycle", Lifecycle.EPHEMERAL),
        ({"provision": {"storage": {"lifecycle": "persistent"}}}, "lifecycle", Lifecycle.PERSISTENT),
        ({}, "expires_at", None),
        ({"provision": {"time_to_live": "36h"}}, "expires_at", NOW + timedelta(hours=36)),
        ({}, "budget_usd", None),
        ({"provision": {"budget": 50, "budget_email": "ml@example.com"}}, "budget_usd", Decimal("50.00")),
        ({"provision": {"budget": 50, "budget_email": "ml@example.com"}}, "budget_email", "ml@example.com"),
    ],
)
def test_each_field_is_the_users_or_the_plans(sections: dict[str, Any], field: str, value: object) -> None:
    """Every field of a build is what was chosen, what the user set, or the documented default."""
    assert getattr(built(**sections), field) == value


def in_a_block(told: datetime | None = None, asked: datetime | None = None) -> Decision:
    """The decision on a run in a capacity block that ends then, by the user's word, and by EC2's where it was asked."""
    sold = market([KIND], [offer("p5.node", 1, zones=["use1-az4"], purchase=Purchase.CAPACITY_BLOCK)])
    if asked:
        block = Reservation(
            id="cr-01234567",
            instance_type="p5.node",
            region="us-east-1",
            zone_id="use1-az4",
            count=4,
            is_block=True,
            starts_at=asked - timedelta(days=1),
            ends_at=asked,
        )
        sold = replace(sold, held=held(block, NOW))
    end = {"reservation_end": told.isoformat()} if told else {}
    provision = {"zone": "use1-az4", "reservation": "cr-01234567", **end}
    limits = {"purchase": ["capacity-block"]}
    return decision(workload(provision=provision, limits=limits, pin={"instance_type": "p5.node"}), sold)


def test_a_block_that_is_over_is_no_place() -> None:
    """A block that ended, or that ends within the cut, is refused before a lock is written; one that lasts is not."""
    assert in_a_block(NOW + timedelta(hours=10)).build.expires_at == NOW + timedelta(hours=10, minutes=-35)
    for end in (datetime(2020, 1, 1, tzinfo=UTC), NOW, NOW + timedelta(minutes=35)):
        with pytest.raises(NoFeasiblePlan, match=r"ends at 20.*provision\.reservation_end.* Name a block that lasts"):
            in_a_block(end)


@pytest.mark.parametrize(
    ("told_h", "asked_h", "end_h"), [(None, 240, 240), (300, 240, 240), (200, 240, 200), (None, None, None)]
)
def test_the_stack_goes_before_the_block_ends(told_h: int | None, asked_h: int | None, end_h: int | None) -> None:
    """By EC2's word or the user's, the earlier where both are known; where neither is, that is told."""
    told, asked, end = (NOW + timedelta(hours=each) if each else None for each in (told_h, asked_h, end_h))
    found = in_a_block(told, asked)
    assert found.build.block_ends_at == asked
    assert found.build.expires_at == (end - timedelta(minutes=35) if end else None)
    assert any(each.startswith("Nothing ends the stack before EC2") for each in found.plan.warnings) is (end is None)


def test_a_block_that_has_not_begun_is_told() -> None:
    """No node starts before it, which whoever deploys at once should know."""
    found = in_a_block(asked=NOW + timedelta(days=10))
    assert any(each.startswith("The capacity block begins at ") for each in found.plan.warnings)
    begun = in_a_block(asked=NOW + timedelta(hours=20))
    assert not any(each.startswith("The capacity block begins at ") for each in begun.plan.warnings)
