"""Is a trace read as it stands, and is everything that cannot be right told of, line by line?"""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import TraceError
from planner.simulation import Requests
from planner.trace import SHOWN_FAULTS, read_trace

HEAD = "arrival_s,input_tokens,output_tokens\n"


def read(folder: Path, text: str, *, gaps_are_idle: bool = False) -> Requests:
    """The trace with this text, for a model of 1,000 tokens."""
    (folder / "trace.csv").write_text(text, encoding="utf-8")
    return read_trace(
        folder / "trace.csv", longest_tokens=1000, why_longest="for which it was made", gaps_are_idle=gaps_are_idle
    )


def test_requests_are_read_in_order(tmp_path: Path) -> None:
    """Times and tokens arrive as they stand in the file; two may come at once."""
    found = read(tmp_path, HEAD + "0,10,5\n1.5,20,6\n1.5,30,7\n")
    assert found.at_s.tolist() == [0.0, 1.5, 1.5]
    assert found.input_tokens.tolist() == [10, 20, 30]
    assert found.output_tokens.tolist() == [5, 6, 7]
    assert found.clients is None


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("abc,10,5", "'abc' is no time in seconds"),
        ("-1,10,5", "'-1' is no time"),
        ("nan,10,5", "'nan' is no time"),
        ("3,ten,5", "input_tokens: 'ten' is no count"),
        ("3,10,0", "output_tokens: '0' is no count"),
        ("3,10,1.5", "output_tokens: '1.5' is no count"),
        ("3,10", "2 cells"),
        ("", "an empty line"),
        ("1,10,5", "arrival_s: 1 comes after 2 in the file"),
        ("3,900,101", "900 tokens in and 101 out are more than 1,000, for which it was made"),
        ("3,9" + "9" * 30 + ",5", "is no count"),
    ],
)
def test_a_line_that_cannot_be_right_is_named(tmp_path: Path, row: str, says: str) -> None:
    """Garbage, gaps and disorder are told of with file and line."""
    with pytest.raises(TraceError) as error:
        read(tmp_path, f"{HEAD}2,10,5\n{row}\n4,10,5\n")
    assert error.value.findings[0].startswith(f"{tmp_path / 'trace.csv'}:3: ")
    assert says in error.value.findings[0]
    assert len(error.value.findings) == 1


def test_everything_is_told_at_once_but_not_without_end(tmp_path: Path) -> None:
    """All faults of a file come together, and of a file of garbage as many as a screen shows."""
    with pytest.raises(TraceError) as error:
        read(tmp_path, HEAD + "x,y,z\n" * 100)
    assert len(error.value.findings) == SHOWN_FAULTS + 1
    assert error.value.findings[-1].endswith(f"and {300 - SHOWN_FAULTS} more of the kind")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the columns are ''"),
        ("0,10,5\n", "the columns are '0,10,5'"),
        (HEAD, "no request in it"),
        ("time,in,out\n0,1,1\n", "a trace begins with the line arrival_s"),
    ],
)
def test_a_file_that_is_no_trace_is_refused(tmp_path: Path, text: str, says: str) -> None:
    """A file without its header, or without requests, is no trace."""
    with pytest.raises(TraceError, match=says):
        read(tmp_path, text)


def test_a_hole_is_told_of_unless_nobody_asked(tmp_path: Path) -> None:
    """Hours without a request among seconds are a hole in the recording; the user may say that they are none."""
    times = [*range(100), *range(20_000, 20_100)]
    text = HEAD + "".join(f"{at},10,5\n" for at in times)
    with pytest.raises(TraceError, match=r"trace.csv:102: no request for 19,901 s"):
        read(tmp_path, text)
    assert len(read(tmp_path, text, gaps_are_idle=True)) == 200


def test_quiet_hours_are_no_hole(tmp_path: Path) -> None:
    """Traffic that is ten times slower at night is what it is."""
    times = [*range(0, 3600, 10), *range(3600, 36_000, 100)]
    assert len(read(tmp_path, HEAD + "".join(f"{at},10,5\n" for at in times))) == len(times)


def test_a_file_that_is_not_there_is_told_of(tmp_path: Path) -> None:
    """A missing trace is the user's to mend, not a traceback."""
    with pytest.raises(TraceError, match="cannot be read"):
        read_trace(tmp_path / "none.csv", longest_tokens=10, why_longest="")


def test_a_file_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    """What the system says, without its number and the name again."""
    with pytest.raises(TraceError) as error:
        read_trace(tmp_path / "none.csv", longest_tokens=1, why_longest="")
    assert str(error.value) == f"{tmp_path / 'none.csv'}: the trace cannot be read: No such file or directory"


def test_a_hole_in_a_short_trace_is_found(tmp_path: Path) -> None:
    """Four requests with ten days between two of them have a hole, unless nobody asked then."""
    rows = f"{HEAD}0,10,5\n2,10,5\n864002,10,5\n864004,10,5\n"
    with pytest.raises(TraceError, match=r":4: no request for 864,000 s before it, where others come every 2 s"):
        read(tmp_path, rows)
    assert len(read(tmp_path, rows, gaps_are_idle=True)) == 4
