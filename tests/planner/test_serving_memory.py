"""Does a program that answers take what weights, cache and rows add up to?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.calibration import EagerFactors
from planner.models import load_preset
from planner.plan import Band
from planner.recipe import Place, Recipe
from planner.serving_memory import (
    AUTOAWQ,
    AUTOAWQ_GEMV,
    HUGGING_FACE,
    WEIGHT_BYTES,
    EagerProgram,
    EagerRun,
    eager_memory,
    prefill_bytes_per_token,
    served_elsewhere,
    served_need,
    step_bytes,
)
from planner.shape import ModelShape
from planner.techniques import load_techniques
from pricing.records import replace
from pricing.units import GIB
from tests.planner.builders import DENSE, MIXED, TIED, examples

PLAIN = EagerProgram()
BARE = EagerFactors(workspace_bytes=0, copied_share=0.0, row_share=1.0, band=Band(low=0.9, high=1.1, basis="made up"))
ASKED = EagerRun(weight_dtype="bf16", kv_dtype="bf16", sequences=2, input_tokens=100, output_tokens=28)


def test_weights_cache_and_rows_add_up() -> None:
    """Weights take 2 bytes, a token's cache 2 x 2 heads x 64 in 8 blocks, its rows three inner and four outer."""
    found = eager_memory(DENSE, ASKED, PLAIN, BARE)
    assert found.weights == 2 * DENSE.parameters
    cache = 2 * 8 * 2 * 2 * 64
    rows = 2 * (3 * 1536 + 4 * 512)
    assert prefill_bytes_per_token(DENSE) == rows
    assert found.cache + found.prefill_activations == 2 * max(100 * (cache + rows), 128 * cache)


def test_the_last_token_is_the_peak_of_a_long_answer() -> None:
    """With a short prompt and a long answer, the cache at the end counts and the prefill's rows do not."""
    found = eager_memory(DENSE, replace(ASKED, input_tokens=1, output_tokens=5000), PLAIN, BARE)
    assert found.prefill_activations == 0
    assert found.cache == 2 * 5001 * 2 * 8 * 2 * 2 * 64


def test_each_device_of_a_split_has_its_rows() -> None:
    """Layers split over three devices leave the prefill's rows on each of them."""
    one, three = (eager_memory(DENSE, replace(ASKED, devices=count), PLAIN, BARE) for count in (1, 3))
    assert three.prefill_activations == 3 * one.prefill_activations
    assert three.weights == one.weights


def test_a_second_head_counts_while_loading() -> None:
    """AWQ checkpoints of tied models bring a head of their own; GPTQ's unpack one matrix at a time."""
    short = replace(ASKED, sequences=1, input_tokens=1, output_tokens=1, weight_dtype="awq")
    assert eager_memory(TIED, short, HUGGING_FACE, BARE).loading == 2 * TIED.vocab * TIED.hidden
    assert eager_memory(DENSE, short, HUGGING_FACE, BARE).loading == 0
    gptq = eager_memory(DENSE, replace(short, weight_dtype="gptq-int4"), HUGGING_FACE, BARE)
    assert gptq.copies == 2 * DENSE.hidden * 1536


def test_unfused_attention_keeps_scores() -> None:
    """Mixtures of experts, and GEMV kernels, leave ten bytes for each head and pair of prompt tokens."""
    served = replace(ASKED, weight_dtype="int4-awq", input_tokens=1000, output_tokens=1)
    scores = 2 * 10 * 8 * 1000**2
    fused, gemv = (
        eager_memory(DENSE, served, program, BARE).prefill_activations for program in (AUTOAWQ, AUTOAWQ_GEMV)
    )
    assert gemv - fused == scores
    mixed = eager_memory(MIXED, served, AUTOAWQ, BARE).prefill_activations
    assert mixed == scores + 2 * 1000 * prefill_bytes_per_token(MIXED)


def test_what_formulas_leave_out_is_the_factors() -> None:
    """Work space on every device, a share of packed weights in copies, and a factor on the prompt's rows alone."""
    factors = replace(BARE, workspace_bytes=1000, copied_share=0.1, row_share=1.2)
    served = replace(ASKED, devices=2, weight_dtype="awq", output_tokens=0)
    bare, found = (eager_memory(DENSE, served, PLAIN, each) for each in (BARE, factors))
    assert found.work_space == 2 * 1000
    packed = found.weights - 2 * (DENSE.parameters - DENSE.block_parameters)
    assert found.copies == pytest.approx(0.1 * packed)
    assert found.prefill_activations == pytest.approx(1.2 * bare.prefill_activations)
    assert (found.weights, found.cache) == (bare.weights, bare.cache)
    assert eager_memory(DENSE, replace(served, weight_dtype="bf16"), PLAIN, factors).copies == 0


@pytest.mark.parametrize(
    ("shape", "tensor", "answers"), [(DENSE, 1, 0), (DENSE, 4, 0), (MIXED, 2, 2)], ids=["one", "four", "experts"]
)
def test_a_step_works_on_a_batch_of_tokens(shape: ModelShape, tensor: int, answers: int) -> None:
    """Inner rows are divided among devices, four outer rows and experts' answers are not; picking comes after them."""
    inner = 3 * (2 * 256 + 128 if shape.experts else 1536) / tensor
    rows = 100 * 2 * (inner + (4 + answers) * 512)
    assert step_bytes(shape, tensor, 100, 1e4) == rows
    assert step_bytes(shape, tensor, 100, 1e9) == 1e9 + 100 * 2 * 512
    assert step_bytes(shape, tensor, 0, 1e9) == 0


def need(*techniques: str, **changes: Any) -> Any:
    """What a pinned configuration of the dense model takes under some techniques, some of it changed."""
    asked: dict[str, Any] = {
        "sequences": 1,
        "input_tokens": 64,
        "output_tokens": 64,
        "prefill_tokens": 64,
        "chunk_rows": 4,
        "devices": 1,
    }
    return served_need(changes.pop("shape", DENSE), recipe(*techniques), **{**asked, **changes})


def recipe(*techniques: str) -> Recipe:
    """The plain recipe with techniques."""
    made = Recipe()
    for name in techniques:
        made = load_techniques()[name].apply(made)
    return made


@pytest.mark.parametrize(
    ("technique", "place"), [("host-weights", Place.HOST), ("disk-weights", Place.DISK), ("host-weights", Place.HOST)]
)
def test_streamed_weights_lie_elsewhere(technique: str, place: Place) -> None:
    """Weights that pass block by block leave two blocks and the ends on the device, and all blocks elsewhere."""
    found = need(technique)
    assert served_elsewhere(DENSE, recipe(technique), 1, 128, place) == 2 * DENSE.block_parameters
    assert found.streamed_weights == 2 * 2 * DENSE.block_parameters / DENSE.layers
    assert found.weights == 2 * (DENSE.parameters - DENSE.block_parameters)


@pytest.mark.parametrize(
    ("model", "gigabytes"),
    [("llama-3.1-70b", 4), ("llama-3.1-405b", 8)],
)
def test_one_layer_at_a_time_is_as_small_as_airllm_says(model: str, gigabytes: float) -> None:
    """AirLLM's README needs about 4 GB for a 70B and 8 GB for the 405B: the largest layer, context and a little."""
    shape = load_preset(model)
    found = need("layer-streaming", shape=shape, input_tokens=128, output_tokens=32, prefill_tokens=128)
    assert found.weights == 0
    total = found.streamed_weights + found.cache + found.activations
    assert 0.5 * gigabytes < total / 1e9 + 0.6 < 1.05 * gigabytes
    assert served_elsewhere(shape, recipe("layer-streaming"), 1, 160, Place.DISK) >= 2 * shape.block_parameters


@pytest.mark.parametrize(("technique", "place"), [("host-kv", Place.HOST), ("disk-kv", Place.DISK)])
def test_a_cache_elsewhere_comes_in_by_blocks(technique: str, place: Place) -> None:
    """FlexGen's cache lies on the host or on disk; the device holds that of two blocks."""
    whole = need().cache
    assert need(technique).cache == pytest.approx(whole * 2 / DENSE.layers)
    assert served_elsewhere(DENSE, recipe(technique), 1, 128, place) == whole


def test_each_of_eight_devices_has_what_cannot_be_divided() -> None:
    """DeepSeek-V3's latent of 16 x 32,000 tokens, 33.5 GiB, and the prompt's rows are on each of eight devices."""
    shape = load_preset("deepseek-v3")
    one, eight = (need(shape=shape, sequences=16, input_tokens=32_000, output_tokens=0, devices=n) for n in (1, 8))
    assert eight.cache / GIB == pytest.approx(33.5, abs=0.05)
    assert (eight.cache, eight.activations) == (one.cache, one.activations)
    assert eight.weights == one.weights / 8


@pytest.mark.parametrize(("program", "tokens"), [(HUGGING_FACE, 4096), (AUTOAWQ, 16_384)])
def test_a_reserved_cache_knows_no_window(program: EagerProgram, tokens: int) -> None:
    """Transformers keeps the last 4,096 tokens of Mistral-7B v0.1, a cache made at the start all of them."""
    asked = replace(ASKED, input_tokens=1, output_tokens=16_383)
    found = eager_memory(load_preset("mistral-7b-v0.1"), asked, program, BARE)
    assert found.cache == 2 * tokens * 32 * 2 * 8 * 128 * 2


@pytest.mark.parametrize(
    ("technique", "weights"),
    [
        ("int8-weights", "int8"),
        ("int4-weights", "int4"),
        ("awq", "awq"),
        ("gptq", "gptq-int4"),
        ("int3-weights", "int3"),
        ("nf4-weights", "nf4-dq"),
        ("nf4-single", "nf4"),
        ("fp4-weights", "fp4"),
        ("fp8-weights", "fp8"),
    ],
)
def test_types_and_techniques_agree(technique: str, weights: str) -> None:
    """A type of weights in a measured file takes what the technique of the same name says."""
    assert recipe(technique).block_weight_bytes == pytest.approx(WEIGHT_BYTES[weights])


def test_encoders_keep_no_cache_and_folding_grows_faster_than_its_sequence() -> None:
    """ESM-2 has no cache; AlphaFold's pairs make twice the residues take more than three times the activations."""
    assert need(shape=load_preset("esm2-15b"), input_tokens=1024).cache == 0
    fold = load_preset("alphafold2")
    small, large = (need(shape=fold, input_tokens=residues).activations for residues in (1000, 2000))
    assert large > 3 * small


@examples
@given(st.integers(1, 4096), st.integers(0, 512), st.integers(1, 16))
def test_more_tokens_never_take_less(input_tokens: int, output_tokens: int, sequences: int) -> None:
    """A longer prompt, a longer answer or another sequence never takes less."""
    base = EagerRun(
        weight_dtype="bf16",
        kv_dtype="bf16",
        sequences=sequences,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
    )
    least = eager_memory(DENSE, base, HUGGING_FACE, BARE).total
    for more in (
        replace(base, input_tokens=input_tokens + 1),
        replace(base, output_tokens=output_tokens + 1),
        replace(base, sequences=sequences + 1),
    ):
        assert eager_memory(DENSE, more, HUGGING_FACE, BARE).total >= least


@pytest.mark.parametrize("program", [PLAIN, HUGGING_FACE, AUTOAWQ, AUTOAWQ_GEMV])
def test_narrower_weights_take_less(program: EagerProgram) -> None:
    """Each narrower type of weights takes less of them than the one before."""
    names = ("fp32", "bf16", "gptq-int8", "nf4", "awq")
    held = [eager_memory(DENSE, replace(ASKED, weight_dtype=name), program, BARE).weights for name in names]
    assert held == sorted(held, reverse=True)
