"""Which plan was decided on, and does it still answer the workload?

A lock, `NAME.plan.json` beside `NAME.yaml`, keeps a plan as package managers keep versions, so that a price
move never replaces a running cluster. Its head says what is built, the rest why; a stack needs the head alone,
so that a lock outlives changes of what plans report. Written whole or not at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from msgspec import NODEFAULT, DecodeError, Raw, Struct, ValidationError, convert
from msgspec.json import decode
from msgspec.structs import asdict
from pydantic_core import from_json, to_json

from planner.built import Image
from planner.calibration import Calibration
from planner.errors import LockError
from planner.load import Loaded
from planner.plan import Build, Candidate, Decision, Plan, Target
from planner.provisioning import Serving
from planner.workload import Provision, Workload
from pricing.files import write_whole
from pricing.records import no_numbers, plain, replace

FORMAT = 1
# What a user may change while a stack stands, without the choice of machines being asked again; and the
# lifecycle of the storage.
_FREE = ("time_to_live", "reservation_end", "budget", "budget_email")
# The same of a fleet: who may reach it, and how far it scales.
_FREE_SERVING = ("clients", "least_nodes", "most_nodes")
Record = TypeVar("Record", bound=Struct)
# Where msgspec found what is no JSON.
_BYTE = re.compile(r" \(byte (\d+)\)")
_MEND = "restore it from version control, or delete it and run `berth lock`"


class Head(Struct, frozen=True, kw_only=True):
    """What is built, and for which question: the digest of the workload, its model's shape and the calibration."""

    format: int
    digest: str
    locked_at: datetime
    build: Build


class Lock(Head, frozen=True, kw_only=True):
    """A head with the plan behind it; None where another Berth wrote a plan that this one cannot read."""

    plan: Plan | None


class _Parts(Struct, frozen=True, kw_only=True):
    """What a lock of any format has, and which parts some have. The plan, which another Berth may have written, is
    read for itself."""

    format: int
    build: Any = None
    index: Any = None
    plan: Raw = Raw(b"null")


class _Decided(Struct, frozen=True, kw_only=True):
    """What is read of a plan where the candidate chosen is enough."""

    chosen: Candidate


def digest_of(loaded: Loaded, calibration: Calibration) -> str:
    """Digest over what decides the choice: comments, order, defaults and free provisioning change nothing."""
    asked = _deciding(loaded.workload).model_dump(mode="json", exclude_defaults=True, exclude={"model"})
    whole = {"workload": asked, "shape": _given(loaded.shape), "calibration": _given(calibration)}
    return sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _deciding(workload: Workload) -> Workload:
    """The workload as if its free provisioning were left out."""
    given, plain = workload.provision, Provision()
    storage = given.storage.model_copy(update={"lifecycle": plain.storage.lifecycle})
    free: dict[str, Any] = {name: getattr(plain, name) for name in _FREE}
    if given.serving:
        alike = {name: getattr(Serving(), name) for name in _FREE_SERVING}
        free["serving"] = given.serving.model_copy(update=alike)
    return workload.model_copy(update={"provision": given.model_copy(update={**free, "storage": storage})})


def answers(head: Head, loaded: Loaded, calibration: Calibration) -> bool:
    """Whether a lock answers a workload: to the target that the file names, or, where it names none, to the lock's."""
    named = loaded.workload.provision.target
    if named not in (None, head.build.target):
        return False
    return any(digest_of(_aimed(loaded, target), calibration) == head.digest for target in (None, head.build.target))


def _aimed(loaded: Loaded, target: Target | None) -> Loaded:
    provision = loaded.workload.provision.model_copy(update={"target": target})
    return replace(loaded, workload=loaded.workload.model_copy(update={"provision": provision}))


def _given(value: Any) -> Any:
    """A record as plain data without fields at their default, so that a new field unlocks nothing."""
    if isinstance(value, tuple):
        return [_given(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _given(item) for name, item in value.items()}
    if not isinstance(value, Struct):
        return value
    usual = _defaults(type(value))
    return {name: _given(held) for name, held in asdict(value).items() if held != usual.get(name, NODEFAULT)}


@cache
def _defaults(record: type[Struct]) -> dict[str, Any]:
    """The fields of a record that have a default, or what makes one."""
    values = record.__struct_defaults__
    return dict(zip(record.__struct_fields__[-len(values) :], values, strict=True)) if values else {}


def new_lock(loaded: Loaded, decision: Decision, calibration: Calibration, now: datetime) -> Lock:
    """The lock of a decision made `now` (UTC)."""
    return Lock(
        format=FORMAT,
        digest=digest_of(loaded, calibration),
        locked_at=now,
        build=decision.build,
        plan=decision.plan,
    )


def lock_json(lock: Lock) -> str:
    """The lock as it stands in its file. Raises LockError where a figure is no number, which JSON cannot say."""
    return record_json(lock)


def record_json(record: Struct) -> str:
    """A record as it stands in a file of its own. Raises LockError where a figure is no number."""
    if lost := next(no_numbers(record), None):
        raise LockError(
            f"the lock cannot be written: {lost} is no number, and would be read back as another plan; this is a "
            "fault of Berth's, report it with the workload file"
        )
    # By the declared types: a whole number that stands for a float is written as it will be read.
    typed = convert(plain(record), type(record))
    return to_json(typed, indent=2, fallback=asdict).decode() + "\n"


def read_record(written: bytes | str, kind: type[Record]) -> Record:
    """What `record_json` wrote, each figure of the type that it declares. Raises msgspec's DecodeError, also where an
    amount is no number."""
    record = decode(written, type=kind)
    if lost := next(no_numbers(record), None):
        raise ValidationError(f"Expected a finite number - at `$.{lost}`")
    return record


def read_head(path: Path) -> Head:
    """Reads what a stack must know of a lock. Raises LockError where there is no such lock."""
    head, _ = _read_apart(path, _read(path))
    return head


def read_lock(path: Path) -> Lock:
    """Reads a lock with its plan. Raises LockError where there is no such lock."""
    head, written = _read_apart(path, _read(path))
    try:
        plan = read_record(written, Plan)
    except DecodeError:
        plan = None
    return Lock(**asdict(head), plan=plan)


def read_chosen(path: Path) -> tuple[Head, Candidate | None]:
    """Reads a lock's head and the candidate chosen, None where this Berth cannot read it: half the time of the whole.

    Raises LockError where there is no such lock.
    """
    head, written = _read_apart(path, _read(path))
    try:
        return head, read_record(written, _Decided).chosen
    except DecodeError:
        return head, None


def write_lock(path: Path, lock: Lock) -> None:
    """Writes a lock. Raises LockError where the folder cannot be written, or the lock holds what JSON cannot."""
    _write(path, lock_json(lock))


def write_image(path: Path, image: Image) -> None:
    """Pins the image in the lock at `path`, and leaves the rest as it is, whichever Berth wrote it.

    Raises LockError where there is no such lock, or the folder cannot be written.
    """
    text = _read(path)
    _read_apart(path, text)
    data = from_json(text)
    data["build"]["image"] = asdict(image)
    # The writer of `record_json`, so that numbers keep their spelling and only the image's line changes.
    _write(path, to_json(data, indent=2).decode() + "\n")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise LockError(f"{path}: the lock cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LockError(f"{path}: the lock is not UTF-8 text; {_MEND}") from None


def _read_apart(path: Path, text: str) -> tuple[Head, Raw]:
    """The head of a lock, and its plan as it is written."""
    try:
        parts = decode(text, type=_Parts)
        if parts.format != FORMAT:
            raise LockError(f"{path}: a lock of format {parts.format}, and this Berth reads format {FORMAT}; {_MEND}")
        if parts.build is None and parts.index is not None:
            raise LockError(f"{path}: the lock of a vector index alone, for which there is no stack as yet")
        return read_record(text, Head), parts.plan
    except (DecodeError, RecursionError) as error:
        raise LockError(
            f"{path}{_line(error, text)}: not a lock that this Berth can read ({_fault(error)}); {_MEND}"
        ) from None


def _line(error: Exception, text: str) -> str:
    """The line of a lock that is no JSON; what is wrong otherwise is told by its field."""
    at = _BYTE.search(str(error))
    return f":{len(text.encode()[: int(at[1]) + 1].splitlines())}" if at else ""


def _fault(error: Exception) -> str:
    """The field of a lock that cannot be read, and what is wrong there."""
    said, _, inside = _BYTE.sub("", str(error)).partition(" - at `$.")
    _, _, lacking = said.partition("missing required field ")
    field = ".".join(part.strip("`") for part in (inside, lacking) if part) or "the file"
    said = said if said.startswith("JSON") else said[:1].lower() + said[1:]
    return f"{field}: {'field required' if lacking else said}"


def _write(path: Path, text: str) -> None:
    # A lock is committed and shared like the workload beside it.
    try:
        write_whole(path, text)
    except OSError as error:
        raise LockError(f"{path}: the lock cannot be written: {error.strerror}") from None
