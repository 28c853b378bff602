"""Does a list of instance types have what a person means, in the order asked for?"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from pricing.basis import Prices
from pricing.errors import CatalogError
from pricing.market import Market, load_market
from pricing.offer import Purchase
from pricing.order import Sort
from pricing.selection import Find, Wish, select
from pricing.units import GIB

REGIONS = ("us-east-1", "us-east-2", "us-west-2")


def market(*regions: str, purchase: Purchase = Purchase.ON_DEMAND) -> Market:
    """The bundled market."""
    return load_market(regions or REGIONS, (purchase,), prices=Prices.BUNDLED)


def names(found: tuple[Find, ...]) -> list[str]:
    """The types found, in order."""
    return [each.machine.name for each in found]


@pytest.mark.parametrize(
    ("gpu", "chips"),
    [
        ("H100", {"H100-80GB"}),
        ("h100-80gb", {"H100-80GB"}),
        ("A100", {"A100-40GB", "A100-80GB"}),
        ("L4", {"L4"}),
        ("l40", {"L40S"}),
        ("t4", {"T4"}),
        ("trainium", {"Trainium1", "Trainium2"}),
        ("b200", {"B200"}),
        ("200", {"B200", "GB200", "H200"}),
    ],
)
def test_an_accelerator_is_known_by_any_of_its_names(gpu: str, chips: set[str]) -> None:
    """The whole name means that one, its beginning all of that model, anything else whatever contains it."""
    found = {each.machine.accelerator.name for each in select(market(), Wish(gpu=gpu))}
    assert found - {"Trainium3"} == chips


def test_a_vendor_means_all_of_its_chips() -> None:
    """Who looks for a vendor gets its types, and no other's."""
    vendors = {each.machine.accelerator.vendor for each in select(market(), Wish(gpu="nvidia"))}
    assert vendors == {"NVIDIA"}


def test_an_unknown_accelerator_is_refused() -> None:
    """A name that nothing has is an error with the closest one."""
    with pytest.raises(CatalogError, match=r"H1000 is not a known accelerator; did you mean H100-80GB"):
        select(market(), Wish(gpu="H1000"))


@pytest.mark.parametrize(
    ("wish", "met"),
    [
        (Wish(min_memory_bytes=600 * GIB), lambda find: find.machine.total_memory_bytes >= 600 * GIB),
        (Wish(min_accelerators=8), lambda find: find.machine.accelerators >= 8),
        (Wish(min_accelerators=1), lambda find: find.machine.accelerator_share == 1),
        (Wish(efa=True), lambda find: find.machine.efa_cards),
        (Wish(max_usd=Decimal(1)), lambda find: find.usd_per_hour is not None and find.usd_per_hour <= 1),
        (Wish(), lambda find: not find.machine.retired),
    ],
    ids=lambda value: str(value) if isinstance(value, Wish) else "",
)
def test_every_find_meets_the_wish(wish: Wish, met: object) -> None:
    """Each filter leaves out what misses it, keeps what meets it, and finds something."""
    assert callable(met)
    every = select(market(), Wish(retired=True))
    found = select(market(), wish)
    assert found
    assert names(found) == [each.machine.name for each in every if met(each) and not each.machine.retired]


def test_every_type_is_listed_once() -> None:
    """Without a region each type stands where it is cheapest, those without a price too, with an unknown one."""
    found = select(market(), Wish(retired=True))
    assert names(found) == sorted(market().instance_types)
    h200 = next(each for each in found if each.machine.name == "p5e.48xlarge")
    assert (h200.usd_per_hour, h200.usd_per_hour_per_accelerator) == (None, None)
    assert h200.region == "us-east-2"


def test_the_cheapest_region_is_the_cheapest() -> None:
    """No region that is asked for sells a type for less."""
    sold = market("us-east-1", "eu-central-1", "ap-northeast-1")
    for find in select(sold, Wish()):
        rivals = [each for each in sold.offers if each.instance_type == find.machine.name]
        assert (find.offer is None) == (not rivals)
        if find.usd_per_hour is not None:
            assert find.usd_per_hour - min(each.usd_per_hour_per_node for each in rivals) < Decimal("0.0001")


def test_each_region_counts_for_itself() -> None:
    """With regions a type stands once in each that sells it, and in none that does not."""
    found = select(market("us-east-1", "eu-west-1"), Wish(gpu="H100", everywhere=False))
    assert [(each.machine.name, each.region) for each in found] == [
        ("p5.48xlarge", "us-east-1"),
        ("p5.4xlarge", "us-east-1"),
    ]


@pytest.mark.parametrize("sort", Sort)
def test_the_order_is_the_one_asked_for(sort: Sort) -> None:
    """Figures ascend, and what has no price comes last."""
    found = select(market(), Wish(), sort)
    figures: dict[Sort, list[Any]] = {
        Sort.NAME: [each.machine.name for each in found],
        Sort.PRICE: [round(each.usd_per_hour, 4) if each.usd_per_hour else Decimal("Infinity") for each in found],
        Sort.PRICE_PER_ACCELERATOR: [each.usd_per_hour_per_accelerator or Decimal("Infinity") for each in found],
        Sort.MEMORY: [each.machine.total_memory_bytes for each in found],
        Sort.ACCELERATORS: [each.machine.accelerators * each.machine.accelerator_share for each in found],
    }
    assert figures[sort] == sorted(figures[sort])


def test_a_slice_costs_what_a_whole_accelerator_would() -> None:
    """An eighth of an L4 for 20 cents is an L4 for eight times as much."""
    (find,) = [each for each in select(market(), Wish(gpu="L4")) if each.machine.name == "g6f.large"]
    assert find.usd_per_hour is not None
    assert find.usd_per_hour_per_accelerator == find.usd_per_hour * 8
