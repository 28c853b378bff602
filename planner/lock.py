"""Which plan was decided on, and does it still answer the workload?

A lock, `NAME.plan.json` beside `NAME.yaml`, keeps a plan as package managers keep versions, so that a price
move never replaces a running cluster. Its head says what is built, the rest why; a stack needs the head alone,
so that a lock outlives changes of what plans report. Written whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass, replace
from datetime import datetime
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from planner.built import Image
from planner.calibration import Calibration
from planner.errors import LockError
from planner.load import Loaded
from planner.plan import Build, Candidate, Decision, Plan, Target
from planner.provisioning import Serving
from planner.workload import Provision, Workload
from pricing.files import write_whole

FORMAT = 1
# What a user may change while a stack stands, without the choice of machines being asked again; and the
# lifecycle of the storage.
_FREE = ("time_to_live", "reservation_end", "budget", "budget_email")
# The same of a fleet: who may reach it, and how far it scales.
_FREE_SERVING = ("clients", "least_nodes", "most_nodes")
_MEND = "restore it from version control, or delete it and run `berth lock`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What is built, and for which question: the digest of the workload, its model's shape and the calibration."""

    format: int
    digest: str
    locked_at: datetime
    build: Build


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock(Head):
    """A head with the plan behind it; None where another Berth wrote a plan that this one cannot read."""

    plan: Plan | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Format:
    """What a lock of any format has."""

    format: int


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
    if not is_dataclass(value):
        return value
    named = {field.name: (field.default, getattr(value, field.name)) for field in fields(value)}
    return {name: _given(held) for name, (default, held) in named.items() if default is MISSING or held != default}


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
    lost = list(_no_numbers(lock, ""))
    if lost:
        raise LockError(
            f"the lock cannot be written: {lost[0]} is no number, and would be read back as another plan; this is a "
            "fault of Berth's, report it with the workload file"
        )
    return TypeAdapter(Lock).dump_json(lock, indent=2).decode() + "\n"


def _no_numbers(value: Any, name: str) -> Iterator[str]:
    """The fields of a record that are not a number or without bound."""
    if isinstance(value, float) and not isfinite(value):
        yield name
    elif isinstance(value, tuple):
        for place, item in enumerate(value):
            yield from _no_numbers(item, f"{name}[{place}]")
    elif is_dataclass(value):
        for field in fields(value):
            yield from _no_numbers(getattr(value, field.name), f"{name}.{field.name}".removeprefix("."))


def read_head(path: Path) -> Head:
    """Reads what a stack must know of a lock. Raises LockError where there is no such lock."""
    return _head(path, _read(path))


def read_lock(path: Path) -> Lock:
    """Reads a lock with its plan. Raises LockError where there is no such lock."""
    text = _read(path)
    head = _head(path, text)
    try:
        plan = TypeAdapter(Plan).validate_python(json.loads(text).get("plan"), strict=False)
    except ValidationError:
        plan = None
    return Lock(**{field.name: getattr(head, field.name) for field in fields(Head)}, plan=plan)


def read_chosen(path: Path) -> tuple[Head, Candidate | None]:
    """Reads a lock's head and the candidate chosen, None where this Berth cannot read it: half the time of the whole.

    Raises LockError where there is no such lock.
    """
    text = _read(path)
    head = _head(path, text)
    try:
        return head, TypeAdapter(Candidate).validate_python(json.loads(text)["plan"]["chosen"], strict=False)
    except (ValidationError, KeyError, TypeError):
        return head, None


def write_lock(path: Path, lock: Lock) -> None:
    """Writes a lock. Raises LockError where the folder cannot be written, or the lock holds what JSON cannot."""
    _write(path, lock_json(lock))


def write_image(path: Path, image: Image) -> None:
    """Pins the image in the lock at `path`, and leaves the rest as it is, whichever Berth wrote it.

    Raises LockError where there is no such lock, or the folder cannot be written.
    """
    text = _read(path)
    _head(path, text)
    data = from_json(text)
    data["build"]["image"] = asdict(image)
    # The writer of `lock_json`, so that numbers keep their spelling and only the image's line changes.
    _write(path, to_json(data, indent=2).decode() + "\n")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise LockError(f"{path}: the lock cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise LockError(f"{path}: the lock is not UTF-8 text; {_MEND}") from None


def _head(path: Path, text: str) -> Head:
    try:
        known = TypeAdapter(_Format).validate_json(text).format
        if known != FORMAT:
            raise LockError(f"{path}: a lock of format {known}, and this Berth reads format {FORMAT}; {_MEND}")
        if "build" not in from_json(text) and "index" in from_json(text):
            raise LockError(f"{path}: the lock of a vector index alone, for which there is no stack as yet")
        return TypeAdapter(Head).validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise LockError(
            f"{path}: not a lock that this Berth can read ({field}: {first['msg'].lower()}); {_MEND}"
        ) from None


def _write(path: Path, text: str) -> None:
    # A lock is committed and shared like the workload beside it.
    try:
        write_whole(path, text)
    except OSError as error:
        raise LockError(f"{path}: the lock cannot be written: {error.strerror}") from None
