"""berth validate: how far are predictions from measured runs?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from berth.options import CalibrationFile

MeasuredFile = Annotated[
    Path, typer.Argument(metavar="MEASURED.csv", help="Measured runs, one a row; columns: `berth schema measured`.")
]


def validate(
    measured: MeasuredFile,
    json: Annotated[bool, typer.Option("--json", help="Print rows, skipped rows and summary as JSON.")] = False,
    calibration: CalibrationFile = None,
) -> None:
    """Set predictions beside measured training or serving runs."""
    from planner.measured import read_measured
    from planner.own_calibration import chosen_calibration
    from planner.report.validation import print_validation
    from planner.row_faults import row_faults
    from planner.validation import validate as compared

    factors = chosen_calibration(calibration)
    found = compared(read_measured(measured, row_faults), factors, str(measured))
    if json:
        import json as encoder

        print(encoder.dumps(found.as_json(), indent=1))
    else:
        print_validation(found)
