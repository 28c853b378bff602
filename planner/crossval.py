"""How far off is a prediction for runs that the fit has not seen?

Rows are left out in folds, those with the same configuration together, or source by source; the factors are fitted
to the others and judge what was left out. Training and serving runs are judged alike.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

from msgspec import Struct

from planner.calibration import EagerFactors, MemoryFactors
from planner.fitting import fit_memory, measured_bytes, predicted_bytes
from planner.measured import Row
from planner.measured_serving import ServingCase
from planner.measured_training import TrainingCase
from planner.serving_memory_fit import fit_serving, served_bytes
from planner.serving_memory_fit import measured_bytes as measured_served_bytes
from pricing.records import replace

FOLDS = 5
Case = TypeVar("Case", TrainingCase, ServingCase)
Factors = TypeVar("Factors", MemoryFactors, EagerFactors)


class Judge(Struct, Generic[Case, Factors], frozen=True, kw_only=True):
    """How runs of one kind are fitted and judged. `program` is what has factors of its own, `kind` the kind of memory
    that was measured; bytes are predicted and measured."""

    fit: Callable[[Sequence[Case], Factors], dict[str, Factors]]
    predicted: Callable[[Case, Factors], float]
    measured: Callable[[Case], float]
    program: Callable[[Case], str]
    configuration: Callable[[Case], Hashable]
    kind: Callable[[Case], str]


class HeldOut(Struct, frozen=True, kw_only=True):
    """A run that was left out, and what was predicted for it. Bytes."""

    row: Row
    program: str
    kind: str
    predicted: float
    measured: float

    @property
    def source(self) -> str:
        """Who published the run."""
        return source_of(self.row)

    @property
    def ratio(self) -> float:
        """Measured over predicted."""
        return self.measured / self.predicted

    @property
    def error(self) -> float:
        """Predicted over measured, less one."""
        return self.predicted / self.measured - 1


def source_of(row: Row) -> str:
    """Who published a run."""
    return row.says("source")


def judged(cases: Sequence[Case], fitted: Mapping[str, Factors], judge: Judge[Case, Factors]) -> list[HeldOut]:
    """Every run beside its prediction, by the factors of its program, or by those that suit all."""
    return [
        HeldOut(
            row=case.row,
            program=judge.program(case),
            kind=judge.kind(case),
            predicted=judge.predicted(case, fitted.get(judge.program(case), fitted[""])),
            measured=judge.measured(case),
        )
        for case in cases
    ]


def folds(cases: Sequence[Case], judge: Judge[Case, Factors]) -> Callable[[Case], int]:
    """Assigns every run to one of five folds: by turns within a source, the same configuration to the same fold."""
    known: dict[Hashable, int] = {}
    seen: dict[str, int] = {}
    for case in sorted(cases, key=lambda item: item.row.id):
        if judge.configuration(case) not in known:
            turn = seen.get(source_of(case.row), 0)
            seen[source_of(case.row)] = turn + 1
            known[judge.configuration(case)] = turn % FOLDS
    return lambda case: known[judge.configuration(case)]


def leave_out(
    cases: Sequence[Case], part: Callable[[Case], Hashable], start: Factors, judge: Judge[Case, Factors]
) -> list[HeldOut]:
    """Predictions for every run by factors fitted to the runs of all other parts."""
    found: list[HeldOut] = []
    for each in sorted({part(case) for case in cases}, key=str):
        fitted = judge.fit([case for case in cases if part(case) != each], start)
        found += judged([case for case in cases if part(case) == each], fitted, judge)
    return found


def _trained(case: TrainingCase) -> Hashable:
    """What makes two training runs the same: the model's widths, not its name, and how it is trained."""
    shape = replace(case.shape, name="", context_tokens=0, notes=())
    return shape, case.recipe, case.layout, case.sequence_tokens, case.framework.software.name


def _served(case: ServingCase) -> Hashable:
    """What makes two serving runs the same: the model's widths, not its name, and what is served how."""
    return replace(case.shape, name="", context_tokens=0, notes=()), case.served, case.program


TRAINING: Judge[TrainingCase, MemoryFactors] = Judge(
    fit=fit_memory,
    predicted=predicted_bytes,
    measured=measured_bytes,
    program=lambda case: case.framework.software.name,
    configuration=_trained,
    kind=lambda case: case.kind,
)
SERVING: Judge[ServingCase, EagerFactors] = Judge(
    fit=fit_serving,
    predicted=served_bytes,
    measured=measured_served_bytes,
    program=lambda case: case.program.name,
    configuration=_served,
    kind=lambda case: case.row.says("memory_kind", "unknown"),
)
