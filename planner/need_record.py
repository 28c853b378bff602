"""What does a plan say of the memory that a job asks for, and of the energy that it takes?"""

from __future__ import annotations

from msgspec import Struct


class Requirement(Struct, frozen=True, kw_only=True):
    """Accelerator memory that the job asks for. Bytes of one device that would do all the work alone.

    `plain_bytes` without any extra technique, `least_bytes` with those that save most; `largest_device_bytes` is
    the largest device among the instance types that may be considered.
    """

    plain_bytes: float
    least_bytes: float
    largest_device_bytes: int


class Energy(Struct, frozen=True, kw_only=True):
    """Energy of a run, or of a month of service, and what the grid emits for it. kWh, kg; None where not known."""

    kwh: float | None
    kg_co2e: float | None
    basis: str
