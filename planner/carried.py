"""Which measured runs does Berth bring along?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from planner.measured import Measured, read_measured
from planner.measured_serving import ServingCase, serving_case
from planner.measured_training import TrainingCase, training_case

FOLDER = Path(__file__).with_name("data") / "measured"


def carried_training() -> Measured:
    """Measured training runs, with peak memory or out of memory."""
    return read_measured(FOLDER / "training_memory.csv")


def carried_throughput() -> Measured:
    """Measured training runs with their speed."""
    return read_measured(FOLDER / "training_throughput.csv")


def carried_serving() -> Measured:
    """Measured serving runs, with peak memory or cache capacity."""
    return read_measured(FOLDER / "serving_memory.csv")


def carried_speed() -> Measured:
    """Measured serving runs with times and rates."""
    return read_measured(FOLDER / "serving_speed.csv")


def left_out() -> Mapping[str, str]:
    """Rows that the fit leaves out because their source contradicts itself, with the reason."""
    text = (FOLDER / "left_out.yaml").read_text(encoding="utf-8")
    rows: dict[str, str] = yaml.load(text, Loader=yaml.CSafeLoader)
    return rows


def fitted_cases() -> list[TrainingCase]:
    """The training runs that the bundled memory factors are fitted to."""
    rows = carried_training().rows
    return [training_case(row) for row in rows if "memory" in row.kinds and row.id not in left_out()]


def timed_cases() -> list[TrainingCase]:
    """The training runs that the bundled time factors are fitted to."""
    return [training_case(row) for row in carried_throughput().rows if row.id not in left_out()]


def served_cases() -> list[ServingCase]:
    """The serving runs that the bundled factors of programs without a pool of cache blocks are fitted to."""
    rows = carried_serving().rows
    return [serving_case(row) for row in rows if "memory" in row.kinds and row.id not in left_out()]
