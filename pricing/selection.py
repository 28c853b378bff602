"""Which instance types does a person mean, and where are they cheapest?"""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any

from msgspec import Struct

from pricing.catalog import load_accelerators
from pricing.errors import CatalogError
from pricing.instance_type import InstanceType
from pricing.market import Market
from pricing.offer import Offer
from pricing.order import Sort
from pricing.wording import close_match


class Wish(Struct, frozen=True, kw_only=True):
    """What is looked for. `gpu` is an accelerator's or vendor's name or a part of it; `max_usd` is per hour and node.

    `everywhere` asks where a type is cheapest; otherwise each region that sells it counts for itself.
    """

    gpu: str = ""
    min_memory_bytes: int = 0
    min_accelerators: int = 0
    efa: bool = False
    retired: bool = False
    max_usd: Decimal | None = None
    everywhere: bool = True


class Find(Struct, frozen=True, kw_only=True):
    """An instance type in a region with its cheapest offer; without one its price is unknown.

    `region` is empty where no source says where the type is sold.
    """

    machine: InstanceType
    region: str
    zone_ids: tuple[str, ...]
    offer: Offer | None

    @property
    def usd_per_hour(self) -> Decimal | None:
        """USD per hour and node; None where unknown."""
        return self.offer.usd_per_hour_per_node if self.offer else None

    @property
    def usd_per_hour_per_accelerator(self) -> Decimal | None:
        """USD per hour of one whole accelerator; None where unknown."""
        whole = Decimal(str(self.machine.accelerators * self.machine.accelerator_share))
        return None if self.usd_per_hour is None else self.usd_per_hour / whole


def select(market: Market, wish: Wish, sort: Sort = Sort.NAME) -> tuple[Find, ...]:
    """What a market has that meets a wish. Raises CatalogError, with the closest names, for an unknown accelerator."""
    chips = _chips(wish.gpu)
    found = [
        find
        for machine in market.instance_types.values()
        if machine.accelerator.name in chips and _meets(machine, wish)
        for find in _finds(market, machine, everywhere=wish.everywhere)
        if wish.max_usd is None or (find.usd_per_hour is not None and find.usd_per_hour <= wish.max_usd)
    ]
    return tuple(sorted(found, key=lambda find: (_KEYS[sort](find), find.machine.name, find.region)))


def _chips(gpu: str) -> Collection[str]:
    """The accelerators that a person means: the one of that name, those of which it begins the name, or contains."""
    chips, key = load_accelerators(), gpu.casefold()
    for meant in (
        [name for name in chips if name.casefold() == key],
        [name for name in chips if name.casefold().startswith(f"{key}-")],
        [name for name, chip in chips.items() if key in name.casefold() or key == chip.vendor.casefold()],
    ):
        if meant:
            return meant
    raise CatalogError(f"{gpu} is not a known accelerator{close_match(gpu, chips)}")


def _meets(machine: InstanceType, wish: Wish) -> bool:
    return (
        # Who asks for 640 GiB of H100 means eight of 80, of which a process has 79.6 each.
        machine.listed_memory_bytes >= wish.min_memory_bytes
        and machine.accelerators * machine.accelerator_share >= wish.min_accelerators
        and (not wish.efa or bool(machine.efa_cards))
        and (wish.retired or not machine.retired)
    )


def _finds(market: Market, machine: InstanceType, *, everywhere: bool) -> list[Find]:
    offers = [each for each in market.offers if each.instance_type == machine.name]
    sold = [region for region in market.regions if (machine.name, region) in market.zone_ids]
    finds = [
        _find(market, machine, region, [each for each in offers if each.region == region])
        for region in dict.fromkeys((*sold, *(each.region for each in offers)))
    ]
    if everywhere:
        nowhere = Find(machine=machine, region="", zone_ids=(), offer=None)
        return [min(finds, key=_KEYS[Sort.PRICE], default=nowhere)]
    return finds


def _find(market: Market, machine: InstanceType, region: str, offers: list[Offer]) -> Find:
    return Find(
        machine=machine,
        region=region,
        zone_ids=market.zone_ids.get((machine.name, region), ()),
        offer=min(offers, key=lambda each: each.usd_per_hour_per_node, default=None),
    )


_DEAREST = Decimal("Infinity")
_KEYS: dict[Sort, Callable[[Find], Any]] = {
    Sort.NAME: lambda find: find.machine.name,
    # An unknown price is not a low one; and p4d is 21.957642 in one region and 21.95764 in another, which is the same.
    Sort.PRICE: lambda find: round(find.usd_per_hour, 4) if find.usd_per_hour else _DEAREST,
    Sort.PRICE_PER_ACCELERATOR: lambda find: find.usd_per_hour_per_accelerator or _DEAREST,
    Sort.MEMORY: lambda find: find.machine.total_memory_bytes,
    Sort.ACCELERATORS: lambda find: find.machine.accelerators * find.machine.accelerator_share,
}
