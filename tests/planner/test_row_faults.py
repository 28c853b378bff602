"""Is everything told that cannot be in measured rows, and nothing that can?"""

from __future__ import annotations

import pytest

from planner.carried import carried_serving, carried_training
from planner.measured import parse_measured
from planner.row_faults import row_faults

TRAINED = {
    "id": "a",
    "technique": "full",
    "params_b": "",
    "layers": "4",
    "hidden": "512",
    "ffn": "1024",
    "heads": "8",
    "kv_heads": "4",
    "head_dim": "",
    "vocab": "1000",
    "experts": "",
    "experts_per_token": "",
    "accelerator": "A10G",
    "accelerators": "8",
    "tp": "2",
    "pp": "",
    "vp": "",
    "cp": "",
    "ep": "",
    "dp": "",
    "seq_len": "128",
    "micro_batch": "1",
    "global_batch": "",
    "tokens_per_s_per_accelerator": "",
    "peak_memory_gib": "3",
}
SERVED = {
    "id": "a",
    "engine": "hf",
    "model": "llama-3.1-8b",
    "params_b": "8",
    "accelerator": "A10G",
    "accelerators": "2",
    "tp": "2",
    "pp": "",
    "input_tokens": "128",
    "peak_memory_gib": "20",
}


def faults(base: dict[str, str], **changes: str) -> list[str]:
    """What is wrong with one run, some of its cells changed."""
    cells = {**base, **changes}
    text = ",".join(cells) + "\n" + ",".join(cells.values()) + "\n"
    return [fault.removeprefix("runs.csv:2: ") for fault in row_faults(parse_measured(text, "runs.csv"), "runs.csv")]


def test_runs_that_can_be_have_no_faults() -> None:
    """Neither small examples nor any carried-over run is told off."""
    assert faults(TRAINED) == faults(SERVED) == []
    assert row_faults(carried_training(), "x") == row_faults(carried_serving(), "x") == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"tp": "3", "heads": "6", "kv_heads": "3", "hidden": "510"}, "tp: tp x pp x cp is 3, of which the run's 8"),
        ({"dp": "2"}, "dp: tp x pp x cp x dp is 4, the run had 8 devices"),
        ({"dp": "4", "global_batch": "6"}, "global_batch: 6 sequences are no multiple of micro_batch x dp = 4"),
        ({"heads": "7", "kv_heads": "7", "tp": "1"}, "heads: a width of 512 does not divide into 7 heads"),
        ({"kv_heads": "3"}, "kv_heads: 8 query heads cannot share 3 key and value heads evenly"),
        ({"seq_len": "127", "cp": "4"}, "cp: 127 tokens cannot be split 4 ways"),
        ({"pp": "4", "vp": "2"}, "pp: 8 chunks (pp x vp) are more than 4 layers and two ends"),
        ({"experts": "6", "experts_per_token": "2", "ep": "4"}, "ep: 6 experts cannot be split 4 ways"),
        ({"experts": "2", "experts_per_token": "4"}, "experts_per_token: a token cannot go to 4 of 2 experts"),
        ({"peak_memory_gib": "21000"}, "peak_memory_gib: 21,000 GiB on 22.35 GiB of memory; is it MiB"),
        ({"params_b": "12"}, "params_b: 12 billion parameters, the widths make 0.0"),
        (
            {"layers": "400", "tokens_per_s_per_accelerator": "9e5"},
            "tokens_per_s_per_accelerator: 900,000 tokens/s are more than the",
        ),
    ],
)
def test_what_cannot_be_in_training_is_told(changes: dict[str, str], fault: str) -> None:
    """Degrees, widths, experts, tokens and units that cannot be are each told once, with the column in front."""
    found = faults(TRAINED, **changes)
    assert len(found) == 1
    assert found[0].startswith(fault)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"pp": "2"}, "tp: tp x pp is 4, the run had 2 devices"),
        ({"tp": "3", "accelerators": "3"}, "tp: 32 heads cannot be split 3 ways"),
        ({"peak_memory_gib": "20000"}, "peak_memory_gib: 20,000 GiB on 44.7 GiB of memory"),
        ({"params_b": "8000"}, "params_b: 8,000 billion parameters, the widths make 8.03; is it in millions?"),
    ],
)
def test_what_cannot_be_in_serving_is_told(changes: dict[str, str], fault: str) -> None:
    """More ranks than devices, heads that do not divide, and figures in other units are told."""
    found = faults(SERVED, **changes)
    assert len(found) == 1
    assert found[0].startswith(fault)


def test_neuron_counts_cores_and_pads_heads() -> None:
    """Two NeuronCores stand on an Inferentia2, and 24 of them serve 32 heads."""
    assert faults(SERVED, accelerator="Inferentia2", accelerators="12", tp="24", peak_memory_gib="") == []


def test_layers_may_be_spread_over_devices() -> None:
    """Under a device_map devices need not be tensor, pipeline or data ranks."""
    assert faults({**TRAINED, "sharding": "device_map"}, tp="1", dp="1") == []


def test_all_faults_of_a_row_are_told_at_once() -> None:
    """A row that is wrong in many ways is told off once for each."""
    found = faults(TRAINED, heads="7", tp="3", dp="3", peak_memory_gib="30000", seq_len="127", cp="2")
    assert [fault.partition(":")[0] for fault in found] == ["dp", "cp", "heads", "kv_heads", "tp", "peak_memory_gib"]


def test_rows_that_are_not_judged_are_not_told_off() -> None:
    """What only stands in the file for context may be as odd as its source."""
    text = "id,judge,technique,accelerators,tp,dp,seq_len\na,,full,8,3,3,8\n"
    assert row_faults(parse_measured(text, "runs.csv"), "runs.csv") == []
