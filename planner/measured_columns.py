"""What may stand in each column of a file of measured runs?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from planner.measured import COLUMNS, FIGURES, OOM
from planner.recipe import Job
from planner.row_words import known_words

_FILE = Path(__file__).with_name("data") / "measured" / "columns.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its name, what it holds with its unit, and the words that a cell may say where these are limited."""

    name: str
    meaning: str
    words: tuple[str, ...] = ()


def columns_of(job: Job) -> tuple[Column, ...]:
    """Every column of files of training or serving runs, in the order in which files have them."""
    told: Mapping[str, Mapping[str, str]] = yaml.load(_FILE.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    meanings = {**told["both"], **told[str(job)]}
    words = {**known_words(job), "judge": (*FIGURES[job], OOM)}
    return tuple(
        Column(name=name, meaning=meanings[name], words=tuple(sorted(words.get(name, ())))) for name in COLUMNS[job]
    )
