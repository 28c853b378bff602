"""When does a replica do which step, and which requests does each step carry?

The scheduler of vLLM, reduced to what decides times. First come, first served: a waiting prompt is admitted when the
batch has a place and the cache has room for all of it; each step carries a token of every running sequence and, as far
as its budget of tokens goes, prompts or pieces of them. When the cache has no room for a step's tokens, the sequence
that started last is preempted: it loses its cache, waits before all others and is prefilled anew (recomputation).
A sequence's last block is half empty on average.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from math import ceil, inf, sqrt

from msgspec import Struct, field

# vLLM's default (block_size); what the last block of a sequence wastes is half of it.
BLOCK_TOKENS = 16
HALF_BLOCK = BLOCK_TOKENS / 2
# The end of what does not run.
NONE = -1


class StepTable(Struct, frozen=True, kw_only=True):
    """What a step of a replica takes. Seconds, tokens.

    A step that decodes n sequences and works on p tokens of prompts takes `base_s[n][p / column_tokens]`, between the
    columns in proportion; `cached_token_s[n]` more for each token of live cache, `pair_s` for each key that the
    prompts' tokens meet. With `mixes_prompts` a step does both, without it one or the other. `batch` is the most
    sequences at once, `budget_tokens` the most tokens in a step with prompts. Of an answer `reserved_share` must have
    room in the cache too when its prompt is admitted (1 in TensorRT-LLM, which never preempts; 0 in vLLM). The stages
    of a pipeline have a prompt one after the other while other prompts follow it: its first token comes `late_s` for
    each of its tokens after the step that it takes of the replica's time. Each of `data` ranks has its part of the
    cache. Of each input `known_share` is in the prefix cache, and not worked on again.
    """

    base_s: tuple[tuple[float, ...], ...]
    column_tokens: int
    cached_token_s: tuple[float, ...]
    pair_s: float
    mixes_prompts: bool
    cache_tokens: int
    batch: int
    budget_tokens: int
    reserved_share: float = 0.0
    late_s: float = 0.0
    data: int = 1
    known_share: float = 0.0

    @property
    def room_tokens(self) -> int:
        """The longest request, input and output, that one replica can hold."""
        return self.cache_tokens // self.data - BLOCK_TOKENS


class Journal(Struct, kw_only=True):
    """What is known of each request, by number. Replicas write the times of its first and its last token.

    `prompt_tokens` are to be prefilled: the input, after a preemption with what was generated until then; `left` are
    the tokens still to be generated. While it runs, its tokens are `base` plus the steps of its replica, which ends it
    with step `end`. The first `known` tokens of its prompt are not worked on.
    """

    at_s: list[float]
    prompt_tokens: list[int]
    left: list[int]
    known: list[int]
    first_s: list[float] = field(default_factory=list)
    last_s: list[float] = field(default_factory=list)
    base: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        count = len(self.at_s)
        self.first_s, self.last_s = [inf] * count, [inf] * count
        self.base, self.end = [0] * count, [NONE] * count


class ReplicaClock:
    """One replica. `until_s` is when what it does now ends, inf while it is idle.

    What it does now is a segment: one step with prompts in it, or several without. `version` counts the segments, so
    that the end of one that was cut short is told from the new end. `busy_s` is the time with work, `batch_s` and
    `held_s` sequences and cached tokens times how long they were there.
    """

    __slots__ = (
        "_ends", "_held", "_joining", "_journal", "_live", "_order", "_prefilled", "_promised", "_running", "_since_s",
        "_step_s", "_steps", "_steps_done", "_table", "_waiting", "batch_s", "busy_s", "held_s", "peak_held",
        "preemptions", "until_s", "version",
    )  # fmt: skip

    def __init__(self, table: StepTable, journal: Journal) -> None:
        self._table, self._journal = table, journal
        self._waiting: deque[int] = deque()
        # Prompts whose last piece the step at work carries, and the tokens of the first waiting one that are through.
        self._joining: list[int] = []
        self._prefilled = 0
        # Running sequences by the step that ends them, and in the order in which they started.
        self._ends: list[tuple[int, int]] = []
        self._order: list[int] = []
        # Cached tokens of what runs, and of that with prompts under way.
        self._live = self._held = self._running = 0
        # Tokens of answers under way that are not there yet and have their room reserved.
        self._promised = 0.0
        self._steps = self._steps_done = 0
        self._since_s = self._step_s = 0.0
        self.until_s = inf
        self.version = self.preemptions = self.peak_held = 0
        self.busy_s = self.batch_s = self.held_s = 0.0

    def arrive(self, request: int, at_s: float) -> bool:
        """Takes a request in; True where that changes `until_s`."""
        self._waiting.append(request)
        if self.until_s == inf:
            self._since_s = at_s
            self._begin()
            return True
        # A step is never cut; who cannot start, or waits behind others, changes nothing.
        if self._steps <= 1 or len(self._waiting) > 1 or not self._has_room(request):
            return False
        steps = self._steps_until(at_s - self._since_s)
        if steps >= self._steps:
            return False
        self._plan_steps(steps)
        return True

    def advance(self) -> int:
        """Ends the segment and begins the next; returns how many requests it ended."""
        now, steps, running = self.until_s, self._steps, self._running
        spent, grown, share = now - self._since_s, running * steps, self._table.reserved_share
        self.busy_s += spent
        self.batch_s += spent * (running + len(self._joining))
        self.held_s += spent * (self._held + grown / 2)
        self._live += grown
        self._held += grown
        self._promised -= share * grown
        if self._held > self.peak_held:
            self.peak_held = self._held
        self._steps_done += steps
        self._since_s = now
        ended = self._end_those_done(now) if self._ends and self._ends[0][0] <= self._steps_done else 0
        if self._joining:
            for request in self._joining:
                ended += self._join(request, now)
            self._joining.clear()
        self._begin()
        return ended

    def _end_those_done(self, now: float) -> int:
        ends, journal, done, ended = self._ends, self._journal, self._steps_done, 0
        while ends and ends[0][0] <= done:
            end, request = heappop(ends)
            # A preempted one left its end behind.
            if journal.end[request] == end:
                self._leave(request)
                journal.last_s[request] = now
                ended += 1
        return ended

    def _leave(self, request: int) -> None:
        """Takes a running sequence and its cache away."""
        journal = self._journal
        tokens = journal.base[request] + self._steps_done
        self._live -= tokens
        self._held -= tokens
        self._running -= 1
        journal.end[request] = NONE

    def _join(self, request: int, now: float) -> int:
        """A prompt is through and has made a token; returns 1 where that was its last."""
        journal = self._journal
        seen = now + self._table.late_s * journal.prompt_tokens[request]
        if journal.first_s[request] == inf:
            journal.first_s[request] = seen
        prompt, left = journal.prompt_tokens[request], journal.left[request] - 1
        journal.left[request] = left
        self._promised -= self._table.reserved_share
        if left == 0:
            self._held -= prompt
            journal.last_s[request] = seen
            return 1
        end = self._steps_done + left
        journal.base[request], journal.end[request] = prompt - self._steps_done, end
        heappush(self._ends, (end, request))
        self._order.append(request)
        self._live += prompt
        self._running += 1
        return 0

    def _begin(self) -> None:
        """Decides on the next segment."""
        if self._running and self._free_tokens() < self._running:
            self._preempt()
        waiting, table = self._waiting, self._table
        self.version += 1
        if waiting and (self._prefilled or self._has_room(waiting[0])):
            decoded = self._running if table.mixes_prompts else 0
            self._steps = 1 if table.mixes_prompts else 0
            live = self._live if decoded else 0
            prompts = self._prompts_s(table.base_s[decoded], max(table.budget_tokens - decoded, 1))
            self.until_s = self._since_s + prompts + live * table.cached_token_s[decoded]
        elif self._running:
            running = self._running
            self._step_s = table.base_s[running][0] + self._live * table.cached_token_s[running]
            next_end = self._ends[0][0] - self._steps_done
            self._plan_steps(max(min(next_end, int(self._free_tokens() // running)), 1))
        else:
            self.until_s = inf

    def _prompts_s(self, base_s: tuple[float, ...], budget: int) -> float:
        """Admits prompts, whole or in part, as far as a step's budget goes; returns the step's seconds but for decoding
        from the cache."""
        waiting, journal, left, pairs = self._waiting, self._journal, budget, 0.0
        while waiting and left > 0:
            request = waiting[0]
            prompt, start = journal.prompt_tokens[request], self._prefilled
            if start == 0:
                if not self._has_room(request):
                    break
                self._held += prompt
                self._promised += self._table.reserved_share * journal.left[request]
                start = journal.known[request]
            end = min(prompt, start + left)
            left -= end - start
            pairs += (end * end - start * start) / 2
            if end < prompt:
                self._prefilled = end
                break
            self._prefilled = 0
            self._joining.append(waiting.popleft())
        column, rest = divmod(budget - left, self._table.column_tokens)
        low = base_s[column]
        high = base_s[column + 1] if rest else low
        return low + (high - low) * rest / self._table.column_tokens + pairs * self._table.pair_s

    def _has_room(self, request: int) -> bool:
        sequences = self._running + len(self._joining)
        if sequences >= self._table.batch:
            return False
        journal, table = self._journal, self._table
        taken = self._held + self._promised + (sequences + 1) * HALF_BLOCK
        wanted = journal.prompt_tokens[request] + table.reserved_share * journal.left[request]
        return taken + wanted < table.cache_tokens

    def _free_tokens(self) -> float:
        return self._table.cache_tokens - self._held - self._running * HALF_BLOCK

    def _preempt(self) -> None:
        """Sends those back that started last until a step's tokens have room; the first one always stays."""
        journal, order = self._journal, self._order
        while self._running > 1 and self._free_tokens() < self._running:
            request = order.pop()
            end = journal.end[request]
            # Those that ended since are still in the list.
            if end == NONE:
                continue
            journal.prompt_tokens[request] = journal.base[request] + self._steps_done
            journal.left[request] = end - self._steps_done
            self._promised -= self._table.reserved_share * journal.left[request]
            self._leave(request)
            self._send_back(request)
            self.preemptions += 1

    def _send_back(self, request: int) -> None:
        """Puts a preempted sequence before all that wait, behind a prompt of which a part is through."""
        if self._prefilled:
            first = self._waiting.popleft()
            self._waiting.appendleft(request)
            self._waiting.appendleft(first)
        else:
            self._waiting.appendleft(request)

    def _plan_steps(self, steps: int) -> None:
        """Lets the segment be so many steps without prompts."""
        self._steps = steps
        growth = self._running * self._table.cached_token_s[self._running]
        self.until_s = self._since_s + steps * self._step_s + growth * steps * (steps - 1) / 2
        self.version += 1

    def _steps_until(self, spent_s: float) -> int:
        """How many steps of the segment are begun within so many seconds: the sum of a growing series, solved."""
        growth = self._running * self._table.cached_token_s[self._running]
        half = self._step_s - growth / 2
        root = (sqrt(half * half + 2 * growth * spent_s) - half) / growth if growth else spent_s / self._step_s
        return max(ceil(root), 1)
