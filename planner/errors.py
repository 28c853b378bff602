"""Which failures does the planner add to those of the market?

BerthError                 pricing.errors
`-- PlannerError           the planner cannot answer what was asked
    |-- ModelError         a model's description cannot be read, or contradicts itself
    |   `-- UnknownModel   no preset has that name
    |-- WorkloadError      the workload file cannot be read, or asks for what cannot be
    |-- MeasuredError      a file of measured runs, a calibration or a pinned configuration is not valid
    |-- TraceError         a trace of requests cannot be read, or has gaps, disorder or garbage in it
    |-- NoFeasiblePlan     nothing on the market does the job within the limits
    `-- LockError          a plan lock cannot be read or written, or would replace what runs
"""

from __future__ import annotations

from pricing.errors import BerthError


class PlannerError(BerthError):
    """The planner cannot answer what was asked."""


class ModelError(PlannerError):
    """A model's description cannot be read, is not supported, or contradicts itself."""


class UnknownModel(ModelError):
    """No preset has that name."""


class WorkloadError(PlannerError):
    """The workload file cannot be read, is not valid, or contradicts itself."""


class MeasuredError(PlannerError):
    """A file of measured runs, a calibration or a pinned configuration cannot be read, or is not valid."""


class TraceError(PlannerError):
    """A trace of requests cannot be read, or cannot be right. The findings name each line."""


class NoFeasiblePlan(PlannerError):
    """Nothing on the market does the job within the limits. The findings name the nearest miss per rung."""


class LockError(PlannerError):
    """A plan lock cannot be read or written, or the new plan would replace what runs."""
