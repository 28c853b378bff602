"""How far are predictions from measured runs?

Every judged kind of every row is predicted and set beside what was measured. A row is skipped only for a reason
that its own cells give: something not stated, or a name that nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from planner.calibration import Calibration
from planner.described import accelerator_called
from planner.errors import MeasuredError, PlannerError
from planner.fitting import predicted_bytes
from planner.measured import FIGURES, MEMORY, OOM, Measured, Row
from planner.measured_answers import cache_tokens, serving_answer, training_tokens_per_s
from planner.measured_serving import serving_case
from planner.measured_training import layout_faults, training_case
from planner.recipe import Job
from planner.scores import scores
from pricing.errors import BerthError
from pricing.units import GIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One judged figure. `upper` is the upper edge of the prediction's band, where it has one."""

    id: str
    kind: str
    predicted: float
    measured: float
    unit: str
    upper: float | None = None
    device_gib: float | None = None

    @property
    def error(self) -> float:
        """Predicted over measured, less one."""
        return self.predicted / self.measured - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfMemory:
    """A run that ran out of memory, and whether it would have been said to fit at the upper edge of the band."""

    id: str
    predicted_gib: float
    device_gib: float
    fits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A judged figure without a prediction, and what in its cells is the reason."""

    id: str
    kind: str
    reason: str


@dataclass(slots=True)
class Validation:
    """All comparisons of a file."""

    rows: list[Compared] = field(default_factory=list)
    oom: list[OutOfMemory] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

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
            found.setdefault(MEMORY, {"count": 0})["unsafe"] = self.unsafe()
        return found

    def unsafe(self) -> int:
        """Runs said to fit that ran out of memory, or were measured above the device's size."""
        beyond = [
            item
            for item in self.rows
            if item.device_gib and item.upper and item.measured > item.device_gib >= item.upper
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

    Rows without a judge column are judged by what they measured. Raises MeasuredError with every layout that cannot
    be, and where there is nothing to judge.
    """
    judged = [(row, measured.kinds_of(row)) for row in measured.rows]
    faults = [
        f"{where}:{row.line}: {fault}"
        for row, kinds in judged
        if kinds and measured.job is Job.TRAINING
        for fault in layout_faults(row)
    ]
    faults += [f"{where}:{row.line}: judge: {fault}" for row, kinds in judged for fault in _judge_faults(row, measured)]
    if faults:
        raise MeasuredError(faults)
    if not any(kinds for _, kinds in judged):
        raise MeasuredError([f"{where}: no row is judged for anything"])
    found = Validation()
    for row, kinds in judged:
        for kind in kinds:
            try:
                if kind == OOM:
                    found.oom.append(_out_of_memory(row, calibration))
                else:
                    found.rows.append(_compared(row, kind, measured.job, calibration))
            except BerthError as error:
                found.skipped.append(Skipped(id=row.id, kind=kind, reason="; ".join(error.findings)))
    return found


def _judge_faults(row: Row, measured: Measured) -> Iterator[str]:
    for kind in row.kinds:
        known = FIGURES[measured.job]
        if kind == OOM and measured.job is Job.TRAINING:
            continue
        if kind not in known:
            yield f"{kind!r} is not a kind of {measured.job} figures; kinds are {', '.join(known)}"
        elif known[kind][0] not in row.numbers:
            yield f"{kind!r} asked for, but {known[kind][0]} is empty"


def _compared(row: Row, kind: str, job: Job, calibration: Calibration) -> Compared:
    column, unit = FIGURES[job][kind]
    measured = row.numbers[column]
    if job is Job.TRAINING and kind == MEMORY:
        predicted, upper, device = _training_memory(row, calibration)
        return Compared(
            id=row.id, kind=kind, predicted=predicted, measured=measured, unit=unit, upper=upper, device_gib=device
        )
    predict = _PREDICTED[job, kind]
    return Compared(id=row.id, kind=kind, predicted=predict(row, calibration), measured=measured, unit=unit)


def _training_memory(row: Row, calibration: Calibration) -> tuple[float, float, float | None]:
    """Predicted memory, its upper edge, and the device's size where the accelerator is known; in the unit of the row,
    GiB but for sources that print another."""
    case = training_case(row)
    try:
        chip = accelerator_called(row.says("accelerator"))
    except PlannerError:
        chip = None
    vendor = chip.vendor if chip and chip.vendor in calibration.memory else "NVIDIA"
    factors = calibration.memory_factors(vendor, case.framework.software.name, mixture=case.shape.experts > 0)
    predicted = predicted_bytes(case, factors) / case.unit_bytes
    return predicted, factors.band.high * predicted, chip.memory_bytes / chip.ranks / case.unit_bytes if chip else None


def _out_of_memory(row: Row, calibration: Calibration) -> OutOfMemory:
    predicted, upper, device = _training_memory(row, calibration)
    if device is None:
        raise PlannerError([f"accelerator: the memory of {row.says('accelerator') or 'one not named'} is not known"])
    return OutOfMemory(id=row.id, predicted_gib=predicted, device_gib=device, fits=upper <= device)


def _served_gib(row: Row, _: Calibration) -> float:
    return serving_case(row).memory().total / GIB


def _throughput(row: Row, calibration: Calibration) -> float:
    return training_tokens_per_s(training_case(row), calibration)


def _output_rate(row: Row, calibration: Calibration) -> float:
    answer, layout = serving_answer(row, calibration)
    return float(layout.micro_batch * row.count("output_tokens") / answer.request_s)


def _ttft_ms(row: Row, calibration: Calibration) -> float:
    return 1e3 * float(serving_answer(row, calibration)[0].ttft_s)


def _tpot_ms(row: Row, calibration: Calibration) -> float:
    return 1e3 * float(serving_answer(row, calibration)[0].tpot_s)


_PREDICTED: Mapping[tuple[Job, str], Callable[[Row, Calibration], float]] = {
    (Job.TRAINING, "throughput"): _throughput,
    (Job.INFERENCE, MEMORY): _served_gib,
    (Job.INFERENCE, "kv"): cache_tokens,
    (Job.INFERENCE, "throughput"): _output_rate,
    (Job.INFERENCE, "ttft"): _ttft_ms,
    (Job.INFERENCE, "tpot"): _tpot_ms,
}
