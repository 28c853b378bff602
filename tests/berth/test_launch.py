"""Does `berth launch` print what starts the locked job?"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.berth.command import Command
from tests.planner.market_builders import TRAINING, written


def test_a_hyperpod_lock_has_a_batch_script(berth: Command, folder: Path) -> None:
    """The script of the locked plan is printed, and is bash."""
    file = written(folder, TRAINING + "provision: {target: hyperpod-slurm}\n")
    berth("lock", file, "--offline")
    answer = berth("launch", file)
    assert (answer.status, answer.err) == (0, "")
    assert "#SBATCH --partition=berth\n" in answer.out
    subprocess.run(["bash", "-n"], input=answer.out, text=True, check=True)


def test_other_targets_and_no_lock_are_told(berth: Command, folder: Path) -> None:
    """Without a lock, or with one of another target, nothing is printed but why."""
    file = written(folder, TRAINING)
    assert berth("launch", file).status == 1
    berth("lock", file, "--offline")
    answer = berth("launch", file)
    assert (answer.status, answer.out) == (1, "")
    assert "only jobs of the target hyperpod-slurm have a script yet" in answer.err
