"""How far are predictions from measured runs?

Every judged kind of every row is predicted and set beside what was measured. A row is skipped only for a reason
that its own cells give: something not stated, or a name that nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from planner.calibration import Calibration
from planner.described import accelerator_called
from planner.errors import MeasuredError, PlannerError
from planner.fitting import predicted_bytes
from planner.measured import FIGURES, MEMORY, OOM, Measured, Row
from planner.measured_answers import cache_tokens, output_tokens_per_s, tpot_ms, training_tokens_per_s, ttft_ms
from planner.measured_serving import ServingCase, serving_case
from planner.measured_training import TrainingCase, training_case, unit_notes
from planner.recipe import Job
from planner.row_faults import row_faults
from planner.row_words import check_words, name_notes
from planner.scores import Scores, scores
from pricing.errors import BerthError
from pricing.instance_type import Accelerator
from pricing.units import GIB


class Compared(Struct, frozen=True, kw_only=True):
    """One judged figure. `upper` is the upper edge of the prediction's band, where it has one; `device` what the device
    has, in the same unit; `memory_kind` what of its memory was measured (allocated, reserved, or all of a device)."""

    id: str
    kind: str
    predicted: float
    measured: float
    unit: str
    upper: float | None = None
    device: float | None = None
    memory_kind: str = ""

    @property
    def error(self) -> float:
        """Predicted over measured, less one."""
        return self.predicted / self.measured - 1


class OutOfMemory(Struct, frozen=True, kw_only=True):
    """A run that ran out of memory, and whether it would have been said to fit at the upper edge of the band."""

    id: str
    predicted_gib: float
    device_gib: float
    fits: bool


class Skipped(Struct, frozen=True, kw_only=True):
    """A judged figure without a prediction, and what in its cells is the reason."""

    id: str
    kind: str
    reason: str


class Validation(Struct):
    """All comparisons of a file. `notes` are sentences on how figures are to be read."""

    rows: list[Compared] = field(default_factory=list)
    oom: list[OutOfMemory] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    def summary(self) -> dict[str, dict[str, Any]]:
        """The figures of every judged kind; memory's with the unsafe rows and those above the upper edge."""
        found: dict[str, dict[str, Any]] = {}
        for kind in dict.fromkeys(item.kind for item in self.rows):
            of_kind = [item for item in self.rows if item.kind == kind]
            found[kind] = asdict(scores([item.error for item in of_kind]))
            edged = [item for item in of_kind if item.upper is not None]
            if edged:
                found[kind]["above_band"] = sum(item.measured > (item.upper or 0.0) for item in edged)
        if self.oom or MEMORY in found:
            # Runs out of memory alone have no errors: the figures stay, as null.
            nothing = {**dict.fromkeys(Scores.__struct_fields__), "count": 0}
            found.setdefault(MEMORY, nothing)["unsafe"] = self.unsafe()
            found[MEMORY] |= {"by_memory_kind": self._by_memory_kind()} if self._by_memory_kind() else {}
            found[MEMORY] |= {"notes": list(self.notes)} if self.notes else {}
        return found

    def _by_memory_kind(self) -> dict[str, dict[str, Any]]:
        """The figures of each kind of memory: allocated and reserved are other numbers than a device's."""
        kinds = dict.fromkeys(item.memory_kind for item in self.rows if item.memory_kind)
        return {kind: asdict(scores([item.error for item in self.rows if item.memory_kind == kind])) for kind in kinds}

    def unsafe(self) -> int:
        """Runs said to fit that ran out of memory, or were measured above the device's size."""
        beyond = [
            item for item in self.rows if item.device and item.upper and item.measured > item.device >= item.upper
        ]
        return sum(item.fits for item in self.oom) + len(beyond)

    def as_json(self) -> dict[str, Any]:
        """What `berth validate --json` prints."""
        rows = [
            {name: getattr(item, name) for name in ("id", "kind", "predicted", "measured", "unit")}
            for item in self.rows
        ]
        return {
            "rows": rows,
            "oom": [asdict(item) for item in self.oom],
            "skipped": [asdict(item) for item in self.skipped],
            "summary": self.summary(),
        }


def validate(measured: Measured, calibration: Calibration, where: str) -> Validation:
    """Sets predictions beside everything that the rows are judged for.

    Rows without a judge column are judged by what they measured. Raises MeasuredError with everything in the rows that
    cannot be, and where there is nothing to judge.
    """
    judged = [(row, measured.kinds_of(row)) for row in measured.rows]
    faults = row_faults(measured, where)
    if faults:
        raise MeasuredError(faults)
    if not any(kinds for _, kinds in judged):
        raise MeasuredError([f"{where}: no row is judged for anything"])
    units = unit_notes(row for row, kinds in judged if MEMORY in kinds or OOM in kinds)
    found = Validation(notes=(*units, *name_notes(judged, measured.job)))
    for row, kinds in judged:
        for kind in kinds:
            try:
                check_words(row, measured.job)
                if kind == OOM:
                    found.oom.append(_out_of_memory(row, measured.job, calibration))
                else:
                    found.rows.append(_compared(row, kind, measured.job, calibration))
            except BerthError as error:
                found.skipped.append(Skipped(id=row.id, kind=kind, reason="; ".join(error.findings)))
    return found


def _compared(row: Row, kind: str, job: Job, calibration: Calibration) -> Compared:
    if kind == MEMORY:
        return (_training_memory if job is Job.TRAINING else _served_memory)(row, calibration)
    column, unit = FIGURES[job][kind]
    predicted = _PREDICTED[job, kind](row, calibration)
    return Compared(id=row.id, kind=kind, predicted=predicted, measured=row.numbers[column], unit=unit)


def _training_memory(row: Row, calibration: Calibration) -> Compared:
    """Memory of a device of a training run, in GiB but for sources that print another unit."""
    case = training_case(row)
    predicted, upper, device = _trained_bytes(row, case, calibration)
    return Compared(
        id=row.id,
        kind=MEMORY,
        predicted=predicted / case.unit_bytes,
        measured=row.numbers["peak_memory_gib"],
        unit="GiB" if case.unit_bytes == GIB else "GB",
        upper=upper / case.unit_bytes,
        device=device / case.unit_bytes if device else None,
        memory_kind=case.kind,
    )


def _trained_bytes(row: Row, case: TrainingCase, calibration: Calibration) -> tuple[float, float, float | None]:
    """Predicted memory, its upper edge, and the device's size where the accelerator is known. Bytes."""
    chip = _chip(row)
    vendor = chip.vendor if chip and chip.vendor in calibration.memory else "NVIDIA"
    factors = calibration.memory_factors(vendor, case.framework.software.name, mixture=case.shape.experts > 0)
    predicted = predicted_bytes(case, factors)
    return predicted, factors.band.high * predicted, chip.memory_bytes / chip.ranks if chip else None


def _chip(row: Row) -> Accelerator | None:
    """The accelerator of a row; None where nobody knows it."""
    try:
        return accelerator_called(row.says("accelerator"))
    except PlannerError:
        return None


def _out_of_memory(row: Row, job: Job, calibration: Calibration) -> OutOfMemory:
    """A run that ran out: of a device in training, of all devices together in serving."""
    if job is Job.TRAINING:
        predicted, upper, device = _trained_bytes(row, training_case(row), calibration)
    else:
        predicted, upper, device = _served_bytes(row, serving_case(row), calibration)
    if device is None:
        raise PlannerError([f"accelerator: the memory of {row.says('accelerator') or 'one not named'} is not known"])
    return OutOfMemory(id=row.id, predicted_gib=predicted / GIB, device_gib=device / GIB, fits=upper <= device)


def _served_memory(row: Row, calibration: Calibration) -> Compared:
    """Memory over all devices of a serving run, GiB."""
    predicted, upper, device = _served_bytes(row, serving_case(row), calibration)
    return Compared(
        id=row.id,
        kind=MEMORY,
        predicted=predicted / GIB,
        measured=row.numbers["peak_memory_gib"],
        unit="GiB",
        upper=upper / GIB,
        device=device / GIB if device else None,
        memory_kind=row.says("memory_kind", "unknown"),
    )


def _served_bytes(row: Row, case: ServingCase, calibration: Calibration) -> tuple[float, float, float | None]:
    """Predicted memory over all devices, its upper edge, and what the devices have where they are known. Bytes."""
    factors = calibration.eager_factors(case.program.name)
    predicted = case.memory(factors).total
    chip = _chip(row)
    return predicted, factors.band.high * predicted, chip.memory_bytes * case.served.devices if chip else None


def _throughput(row: Row, calibration: Calibration) -> float:
    return training_tokens_per_s(training_case(row), calibration)


_PREDICTED: Mapping[tuple[Job, str], Callable[[Row, Calibration], float]] = {
    (Job.TRAINING, "throughput"): _throughput,
    (Job.INFERENCE, "kv"): cache_tokens,
    (Job.INFERENCE, "throughput"): output_tokens_per_s,
    (Job.INFERENCE, "ttft"): ttft_ms,
    (Job.INFERENCE, "tpot"): tpot_ms,
}
