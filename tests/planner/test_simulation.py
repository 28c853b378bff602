"""Is the simulated clock the one that a plain loop over single steps would show, and what theory says of queues?"""

from __future__ import annotations

import numpy as np
import pytest
from msgspec import Struct, field

from planner.replica_clock import BLOCK_TOKENS, StepTable
from planner.simulation import Requests, replay
from pricing.records import replace

BATCH, WIDTH, BUDGET = 8, 16, 64
TABLE = StepTable(
    base_s=tuple(
        tuple(0.001 + 0.004 * bool(rows) + 1e-4 * rows + 2e-5 * column * WIDTH for column in range(BUDGET // WIDTH + 2))
        for rows in range(BATCH + 1)
    ),
    column_tokens=WIDTH,
    cached_token_s=tuple(1e-6 * bool(rows) for rows in range(BATCH + 1)),
    pair_s=1e-8,
    mixes_prompts=True,
    cache_tokens=10_000,
    batch=BATCH,
    budget_tokens=BUDGET,
)


def drawn(count: int, per_s: float, seed: int = 0) -> Requests:
    """Requests at random, of up to 150 tokens in and 40 out."""
    draw = np.random.default_rng(seed)
    return Requests(
        at_s=np.cumsum(draw.exponential(1 / per_s, count)),
        input_tokens=draw.integers(1, 150, count),
        output_tokens=draw.integers(1, 40, count),
    )


class Plain(Struct):
    """One request as the plain loop sees it."""

    at: float
    prompt: int
    left: int
    known: int
    context: int = 0
    done: int = 0
    first: float = -1.0
    last: float = -1.0
    order: int = field(default=0)


def plain_loop(table: StepTable, requests: Requests) -> tuple[list[Plain], int]:
    """The same scheduler on one replica, step by step, and how often it preempts."""
    half = BLOCK_TOKENS / 2
    every = [
        Plain(at=at, prompt=given, left=made, known=min(int(table.known_share * given), given - 1))
        for at, given, made in zip(
            requests.at_s.tolist(), requests.input_tokens.tolist(), requests.output_tokens.tolist(), strict=True
        )
    ]
    coming = list(every)
    waiting: list[Plain] = []
    running: list[Plain] = []
    now, started, preempted = 0.0, 0, 0
    while coming or waiting or running:
        if not waiting and not running:
            now = max(now, coming[0].at)
        while coming and coming[0].at <= now:
            waiting.append(coming.pop(0))

        def free() -> float:
            under_way = waiting[0].prompt if waiting and waiting[0].done else 0
            held = sum(each.context for each in running)
            return float(table.cache_tokens - held - under_way - half * len(running))

        while len(running) > 1 and free() < len(running):
            victim = max(running, key=lambda each: each.order)
            running.remove(victim)
            victim.prompt, victim.context = victim.context, 0
            waiting.insert(1 if waiting and waiting[0].done else 0, victim)
            preempted += 1
        joining: list[Plain] = []
        budget = whole = max(BUDGET - (len(running) if table.mixes_prompts else 0), 1)
        pairs = 0.0
        while waiting and budget > 0:
            head = waiting[0]
            if not head.done:
                room = free() - half - sum(each.prompt + half for each in joining)
                room -= table.reserved_share * sum(each.left for each in (*running, *joining))
                wanted = head.prompt + table.reserved_share * head.left
                if len(running) + len(joining) >= table.batch or not room > wanted:
                    break
                head.done = head.known
            end = min(head.prompt, head.done + budget)
            budget -= end - head.done
            pairs += (end**2 - head.done**2) / 2
            head.done = end
            if end < head.prompt:
                break
            joining.append(waiting.pop(0))
        prompts = whole - budget
        decodes = running if table.mixes_prompts or not prompts else []
        live = sum(each.context for each in decodes)
        columns = np.arange(len(table.base_s[0])) * table.column_tokens
        now += float(np.interp(prompts, columns, table.base_s[len(decodes)]))
        now += live * table.cached_token_s[len(decodes)] + pairs * table.pair_s
        for each in list(decodes):
            each.context += 1
            each.left -= 1
            if not each.left:
                each.last = now
                running.remove(each)
        for each in joining:
            each.done, each.order, started = 0, started, started + 1
            each.first = now if each.first < 0 else each.first
            each.left -= 1
            each.context = each.prompt
            if each.left:
                running.append(each)
            else:
                each.last = now
    return every, preempted


@pytest.mark.parametrize(
    ("table", "per_s"),
    [
        pytest.param(TABLE, 3.0, id="mostly idle"),
        pytest.param(TABLE, 25.0, id="busy"),
        pytest.param(TABLE, 200.0, id="overloaded"),
        pytest.param(replace(TABLE, cache_tokens=420), 60.0, id="small cache"),
        pytest.param(replace(TABLE, mixes_prompts=False), 25.0, id="prompts apart"),
        pytest.param(replace(TABLE, batch=2), 40.0, id="small batch"),
        pytest.param(replace(TABLE, cache_tokens=421, reserved_share=1.0), 60.0, id="answers reserved"),
        pytest.param(replace(TABLE, known_share=0.6), 60.0, id="prefixes known"),
    ],
)
def test_times_are_those_of_single_steps(table: StepTable, per_s: float) -> None:
    """Steps counted together give the same first and last tokens as steps taken one by one."""
    requests = drawn(300, per_s)
    found = replay(requests, table, 1)
    plain, preempted = plain_loop(table, requests)
    np.testing.assert_allclose(found.first_s, [each.first for each in plain], rtol=1e-9)
    np.testing.assert_allclose(found.last_s, [each.last for each in plain], rtol=1e-9)
    assert found.preemptions == preempted
    assert (preempted > 0) == (table.cache_tokens == 420)


def test_a_single_server_waits_as_theory_says() -> None:
    """One token each, one at a time, at random: the mean wait is that of M/D/1, rho / (2 (1 - rho)) services."""
    service, rho = TABLE.base_s[0][1] + 16**2 / 2 * TABLE.pair_s, 0.7
    count = 60_000
    at = np.cumsum(np.random.default_rng(1).exponential(service / rho, count))
    ones = np.ones(count, dtype=np.int64)
    found = replay(Requests(at_s=at, input_tokens=16 * ones, output_tokens=ones), replace(TABLE, batch=1), 1)
    wait = float((found.first_s - found.at_s).mean()) - service
    assert wait == pytest.approx(rho / (2 * (1 - rho)) * service, rel=0.05)


def test_a_closed_loop_keeps_its_clients_busy() -> None:
    """Five clients of one replica are five requests at any time, by Little's law, fewer of them past their prompt."""
    requests = replace(drawn(2_000, 1.0), clients=5)
    found = replay(requests, TABLE, 1)
    assert 4 < found.batch_s / found.end_s < 5
    rate, time = 2_000 / found.end_s, float((found.last_s - found.at_s).mean())
    assert rate * time == pytest.approx(5, rel=0.02)


def test_two_replicas_share_the_load() -> None:
    """Least outstanding requests: with two replicas twice the load waits no longer than the load waits at one."""
    alone, both = replay(drawn(4_000, 18.0), TABLE, 1), replay(drawn(4_000, 36.0), TABLE, 2)
    assert (both.first_s - both.at_s).mean() < (alone.first_s - alone.at_s).mean()
    assert both.busy_s / both.end_s / 2 == pytest.approx(alone.busy_s / alone.end_s, rel=0.1)


def test_the_cache_never_holds_more_than_it_can() -> None:
    """However high the load, the tokens held are at most the cache's."""
    table = replace(TABLE, cache_tokens=420)
    found = replay(drawn(500, 500.0), table, 1)
    assert 300 < found.peak_held_tokens <= 420


def test_the_same_requests_give_the_same_times() -> None:
    """Nothing is drawn inside: two replays are equal to the last bit."""
    first, second = (replay(drawn(500, 50.0), TABLE, 3) for _ in range(2))
    assert (first.last_s == second.last_s).all()
