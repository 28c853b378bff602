"""berth prices refresh: what does AWS say now?"""

from __future__ import annotations

import sys

import typer

from berth.options import Regions, regions_named
from berth.progress import watched


def refresh(region: Regions = None) -> None:
    """Ask AWS for all prices, zones and quotas of some regions, and keep them for the plans to come.

    Prices are read from AWS's public price list files where there are no credentials or no right to ask.
    """
    from datetime import UTC, datetime

    from berth.tables import print_table
    from pricing.feed import Feed
    from pricing.feeds import fetch_or_read_file
    from pricing.notes import failures
    from pricing.refresh import keep
    from pricing.refresh import refresh as ask

    regions = regions_named(region)
    places = [(each, feed) for feed in Feed for each in regions]
    outcomes = ask(places, fetch_or_read_file, datetime.now(UTC), watch=watched)
    came = [each.snapshot for each in outcomes if each.snapshot]
    if came:
        print_table(
            ("region", "what", "rows"),
            [(each.region, each.feed.named, f"{len(each.rows):,}") for each in came],
            right=("rows",),
        )
    lost = keep(outcomes)
    for sentence in dict.fromkeys(text for each in came for text in each.findings):
        print(sentence, file=sys.stderr)
    for sentence in (*failures(outcomes), *lost):
        print(sentence, file=sys.stderr)
    if not came or lost:
        raise typer.Exit(1)
