"""Does the CDK app plan with the prices that it is told to, and only when it has to?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.planner.market_builders import TRAINING, written
from tests.support.price_server import PriceServer

APP = Path(__file__).parent.parent / "app.py"
CHEAP = "p5.48xlarge"


def synth(folder: Path, **context: str) -> subprocess.CompletedProcess[str]:
    """Runs the app as the CDK command line does; `-c` becomes its context."""
    # Not the account that the CDK has found on this machine.
    own = {name: value for name, value in os.environ.items() if not name.startswith("CDK_")}
    environment = own | {
        "CDK_OUTDIR": str(folder / "cdk.out"),
        "CDK_CONTEXT_JSON": json.dumps({"workload": "tiny.yaml", **context}),
    }
    return subprocess.run(
        [sys.executable, APP], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one workload."""
    written(tmp_path, TRAINING)
    return tmp_path


def test_an_unknown_choice_is_refused(folder: Path) -> None:
    """A word that names no prices is an error with those that do, and no lock is written."""
    done = synth(folder, prices="cheap")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "prices=cheap is not known; write auto, live or bundled.\n"
    assert not (folder / "tiny.plan.json").exists()


def test_live_prices_are_locked_and_not_asked_again(server: PriceServer, folder: Path) -> None:
    """The first synth asks AWS and locks what it answered; the next one builds the lock and asks nobody."""
    server.usd.update({(CHEAP, region): "1.0" for region in ("us-east-1", "us-east-2", "us-west-2")})
    first = synth(folder, prices="live")
    assert first.returncode == 0, first.stderr
    assert json.loads((folder / "tiny.plan.json").read_text())["build"]["instance_type"] == CHEAP
    assert "GetProducts" in server.calls
    server.asked.clear()
    second = synth(folder, prices="live")
    assert second.returncode == 0, second.stderr
    assert server.asked == []


def test_bundled_prices_ask_nobody(server: PriceServer, folder: Path) -> None:
    """With credentials at hand, who asks for the bundle gets it."""
    server.usd[CHEAP, "us-east-1"] = "1.0"
    done = synth(folder, prices="bundled")
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "tiny.plan.json").read_text())["build"]["instance_type"] != CHEAP
    assert server.asked == []


def test_an_unknown_target_is_refused(folder: Path) -> None:
    """A word that names no target is an error with those that do, and no lock is written."""
    done = synth(folder, prices="bundled", target="kubernetes")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("target=kubernetes is not known; write efa-cluster, hyperpod-slurm")
    assert not (folder / "tiny.plan.json").exists()


def test_two_workloads_in_one_app(folder: Path) -> None:
    """With a comma between them both are planned, locked and synthesized, each to its own stack."""
    other = (folder / "tiny.yaml").read_text().replace("name: tiny", "name: other")
    (folder / "other.yaml").write_text(other)
    done = synth(folder, prices="bundled", workload="tiny.yaml,other.yaml")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in folder.glob("*.plan.json")} == {"tiny.plan.json", "other.plan.json"}
    assert {path.name.split(".")[0] for path in (folder / "cdk.out").glob("*.template.json")} == {
        "Berth-tiny",
        "Berth-other",
    }


def test_workloads_are_refused_before_any_is_locked(folder: Path) -> None:
    """Blanks around the comma do not matter; two of one name are refused, and no lock is left behind."""
    (folder / "other.yaml").write_text((folder / "tiny.yaml").read_text())
    done = synth(folder, prices="bundled", workload="tiny.yaml, other.yaml")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Two workloads are called 'tiny'. Give each a name of its own.\n"
    assert not [*folder.glob("*.plan.json")]


def test_the_target_may_be_named_beside_the_workload(folder: Path) -> None:
    """`-c target=` takes the place of the file's own, and the lock keeps it."""
    done = synth(folder, prices="bundled", target="hyperpod-slurm")
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "tiny.plan.json").read_text())["build"]["target"] == "hyperpod-slurm"
    for again in ({"target": "hyperpod-slurm"}, {}):
        assert "no longer matches" not in synth(folder, prices="bundled", **again).stderr
