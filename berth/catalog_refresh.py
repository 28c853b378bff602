"""berth catalog refresh: how is the bundle brought up to date?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from berth.options import Regions, regions_named
from berth.progress import watched


def refresh(
    region: Regions = None,
    folder: Annotated[
        Path | None, typer.Option(help="Folder of the tables; Berth's own unless given.", file_okay=False, exists=True)
    ] = None,
) -> None:
    """Write the bundled tables of prices, zones and interruptions anew from AWS, and print what changed."""
    from datetime import UTC, datetime

    from pricing.bundle_refresh import rewrite_bundle
    from pricing.catalog import DATA

    regions = regions_named(region or ["all"])
    written, findings = rewrite_bundle(regions, datetime.now(UTC), watched, folder or DATA)
    for table in written:
        new, changed, same = (
            sum(getattr(part, name) for part in table.parts) for name in ("new", "changed", "confirmed")
        )
        print(f"{table.path}: {new:,} new, {changed:,} changed, {same:,} as they were")
        for part in table.parts:
            for change in part.changes:
                print(f"  {change}")
    for finding in findings:
        print(finding, file=sys.stderr)
