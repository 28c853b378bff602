"""How is much asked at once, and not waited for too long?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Protocol, TypeVar

# AWS's limits are per account, region and API, so that feeds and regions do not slow each other; beyond so many it
# is this machine's parsing that takes the time.
AT_ONCE = 16

Key = TypeVar("Key")
Result = TypeVar("Result")


class Watch(Protocol):
    """Hands on results as they come, of so many, and shows meanwhile that somebody waits."""

    def __call__(self, results: Iterable[Result], total: int) -> Iterable[Result]:
        """The same results."""


def in_parallel(
    keys: Sequence[Key],
    work: Callable[[Key], Result],
    *,
    patience_s: float | None = None,
    watch: Watch | None = None,
) -> Iterable[Result]:
    """What `work` makes of each key, as it comes. `work` must not raise.

    What has not come after `patience_s` seconds never comes, and is not waited for when the process ends.
    """
    ends_at = None if patience_s is None else time.monotonic() + patience_s
    arriving = _arriving(keys, work, ends_at)
    return watch(arriving, len(keys)) if watch else arriving


def _arriving(keys: Sequence[Key], work: Callable[[Key], Result], ends_at: float | None) -> Iterator[Result]:
    waiting: SimpleQueue[Key] = SimpleQueue()
    done: SimpleQueue[Result] = SimpleQueue()
    for key in keys:
        waiting.put(key)

    def labour() -> None:
        while True:
            try:
                key = waiting.get_nowait()
            except Empty:
                return
            done.put(work(key))

    for _ in range(min(AT_ONCE, len(keys))):
        # A pool of concurrent.futures would be waited for at exit.
        Thread(target=labour, daemon=True).start()
    for _ in keys:
        try:
            yield done.get(timeout=None if ends_at is None else max(ends_at - time.monotonic(), 0))
        except Empty:
            return
