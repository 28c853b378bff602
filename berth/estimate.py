"""berth estimate: what does a pinned configuration take?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from berth.options import CalibrationFile


def estimate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Pinned configuration: model, accelerator, choices.")],
    json: Annotated[bool, typer.Option("--json", help="Print the estimate as JSON.")] = False,
    calibration: CalibrationFile = None,
) -> None:
    """Say what a pinned configuration takes on an accelerator."""
    from planner.estimate import estimate as estimated
    from planner.own_calibration import chosen_calibration
    from planner.pinned import read_pinned
    from planner.report.estimate import print_estimate

    factors = chosen_calibration(calibration)
    pinned, shape = read_pinned(file)
    found = estimated(pinned, shape, factors)
    if json:
        import json as encoder

        print(encoder.dumps(found.as_json(), indent=1))
    else:
        print_estimate(found)
