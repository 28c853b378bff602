"""What do single requests see when a fleet of replicas answers a stream of them?

A discrete-event simulation of continuous batching, as vLLM schedules it (Kwon et al. 2023, arXiv 2309.06180; chunked
prefill: Agrawal et al. 2024, arXiv 2403.02310). Requests go to the replica with least outstanding ones. Steps without
a prompt in them are counted together up to the next arrival, completion or full cache, so that the work grows with the
requests and not with their tokens.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from heapq import heappop, heappush
from math import inf

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from planner.replica_clock import Journal, ReplicaClock, StepTable

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Requests(Struct, frozen=True, kw_only=True):
    """What a fleet is asked, one item a request, in the order of arrival. Seconds, tokens.

    `clients` makes it a closed loop: so many ask at the start, and each asks again when it is answered; `at_s` is then
    of no meaning.
    """

    at_s: Floats
    input_tokens: Ints
    output_tokens: Ints
    clients: int | None = None

    def __len__(self) -> int:
        return len(self.input_tokens)


class Replay(Struct, frozen=True, kw_only=True):
    """When each request came, got its first token and its last one, and how the replicas fared. Seconds.

    `busy_s`, `batch_s` and `held_s` are sums over the replicas: of the time with work, and of sequences and cached
    tokens times how long they were there. `peak_held_tokens` is the most that a replica's cache held.
    """

    at_s: Floats
    first_s: Floats
    last_s: Floats
    end_s: float
    busy_s: float
    batch_s: float
    held_s: float
    peak_held_tokens: int
    preemptions: int


def replay(requests: Requests, table: StepTable, replicas: int) -> Replay:
    """Lets `replicas` answer the requests. Each must fit a replica's cache alone (`StepTable.room_tokens`)."""
    count = len(requests)
    # The last token of a prompt is always worked on: from it comes the first of the answer.
    known = np.minimum(table.known_share * requests.input_tokens, requests.input_tokens - 1)
    journal = Journal(
        at_s=requests.at_s.tolist(),
        prompt_tokens=requests.input_tokens.tolist(),
        left=requests.output_tokens.tolist(),
        known=known.astype(np.int64).tolist(),
    )
    clocks = [ReplicaClock(table, journal) for _ in range(replicas)]
    if requests.clients is None:
        _open_loop(journal, clocks)
    else:
        _closed_loop(journal, clocks, min(requests.clients, count))
    last = np.asarray(journal.last_s)
    return Replay(
        at_s=np.asarray(journal.at_s),
        first_s=np.asarray(journal.first_s),
        last_s=last,
        end_s=float(last.max(initial=0.0)),
        busy_s=sum(clock.busy_s for clock in clocks),
        batch_s=sum(clock.batch_s for clock in clocks),
        held_s=sum(clock.held_s for clock in clocks),
        peak_held_tokens=max(clock.peak_held for clock in clocks),
        preemptions=sum(clock.preemptions for clock in clocks),
    )


def _open_loop(journal: Journal, clocks: Sequence[ReplicaClock]) -> None:
    """Requests come when they come."""
    events: list[tuple[float, int, int]] = []
    outstanding = [0] * len(clocks)
    for request, at in enumerate(journal.at_s):
        while events and events[0][0] <= at:
            _step(events, clocks, outstanding)
        _send(events, clocks, outstanding, request, at)
    while events:
        _step(events, clocks, outstanding)


def _closed_loop(journal: Journal, clocks: Sequence[ReplicaClock], clients: int) -> None:
    """A client asks again in the moment in which it is answered."""
    events: list[tuple[float, int, int]] = []
    outstanding = [0] * len(clocks)
    idle = deque([0.0] * clients)
    for request in range(len(journal.at_s)):
        while not idle:
            # What is answered by one step is answered in one moment.
            now = events[0][0]
            idle.extend([now] * _step(events, clocks, outstanding))
        at = idle.popleft()
        journal.at_s[request] = at
        _send(events, clocks, outstanding, request, at)
    while events:
        _step(events, clocks, outstanding)


def _step(events: list[tuple[float, int, int]], clocks: Sequence[ReplicaClock], outstanding: list[int]) -> int:
    """Takes the earliest event; returns how many requests it ends."""
    _, version, index = heappop(events)
    clock = clocks[index]
    if version != clock.version:
        return 0
    ended = clock.advance()
    outstanding[index] -= ended
    if clock.until_s < inf:
        heappush(events, (clock.until_s, clock.version, index))
    return ended


def _send(
    events: list[tuple[float, int, int]],
    clocks: Sequence[ReplicaClock],
    outstanding: list[int],
    request: int,
    at: float,
) -> None:
    """Gives a request to the replica with least outstanding ones, the first of several."""
    index = outstanding.index(min(outstanding))
    outstanding[index] += 1
    clock = clocks[index]
    if clock.arrive(request, at):
        heappush(events, (clock.until_s, clock.version, index))
