"""Does whatever a planner may plan come out as a stack that keeps every rule, or as a reason?"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.built import Existing, Image
from planner.image import image_parameter
from planner.plan import Build, Lifecycle, Target
from pricing.catalog import load_instance_types
from pricing.offer import Purchase
from pricing.units import GIB
from stacks.verify.facts import zones_offering
from tools.targets import fleet_for, result

PLANNED = [each for each in load_instance_types().values() if image_parameter(each) and zones_offering(each.name)]
EXISTING = (
    Existing(),
    Existing(security_group="sg-0123456789abcdef0", vpc="vpc-0123456789abcdef0", subnet="subnet-0123456789abcdef0"),
    Existing(
        eks_cluster="research",
        security_group="sg-0123456789abcdef0",
        vpc="vpc-0123456789abcdef0",
        subnet="subnet-0123456789abcdef0",
    ),
    Existing(key="arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
)


@st.composite
def builds(draw: st.DrawFn) -> Build:
    """A build of any type in a zone that offers it, of any size, bought and kept in any way."""
    machine = draw(st.sampled_from(PLANNED))
    region, zones = draw(st.sampled_from(sorted(zones_offering(machine.name).items())))
    target, zone = draw(st.sampled_from(Target)), draw(st.sampled_from(sorted(zones)))
    budget = draw(st.none() | st.integers(1, 10**6).map(Decimal))
    return Build(
        name=draw(st.from_regex(r"[a-z][a-z0-9]{0,12}(-[a-z0-9]{1,8})?", fullmatch=True)),
        target=target,
        instance_type=machine.name,
        vendor=machine.accelerator.vendor,
        accelerators=machine.accelerators,
        nvme_bytes=machine.nvme_bytes,
        efa_cards=machine.efa_cards,
        nic_slots=machine.nic_slots,
        nodes=1 if target is Target.SINGLE_INSTANCE else draw(st.integers(1, 128)),
        region=region,
        zone_id=zone,
        purchase=draw(st.sampled_from(Purchase)),
        reservation_id=draw(st.sampled_from([None, "open", "cr-0123456789abcdef0"])),
        image=Image(parameter=image_parameter(machine), id=draw(st.sampled_from([None, "ami-0123456789abcdef0"]))),
        root_volume_bytes=draw(st.integers(300, 2000)) * GIB,
        lifecycle=draw(st.sampled_from(Lifecycle)),
        expires_at=draw(st.none() | st.just(datetime(2027, 1, 1, tzinfo=UTC))),
        budget_usd=budget,
        budget_email="ml@example.com" if budget else None,
        cidr=draw(st.sampled_from([None, "10.8.0.0/20"])),
        existing=draw(st.sampled_from(EXISTING)),
        fleet=fleet_for(region, zone, mixed=draw(st.booleans())) if target is Target.SERVING_FLEET else None,
    )


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(builds())
def test_any_build_is_verified_or_refused(build: Build) -> None:
    """A stack breaks no rule of severity error; a plan that contradicts itself is refused in a sentence."""
    found = result(build)
    assert found == "ok" or (found.startswith("refused: ") and found.endswith("."))
