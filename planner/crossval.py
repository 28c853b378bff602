"""How far off is a prediction for runs that the fit has not seen?

Rows are left out in folds, those with the same configuration together, or source by source; the factors are fitted
to the others and judge what was left out.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from planner.calibration import MemoryFactors
from planner.fitting import fit_memory, measured_bytes, predicted_bytes
from planner.measured_training import TrainingCase

FOLDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """A run that was left out, and what was predicted for it. Bytes."""

    case: TrainingCase
    predicted: float

    @property
    def ratio(self) -> float:
        """Measured over predicted."""
        return measured_bytes(self.case) / self.predicted

    @property
    def error(self) -> float:
        """Predicted over measured, less one."""
        return self.predicted / measured_bytes(self.case) - 1


def factors_for(case: TrainingCase, fitted: Mapping[str, MemoryFactors]) -> MemoryFactors:
    """The factors of a run's class of software, those that suit all where its class was not fitted."""
    return fitted.get(case.framework.software.name, fitted[""])


def source_of(case: TrainingCase) -> str:
    """Who published the run."""
    return case.row.says("source")


def folds(cases: Sequence[TrainingCase]) -> Callable[[TrainingCase], int]:
    """Assigns every run to one of five folds: by turns within a source, the same configuration to the same fold."""
    known: dict[Hashable, int] = {}
    seen: dict[str, int] = {}
    for case in sorted(cases, key=lambda item: item.row.id):
        if _configuration(case) not in known:
            turn = seen.get(source_of(case), 0)
            seen[source_of(case)] = turn + 1
            known[_configuration(case)] = turn % FOLDS
    return lambda case: known[_configuration(case)]


def leave_out(
    cases: Sequence[TrainingCase], part: Callable[[TrainingCase], Hashable], start: MemoryFactors
) -> list[HeldOut]:
    """Predictions for every run by factors fitted to the runs of all other parts."""
    found = []
    for each in sorted({part(case) for case in cases}, key=str):
        fitted = fit_memory([case for case in cases if part(case) != each], start)
        found += [
            HeldOut(case=case, predicted=predicted_bytes(case, factors_for(case, fitted)))
            for case in cases
            if part(case) == each
        ]
    return found


def _configuration(case: TrainingCase) -> Hashable:
    """What makes two runs the same: the model's widths, not its name, and how it is trained."""
    shape = replace(case.shape, name="", context_tokens=0, notes=())
    return shape, case.recipe, case.layout, case.sequence_tokens, case.framework.software.name
