"""What may stand in each column of a file of measured runs?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml
from msgspec import Struct

from planner.measured import COLUMNS, FIGURES, OOM
from planner.recipe import Job
from planner.row_words import known_words

_FILE = Path(__file__).with_name("data") / "measured" / "columns.yaml"


class Column(Struct, frozen=True, kw_only=True):
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
