"""berth prices show: what does an instance type cost, on which terms, by whose word?"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from berth.options import AsCsv, AsJson, Live, Offline, Regions, regions_named
from berth.progress import watched
from berth.tables import print_records, print_table, refuse_both

if TYPE_CHECKING:
    from datetime import date

    from pricing.price import PriceRow


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

    Prices are what is known without asking AWS; --live asks. --spot-nodes and --block-nodes always ask EC2.
    """
    from datetime import UTC, datetime

    from pricing.basis import prices_looked_up
    from pricing.blocks import DAYS
    from pricing.capacity import blocks_on_offer, spot_scores
    from pricing.lookup import look_up

    refuse_both(json=json, csv=csv)
    _refuse_slips(spot_nodes, block_nodes, block_days, told_apart=json or csv, offline=offline)
    # SageMaker's name of a type is the same row of the catalog.
    instance_type = instance_type.lower().removeprefix("ml.")
    now, prices, regions = datetime.now(UTC), prices_looked_up(live=live, offline=offline), regions_named(region)
    found = look_up(instance_type, regions, prices, now, watched)
    records = [_record(row, now.date()) for row in found.rows]
    if json or csv:
        print_records(records, as_json=json)
    elif records:
        _print_prices(records)
    scores = spot_scores(instance_type, regions, spot_nodes) if spot_nodes else ()
    blocks = blocks_on_offer(instance_type, regions, block_nodes, block_days or DAYS[0]) if block_nodes else ()
    for note in (*found.notes, *found.gaps, *scores, *blocks, *_usual_regions(region, regions)):
        print(note, file=sys.stderr)


def _usual_regions(given: Sequence[str] | None, regions: Sequence[str]) -> Iterator[str]:
    """Which regions are shown where none was named."""
    from pricing.wording import listed

    if not given:
        yield f"Shown are {listed(regions)}; --region names others, `--region all` every known one."


def _record(row: PriceRow, today: date) -> dict[str, Any]:
    return {
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
        "age_days": row.provenance.age_days(today),
        "source": row.provenance.source,
    }


def _refuse_slips(
    spot_nodes: int | None, block_nodes: int | None, block_days: int | None, *, told_apart: bool, offline: bool
) -> None:
    """Refuses what --offline forbids, options that would do nothing, and blocks that nobody sells; all at once."""
    from pricing.blocks import DAYS, SIZES
    from pricing.errors import OptionError

    asked_for = {"--spot-nodes": spot_nodes, "--block-nodes": block_nodes}
    asking = [name for name, nodes in asked_for.items() if nodes is not None]
    findings = [f"{name} asks EC2, and --offline forbids it; leave one of them out." for name in asking if offline]
    findings += [f"{name} answers in sentences, not in --json or --csv; ask twice." for name in asking if told_apart]
    if block_days is not None and block_nodes is None:
        findings.append("--block-days is the length of the blocks that --block-nodes asks for; add it.")
    if block_nodes is not None and block_nodes not in SIZES:
        findings.append(f"--block-nodes {block_nodes}: blocks have {', '.join(map(str, SIZES))} instances.")
    if block_days is not None and block_days not in DAYS:
        lengths = "1 to 14 days, or 3 to 26 whole weeks (21, 28, ... 182)"
        findings.append(f"--block-days {block_days}: blocks last {lengths}.")
    if findings:
        raise OptionError(findings)


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
