"""berth catalog: which instance types are there, and what do they cost?"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from berth.options import AsCsv, AsJson, Live, Offline, Regions, read_option, regions_named
from berth.progress import watched
from berth.tables import print_records, print_table, refuse_both
from pricing.offer import Purchase
from pricing.order import Sort

if TYPE_CHECKING:
    from pricing.selection import Find


def catalog(
    context: typer.Context,
    gpu: Annotated[str, typer.Option(help="Accelerator or vendor, or a part of its name: H100, trainium.")] = "",
    min_memory: Annotated[str, typer.Option(help="Least accelerator memory of one instance, such as 640GiB.")] = "",
    min_gpus: Annotated[int, typer.Option(min=0, help="Least accelerators of one instance.")] = 0,
    efa: Annotated[bool, typer.Option("--efa", help="Only types with EFA.")] = False,
    purchase: Annotated[Purchase, typer.Option(help="Way to pay that prices are shown for.")] = Purchase.ON_DEMAND,
    max_price: Annotated[str, typer.Option(metavar="USD", help="Most USD an hour; leaves out unknown prices.")] = "",
    sort: Annotated[Sort, typer.Option(help="Order of the list.")] = Sort.NAME,
    retired: Annotated[bool, typer.Option("--retired", help="Also types that EC2 no longer offers.")] = False,
    region: Regions = None,
    live: Live = False,
    offline: Offline = False,
    json: AsJson = False,
    csv: AsCsv = False,
) -> None:
    """List instance types, each where it is cheapest, or with --region in each region that sells it.

    Shows what is known without asking AWS; --live asks.
    """
    if context.invoked_subcommand:
        return
    from pricing.basis import prices_looked_up
    from pricing.market import load_market
    from pricing.selection import Wish, select
    from pricing.table import amount
    from pricing.units import parse_bytes

    refuse_both(json=json, csv=csv)
    wish = Wish(
        gpu=gpu,
        min_memory_bytes=read_option("--min-memory", min_memory, parse_bytes) if min_memory else 0,
        min_accelerators=min_gpus,
        efa=efa,
        retired=retired,
        max_usd=read_option("--max-price", max_price, amount) if max_price else None,
        everywhere=not region,
    )
    prices = prices_looked_up(live=live, offline=offline)
    market = load_market(regions_named(region or ["all"]), (purchase,), prices=prices, alone=True, watch=watched)
    found = select(market, wish, sort)
    if json or csv:
        print_records([_record(each, purchase) for each in found], as_json=json)
    elif found:
        _print_finds(found)
    for note in (*([] if found else ["Nothing in the catalog is like that."]), *market.notes):
        print(note, file=sys.stderr)


def _record(find: Find, purchase: Purchase) -> dict[str, Any]:
    machine, said_by = find.machine, find.offer.provenance if find.offer else None
    return {
        "instance_type": machine.name,
        "accelerator": machine.accelerator.name,
        "vendor": machine.accelerator.vendor,
        "accelerators": machine.accelerators,
        "accelerator_share": machine.accelerator_share,
        "accelerator_memory_bytes": machine.total_memory_bytes,
        "vcpus": machine.vcpus,
        "host_memory_bytes": machine.host_memory_bytes,
        "network_bytes_per_s": machine.network_bytes_per_s,
        "efa_cards": len(machine.efa_cards),
        "retired": machine.retired,
        "region": find.region or None,
        "zone_ids": find.offer.zone_ids if find.offer else find.zone_ids,
        "purchase": str(purchase),
        "usd_per_hour_per_node": find.usd_per_hour,
        "usd_per_hour_per_accelerator": find.usd_per_hour_per_accelerator,
        "as_of": said_by.as_of if said_by else None,
        "source": said_by.source if said_by else None,
    }


def _print_finds(found: Sequence[Find]) -> None:
    titles = ("type", "accelerators", "memory", "vCPUs", "host", "network", "EFA", "region", "zones", "an hour", "each")
    print_table((*titles, "held on"), map(_row, found), right=(*titles[2:7], *titles[8:]))


def _row(find: Find) -> tuple[str, ...]:
    from pricing.units import GBPS, show_gib, show_usd

    machine, rate = find.machine, find.machine.network_bytes_per_s
    known, each = find.usd_per_hour, find.usd_per_hour_per_accelerator
    return (
        machine.name,
        f"{machine.accelerators * machine.accelerator_share:g} x {machine.accelerator.name}",
        show_gib(machine.total_memory_bytes),
        str(machine.vcpus),
        show_gib(machine.host_memory_bytes),
        "unknown" if rate is None else f"{rate / GBPS:,.4g} Gbit/s",
        str(len(machine.efa_cards) or ""),
        find.region or "unknown",
        str(len(find.zone_ids) or "unknown"),
        "unknown" if known is None else show_usd(known),
        "unknown" if each is None else show_usd(each),
        str(find.offer.provenance.as_of) if find.offer else "",
    )
