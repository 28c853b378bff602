"""How often accelerators fail."""

from __future__ import annotations

import pytest

from planner.failures import failures_per_s
from pricing.units import DAY_S


def test_llamas_own_run_fails_as_often_as_it_did() -> None:
    """16,384 accelerators fail 419 times in 54 days, and half of them half as often."""
    assert failures_per_s(16_384) * 54 * DAY_S == pytest.approx(419)
    assert failures_per_s(8192) == failures_per_s(16_384) / 2
