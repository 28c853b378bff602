"""Is a word that nobody knows told, and every word that published files use taken?"""

from __future__ import annotations

import pytest

from planner.carried import carried_serving, carried_throughput, carried_training
from planner.measured import Row
from planner.recipe import Job
from planner.row_words import name_notes, word_faults


def faults(cells: dict[str, str], job: Job = Job.TRAINING) -> list[str]:
    """What is wrong with the words of one row."""
    return list(word_faults(Row(line=2, text={"id": "a", **cells}, numbers={}), job))


@pytest.mark.parametrize(
    ("column", "word", "closest"),
    [
        ("outcome", "oomed", "oom"),
        ("attention", "flsh", "flash"),
        ("options", "packed+chunked_cee", "chunked_ce"),
        ("optimizer", "adamww", "adamw"),
        ("recompute", "ful", "full"),
        ("sharding", "zero4", "zero"),
        ("technique", "loraa", "lora"),
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


@pytest.mark.parametrize(("column", "word"), [("weight_dtype", "fp9"), ("kv_dtype", "fp9"), ("offload", "dsk")])
def test_serving_rows_have_words_of_their_own(column: str, word: str) -> None:
    """Types and places of serving rows are checked, with all that are known."""
    (fault,) = faults({column: word}, Job.INFERENCE)
    assert fault.startswith(f"{column}: {word!r} is not known")
    assert ". Known are " in fault or "? Known are " in fault


def test_only_what_is_sharded_is_offloaded_with_it() -> None:
    """The words offered are those that mean something: ZeRO and FSDP have a variant that offloads, a place has none."""
    (fault,) = faults({"sharding": "offload-offload"})
    offered = fault.partition("Known are ")[2].split(", ")
    assert {each for each in offered if each.endswith("-offload")} == {
        "fsdp-offload",
        "zero1-offload",
        "zero2-offload",
        "zero3-offload",
    }


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


def notes(cells: dict[str, str], job: Job = Job.TRAINING, kinds: tuple[str, ...] = ("memory",)) -> list[str]:
    """What is said of the names in two rows alike."""
    rows = [Row(line=line, text={"id": "a", **cells}, numbers={}) for line in (2, 3)]
    return name_notes([(row, kinds) for row in rows], job)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (
            {"software": "litgtp", "technique": "lora"},
            "software 'litgtp' is not known; did you mean litgpt; its runs are predicted as hf-peft's",
        ),
        ({"accelerator": "H10-80GB"}, "accelerator 'H10-80GB' is not known; did you mean H100-80GB"),
        ({"memory_kind": "reservd"}, "memory_kind 'reservd' is not known; did you mean reserved; it is taken for what"),
    ],
)
def test_a_name_that_nobody_described_is_said_once(cells: dict[str, str], says: str) -> None:
    """Names are open: rows with a new one are predicted, and one note says how, the closest name and how many."""
    (note,) = notes(cells)
    assert note.startswith(says)
    assert note.endswith("(2 rows)")
    assert faults(cells) == []


@pytest.mark.parametrize(
    "cells",
    [{}, {"software": "NeMo", "accelerator": "rtx a6000"}, {"software": "internevo"}, {"memory_kind": "allocated"}],
)
def test_names_that_are_known_need_no_note(cells: dict[str, str]) -> None:
    """Classes of software, programs for which the default does, and accelerators however they are written."""
    assert notes(cells) == []


def test_what_was_read_matters_to_memory_alone() -> None:
    """A kind of memory is no matter for rows judged for their speed, nor one that says it was read at the end."""
    assert notes({"memory_kind": "pek"}, Job.INFERENCE) != []
    assert notes({"memory_kind": "pek"}, Job.INFERENCE, ("tpot",)) == []
    assert notes({"memory_kind": "at the end"}, Job.INFERENCE) == []
