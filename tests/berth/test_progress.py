"""Does a bar show on a terminal, and nowhere else?"""

from __future__ import annotations

from io import StringIO

import pytest

from berth.progress import say, watched


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came is named while the rest is waited for, and all of it is handed on."""
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert list(watched(["prices of us-east-1", "zones of us-east-1"], 2)) == [
        "prices of us-east-1",
        "zones of us-east-1",
    ]
    assert "asked AWS for zones of us-east-1" in screen.getvalue()


def test_a_file_has_none(capsys: pytest.CaptureFixture[str]) -> None:
    """A log is not filled with bars."""
    assert list(watched([1, 2], 2)) == [1, 2]
    assert capsys.readouterr() == ("", "")


def test_no_stderr_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process without a stderr works all the same."""
    monkeypatch.setattr("sys.stderr", None)
    assert list(watched([1], 1)) == [1]


def test_a_sentence_is_for_terminals(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """How long it took is told to who watches, and to nobody else."""
    say("Decided.")
    assert capsys.readouterr() == ("", "")
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    say("Decided.")
    assert screen.getvalue() == "\nDecided.\n"
