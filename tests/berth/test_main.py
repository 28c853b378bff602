"""Does every failure end as a user can bear it: findings on stderr, a status, no traceback?"""

from __future__ import annotations

from pathlib import Path

import pytest

from berth import main
from pricing.errors import BerthError
from tests.berth.command import Command
from tests.planner.market_builders import TRAINING, written

COMMANDS = ["plan", "lock", "launch", "key-policy", "init", "estimate", "simulate", "validate", "calibrate"]
COMMANDS += ["verify", "schema", "models", "techniques", "catalog", "prices"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(berth: Command, command: str) -> None:
    """Each command explains itself and its arguments."""
    answer = berth(command, "--help")
    assert (answer.status, answer.err) == (0, "")
    assert f"berth {command}" in answer.out


def test_the_commands_are_those_documented(berth: Command) -> None:
    """The help lists each command once, and nothing else."""
    answer = berth("--help")
    assert answer.status == 0
    assert [
        line.split()[1] for line in answer.out.splitlines() if line.startswith("│ ") and "--" not in line
    ] == COMMANDS


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Usage: berth"),
        (["plan"], "Missing argument 'WORKLOAD'"),
        (["plan", "w.yaml", "--wat"], "No such option: --wat"),
        (["plann"], "No such command 'plann'"),
        (["schema", "novel"], "'novel' is not one of 'workload'"),
    ],
)
def test_a_wrong_call_is_told(berth: Command, arguments: list[str], said: str) -> None:
    """What is no command is answered with usage and status 2."""
    answer = berth(*arguments)
    assert answer.status == 2
    assert said in answer.out + answer.err


@pytest.mark.parametrize("command", ["plan", "lock"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "tiny.yaml: no such file"),
        ("", "tiny.yaml:1: the file is empty"),
        ("- a\n", "tiny.yaml:1: a workload is a mapping"),
        (TRAINING + "limitz: {}\n", "tiny.yaml:8: limitz: unknown key; did you mean limits?"),
        (TRAINING + "limits: {budget: 0.01}\n", "Nothing on the market does tiny within its limits."),
        (TRAINING + "pin: {instance_type: p3.2xlarge}\n", "No instance type may be considered:"),
    ],
)
def test_an_expected_failure_is_findings_and_status_one(
    berth: Command, folder: Path, command: str, text: str | None, said: str
) -> None:
    """Nothing on stdout, all findings on stderr, no traceback, and no file written or touched."""
    if text is not None:
        written(folder, text)
    before = {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}
    answer = berth(command, "tiny.yaml")
    assert (answer.status, answer.out) == (1, "")
    assert answer.err.startswith(said)
    assert "Traceback" not in answer.err
    assert {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()} == before


def test_all_findings_are_printed_a_line_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failure with several findings prints each on its own line."""

    def fail() -> None:
        raise BerthError(["first", "second"])

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(SystemExit) as end:
        main.run()
    assert (end.value.code, capsys.readouterr().err) == (1, "first\nsecond\n")


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody expected is not dressed up as the user's mistake."""

    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(main, "app", fail)
    with pytest.raises(ZeroDivisionError):
        main.run()
