"""From where do the nodes of a fleet read the weights: a bucket, or the file system that they share?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.provisioning import Serving
from planner.source import Fault, FieldPath
from planner.workload import Workload

# Where nodes mount a file system, and where its stack shows what S3 holds (stacks.parts.file_system).
MOUNT, SHOWN = "/fsx", "/fsx/data"


def weights_place(workload: Workload) -> tuple[str | None, str | None]:
    """The S3 URI that nodes copy, and the folder that they read in its place; neither where an engine brings its own.

    What stands in the bucket of a file system is read from the file system where the workload says so.
    """
    given = (workload.provision.serving or Serving()).weights
    if given is None:
        return None, None
    if given.startswith(MOUNT):
        return None, given
    shown = _shown(workload)
    if _named(workload) == "fsx" and shown is not None:
        return None, f"{SHOWN}/{given.removeprefix(shown).strip('/')}".rstrip("/")
    return given, None


def place_faults(workload: Workload) -> Iterator[Fault]:
    """What of the place of a fleet's weights cannot be, each with its field."""
    path: FieldPath = ("provision", "serving", "weights")
    source: FieldPath = ("inference", "fleet", "weights_from")
    named, given = _named(workload), (workload.provision.serving or Serving()).weights
    if named in ("ebs", "nvme"):
        yield source, f"no disk of a new node has the weights yet, so that a fleet cannot take {named}; take s3 or fsx"
    if given is None:
        if named == "fsx":
            yield source, "there are no weights to read there; give provision.serving.weights, or leave it out"
        return
    if given.startswith(MOUNT):
        if not workload.provision.existing.file_system:
            yield (
                path,
                "a folder stands on a file system; name that in provision.existing.file_system, or give s3://...",
            )
        if named != "fsx":
            yield path, "a folder of the file system is read from there; set inference.fleet.weights_from to fsx"
    elif named == "fsx" and not _is_shown(workload, given):
        yield (
            path,
            "a file system shows the bucket of provision.storage.file_system.data alone; let the weights stand below "
            "it, or give their folder on an existing one, such as /fsx/llama-3.1-8b",
        )


def _named(workload: Workload) -> str:
    return workload.inference.fleet.weights_from if workload.inference else "s3"


def _shown(workload: Workload) -> str | None:
    """What the stack's own file system shows of S3."""
    own = workload.provision.storage.file_system
    return own.data if own else None


def _is_shown(workload: Workload, weights: str) -> bool:
    shown = _shown(workload)
    return shown is not None and f"{weights.rstrip('/')}/".startswith(f"{shown.rstrip('/')}/")
