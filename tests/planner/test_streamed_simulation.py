"""Does a block that is followed batch by batch take what its schedule makes it wait for?"""

from __future__ import annotations

import pytest

from planner.framework import Streaming
from planner.recipe import Place, Recipe
from planner.serving_modes import Lengths
from planner.streamed_simulation import FOLLOWED_PASSES, followed_block_s, followed_pass_s
from planner.streamed_time import Streamed, streamed_replica
from pricing.catalog import load_instance_types
from tests.planner.builders import DENSE, SERVED

T4 = load_instance_types()["g4dn.8xlarge"]
LENGTHS = Lengths(prompt=64, answer=9)
AT_ONCE, IN_TURN = (Streaming(batches_per_block=64, overlaps=overlaps) for overlaps in (True, False))


def streamed(weights: Place, kv: Place = Place.DEVICE, streaming: Streaming = AT_ONCE) -> Streamed:
    """A small model on a T4 whose weights and cache lie elsewhere."""
    recipe = Recipe(compute_dtype="fp16", weights_place=weights, kv_place=kv)
    return streamed_replica(DENSE, recipe, streaming, T4, SERVED)


@pytest.mark.parametrize("kv", list(Place))
@pytest.mark.parametrize("weights", [Place.HOST, Place.DISK])
@pytest.mark.parametrize(("batch", "batches"), [(1, 1), (8, 4), (64, 16)])
def test_following_each_batch_takes_little_more(weights: Place, kv: Place, batch: int, batches: int) -> None:
    """What waits for what adds to the busiest part: never less than the formula, at most a third more."""
    found = streamed(weights, kv)
    told = sum(found.block_s(batch, batches, LENGTHS))
    followed = followed_block_s(found, batch, batches, LENGTHS)
    assert 0.999 * told <= followed <= 1.34 * told


def test_in_turn_nothing_waits() -> None:
    """Of an engine that does one thing at a time formula and steps are the same."""
    found = streamed(Place.DISK, streaming=IN_TURN)
    assert followed_block_s(found, 4, 1, LENGTHS) == pytest.approx(sum(found.block_s(4, 1, LENGTHS)), rel=1e-6)


@pytest.mark.parametrize("batches", [1, 4])
def test_the_device_waits_for_each_layer(batches: int) -> None:
    """From disk a layer's weights are read part by part while the one before is at work; the last part still has to
    cross the link when it is read, and the last layer's work comes after."""
    found = streamed(Place.DISK)
    whole = found.token(1, batches, LENGTHS)
    over_link, off_disk = (float(part) for part in found.weights_s)
    assert float(whole.device) < over_link < off_disk
    followed = followed_pass_s(found, whole, batches)
    last = float(whole.device) / DENSE.layers
    assert followed == pytest.approx(off_disk + over_link / batches + last, rel=1e-6)


def test_passes_between_those_followed_lie_between() -> None:
    """Of a long answer every so many passes are followed: as if all were, to a thousandth."""
    found = streamed(Place.HOST, Place.HOST)
    lengths = Lengths(prompt=64, answer=8 * FOLLOWED_PASSES)
    each = followed_pass_s(found, found.prompts(4, 2, lengths), 2)
    for number in range(1, int(lengths.answer)):
        each += followed_pass_s(found, found.token(4, 2, lengths, float(lengths.prompt + number)), 2)
    assert followed_block_s(found, 4, 2, lengths) == pytest.approx(each, rel=1e-3)


def test_one_token_is_the_first_pass() -> None:
    """An answer of one token ends with the pass of the prompts."""
    found, one = streamed(Place.HOST), Lengths(prompt=64, answer=1)
    assert followed_block_s(found, 4, 2, one) == followed_pass_s(found, found.prompts(4, 2, one), 2)
