"""Which requests does a recorded trace hold?

A CSV file with the columns arrival_s, input_tokens and output_tokens, one request a line, in the order of arrival.
Nothing in it is repaired: every line that cannot be right is named, all at once.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from msgspec import Struct, field

from planner.errors import TraceError
from planner.simulation import Requests

COLUMNS = ("arrival_s", "input_tokens", "output_tokens")
# What a screen shows; a file that is garbage from end to end has as many faults as lines.
SHOWN_FAULTS = 20
# Of arrivals at random a hole of so many mean intervals comes once in e**30 intervals; traffic with quiet hours stays
# far below it, since its mean is over those too.
LONGEST_INTERVALS = 30.0
SHORTEST_HOLE_S = 600.0


class _Reading(Struct):
    """What is read so far, and what is wrong with it."""

    path: Path
    at_s: list[float] = field(default_factory=list)
    input_tokens: list[int] = field(default_factory=list)
    output_tokens: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def fault(self, line: int, says: str) -> None:
        self.faults.append(f"{self.path}:{line}: {says}")


def read_trace(
    path: Path, *, longest_tokens: int, why_longest: str, gaps_are_idle: bool = False, embeds: bool = False
) -> Requests:
    """The requests of a trace; the first comes at its own time, counted from zero.

    `longest_tokens` is what input and output of a request may come to, `why_longest` says whose limit that is. With
    `gaps_are_idle` hours without a request are taken for what happened, without it for a hole in the recording. Those
    for embeddings (`embeds`) have no tokens out, and count as one.
    Raises TraceError with every fault, each with file and line.
    """
    reading = _Reading(path=path)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            _read(csv.reader(file), reading, longest_tokens, why_longest, embeds)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TraceError(f"{path}: the trace cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not gaps_are_idle:
        _holes(reading)
    if not reading.faults and not reading.at_s:
        raise TraceError(f"{path}: no request in it; a trace has one a line below the line of column names")
    if reading.faults:
        shown, rest = reading.faults[:SHOWN_FAULTS], len(reading.faults) - SHOWN_FAULTS
        raise TraceError([*shown, *([f"{path}: and {rest:,} more of the kind"] if rest > 0 else [])])
    return Requests(
        at_s=np.asarray(reading.at_s),
        input_tokens=np.asarray(reading.input_tokens),
        output_tokens=np.maximum(reading.output_tokens, 1),
    )


def _read(rows: Iterator[list[str]], reading: _Reading, longest: int, why: str, embeds: bool) -> None:
    names = next(rows, None)
    if names is None or tuple(name.strip() for name in names) != COLUMNS:
        shown = ",".join(names or [])[:80]
        reading.fault(1, f"the columns are {shown!r}; a trace begins with the line {','.join(COLUMNS)}")
        return
    last = -math.inf
    for line, cells in enumerate(rows, start=2):
        faults = len(reading.faults)
        if len(cells) != len(COLUMNS):
            empty = not cells or not "".join(cells).strip()
            says = "an empty line" if empty else f"{len(cells)} cells"
            reading.fault(line, f"{says}; a request has {len(COLUMNS)} cells")
            continue
        at = _seconds(cells[0], line, reading)
        given = _tokens(cells[1], COLUMNS[1], line, reading)
        made = _tokens(cells[2], COLUMNS[2], line, reading, least=0 if embeds else 1)
        if at is not None and at < last:
            reading.fault(line, f"arrival_s: {at:g} comes after {last:g} in the file; sort the trace by arrival")
        if given and made and given + made > longest:
            reading.fault(line, f"{given:,} tokens in and {made:,} out are more than {longest:,}, {why}")
        last = last if at is None else max(last, at)
        if len(reading.faults) == faults and at is not None:
            reading.at_s.append(at)
            reading.input_tokens.append(given)
            reading.output_tokens.append(made)
            reading.lines.append(line)


def _seconds(cell: str, line: int, reading: _Reading) -> float | None:
    try:
        seconds = float(cell)
    except ValueError:
        seconds = math.nan
    if math.isfinite(seconds) and seconds >= 0:
        return seconds
    reading.fault(line, f"arrival_s: {cell.strip()[:40]!r} is no time in seconds from the start of the trace")
    return None


def _tokens(cell: str, name: str, line: int, reading: _Reading, least: int = 1) -> int:
    """The count, 0 where it is none."""
    text = cell.strip()
    if text.isascii() and text.isdecimal() and int(text[:18]) >= least and len(text) <= 18:
        return int(text)
    reading.fault(
        line, f"{name}: {text[:40]!r} is no count of tokens; write a whole number{' above 0' if least else ''}"
    )
    return 0


def _holes(reading: _Reading) -> None:
    """Names intervals that are too long to be chance."""
    if len(reading.at_s) < 3:
        return
    intervals = np.diff(np.asarray(reading.at_s))
    # The mean of the others: in a short trace a hole would hide in a mean of which it is most itself.
    others = (intervals.sum() - intervals) / (len(intervals) - 1)
    longest = np.maximum(LONGEST_INTERVALS * others, SHORTEST_HOLE_S)
    for index in np.flatnonzero(intervals > longest):
        reading.fault(
            reading.lines[index + 1],
            f"no request for {intervals[index]:,.0f} s before it, where others come every {others[index]:,.3g} s: a "
            "hole in the recording? Cut the trace there; where nobody asked, pass --gaps-are-idle (berth simulate) or "
            "write the hours in inference.fleet.profile",
        )
