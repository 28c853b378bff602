"""Is a pass as long as the busiest of link, disks and device, and are weights read once for a block?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.framework import Streaming
from planner.layout import Layout, LayoutGrid
from planner.local_disks import disk_rates
from planner.offload_time import host_bytes_per_s
from planner.recipe import Place, Recipe
from planner.serving_memory import streamed_weight_bytes
from planner.serving_modes import Lengths
from planner.streamed_time import Streamed, streamed_replica, streamed_run
from pricing.catalog import load_instance_types
from tests.planner.builders import DENSE, SERVED

T4 = load_instance_types()["g4dn.8xlarge"]
LENGTHS = Lengths(prompt=64, answer=9)
AT_ONCE, IN_TURN = (Streaming(batches_per_block=64, overlaps=overlaps) for overlaps in (True, False))


def streamed(
    weights: Place, kv: Place = Place.DEVICE, streaming: Streaming = AT_ONCE, kept: tuple[float, float] = (0.0, 0.0)
) -> Streamed:
    """A small model on a T4 whose weights and cache lie elsewhere."""
    recipe = Recipe(compute_dtype="fp16", weights_place=weights, kv_place=kv)
    return streamed_replica(DENSE, recipe, streaming, T4, SERVED, kept=kept)


def test_a_pass_takes_what_the_slowest_takes() -> None:
    """From host memory a pass takes the weights over the link; from disk what the disks read, the link beside it."""
    size = streamed_weight_bytes(DENSE, Recipe())
    host, disk = (streamed(place).token(1, 1, LENGTHS) for place in (Place.HOST, Place.DISK))
    assert host.total_s(AT_ONCE) == pytest.approx(size / host_bytes_per_s(T4))
    assert disk.total_s(AT_ONCE) == pytest.approx(size / disk_rates(T4.name).read)
    assert disk.to_device == host.to_device
    assert host.disk_reads == host.disk_writes == host.from_device == 0


def test_who_does_one_after_the_other_takes_the_sum() -> None:
    """Without overlap a pass is as long as all its parts."""
    part = streamed(Place.DISK, streaming=IN_TURN).token(1, 1, LENGTHS)
    assert part.total_s(IN_TURN) == pytest.approx(part.to_device + part.disk_reads + part.device)


def test_weights_are_read_once_for_a_block() -> None:
    """Sixteen batches take as long as one while the link is what they wait for, as FlexGen's schedule has it."""
    found = streamed(Place.DISK)
    alone, together = (sum(found.block_s(1, batches, LENGTHS)) for batches in (1, 16))
    assert together == pytest.approx(alone, rel=1e-6)
    first, further = found.block_s(1, 1, LENGTHS)
    # T = T_pre + (n - 1) T_gen.
    assert further == pytest.approx((LENGTHS.answer - 1) * found.token(1, 1, LENGTHS).total_s(AT_ONCE))
    assert first == pytest.approx(found.prompts(1, 1, LENGTHS).total_s(AT_ONCE))


def test_a_cache_elsewhere_comes_and_goes() -> None:
    """The prompts' cache leaves the device, each further pass reads it and adds a token to it."""
    found = streamed(Place.HOST, Place.DISK)
    each = 2.0 * DENSE.cache_width_per_token
    first, later = found.prompts(2, 3, LENGTHS), found.token(2, 3, LENGTHS)
    rates = disk_rates(T4.name)
    assert first.disk_writes == pytest.approx(6 * LENGTHS.prompt * each / rates.write)
    assert later.disk_reads == pytest.approx(6 * LENGTHS.live * each / rates.read)
    assert later.disk_writes == pytest.approx(6 * each / rates.write)


def test_what_is_kept_near_does_not_come() -> None:
    """Weights kept on the device cross no link, those kept on the host are not read from disk."""
    plain, near = streamed(Place.DISK), streamed(Place.DISK, kept=(0.25, 0.5))
    assert near.weights_s[0] == pytest.approx(0.75 * plain.weights_s[0])
    assert near.weights_s[1] == pytest.approx(0.25 * plain.weights_s[1])


def test_a_share_is_whole_blocks_and_a_rest() -> None:
    """Ten requests in blocks of four are two blocks and one of fewer batches; arrays answer as single layouts do."""
    found = streamed(Place.HOST, Place.HOST)
    run = streamed_run(found, Layout(micro_batch=2, micro_batches=2), LENGTHS, 10.0)
    full, rest = (sum(found.block_s(2, batches, LENGTHS)) for batches in (2, 1))
    assert run.work_s == pytest.approx(2 * full + rest)
    assert (run.steps, run.in_flight) == (3, 4)
    grid = LayoutGrid.of({"micro_batch": np.array([2, 8]), "micro_batches": np.array([2, 4])})
    both = streamed_run(found, grid, LENGTHS, np.array([10.0, 10.0]))
    assert both.work_s[0] == pytest.approx(float(run.work_s))
    assert both.work_s[1] == pytest.approx(sum(found.block_s(8, 2, LENGTHS)))
