"""Is much asked at once, within bounds, and nobody waited for too long?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from threading import Barrier, Event, Lock
from typing import TypeVar

import pytest

from pricing.parallel import AT_ONCE, in_parallel

Result = TypeVar("Result")


def test_every_key_is_worked_on_once() -> None:
    """More keys than threads are all done, each once."""
    assert sorted(in_parallel(range(100), lambda key: key * 2)) == [key * 2 for key in range(100)]


def test_nothing_is_done_for_nobody() -> None:
    """No key, no work."""
    assert list(in_parallel([], pytest.fail)) == []


def test_it_is_at_once() -> None:
    """As many as the bound allows meet at a barrier, which none could pass alone."""
    barrier = Barrier(AT_ONCE)
    assert sorted(in_parallel(range(AT_ONCE), lambda key: barrier.wait(60))) == list(range(AT_ONCE))


def test_no_more_than_the_bound_at_once() -> None:
    """However many keys there are, the bound holds."""
    lock, running, most = Lock(), 0, 0

    def work(key: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        with lock:
            running -= 1
        return key

    list(in_parallel(range(500), work))
    assert 1 <= most <= AT_ONCE


def test_patience_ends() -> None:
    """What never comes is given up."""
    never = Event()
    assert list(in_parallel([1, 2], lambda key: never.wait(), patience_s=0.0)) == []
    never.set()


def test_results_pass_through_the_watch() -> None:
    """Whoever watches sees each result and how many there will be."""
    seen = []

    def watch(results: Iterable[Result], total: int) -> Iterator[Result]:
        seen.append(total)
        for result in results:
            seen.append(result)  # type: ignore[arg-type]
            yield result

    assert sorted(in_parallel([1, 2], lambda key: key, watch=watch)) == [1, 2]
    assert seen[0] == 2 and sorted(seen[1:]) == [1, 2]


def test_a_process_ends_while_somebody_is_still_waiting() -> None:
    """An answer that never comes does not keep the process."""
    code = (
        "from threading import Event; from pricing.parallel import in_parallel\n"
        "print(list(in_parallel([1], lambda key: Event().wait(), patience_s=0)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
