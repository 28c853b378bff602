"""Is a word that nobody knows told, and every word that published files use taken?"""

from __future__ import annotations

import pytest

from planner.carried import carried_serving, carried_throughput, carried_training
from planner.measured import Row
from planner.recipe import Job
from planner.row_words import word_faults


def faults(cells: dict[str, str], job: Job = Job.TRAINING) -> list[str]:
    """What is wrong with the words of one row."""
    return list(word_faults(Row(line=2, text={"id": "a", **cells}, numbers={}), job))


@pytest.mark.parametrize(
    ("column", "word", "closest"),
    [
        ("accelerator", "H10-80GB", "H100-80GB"),
        ("outcome", "oomed", "oom"),
        ("software", "torchtitn", "torchtitan"),
        ("attention", "flsh", "flash"),
        ("options", "packed+chunked_cee", "chunked_ce"),
        ("optimizer", "adamww", "adamw"),
        ("recompute", "ful", "full"),
        ("sharding", "zero4", "zero"),
        ("technique", "loraa", "lora"),
        ("memory_kind", "reservd", "reserved"),
        ("weight_dtype", "bf17", "bf16"),
        ("compute_dtype", "bf17", "bf16"),
        ("compiled", "yess", "yes"),
        ("mlp", "gatd", "gated"),
    ],
)
def test_a_word_that_nobody_knows_is_told(column: str, word: str, closest: str) -> None:
    """One finding, with the column and the closest word."""
    (fault,) = faults({column: word})
    assert fault.startswith(f"{column}: ")
    assert f"did you mean {closest}" in fault


@pytest.mark.parametrize(("column", "word"), [("weight_dtype", "fp9"), ("kv_dtype", "fp9"), ("memory_kind", "pek")])
def test_serving_rows_have_words_of_their_own(column: str, word: str) -> None:
    """Types and kinds of memory of serving rows are checked, with all that are known."""
    (fault,) = faults({column: word}, Job.INFERENCE)
    assert fault.startswith(f"{column}: {word!r} is not known")
    assert "known are " in fault


@pytest.mark.parametrize(
    "cells", [{"software": "Megatron-LM"}, {"options": "packed+chunked_ce"}, {"sharding": "zero3-offload"}, {}]
)
def test_known_words_pass(cells: dict[str, str]) -> None:
    """Names in any case of letters, options joined, offloaded sharding, and empty cells."""
    assert faults(cells) == []


def test_published_files_are_read() -> None:
    """No carried-over row says a word that is refused."""
    for measured in (carried_training(), carried_throughput(), carried_serving()):
        assert [fault for row in measured.rows for fault in word_faults(row, measured.job)] == []
