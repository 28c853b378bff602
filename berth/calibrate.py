"""berth calibrate: which factors do one's own runs ask for?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from berth.options import CalibrationFile


def calibrate(
    measured: Annotated[Path, typer.Argument(metavar="MEASURED.csv", help="Measured runs, one a row.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Calibration file to write.")],
    calibration: CalibrationFile = None,
) -> None:
    """Fit the empirical factors to measured runs."""
    import yaml

    from planner.calibrating import fitted_figures
    from planner.errors import MeasuredError
    from planner.fit_report import fit_report
    from planner.measured import read_measured
    from planner.own_calibration import chosen_calibration
    from planner.row_faults import row_faults
    from pricing.files import write_whole

    runs, known = read_measured(measured, row_faults), chosen_calibration(calibration)
    figures = fitted_figures(runs, known, str(measured))
    try:
        write_whole(output, yaml.safe_dump(figures, sort_keys=False))
    except OSError as error:
        raise MeasuredError([f"{output}: cannot be written: {error.strerror}"]) from None
    names = [f"{section} {name}" for section, items in figures.items() for name in items]
    print(f"{output}: {', '.join(names)}")
    for line in fit_report(runs, known, chosen_calibration(str(output)), figures, str(measured)):
        print(line)
