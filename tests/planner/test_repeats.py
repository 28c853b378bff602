"""Is what scatters between repeated measurements told apart from what a prediction misses?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.carried import timed_cases
from planner.repeats import best_rank_correlation, scatter_by_source
from planner.time_crossval import HeldOutRun
from planner.time_fitting import timed_run
from pricing.records import replace

RUN = timed_run(timed_cases()[0])


def measured(speed: float, micro_batch: int = 1) -> HeldOutRun:
    """A run of one configuration, or of another one, that reached a speed."""
    row = replace(RUN.case.row, numbers={**RUN.case.row.numbers, "tokens_per_s_per_accelerator": speed})
    layout = replace(RUN.case.layout, micro_batch=micro_batch)
    return HeldOutRun(run=replace(RUN, case=replace(RUN.case, row=row, layout=layout)), predicted=1.0)


def test_repeats_scatter_about_their_own_mean() -> None:
    """Two speeds a factor apart scatter by its logarithm over root two, whatever other configurations reach."""
    held = [measured(100.0), measured(110.0), measured(900.0, micro_batch=2)]
    assert scatter_by_source(held)[RUN.source].deviation == pytest.approx(np.log(1.1) / np.sqrt(2))


def test_configurations_pool_their_scatter() -> None:
    """Each configuration counts with the speeds that it has beyond one."""
    same = [measured(100.0), measured(110.0)]
    other = [measured(900.0, micro_batch=2), measured(900.0 * 1.1, micro_batch=2)]
    found = scatter_by_source(same + other)[RUN.source]
    assert found.deviation == pytest.approx(np.log(1.1) / np.sqrt(2))
    assert found.freedom == 2


@pytest.mark.parametrize("speeds", [(100.0,), (100.0, 100.0)])
def test_nothing_repeated_says_nothing(speeds: tuple[float, ...]) -> None:
    """One measurement tells no scatter, nor does the same figure published twice."""
    assert scatter_by_source([measured(speed) for speed in speeds]) == {}


def test_noise_bounds_every_model() -> None:
    """Without scatter a model can rank perfectly; the more of it, the less well, down to chance."""
    layouts = np.linspace(100, 120, 14).tolist()
    still, some, much = (best_rank_correlation(layouts, scatter) for scatter in (0.0, 0.03, 10.0))
    assert still == pytest.approx(1.0)
    assert 0.7 < some < 0.95
    assert abs(much) < 0.05
