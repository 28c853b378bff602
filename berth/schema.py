"""berth schema: what may stand in a file, for editors."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Kind(StrEnum):
    """Files that have a schema."""

    WORKLOAD = "workload"
    ESTIMATE = "estimate"


def schema(kind: Annotated[Kind, typer.Argument(help="Kind of file.")]) -> None:
    """Print the JSON Schema of a file."""
    from json import dumps

    from pydantic import BaseModel

    from planner.pinned_file import PinnedFile
    from planner.workload import Workload

    models: dict[Kind, type[BaseModel]] = {Kind.WORKLOAD: Workload, Kind.ESTIMATE: PinnedFile}
    print(dumps(models[kind].model_json_schema(), indent=2))
