"""Where do a workload and its lock stand?"""

from __future__ import annotations

import os
from pathlib import Path


def find_workload(name: str, folder: Path = Path("workloads")) -> Path:
    """The file that a user means by `name`: a path, or the name of a file in `folder`, its suffix left out or not.

    The lock of a file that is gone still finds it.
    """
    path = Path(name)
    places = (path, folder / path, folder / f"{name}.yaml") if path.parent == Path() else (path,)
    for stands in (Path, lock_path):
        for place in places:
            # Path.exists raises where a folder is closed or a name too long; reading tells that better.
            if os.path.exists(stands(place)):
                return place
    return path


def lock_path(workload_file: Path) -> Path:
    """Where the lock of a workload file stands."""
    return workload_file.parent / f"{workload_file.stem}.plan.json"
