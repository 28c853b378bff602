"""berth catalog check: does the bundle still say what EC2 says?"""

from __future__ import annotations

import sys

import typer

from berth.options import Regions, regions_named
from berth.progress import watched


def check(region: Regions = None) -> None:
    """Compare the bundled hardware facts with EC2's record; ends with status 1 where they differ unexplained."""
    from pricing.hardware_check import check_hardware

    found = check_hardware(regions_named(region), watched)
    for title, sentences in (
        ("Drift", found.comparison.drift),
        ("Known quirks of EC2's record", found.comparison.quirks),
    ):
        if sentences:
            print(f"{title}:", *sentences, sep="\n  ")
    print(f"{found.compared} instance types compared; differences to look into: {len(found.comparison.drift)}.")
    for finding in found.findings:
        print(finding, file=sys.stderr)
    if found.comparison.drift:
        raise typer.Exit(1)
