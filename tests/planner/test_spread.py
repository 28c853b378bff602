"""Are quantiles of a gamma distribution those that its tables have?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.spread import gamma_spread


@pytest.mark.parametrize(("mean", "deviation", "floor"), [(1.0, 0.1, 0.0), (1.0, 0.5, 0.0), (3.0, 0.8, 2.0)])
def test_quantiles_are_those_of_drawn_times(mean: float, deviation: float, floor: float) -> None:
    """Within 2 % of the quantiles of a million gamma variates of the same mean and deviation above the floor."""
    found, shape = gamma_spread(mean, deviation, floor), ((mean - floor) / deviation) ** 2
    drawn = floor + np.random.default_rng(0).gamma(shape, (mean - floor) / shape, 1_000_000)
    for share, quantile in ((50, found.p50), (95, found.p95), (99, found.p99)):
        assert quantile == pytest.approx(np.percentile(drawn, share), rel=0.02)


def test_a_time_that_is_always_the_same_has_no_spread() -> None:
    """Without a deviation every quantile is the mean."""
    assert [seconds for _, seconds in gamma_spread(0.2, 0.0).named()] == [0.2] * 4
