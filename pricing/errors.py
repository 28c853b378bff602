"""Which failures does a user cause, or can a user mend?

    BerthError                 expected: printed as findings, exit 1, no traceback
    |-- CatalogError           a bundled or refreshed fact is missing, malformed or contradicts itself
    |-- MarketError            no price or availability could be had from any source
    |-- OptionError            an option of a command is malformed, idle, or contradicts another
    |-- PlannerError           what the planner adds (planner.errors): bad workloads, nothing fits, unusable locks
    |-- StackError             a plan would become a stack that AWS refuses or runs differently (stacks.errors)
    `-- TemplateError          a file is no CloudFormation template (stacks.errors)

Everything that is not a BerthError is a bug and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Sequence


class BerthError(Exception):
    """Something expected went wrong. Carries every finding, not only the first.

    `findings` are whole sentences in the order in which a user should read them: what was given, what is
    wrong with it, what to change.
    """

    def __init__(self, findings: str | Sequence[str]) -> None:
        self.findings: tuple[str, ...] = (findings,) if isinstance(findings, str) else tuple(findings)
        super().__init__("\n".join(self.findings))


class CatalogError(BerthError):
    """A hardware or price fact is missing, malformed or contradicts another."""


class MarketError(BerthError):
    """No price or availability could be had from any source."""


class OptionError(BerthError):
    """An option of a command is malformed, would do nothing, or contradicts another."""
