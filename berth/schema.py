"""berth schema: what may stand in a file, for editors."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Kind(StrEnum):
    """Files that have a schema."""

    WORKLOAD = "workload"
    ESTIMATE = "estimate"
    MEASURED = "measured"


def schema(kind: Annotated[Kind, typer.Argument(help="Kind of file.")]) -> None:
    """Print what a workload, an estimate or measured runs may hold."""
    if kind is Kind.MEASURED:
        _print_measured()
        return
    from json import dumps

    from pydantic import BaseModel

    from planner.pinned_file import PinnedFile
    from planner.workload import Workload

    models: dict[Kind, type[BaseModel]] = {Kind.WORKLOAD: Workload, Kind.ESTIMATE: PinnedFile}
    print(dumps(models[kind].model_json_schema(), indent=2))


def _print_measured() -> None:
    from planner.measured_columns import columns_of
    from planner.recipe import Job
    from planner.report.measured_columns import print_columns

    print("Comma-separated, one run a row; leave out columns, or cells, that nobody knows.\n")
    print_columns("Training runs", columns_of(Job.TRAINING))
    print()
    print_columns("Serving runs", columns_of(Job.INFERENCE))
