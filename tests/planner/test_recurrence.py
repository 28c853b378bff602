"""Do layers with a state count what they hold, compute and keep?"""

from __future__ import annotations

import pytest

from planner.recurrence import Recurrence, delta_rule, lightning, mamba, mamba2, rwkv, short_convolution

MAMBA = mamba(64, 128, 16, 4, 8)
MAMBA2 = mamba2(64, 8, 16, 32, 2, 4)
LIGHTNING = lightning(64, 8, 16)
DELTA = delta_rule(64, 4, 8, 8, 16, 4)
RWKV = rwkv(64, 96)
CONVOLUTION = short_convolution(64, 3)
ALL = (MAMBA, MAMBA2, LIGHTNING, DELTA, RWKV, CONVOLUTION)


@pytest.mark.parametrize(
    ("recurrence", "matrices", "others"),
    [
        # In to both halves, to step, B and C, the step's own, out; convolution and bias, step's bias, A, D.
        (MAMBA, 64 * 256 + 128 * 40 + 8 * 128 + 128 * 64, 128 * 4 + 128 + 128 + 128 * 16 + 128),
        # In to gate, values, B, C and steps, out; convolution and bias over 256, step, A and D per head, norm.
        (MAMBA2, 64 * (128 + 256 + 8) + 128 * 64, 256 * 5 + 3 * 8 + 128),
        # Queries, keys, values, gate and out; a norm.
        (LIGHTNING, 5 * 64 * 128, 128),
        # Queries, keys, values, gate, two numbers per head, out; convolution, step and A, norm of a head.
        (DELTA, 64 * (2 * 32 + 2 * 128 + 16) + 128 * 64, 192 * 4 + 2 * 8 + 16),
        # Keys, values, receptance and out, and the channel mixing's receptance; decay, bonus, five shifts.
        (RWKV, 4 * 64 * 96 + 64 * 64, 2 * 96 + 5 * 64),
        (CONVOLUTION, 4 * 64 * 64, 64 * 3),
    ],
)
def test_parameters_are_counted_one_by_one(recurrence: Recurrence, matrices: int, others: int) -> None:
    """Each kind's matrices, and what stands beside them, are those of its paper."""
    assert (recurrence.matrices, recurrence.others) == (matrices, others)
    assert recurrence.parameters == matrices + others


@pytest.mark.parametrize(
    ("recurrence", "state"),
    [
        (MAMBA, 128 * 16 + 128 * 4),
        (MAMBA2, 128 * 32 + 256 * 4),
        (LIGHTNING, 8 * 16 * 16),
        (DELTA, 8 * 16 * 8 + 192 * 4),
        (RWKV, 3 * 96 + 2 * 64),
        (CONVOLUTION, 64 * 3),
    ],
)
def test_a_state_does_not_grow(recurrence: Recurrence, state: int) -> None:
    """What a sequence keeps is the state per channel, and the tokens that its convolution still spans."""
    assert recurrence.state == state


@pytest.mark.parametrize("recurrence", ALL, ids=lambda recurrence: recurrence.kind)
def test_every_kind_tells_what_memory_and_time_ask(recurrence: Recurrence) -> None:
    """Each kind keeps more than its output for the backward pass, scans, and can be cut into heads."""
    assert recurrence.kept > recurrence.width
    assert recurrence.scan_flop > 0
    assert recurrence.width % recurrence.heads == 0


def test_biases_and_norms_are_counted_where_there_are_any() -> None:
    """Biases on projections and convolutions and inner norms add themselves alone."""
    assert mamba(64, 128, 16, 4, 8, bias=True).others - MAMBA.others == 2 * 128 + 64
    assert MAMBA.others - mamba(64, 128, 16, 4, 8, convolution_bias=False).others == 128
    assert mamba(64, 128, 16, 4, 8, inner_norms=True).others - MAMBA.others == 8 + 2 * 16
    assert mamba2(64, 8, 16, 32, 2, 4, bias=True).others - MAMBA2.others == (128 + 256 + 8) + 64
    assert MAMBA2.others - mamba2(64, 8, 16, 32, 2, 4, norm=False).others == 128
    assert short_convolution(64, 3, bias=True).others - CONVOLUTION.others == 5 * 64
