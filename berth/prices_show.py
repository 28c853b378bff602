"""berth prices show: what does an instance type cost, on which terms, by whose word?"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from berth.options import AsCsv, AsJson, Live, Offline, Regions, regions_named
from berth.progress import watched
from berth.tables import print_records, print_table, refuse_both


def show(
    instance_type: Annotated[str, typer.Argument(metavar="TYPE", help="EC2 instance type, such as p5.48xlarge.")],
    region: Regions = None,
    spot_nodes: Annotated[
        int | None,
        typer.Option("--spot-nodes", min=1, help="Also ask EC2 how likely so many spot instances are, by zone."),
    ] = None,
    block_nodes: Annotated[
        int | None,
        typer.Option("--block-nodes", help="Also ask EC2 for Capacity Blocks of so many instances: 1, 2, 4, ... 64."),
    ] = None,
    block_days: Annotated[
        int | None,
        typer.Option("--block-days", help="Length of those blocks: up to 14 days, or whole weeks up to 26; 1."),
    ] = None,
    live: Live = False,
    offline: Offline = False,
    json: AsJson = False,
    csv: AsCsv = False,
) -> None:
    """Show all known prices of an instance type: every purchase, payment and zone, with source and age.

    Shows what is known without asking AWS; --live asks.
    """
    from datetime import UTC, datetime

    from pricing.basis import prices_looked_up
    from pricing.blocks import DAYS
    from pricing.lookup import look_up

    refuse_both(json=json, csv=csv)
    _refuse_idle_options(spot_nodes, block_nodes, block_days, told_apart=json or csv, offline=offline)
    # SageMaker's name of a type is the same row of the catalog.
    instance_type = instance_type.lower().removeprefix("ml.")
    block_days = block_days or DAYS[0]
    if block_nodes is not None:
        _refuse_unsold(block_nodes, block_days)
    now, prices = datetime.now(UTC), prices_looked_up(live=live, offline=offline)
    found = look_up(instance_type, regions_named(region), prices, now, watched)
    records: list[dict[str, Any]] = [
        {
            "instance_type": row.instance_type,
            "region": row.region,
            "purchase": str(row.purchase),
            "payment": str(row.payment),
            "operating_system": row.operating_system,
            "zone_id": row.zone_id,
            "price_per_hour_per_node": row.price_per_hour_per_node,
            "currency": row.currency,
            "effective": row.provenance.effective,
            "as_of": row.provenance.as_of,
            "age_days": row.provenance.age_days(now.date()),
            "source": row.provenance.source,
        }
        for row in found.rows
    ]
    if json or csv:
        print_records(records, as_json=json)
    elif records:
        _print_prices(records)
    scores = _scores(instance_type, regions_named(region), spot_nodes) if spot_nodes else ()
    blocks = _blocks(instance_type, regions_named(region), block_nodes, block_days) if block_nodes else ()
    for note in (*found.notes, *found.gaps, *scores, *blocks):
        print(note, file=sys.stderr)


def _scores(instance_type: str, regions: Sequence[str], nodes: int) -> Iterator[str]:
    """What EC2 says of spot capacity in each region, or why it says nothing. Scores compare zones at this moment."""
    from pricing.aws.placement_scores import placement_scores
    from pricing.errors import MarketError

    for region in regions:
        try:
            found = placement_scores(region, instance_type, nodes)
        except MarketError as error:
            yield f"Spot placement scores of {region} could not be had: {' '.join(error.findings)}"
            continue
        listed = ", ".join(f"{each.zone_id} {each.score}" for each in found) or "no zone is scored"
        yield f"Spot placement scores for {nodes} x {instance_type} in {region}, of 10: {listed}."


def _refuse_idle_options(
    spot_nodes: int | None, block_nodes: int | None, block_days: int | None, *, told_apart: bool, offline: bool
) -> None:
    """Refuses options that would do nothing, or what --offline forbids; all at once."""
    from pricing.errors import MarketError

    asked_for = {"--spot-nodes": spot_nodes, "--block-nodes": block_nodes}
    asking = [name for name, nodes in asked_for.items() if nodes is not None]
    findings = [f"{name} asks EC2, and --offline forbids it; leave one of them out." for name in asking if offline]
    findings += [f"{name} answers in sentences, not in --json or --csv; ask twice." for name in asking if told_apart]
    if block_days is not None and block_nodes is None:
        findings.append("--block-days is the length of the blocks that --block-nodes asks for; add it.")
    if findings:
        raise MarketError(findings)


def _refuse_unsold(nodes: int, days: int) -> None:
    """Refuses a size or length in which no Capacity Block is sold, both at once."""
    from pricing.blocks import DAYS, SIZES
    from pricing.errors import MarketError

    findings = []
    if nodes not in SIZES:
        findings.append(f"--block-nodes {nodes}: blocks have {', '.join(map(str, SIZES))} instances.")
    if days not in DAYS:
        findings.append(f"--block-days {days}: blocks last 1 to 14 days, or 3 to 26 whole weeks (21, 28, ... 182).")
    if findings:
        raise MarketError(findings)


def _blocks(instance_type: str, regions: Sequence[str], nodes: int, days: int) -> Iterator[str]:
    """The blocks of that size and length that EC2 offers in each region, with their fee and start."""
    from pricing.aws.capacity_blocks import capacity_blocks
    from pricing.errors import MarketError

    for region in regions:
        try:
            found = capacity_blocks(region, [instance_type], [nodes], [days])
        except MarketError as error:
            yield f"Capacity Blocks of {region} could not be had: {' '.join(error.findings)}"
            continue
        yield from found.findings
        if not found.blocks:
            yield f"No Capacity Block of {nodes} x {instance_type} for {days} d is on offer in {region}."
        for each in found.blocks:
            yield (
                f"Capacity Block of {each.count} x {each.name} in {each.zone_id}, {each.starts_at:%Y-%m-%d %H:%M} to "
                f"{each.ends_at:%Y-%m-%d %H:%M} UTC: {each.fee:,.2f} {each.currency} for all of it."
            )


def _print_prices(records: list[dict[str, Any]]) -> None:
    titles = ("type", "region", "purchase", "payment", "system", "zone", "an hour", "since", "held on", "age", "source")
    rows = [
        (
            each["instance_type"],
            each["region"],
            each["purchase"],
            each["payment"],
            each["operating_system"],
            each["zone_id"],
            f"{each['price_per_hour_per_node']:,.4f} {each['currency']}",
            str(each["effective"] or ""),
            str(each["as_of"]),
            # A clock that is behind sees prices of tomorrow.
            f"{max(each['age_days'], 0)} d",
            each["source"],
        )
        for each in records
    ]
    print_table(titles, rows, right=("an hour", "age"))
