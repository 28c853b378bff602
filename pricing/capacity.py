"""What does EC2 say of the capacity of an instance type: of spot by zone, and of Capacity Blocks of a size and length?

Always asks AWS, with credentials, and answers in sentences; a region that refuses leaves the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pricing.aws.capacity_blocks import capacity_blocks
from pricing.aws.placement_scores import placement_scores
from pricing.errors import MarketError
from pricing.price import Block


def spot_scores(instance_type: str, regions: Sequence[str], nodes: int) -> Iterator[str]:
    """Spot placement scores of so many instances in each region, or why there are none.

    Scores compare zones at this moment; 10 is likely, 1 is not.
    """
    for region in regions:
        try:
            found = placement_scores(region, instance_type, nodes)
        except MarketError as error:
            yield f"Spot placement scores of {region} could not be had: {' '.join(error.findings)}"
            continue
        zones = ", ".join(f"{each.zone_id} {each.score}" for each in found) or "no zone is scored"
        yield f"Spot placement scores for {nodes} x {instance_type} in {region}, of 10: {zones}."


def blocks_on_offer(instance_type: str, regions: Sequence[str], nodes: int, days: int) -> Iterator[str]:
    """Capacity Blocks of a size and length on offer in each region, with fee and start, or why there are none.

    `nodes` and `days` are among `pricing.blocks.SIZES` and `DAYS`.
    """
    for region in regions:
        try:
            found = capacity_blocks(region, [instance_type], [nodes], [days])
        except MarketError as error:
            yield f"Capacity Blocks of {region} could not be had: {' '.join(error.findings)}"
            continue
        yield from (*found.refused.values(), *found.findings)
        if not found.blocks:
            yield f"No Capacity Block of {nodes} x {instance_type} for {days} d is on offer in {region}."
        yield from map(_told, found.blocks)


def _told(block: Block) -> str:
    return (
        f"Capacity Block of {block.count} x {block.name} in {block.zone_id}, {block.starts_at:%Y-%m-%d %H:%M} to "
        f"{block.ends_at:%Y-%m-%d %H:%M} UTC: {block.fee:,.2f} {block.currency} for all of it."
    )
