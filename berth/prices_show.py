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
    from pricing.lookup import look_up

    refuse_both(json=json, csv=csv)
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
    for note in (*found.notes, *found.gaps, *scores):
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
            f"{each['age_days']} d",
            each["source"],
        )
        for each in records
    ]
    print_table(titles, rows, right=("an hour", "age"))
