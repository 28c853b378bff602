"""Do closed loops, full queues, static batches and arrivals keep Little's law and wait where they must?"""

from __future__ import annotations

import pytest

from planner.layout import Layout
from planner.replica import Replica
from planner.serving import replica_of
from planner.serving_modes import Lengths, arrivals, closed_loop, full_rate, static_batch
from pricing.records import replace
from tests.planner.builders import DENSE, SERVED, changed, machine, recipe

NODE = machine()
LENGTHS = Lengths(prompt=1000, answer=200)


def replica(**changes: object) -> Replica:
    """A replica of a small model with room for a thousand requests."""
    factors = changed(SERVED, largest_batch=1024, block_s=1e-5, batched_tokens=2048, **changes)
    made = replica_of(DENSE, recipe("bf16", of="vllm"), Layout(), NODE, factors)
    return replace(made, capacity_tokens=1000 * 1200)


@pytest.mark.parametrize("clients", [1, 4, 64])
def test_a_closed_loop_keeps_littles_law(clients: int) -> None:
    """Clients are rate times duration, and more of them wait longer and get more done."""
    pace = closed_loop(replica(), LENGTHS, clients)
    assert float(pace.requests_per_s * pace.request_s(LENGTHS)) == pytest.approx(clients)
    more = closed_loop(replica(), LENGTHS, 2 * clients)
    assert more.tpot_s >= pace.tpot_s and more.requests_per_s > pace.requests_per_s


def test_clients_without_room_wait_for_it() -> None:
    """Beyond what the cache holds, clients wait: the rate stays, and Little's law says how long they do."""
    few = replace(replica(), capacity_tokens=8 * 1200)
    within, beyond = (closed_loop(few, LENGTHS, clients) for clients in (8, 24))
    assert beyond.requests_per_s == pytest.approx(float(within.requests_per_s))
    assert beyond.tpot_s == pytest.approx(float(within.tpot_s))
    assert float(beyond.requests_per_s * beyond.request_s(LENGTHS)) == pytest.approx(24)


def test_the_first_rush_waits_in_one_queue() -> None:
    """When all clients ask at once the mean first token comes after half of all prompts."""
    calm, rush = (closed_loop(replica(), LENGTHS, 64, share) for share in (0.0, 1.0))
    prompts = float(replica().step_s(0, 0, 2048, 2048 * 500)) * 64_000 / 2048
    assert rush.ttft_s > 0.45 * prompts > calm.ttft_s


def test_a_full_queue_is_the_most_that_a_replica_does() -> None:
    """A closed loop of as many gets hardly more done than a queue that never empties."""
    full, closed = full_rate(replica(), LENGTHS, 64), closed_loop(replica(), LENGTHS, 64)
    assert closed.requests_per_s <= 1.02 * full.requests_per_s


@pytest.mark.parametrize(("batch", "turns"), [(8, 1), (9, 2), (16, 2), (17, 3)])
def test_what_does_not_fit_a_batch_takes_another_turn(batch: int, turns: int) -> None:
    """A static batch that does not fit is worked off in turns as long as a full one's."""
    few = replace(replica(), capacity_tokens=8 * 1200)
    one, all_of_them = static_batch(few, LENGTHS, 8), static_batch(few, LENGTHS, batch)
    took = batch / float(all_of_them.requests_per_s)
    assert took == pytest.approx(turns * 8 / float(one.requests_per_s))


def test_prompts_in_steps_of_their_own_hold_up_decoding() -> None:
    """Pieces of prompts that ride along with decoding cost no more than steps of their own."""
    mixed, apart = (arrivals(replica(mixes_prompts=mixes), LENGTHS, 32) for mixes in (True, False))
    assert mixed.tpot_s <= apart.tpot_s


def test_what_the_cache_knows_is_not_worked_on() -> None:
    """A prefix that is cached shortens the time to the first token, not what a step reads."""
    known = replace(LENGTHS, cached=900)
    assert arrivals(replica(), known, 8).ttft_s < arrivals(replica(), LENGTHS, 8).ttft_s
    assert arrivals(replica(), known, 8).decode_s == arrivals(replica(), LENGTHS, 8).decode_s
