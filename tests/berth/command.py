"""How do tests run the command line? In this process, as the installed `berth` would be."""

from __future__ import annotations

import sys

import pytest
from msgspec import Struct

from berth.main import run

# What a public image is found to be, where a test lets it be looked up.
AMI = "ami-0123456789abcdef0"


class Answer(Struct, frozen=True, kw_only=True):
    """Exit status, stdout and stderr of a command."""

    status: int
    out: str
    err: str


class Command:
    """Runs commands and keeps what they print apart."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: object) -> Answer:
        self._monkeypatch.setattr(sys, "argv", ["berth", *map(str, arguments)])
        # Or the usage would say `python -m pytest`, where that is how the tests were started.
        self._monkeypatch.setattr(sys.modules["__main__"], "__package__", None)
        self._capsys.readouterr()
        status = 0
        try:
            run()
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        printed = self._capsys.readouterr()
        return Answer(status=status, out=printed.out, err=printed.err)
