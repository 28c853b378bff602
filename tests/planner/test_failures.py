"""How often accelerators fail, and what a loss undoes."""

from __future__ import annotations

import pytest

from planner.failures import failures_per_s, lost_s
from pricing.units import DAY_S


def test_llamas_own_run_fails_as_often_as_it_did() -> None:
    """16,384 accelerators fail 419 times in 54 days, and half of them half as often."""
    assert failures_per_s(16_384) * 54 * DAY_S == pytest.approx(419)
    assert failures_per_s(8192) == failures_per_s(16_384) / 2


@pytest.mark.parametrize(("run_s", "lost"), [(100.0, 2.0), (3.0, 1.5)])
def test_a_loss_undoes_half_of_what_was_in_flight(run_s: float, lost: float) -> None:
    """Eight requests at two a second are four seconds of work, of which half is done; of a shorter run half of that."""
    assert lost_s(8, 2.0, run_s) == lost
