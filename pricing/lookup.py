"""What is known of the prices of one instance type, on all terms?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from pricing.basis import Prices
from pricing.blocks import ULTRASERVERS
from pricing.bundle_prices import offerings
from pricing.catalog import find_instance_type, load_instance_types
from pricing.errors import CatalogError
from pricing.feed import FEED_OF, Feed
from pricing.known import know
from pricing.notes import notes_on
from pricing.offer import Payment, Purchase
from pricing.parallel import Watch
from pricing.price import Block, PriceRow
from pricing.regions import refuse_unknown
from pricing.sagemaker import component_of
from pricing.wording import listed

_PRICED = (*dict.fromkeys(FEED_OF.values()), Feed.SAGEMAKER)
_PURCHASES = list(Purchase)
_PAYMENTS = list(Payment)


class Lookup(Struct, frozen=True, kw_only=True):
    """The prices of a type, of EC2 and of SageMaker, by region, purchase and zone, and what they are based on.

    `gaps` has a sentence for each region without a price.
    """

    rows: tuple[PriceRow, ...]
    notes: tuple[str, ...]
    gaps: tuple[str, ...]


def look_up(
    instance_type: str, regions: Sequence[str], prices: Prices, now: datetime, watch: Watch | None = None
) -> Lookup:
    """The newest price of each purchase, payment, operating system and zone of an instance type in some regions.

    The type may be an UltraServer's. Raises CatalogError for an unknown type, MarketError for an unknown region.
    """
    _refuse_other_names(instance_type)
    refuse_unknown(regions)
    places = [(region, feed) for feed in _PRICED for region in regions]
    knowledge = know(places, (), prices, now, watch=watch)
    every = [row for known in knowledge.places.values() for row in known.snapshot.rows]
    stated = [row for row in every if isinstance(row, PriceRow)]
    stated += _of_blocks((row for row in every if isinstance(row, Block)), now)
    mine = (instance_type, f"ml.{instance_type}")
    rows = _newest(row for row in stated if row.instance_type in mine)
    priced = {row.region for row in rows}
    return Lookup(
        rows=tuple(sorted(rows, key=_order)),
        notes=notes_on(knowledge, places, rows, now),
        gaps=tuple(_gap(instance_type, region) for region in regions if region not in priced),
    )


def _refuse_other_names(name: str) -> None:
    """Raises CatalogError for what is no instance type; an accelerator's name is what people try first."""
    chips = {each.accelerator.name for each in load_instance_types().values()}
    alike = sorted(each for each in chips if each.casefold().partition("-")[0] == name.casefold().partition("-")[0])
    if alike:
        raise CatalogError(f"{alike[0]} is an accelerator; `berth catalog --gpu {alike[0]}` lists the types with it.")
    if name not in ULTRASERVERS:
        find_instance_type(name)


def _gap(instance_type: str, region: str) -> str:
    kind, zones = load_instance_types().get(instance_type), offerings().get((instance_type, region))
    # What is bought by the block alone has a fee for each account and day, and no price in any list.
    by_block = kind is None or kind.usage_classes == {"capacity-block"}
    mend = "; EC2 tells the fee of a block to who asks it with --live" if by_block else ""
    if zones:
        return f"{instance_type} is sold in {region} ({listed(zones)}), but no price is known there{mend}."
    return f"No price of {instance_type} is known in {region}, and no source lists it there{mend}."


def _of_blocks(blocks: Iterable[Block], now: datetime) -> list[PriceRow]:
    from pricing.aws.capacity_blocks import block_price

    return [block_price(block, now.date()) for block in blocks]


def _newest(rows: Iterable[PriceRow]) -> list[PriceRow]:
    newest: dict[tuple[str, ...], PriceRow] = {}
    for row in rows:
        # Blocks of several zones and starts differ in their source alone, SageMaker's prices in the use named in it.
        told = row.provenance.source if row.purchase is Purchase.CAPACITY_BLOCK else component_of(row)
        key = (*row.subject, told)
        if key not in newest or row.provenance.as_of > newest[key].provenance.as_of:
            newest[key] = row
    return list(newest.values())


def _order(row: PriceRow) -> tuple[object, ...]:
    return (
        row.region,
        row.instance_type.startswith("ml."),
        _PURCHASES.index(row.purchase),
        row.operating_system,
        _PAYMENTS.index(row.payment),
        row.zone_id,
        row.price_per_hour_per_node,
    )
