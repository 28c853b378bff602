"""What arguments do several commands share?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

import typer

from pricing.errors import OptionError

Value = TypeVar("Value")

WorkloadFile = Annotated[
    str, typer.Argument(metavar="WORKLOAD", help="Workload file, or the name of one in workloads/.")
]
Live = Annotated[bool, typer.Option("--live", help="Ask AWS for prices, and wait up to a minute.")]
Offline = Annotated[bool, typer.Option("--offline", help="Use the bundled prices only; never touch the network.")]
CalibrationFile = Annotated[
    str | None,
    typer.Option("--calibration", metavar="FILE", help="Own factors on top of the bundled ones (`berth calibrate`)."),
]
TargetName = Annotated[
    str | None,
    typer.Option("--target", metavar="TARGET", help="Kind of stack, in place of the workload's provision.target."),
]
Regions = Annotated[
    list[str] | None,
    typer.Option(
        "--region", metavar="REGION", help="Region to look at; several times for several, `all` for every known one."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]


def regions_named(given: Sequence[str] | None) -> tuple[str, ...]:
    """The regions that a user names; a workload's own default where none is named. Raises MarketError."""
    from planner.workload import Limits
    from pricing.regions import known_regions, refuse_unknown

    usual = Limits().regions
    if given and "all" in given:
        return tuple(dict.fromkeys((*usual, *sorted(known_regions()))))
    regions = tuple(dict.fromkeys(given or usual))
    refuse_unknown(regions)
    return regions


def read_option(name: str, text: str, convert: Callable[[str], Value]) -> Value:
    """The value of an option, which `convert` makes of its text. Raises OptionError where it raises ValueError."""
    try:
        return convert(text)
    except ValueError as error:
        raise OptionError(f"{name}: {error}.") from None
