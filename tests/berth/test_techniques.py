"""Does `berth techniques` list what a workload can require, and what it costs?"""

from __future__ import annotations

import pytest

from planner.degrees import DEGREES, Degree
from planner.techniques import load_techniques
from tests.berth.command import Command


def test_every_technique_has_a_line(berth: Command) -> None:
    """Group, name, accuracy class and gist of each technique stand in one line, those of a group together."""
    answer = berth("techniques")
    assert (answer.status, answer.err) == (0, "")
    listed, _, numbers = answer.out.partition("\n\n")
    lines = listed.splitlines()
    assert len(lines) == len(load_techniques())
    named = {line[16:].split()[0]: line for line in lines}
    for name, technique in load_techniques().items():
        line = named[name]
        assert line.startswith(f"{technique.group} ")
        assert f" {technique.accuracy} " in line
        assert (" asked " in line) is not technique.unasked
        assert line.endswith(f" {technique.gist}")
    groups = [line[:16].strip() for line in lines]
    starts = [each for at, each in enumerate(groups) if at == 0 or groups[at - 1] != each]
    assert len(starts) == len(set(groups))
    assert all(any(item.name in line and item.gist in line for line in numbers.splitlines()) for item in DEGREES)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "galore",
            ["arXiv 2403.03507", "excludes", "zero3", "only where the workload asks", "huggingface"],
        ),
        ("int3-weights", ["arXiv 2210.17323", "time", "not known to the prediction of inference"]),
        ("weights-offload", ["zero3 and optimizer-offload or optimizer-offload-nvme", "deepspeed"]),
        ("zero1", ["where it pays", "megatron", "arXiv 1910.02054"]),
        ("layer-streaming", ["where it pays", "airllm", "AirLLM"]),
    ],
)
def test_one_technique_is_told_in_full(name: str, told: list[str], berth: Command) -> None:
    """Named, a technique says which software has it, what it excludes and needs, and where its numbers are from."""
    answer = berth("techniques", name)
    assert answer.status == 0
    assert answer.out.startswith(f"{name}\n")
    assert [each for each in told if each not in answer.out] == []


@pytest.mark.parametrize("degree", DEGREES, ids=lambda item: item.name)
def test_one_degree_is_told_in_full(degree: Degree, berth: Command) -> None:
    """Named, a degree says what it cuts, that it costs no accuracy, what it must divide, and its source."""
    answer = berth("techniques", degree.name)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"{degree.name}\n")
    wanted = [degree.gist, "exact", degree.rule, degree.asked, degree.source]
    assert [each for each in wanted if each not in answer.out] == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("virtual", ["schedule-gpipe, schedule-zero-bubble", "interleaved", "megatron"]),
        ("interleaved", ["pin.layout.virtual", "arXiv 2104.04473"]),
        ("gradient-accumulation", ["training.micro_batches", "optimizer-in-backward"]),
        ("micro-batch", ["pin.micro_batch"]),
        ("qlora", ["training.method: qlora", "nf4\n", "lora\n", "arXiv 2305.14314", "arXiv 2106.09685"]),
        ("airllm", ["layer-streaming\n", "lyogavin/airllm"]),
        ("mig", ["accelerator: H100-80GB/1g.10gb"]),
    ],
)
def test_other_names_lead_to_what_stands_for_them(name: str, told: list[str], berth: Command) -> None:
    """What people call a technique or a degree is answered with where it is, and with all about it."""
    answer = berth("techniques", name)
    assert (answer.status, answer.err) == (0, "")
    assert [each for each in told if each not in answer.out] == []


def test_a_name_that_nobody_knows_is_refused(berth: Command) -> None:
    """A slip of the pen is a finding with the closest name."""
    answer = berth("techniques", "galor")
    assert answer.status == 1
    assert "'galor' is not a known technique; did you mean galore?" in answer.err
