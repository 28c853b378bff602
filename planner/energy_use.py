"""What is told of the energy that a plan takes?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Energy of a run, or of a month of service, and what the grid emits for it. kWh, kg; None where not known."""

    kwh: float | None
    kg_co2e: float | None
    basis: str
