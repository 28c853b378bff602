"""Does `berth` behave as a process should: streams, statuses, pipes, colours, and only the imports it needs?"""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.planner.market_builders import TRAINING, written

BERTH = Path(sys.executable).with_name("berth")
# What a caller's environment may hold, apart from what changes colours and buffers.
CHANGING = {"NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "PYTHONUNBUFFERED"}
PLAIN = {name: value for name, value in os.environ.items() if name not in CHANGING}
HEAVY = ("boto3", "botocore", "aws_cdk", "jsii", "pandas", "matplotlib", "scipy")


def berth(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the installed command with its output piped."""
    return subprocess.run(
        [BERTH, *arguments], cwd=folder, env=PLAIN | environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one workload."""
    written(tmp_path, TRAINING)
    return tmp_path


def test_the_answer_is_on_stdout_alone(folder: Path) -> None:
    """A plan in a pipe is plain text, status 0, and nothing else is said."""
    answer = berth(folder, "plan", "tiny.yaml", TERM="xterm-256color")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("tiny: ")
    assert "\x1b" not in answer.stdout


def test_failures_are_on_stderr_alone(folder: Path) -> None:
    """A finding in a pipe is one line on stderr with status 1."""
    answer = berth(folder, "plan", "gone.yaml", "--json")
    assert (answer.returncode, answer.stdout, answer.stderr) == (1, "", "gone.yaml: no such file\n")


def test_the_note_on_a_lock_does_not_disturb_json(folder: Path) -> None:
    """What `--json` prints can be piped on: the note on the lock is not in it."""
    berth(folder, "lock", "tiny.yaml", "--offline")
    answer = berth(folder, "plan", "tiny.yaml", "--json")
    assert answer.stdout.startswith("{\n") and answer.stdout.endswith("}\n")
    assert answer.stderr.strip() == "tiny.plan.json holds this plan."


@pytest.mark.parametrize("arguments", [("plan", "tiny.yaml"), ("techniques",)])
def test_a_reader_who_has_seen_enough_is_no_failure_worth_a_traceback(folder: Path, arguments: tuple[str, ...]) -> None:
    """`berth ... | head` ends quietly, as other commands do."""
    with subprocess.Popen(
        [BERTH, *arguments], cwd=folder, env=PLAIN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == ""
    assert child.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("arguments", [("plan", "tiny.yaml"), ("plan", "tiny.yaml", "--json")])
def test_a_full_disk_is_told(folder: Path, arguments: tuple[str, ...]) -> None:
    """A stdout that takes nothing more is a finding, not a traceback."""
    with open("/dev/full", "w") as full:
        child = subprocess.run(
            [BERTH, *arguments], cwd=folder, env=PLAIN, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (child.returncode, child.stderr) == (1, "stdout cannot be written: No space left on device\n")


def on_terminal(folder: Path, **environment: str) -> str:
    """What `berth plan` prints where stdout is a terminal."""
    screen, end = pty.openpty()
    try:
        child = subprocess.Popen([BERTH, "plan", "tiny.yaml"], cwd=folder, env=PLAIN | environment, stdout=end)
    finally:
        os.close(end)
    text = b""
    while True:
        try:
            piece = os.read(screen, 65536)
        except OSError:  # Linux ends a terminal whose other side is closed with an error
            break
        if not piece:
            break
        text += piece
    os.close(screen)
    assert child.wait() == 0
    return text.decode()


@pytest.mark.skipif(sys.platform != "linux", reason="reads the terminal as Linux ends it")
@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_terminals_that_want_them(folder: Path, environment: dict[str, str], coloured: bool) -> None:
    """On a terminal the chosen plan is green; with NO_COLOR it is not."""
    text = on_terminal(folder, TERM="xterm-256color", COLUMNS="120", **environment)
    assert ("\x1b[1;32m" in text) is coloured


def test_a_plan_imports_only_what_it_needs(folder: Path) -> None:
    """No CDK, no AWS SDK and no plotting on the planning path, which must feel instant."""
    code = (
        "import sys; from berth.main import run; sys.argv = ['berth', 'plan', 'tiny.yaml', '--json']\n"
        "try: run()\n"
        "except SystemExit: pass\n"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=PLAIN, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr.strip()) == (0, "")
