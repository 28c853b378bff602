"""How does somebody who waits see that it goes on, and how long it took?"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

Result = TypeVar("Result")


def say(sentence: str) -> None:
    """Prints a sentence about the command itself on stderr where that is a terminal; files stay the same each time."""
    if sys.stderr and sys.stderr.isatty():
        print(f"\n{sentence}", file=sys.stderr)


def watched(results: Iterable[Result], total: int) -> Iterator[Result]:
    """The results as they come, with a bar on stderr where that is a terminal; it goes when all have come."""
    if not (sys.stderr and sys.stderr.isatty()):
        yield from results
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("asking AWS", total=total)
        for result in results:
            bar.update(task, advance=1, description=f"asked AWS for {result}")
            yield result
