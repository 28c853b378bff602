"""Which builds do tests make stacks of? Written by hand, so that they say what a plan should ask for."""

from __future__ import annotations

from msgspec import Struct

from planner.built import Image
from planner.plan import Build, Lifecycle, Target
from pricing.offer import Purchase
from pricing.records import replace
from pricing.units import GIB
from tests.support.fleets import FLEET
from tests.support.loopback import IMAGE_PARAMETERS, REGION

GPU_IMAGE, NEURON_IMAGE = (Image(parameter=parameter, id=None) for parameter in IMAGE_PARAMETERS)

P4D_CLUSTER = Build(
    name="train70b",
    target=Target.EFA_CLUSTER,
    instance_type="p4d.24xlarge",
    vendor="NVIDIA",
    accelerators=8,
    nvme_bytes=8_000_000_000_000,
    efa_cards=(0, 1, 2, 3),
    nic_slots=(15, 15, 15, 15),
    nodes=4,
    region=REGION,
    zone_id="use1-az6",
    purchase=Purchase.ON_DEMAND,
    reservation_id=None,
    image=GPU_IMAGE,
    root_volume_bytes=300 * GIB,
    lifecycle=Lifecycle.EPHEMERAL,
    expires_at=None,
    budget_usd=None,
    budget_email=None,
)
P4D_SINGLE = replace(P4D_CLUSTER, name="tune8b", target=Target.SINGLE_INSTANCE, nodes=1)
G5_SINGLE = replace(
    P4D_SINGLE,
    name="serve8b",
    instance_type="g5.xlarge",
    accelerators=1,
    nvme_bytes=250_000_000_000,
    efa_cards=(),
    nic_slots=(4,),
)

G5_FLEET = replace(
    G5_SINGLE,
    name="serve-many",
    target=Target.SERVING_FLEET,
    nodes=2,
    fleet=FLEET,
)


class Family(Struct, frozen=True, kw_only=True):
    """A type's network cards, how many interfaces a node should get, and whether it is sold in blocks alone."""

    instance_type: str
    cards: int
    slots: int
    efa_cards: tuple[int, ...]
    nics: int
    accelerators: int = 8
    neuron: bool = False
    block: bool = False

    @property
    def build(self) -> Build:
        """A cluster of the type."""
        return replace(
            P4D_CLUSTER,
            instance_type=self.instance_type,
            accelerators=self.accelerators,
            vendor="AWS" if self.neuron else "NVIDIA",
            image=NEURON_IMAGE if self.neuron else GPU_IMAGE,
            efa_cards=self.efa_cards,
            nic_slots=(self.slots,) * self.cards,
            purchase=Purchase.CAPACITY_BLOCK if self.block else Purchase.ON_DEMAND,
            reservation_id="cr-0123456789abcdef0" if self.block else None,
        )


def _all(cards: int) -> tuple[int, ...]:
    return tuple(range(cards))


FAMILIES = (
    Family(instance_type="p4d.24xlarge", cards=4, slots=15, efa_cards=_all(4), nics=5),
    Family(instance_type="p4de.24xlarge", cards=4, slots=15, efa_cards=_all(4), nics=5),
    Family(instance_type="p5.48xlarge", cards=32, slots=2, efa_cards=_all(32), nics=33),
    Family(instance_type="p5en.48xlarge", cards=16, slots=4, efa_cards=_all(16), nics=17),
    Family(instance_type="p6-b200.48xlarge", cards=8, slots=4, efa_cards=_all(8), nics=9),
    # Card 0 has no EFA.
    Family(instance_type="p6-b300.48xlarge", cards=17, slots=4, efa_cards=_all(17)[1:], nics=17),
    # Odd cards hold one interface, and only they reach a GPU each.
    Family(
        instance_type="p6e-gb200.36xlarge",
        cards=17,
        slots=1,
        efa_cards=(1, 5, 9, 13),
        nics=5,
        accelerators=4,
        block=True,
    ),
    Family(
        instance_type="trn1.32xlarge",
        cards=8,
        slots=5,
        efa_cards=_all(8),
        nics=9,
        accelerators=16,
        neuron=True,
    ),
    Family(
        instance_type="trn1n.32xlarge",
        cards=16,
        slots=5,
        efa_cards=_all(16),
        nics=17,
        accelerators=16,
        neuron=True,
    ),
    Family(
        instance_type="trn2.48xlarge",
        cards=16,
        slots=2,
        efa_cards=_all(16),
        nics=17,
        accelerators=16,
        neuron=True,
    ),
    Family(instance_type="g6e.48xlarge", cards=4, slots=10, efa_cards=_all(4), nics=5),
    Family(instance_type="g5.48xlarge", cards=1, slots=7, efa_cards=(0,), nics=2),
    Family(instance_type="g5.xlarge", cards=1, slots=4, efa_cards=(), nics=1, accelerators=1),
)
