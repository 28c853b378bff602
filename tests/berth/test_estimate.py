"""Does `berth estimate` print what a pinned configuration takes?"""

from __future__ import annotations

import json
from pathlib import Path

from tests.berth.command import Command

EXAMPLES = Path(__file__).parents[2] / "workloads" / "estimates"


def test_memory_is_told_term_by_term_with_a_verdict(berth: Command) -> None:
    """The first line has the verdict, the table the terms, the last of it the device."""
    answer = berth("estimate", EXAMPLES / "qlora7b-24gb.yaml")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith("qlora7b-24gb: llama-2-7b on 1 x RTX4090: fits\n")
    for term in ("weights", "logits and loss", "adapter states", "total", "device", "tokens/s"):
        assert term in answer.out
    assert "Taken: qlora, huggingface (hf-peft), recompute-full [by default bf16, adamw, lora, nf4" in answer.out
    assert "Layout: micro batches 16, adapter rank 64, adapter targets all-linear, sequence length 2048" in answer.out
    assert "Needs: 8.9 GiB of 24.0 GiB a device, up to 9.9 GiB" in answer.out
    assert "scales of packed weights" in answer.out and "kept until the backward pass" in answer.out
    assert [kind for kind in ("allocated", "reserved", "nvidia-smi") if f"  {kind} " not in answer.out] == []
    assert "the fit compares this one" in answer.out


def test_tools_of_nvidia_are_named_for_its_devices_alone(berth: Command, tmp_path: Path) -> None:
    """On Trainium there is no torch.cuda and no nvidia-smi to compare with."""
    file = tmp_path / "trn.yaml"
    file.write_text(
        "{name: trn, model: llama-3.2-1b, accelerator: Trainium2, training: {sequence_length: 512}}\n", encoding="utf-8"
    )
    answer = berth("estimate", file)
    assert (answer.status, answer.err) == (0, "")
    assert "Taken: full, neuron" in answer.out
    assert [name for name in ("torch.cuda", "max_memory", "nvidia-smi") if name in answer.out] == []
    assert [kind for kind in ("allocated", "reserved", "in all") if f"  {kind} " not in answer.out] == []


def test_missing_arithmetic_stands_beside_the_verdict(berth: Command, tmp_path: Path) -> None:
    """What the accelerator cannot compute is in the third line, before anything is counted; JSON has it too."""
    file = tmp_path / "nf4.yaml"
    file.write_text(
        "{name: nf4, model: llama-3.2-1b, accelerator: V520, inference: {input_tokens: 64, weights: nf4}}\n",
        encoding="utf-8",
    )
    assert berth("estimate", file).out.splitlines()[2].startswith("Mind: V520 has no bf16 arithmetic")
    assert len(json.loads(berth("estimate", file, "--json").out)["cautions"]) == 2


def test_serving_says_what_it_was_made_for(berth: Command) -> None:
    """Tokens and places are told, activations are a prompt's, and no time is promised."""
    out = berth("estimate", EXAMPLES / "opt175b-t4.yaml").out
    assert "Taken: inference, one program without a cache pool" in out
    assert "With: input tokens 512, output tokens 32, base weights int4" in out
    assert "of the prompt's rows in one block" in out
    assert "Times: an estimate of serving tells none" in out


def test_json_is_for_programs(berth: Command) -> None:
    """The same as JSON; what lies on the host is a figure of its own."""
    found = json.loads(berth("estimate", EXAMPLES / "opt175b-t4.yaml", "--json").out)
    assert found["fits"] is True
    assert found["host_bytes"] > 80 * 10**9


def test_a_file_that_is_not_there_is_an_expected_failure(berth: Command, tmp_path: Path) -> None:
    """A finding on stderr, exit status 1."""
    answer = berth("estimate", tmp_path / "none.yaml")
    assert (answer.status, answer.out) == (1, "")
    assert "no such file" in answer.err
