"""Does the peak of a training step add up to what papers and plain sums say?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.activations import kept_bytes_per_token, live_bytes_per_token
from planner.calibration import MemoryFactors, load_calibration
from planner.layout import Layout
from planner.memory import MemoryNeed, peak_bytes, training_memory, worst_stage
from planner.models import load_preset
from planner.recipe import Adapter, AdapterKind, AdapterTargets, Place, Recipe, Schedule
from planner.resident import Stage, resident
from planner.shape import Attention, Blocks, Mlp, ModelShape
from planner.software import load_software
from planner.states import states
from pricing.records import replace
from tests.planner.builders import (
    BARE,
    DENSE,
    LATENT_MIXED,
    MIXED,
    SHAPES,
    SHARED,
    adapter_parameters,
    examples,
    framework,
    grid,
    recipe,
    terms,
)

# ZeRO's example has 7.5 billion parameters; this one nearly as many, and figures are scaled by the difference.
ZERO = ModelShape(
    name="zero",
    hidden=4096,
    vocab=50_257,
    blocks=(
        Blocks(count=36, attention=Attention(heads=32, kv_heads=32, head_width=128), mlp=Mlp(ffn=16_384, gated=False)),
    ),
    context_tokens=1024,
    tied_embeddings=True,
)

# Bytes that a token of the dense model leaves in a block, trained in full under Megatron-Core.
KEPT = kept_bytes_per_token(DENSE, Recipe(), framework().software, 1024).total


def needs(
    shape: ModelShape,
    made: Recipe,
    layout: Layout,
    *,
    sequence_tokens: int = 1024,
    of: str = "megatron",
    factors: MemoryFactors = BARE,
) -> dict[Stage, MemoryNeed]:
    """Both stages' needs under factors that add nothing."""
    return training_memory(shape, made, layout, sequence_tokens, framework(of), factors)


def weight_bytes(need: dict[str, float]) -> float:
    """Weights of whatever kind, master copies aside."""
    return sum(need[name] for name in ("weights", "embedding_and_head", "quantization_blocks", "adapters"))


def optimizer_bytes(need: dict[str, float]) -> float:
    """What the optimizer keeps of weights and adapters."""
    return sum(need[name] for name in ("master_weights", "optimizer_states", "adapter_states"))


def state_bytes(shape: ModelShape, made: Recipe, layout: Layout) -> float:
    """Bytes of weights, gradients and optimizer states of a device."""
    need = terms(needs(shape, made, layout)[Stage.FIRST])
    return weight_bytes(need) + need["gradients"] + optimizer_bytes(need)


@pytest.mark.parametrize(
    ("sharding", "gigabytes"), [("replicated", 120.0), ("zero1", 31.4), ("zero2", 16.6), ("zero3", 1.9)]
)
def test_zero_reproduces_its_first_figure(sharding: str, gigabytes: float) -> None:
    """7.5 B parameters on 64 devices take 120, 31.4, 16.6 and 1.9 GB, with 2 + 2 + 12 bytes a parameter."""
    made = recipe("bf16", "adamw", sharding, of="deepspeed")
    scale = 7.5e9 / ZERO.parameters
    assert scale * state_bytes(ZERO, made, Layout(data=64)) / 1e9 == pytest.approx(gigabytes, abs=0.05)


@pytest.mark.parametrize(
    ("of", "techniques", "ranks", "bytes_per_parameter"),
    [
        # Megatron's theoretical_memory_usage.py: 18, and 6 + 12 / D with the distributed optimizer.
        ("megatron", ("bf16", "adamw", "replicated"), 1, 18.0),
        ("megatron", ("bf16", "adamw", "replicated"), 16, 18.0),
        ("megatron", ("bf16", "adamw", "zero1"), 16, 6 + 12 / 16),
        ("neuron", ("bf16", "adamw", "zero1"), 8, 6 + 12 / 8),
        # Mixed precision holds 16 bytes in all; FSDP's weights are the master copy.
        ("torchtitan", ("bf16", "adamw", "fsdp"), 1, 16.0),
        ("torchtitan", ("bf16", "adamw", "fsdp"), 32, 16 / 32),
        ("huggingface", ("fp32", "adamw", "replicated"), 4, 16.0),
        # 8-bit moments take two bytes and a scale in 256.
        ("deepspeed", ("bf16", "adamw-8bit", "replicated"), 1, 2 + 2 + 4 + 2 * (1 + 4 / 256)),
    ],
)
def test_states_per_parameter(of: str, techniques: tuple[str, ...], ranks: int, bytes_per_parameter: float) -> None:
    """Weights, gradients and optimizer states take the bytes per parameter that the schemes are known for."""
    made = recipe(*techniques, of=of)
    taken = state_bytes(DENSE, made, Layout(data=ranks)) / DENSE.parameters
    assert taken == pytest.approx(bytes_per_parameter)


@pytest.mark.parametrize(("computed", "copies"), [("fp8", 2.0), ("mxfp8", 2.0625), ("nvfp4", 1.125)])
def test_narrow_copies_stand_beside_weights(computed: str, copies: float) -> None:
    """Transformer Engine keeps rows and columns of each weight of a block beside it; torchao casts anew."""
    held = resident(DENSE, Layout(), Stage.FIRST, None)
    plain = recipe("bf16", "replicated")
    for software, more in (("megatron-core", copies), ("torchtitan", 0.0)):
        kept = [
            states(DENSE, replace(plain, compute_dtype=dtype), Layout(), held, load_software()[software]).weights
            for dtype in ("bf16", computed)
        ]
        assert kept[1] - kept[0] == pytest.approx(more * DENSE.block_parameters)


def test_context_ranks_share_states_too() -> None:
    """States are divided by data and context ranks together."""
    made = recipe("bf16", "adamw", "zero1")
    assert state_bytes(DENSE, made, Layout(data=2, context=4)) == state_bytes(DENSE, made, Layout(data=8))


@pytest.mark.parametrize("expert", [1, 2, 4, 8])
def test_experts_share_over_their_own_ranks(expert: int) -> None:
    """With the distributed optimizer experts keep 6 + 12 / (D / e) bytes of their e-th part, the rest 6 + 12 / D."""
    made = recipe("bf16", "adamw", "zero1")
    others = MIXED.parameters - MIXED.expert_parameters
    expected = others * (6 + 12 / 8) + MIXED.expert_parameters / expert * (6 + 12 / (8 / expert))
    assert state_bytes(MIXED, made, Layout(data=8, expert=expert)) == pytest.approx(expected)


def test_optimizer_states_of_experts_stay_whole_over_the_cluster() -> None:
    """However experts are spread, sharded optimizer states take the same bytes over all devices together."""
    made = recipe("bf16", "adamw", "zero1")
    spread = [
        terms(needs(MIXED, made, Layout(data=8, expert=expert))[Stage.FIRST])["optimizer_states"] for expert in (1, 8)
    ]
    assert spread[0] == pytest.approx(spread[1])


@pytest.mark.parametrize("sharding", ["replicated", "zero2"])
def test_lora_trains_adapters_alone(sharding: str) -> None:
    """A frozen base takes 2 bytes a parameter; adapters take 4 + 4 + 8 of their own and nothing else is trained."""
    adapter = Adapter(rank=8, targets=AdapterTargets.ALL_LINEAR)
    made = recipe("bf16", "lora", "adamw", sharding, of="huggingface", adapter=adapter)
    added = adapter_parameters(DENSE, adapter)
    expected = 2 * DENSE.parameters + added * (16 if sharding == "replicated" else 4 + 12 / 4)
    assert state_bytes(DENSE, made, Layout(data=4)) == pytest.approx(expected)


def test_qlora_packs_the_blocks_only() -> None:
    """QLoRA's blocks take 0.516 bytes a parameter, embeddings, head and final norm 2; one matrix is unpacked."""
    adapter = Adapter(rank=8, targets=AdapterTargets.ALL_LINEAR)
    made = recipe("bf16", "lora", "nf4", "adamw", "replicated", of="huggingface", adapter=adapter)
    need = terms(needs(DENSE, made, Layout())[Stage.FIRST])
    blocks, outer = DENSE.block_parameters, DENSE.parameters - DENSE.block_parameters
    assert need["adapters"] == 4 * adapter_parameters(DENSE, adapter)
    assert need["quantization_blocks"] == pytest.approx(0.016 * blocks, rel=0.01)
    assert need["embedding_and_head"] == pytest.approx(2 * outer)
    weights = weight_bytes(need) - need["adapters"]
    assert weights == pytest.approx(0.516 * blocks + 2 * outer, rel=1e-3)
    assert need["dequantized_matrix"] == 2 * DENSE.hidden * 1536


def test_kbit_training_upcasts_the_ends() -> None:
    """Under PEFT the embeddings, head and norm of a 4-bit base are kept in float32, and logits with them."""
    adapter = Adapter(rank=8, targets=AdapterTargets.ALL_LINEAR)
    made = recipe("bf16", "lora", "nf4", "adamw", "replicated", of="huggingface", adapter=adapter)
    plain, upcast = (terms(needs(DENSE, made, Layout(), of=of)[Stage.FIRST]) for of in ("megatron", "huggingface"))
    outer = DENSE.parameters - DENSE.block_parameters
    assert upcast["embedding_and_head"] - plain["embedding_and_head"] == pytest.approx(2 * outer)
    assert upcast["logits_and_loss"] == 1024 * DENSE.vocab * (16 + 4)


@pytest.mark.parametrize(("bits", "kept"), [("adamw", 12.0), ("adamw-8bit", 4 + 2 * (1 + 4 / 256))])
def test_masters_of_adapters_stay_whatever_their_moments_take(bits: str, kept: float) -> None:
    """DeepSpeed keeps float32 masters of 16-bit adapters beside their moments; narrower moments leave those alone."""
    plain = load_software()["hf-trainer"]
    software = replace(plain, adapting=replace(plain.adapting, state_bytes=12.0))
    adapter = Adapter(rank=8)
    made = replace(recipe("bf16", bits), adapter=adapter)
    held = resident(DENSE, Layout(), Stage.FIRST, adapter)
    found = states(DENSE, made, Layout(), held, software)
    assert float(found.adapter_states) == pytest.approx(kept * float(held.adapter))


def test_trained_copies_of_the_ends_keep_the_bases_width() -> None:
    """A copy of embedding and head takes 2 + 2 + 4 bytes a parameter beside a 16-bit base, adapters 4 + 4 + 8."""
    plain = Adapter(rank=8, targets=AdapterTargets.ALL_LINEAR)
    made = [
        recipe("bf16", "lora", "adamw", "replicated", of="huggingface", adapter=adapter)
        for adapter in (plain, replace(plain, outer=True))
    ]
    without, with_copies = (state_bytes(DENSE, each, Layout(micro_batches=2)) for each in made)
    assert with_copies - without == (2 + 2 + 4) * 2 * DENSE.vocab * DENSE.hidden


@pytest.mark.parametrize(
    ("layout", "bytes_per_block_parameter"),
    [
        # Two blocks in 16 bits, and one block's gradients in float32.
        (Layout(data=8), 2 * 2 + 4),
        (Layout(data=4, tensor=2), (2 * 2 + 4) / 2),
        (Layout(context=2), 2 * 2 + 4),
        # Nobody to gather from.
        (Layout(), 0),
    ],
)
def test_sharded_blocks_are_gathered_two_at_a_time(layout: Layout, bytes_per_block_parameter: float) -> None:
    """FSDP holds the block it works on, the next one, and the whole gradients of one."""
    made = recipe("bf16", "adamw", "fsdp", of="torchtitan")
    need = terms(needs(DENSE, made, layout)[Stage.FIRST])
    assert need["gathered_blocks"] == pytest.approx(bytes_per_block_parameter * DENSE.block_parameters / DENSE.layers)


def test_a_pipeline_stage_stays_gathered() -> None:
    """Under a pipeline FSDP keeps 2 + 4 bytes of every parameter of the stage between micro-batches."""
    made = recipe("bf16", "adamw", "fsdp", of="torchtitan")
    need = terms(needs(DENSE, made, Layout(pipeline=4, data=2, micro_batches=4))[Stage.FIRST])
    stage = DENSE.block_parameters / 4 + DENSE.embedding_parameters
    assert need["gathered_blocks"] == pytest.approx((2 + 4) * stage)


def test_torchtitan_with_a_pipeline_is_as_large_as_measured() -> None:
    """Llama 3.1 405B on 512 H100, 8 x 8 x 8, was measured at 72.7 to 84.9 GiB; the prediction is near that."""
    made = recipe("fp8", "adamw", "fsdp", "recompute-full", of="torchtitan")
    layout = Layout(tensor=8, pipeline=8, data=8, micro_batch=4, micro_batches=8)
    need = needs(load_preset("llama-3.1-405b"), made, layout, sequence_tokens=8192, of="torchtitan")
    assert 65 < float(peak_bytes(need)) / 2**30 < 85


def in_flight(stages: int, rank: int, micro_batches: int) -> int:
    """Most micro-batches that a stage of 1F1B holds at once, played pass by pass."""
    warm_up = min(stages - rank - 1, micro_batches)
    order = ["F"] * warm_up + ["F", "B"] * (micro_batches - warm_up) + ["B"] * warm_up
    held = most = 0
    for each in order:
        held += 1 if each == "F" else -1
        most = max(most, held)
    assert held == 0
    return most


@pytest.mark.parametrize("stages", [1, 2, 4, 8])
@pytest.mark.parametrize("micro_batches", [1, 2, 3, 8, 16])
def test_1f1b_holds_the_micro_batches_in_flight(stages: int, micro_batches: int) -> None:
    """First and last stage hold the activations of as many micro-batches as 1F1B has in flight there."""
    made = recipe("bf16", "adamw", "replicated")
    need = needs(DENSE, made, Layout(pipeline=stages, micro_batches=micro_batches))
    one = 1024 * KEPT * DENSE.layers / stages
    for stage, rank in ((Stage.FIRST, 0), (Stage.LAST, stages - 1)):
        assert float(need[stage].activations) == pytest.approx(in_flight(stages, rank, micro_batches) * one)


@pytest.mark.parametrize(("stages", "virtual"), [(2, 2), (2, 4), (4, 2), (8, 1)])
def test_interleaving_holds_what_korthikanti_says(stages: int, virtual: int) -> None:
    """The first stage of an interleaved pipeline holds L (1 + (p - 1) / (p v)) blocks' activations."""
    made = recipe("bf16", "adamw", "replicated")
    layout = Layout(pipeline=stages, virtual=virtual, micro_batches=4 * stages)
    need = needs(DENSE, made, layout)
    blocks = DENSE.layers * (1 + (stages - 1) / (stages * virtual) * (virtual > 1))
    one = 1024 * KEPT
    assert float(need[Stage.FIRST].activations) == pytest.approx(one * blocks)


def test_interleaving_never_holds_more_than_there_is() -> None:
    """With few micro-batches no stage holds more chunks than the step has."""
    made = recipe("bf16", "adamw", "replicated")
    need = needs(DENSE, made, Layout(pipeline=4, virtual=2, micro_batches=4))
    whole_step = 4 * 1024 * KEPT * DENSE.layers / 4
    for stage in Stage:
        assert float(need[stage].activations) <= whole_step


@pytest.mark.parametrize(
    ("layout", "share"),
    [
        (Layout(micro_batch=3), 3.0),
        (Layout(tensor=2), 1 / 2),
        (Layout(context=4), 1 / 4),
        (Layout(tensor=2, context=2, micro_batch=2), 2 / 4),
        (Layout(data=8, micro_batches=16), 1.0),
    ],
)
def test_activations_follow_the_tokens_of_a_device(layout: Layout, share: float) -> None:
    """Activations and logits are those of the micro-batch, divided by tensor and context ranks and no others."""
    made = recipe("bf16", "adamw", "zero1")
    one = terms(needs(DENSE, made, Layout(data=8))[Stage.LAST])
    need = terms(needs(DENSE, made, layout)[Stage.LAST])
    for name in ("activations", "logits_and_loss"):
        assert need[name] == pytest.approx(share * one[name])


def test_logits_of_a_large_vocabulary() -> None:
    """Llama 3's logits of two sequences of 8,192 take 4.2 GB in 16 bits, and twice 8.4 GB in float32."""
    shape = load_preset("llama-3-8b")
    need = needs(shape, recipe("bf16", "adamw", "zero1"), Layout(data=8, micro_batch=2), sequence_tokens=8192)
    assert float(need[Stage.FIRST].logits_and_loss) == pytest.approx((4.2 + 8.4 + 8.4) * 1e9, rel=0.005)


def test_only_the_last_stage_has_logits() -> None:
    """Of a pipeline the last stage alone pays for logits; a single device does too."""
    made = recipe("bf16", "adamw", "zero1")
    piped = needs(DENSE, made, Layout(pipeline=2, micro_batches=2))
    assert float(piped[Stage.FIRST].logits_and_loss) == 0 < float(piped[Stage.LAST].logits_and_loss)
    whole = needs(DENSE, made, Layout())
    assert float(whole[Stage.FIRST].logits_and_loss) == float(whole[Stage.LAST].logits_and_loss) > 0


@pytest.mark.parametrize("vocab", [1000, 8192, 200_000])
def test_full_recompute_has_logits_or_a_live_block(vocab: int) -> None:
    """The loss is over before the last block is computed again: the larger of the two counts, the other is zero."""
    shape = replace(DENSE, vocab=vocab)
    need = terms(needs(shape, recipe("bf16", "adamw", "zero1", "recompute-full"), Layout())[Stage.LAST])
    live = live_bytes_per_token(shape, Recipe(), framework().software, 1024).total
    block = 1024 * (live - 2 * shape.hidden)
    logits = 1024.0 * vocab * 10
    assert (need["recomputed_block"], need["logits_and_loss"]) == ((block, 0.0) if block > logits else (0.0, logits))


@pytest.mark.parametrize(
    ("layout", "communicators"),
    [
        (Layout(), 0),
        (Layout(data=8), 1),
        (Layout(tensor=8, data=2), 2),
        (Layout(tensor=2, pipeline=2, context=2, data=2, expert=2, micro_batches=2), 5),
    ],
)
def test_each_communicator_has_buffers(layout: Layout, communicators: int) -> None:
    """A device pays its context once, and buffers for every kind of parallelism it takes part in."""
    factors = MemoryFactors(context_bytes=1000, collectives_bytes=7, fragmentation=1.0, band=BARE.band)
    need = needs(MIXED, recipe("bf16", "adamw", "zero1"), layout, factors=factors)
    assert float(need[Stage.FIRST].context_and_collectives) == 1000 + 7 * communicators


def test_an_engines_own_buffers_are_there_whatever_it_trains() -> None:
    """DeepSpeed's buckets of a billion 16-bit elements are allocated whole; its communicators are four more."""
    factors = MemoryFactors(context_bytes=1000, collectives_bytes=7, fragmentation=1.0, band=BARE.band)
    made = recipe("bf16", "adamw", "zero1")
    software = load_software()["megatron-deepspeed"]
    of_engine = framework("megatron", software=software)
    for layout, communicators in ((Layout(), 0), (Layout(tensor=2, data=2), 2 + 4)):
        need = terms(training_memory(DENSE, made, layout, 1024, of_engine, factors)[Stage.FIRST])
        assert need["buckets"] == 2 * 10**9
        assert need["context_and_collectives"] == 1000 + 7 * communicators


def test_fragmentation_is_on_what_comes_and_goes() -> None:
    """The allocator loses a share of activations, logits and work space, and none of the model's states."""
    factors = MemoryFactors(context_bytes=0, collectives_bytes=0, fragmentation=1.1, band=BARE.band)
    adapter = Adapter(rank=8, targets=AdapterTargets.ALL_LINEAR)
    made = recipe("bf16", "lora", "nf4", "adamw", "fsdp", "recompute-full", of="huggingface", adapter=adapter)
    need = terms(needs(DENSE, made, Layout(data=4), factors=factors)[Stage.FIRST])
    passing = ("activations", "recomputed_block", "logits_and_loss", "gathered_blocks", "dequantized_matrix")
    assert need["allocator_slack"] == pytest.approx(0.1 * sum(need[name] for name in passing))
    assert all(need[name] for name in ("gathered_blocks", "dequantized_matrix"))


def test_reserved_and_allocated_are_parts_of_what_the_device_shows() -> None:
    """nvidia-smi shows the context on top of what the allocator reserved, which has slack on top of tensors."""
    factors = MemoryFactors(
        context_bytes=1000, collectives_bytes=0, fragmentation=1.1, workspace_bytes=50, band=BARE.band
    )
    need = needs(DENSE, recipe("bf16", "adamw", "zero1"), Layout(), factors=factors)[Stage.FIRST]
    assert float(need.total) - float(need.reserved) == 1000
    assert float(need.reserved) - float(need.allocated) == pytest.approx(float(need.allocator_slack))
    assert float(need.allocator_slack) > 0
    assert float(need.work_space) == 50


def test_gradients_of_one_micro_batch_come_as_activations_go() -> None:
    """Without accumulation only the head's gradient is there at the turn; with it, all gradients are."""
    made = recipe("bf16", "adamw", "fsdp", of="torchtitan")
    once, twice = (
        needs(DENSE, made, Layout(micro_batches=count), sequence_tokens=8192, of="torchtitan")[Stage.FIRST]
        for count in (1, 2)
    )
    assert float(once.gradients) == pytest.approx(4 * DENSE.head_parameters)
    assert float(twice.gradients) == pytest.approx(4 * DENSE.parameters)


def test_the_step_is_the_peak_where_little_is_kept() -> None:
    """With hardly any activations the optimizer's temporaries, 2 bytes a parameter, are alive at the peak instead."""
    software = framework("huggingface").software
    made = replace(recipe("bf16", "adamw", of="huggingface"), gradient_bytes=2.0)
    need = training_memory(DENSE, made, Layout(), 1, framework("huggingface", software=software), BARE)[Stage.FIRST]
    assert float(need.step_temporaries) == 2 * DENSE.parameters
    assert float(need.activations) == float(need.logits_and_loss) == 0


@pytest.mark.parametrize(
    ("changes", "term"),
    [
        ({"weights_place": Place.HOST}, "weights"),
        ({"optimizer_place": Place.HOST}, "optimizer_states"),
        ({"activations_place": Place.HOST}, "activations"),
        ({"loss_chunks": 8}, "logits_and_loss"),
        ({"loss_fuses_head": True}, "logits_and_loss"),
        ({"factored": True, "optimizer_bytes": 0.0}, "optimizer_states"),
        ({"optimizer_place": Place.HOST, "pages_optimizer": True}, "optimizer_states"),
        ({"trained_share": 0.25}, "gradients"),
        ({"trained_share": 0.25}, "activations"),
        ({"step_in_backward": True}, "gradients"),
        ({"trained_share": 0.25}, "optimizer_states"),
        ({"projected_rank": 16}, "optimizer_states"),
        ({"outer_optimizer_bytes": 0.0}, "optimizer_states"),
    ],
)
def test_each_saving_saves_what_it_says(changes: dict[str, Any], term: str) -> None:
    """What lives elsewhere, is cut, frozen, projected or used up at once takes less of its own term."""
    made = recipe("bf16", "adamw", "replicated")
    less = replace(made, **changes)
    layout = Layout(micro_batches=2)
    before, after = (terms(needs(DENSE, each, layout)[Stage.FIRST]) for each in (made, less))
    assert after[term] < before[term]


def test_gpipe_holds_every_micro_batch() -> None:
    """GPipe keeps the activations of all micro-batches on every stage, 1F1B of as many as stages are behind, ZB-H1 of
    as many as the first stage of 1F1B on all."""
    layout = Layout(pipeline=2, micro_batches=8)
    made = recipe("bf16", "adamw", "replicated")
    held = {
        (schedule, stage): float(needs(DENSE, replace(made, schedule=schedule), layout)[stage].activations)
        for schedule in Schedule
        for stage in Stage
    }
    one = held[Schedule.ONE_F_ONE_B, Stage.LAST]
    assert held[Schedule.ONE_F_ONE_B, Stage.FIRST] == 2 * one
    for stage in Stage:
        assert held[Schedule.GPIPE, stage] == 8 * one
        assert held[Schedule.ZERO_BUBBLE, stage] == 2 * one


@pytest.mark.parametrize(
    ("sharding", "offloads", "bytes_per_parameter"),
    [
        # ZeRO-Offload, table 1: 16-bit weights stay; gradients go as they come where each rank keeps its own alone.
        ("zero2", ("optimizer-offload",), 2),
        # ZeRO-1 reduces whole gradients on the device before its shard goes.
        ("zero1", ("optimizer-offload",), 4),
        ("zero3", ("optimizer-offload",), 2 / 8),
        # ZeRO-Infinity and FSDP: nothing stays between uses.
        ("zero3", ("optimizer-offload", "weights-offload"), 0),
        ("zero3", ("optimizer-offload-nvme", "weights-offload-nvme"), 0),
    ],
)
def test_offloading_leaves_what_its_paper_says(
    sharding: str, offloads: tuple[str, ...], bytes_per_parameter: float
) -> None:
    """So many bytes of model states a parameter stay on each of eight devices."""
    made = recipe("bf16", "adamw", sharding, *offloads, of="deepspeed")
    need = terms(needs(DENSE, made, Layout(data=8, micro_batches=2), of="deepspeed")[Stage.FIRST])
    kept = weight_bytes(need) + need["gradients"] + optimizer_bytes(need) + need["step_temporaries"]
    assert kept == pytest.approx(bytes_per_parameter * DENSE.parameters)


def test_offloaded_weights_pass_in_sixteen_bits() -> None:
    """Gathered from the host, two blocks, both ends and a block's gradient are there: on a single device too."""
    made = recipe("bf16", "adamw", "fsdp-offload", of="torchtitan")
    blocks = DENSE.block_parameters / DENSE.layers
    ends = DENSE.parameters - DENSE.block_parameters
    for layout in (Layout(), Layout(data=8)):
        need = terms(needs(DENSE, made, layout, of="torchtitan")[Stage.FIRST])
        assert weight_bytes(need) == 0
        expected = 2 * 2 * blocks + 4 * blocks + 2 * ends + 4 * DENSE.head_parameters
        assert need["gathered_blocks"] == pytest.approx(expected)


def test_offloading_to_the_host_is_as_small_as_measured() -> None:
    """torchtune's 70B with weights, gradients and states on the host was measured at 13.9 GiB on each of eight A100."""
    made = recipe("bf16", "adamw", "fsdp-offload", "recompute-full", "chunked-loss", of="torchtune")
    layout = Layout(data=8, micro_batch=2)
    factors = load_calibration().memory_factors("NVIDIA", "torchtune")
    found = needs(load_preset("llama-3.1-70b"), made, layout, sequence_tokens=2048, of="torchtune", factors=factors)
    assert 0.85 < float(peak_bytes(found)) / 2**30 / 13.9 < 1.15


def test_zero_offload_trains_thirteen_billion_on_one_gpu() -> None:
    """ZeRO-Offload's headline: a 13B on one 32 GB V100, where all states would take 208 GB."""
    shape = load_preset("llama-2-13b")
    made = recipe("bf16", "adamw", "zero2", "recompute-full", "optimizer-offload", of="deepspeed")
    need = needs(shape, made, Layout(), sequence_tokens=1024, of="deepspeed")
    assert 26 < float(peak_bytes(need)) / 1e9 < 32
    whole = needs(shape, recipe("bf16", "adamw", "replicated", "recompute-full", of="deepspeed"), Layout())
    assert float(peak_bytes(whole)) / 1e9 > 180


def test_pages_leave_masters_and_gradients() -> None:
    """Paged moments may all go to the host; master weights and gradients stay for the step on the device."""
    made = recipe("bf16", "replicated", "adamw-paged", of="huggingface")
    need = terms(needs(DENSE, made, Layout(micro_batches=2))[Stage.FIRST])
    assert need["master_weights"] == 4 * DENSE.parameters
    assert need["optimizer_states"] == 0
    assert need["gradients"] == 2 * DENSE.parameters


def test_a_frozen_model_trains_its_last_blocks_and_head() -> None:
    """With half the blocks trained, gradients and states are theirs and the head's; all weights stay."""
    made = recipe("bf16", "adamw", "replicated", "frozen-layers", of="huggingface")
    need = terms(needs(DENSE, replace(made, trained_share=0.5), Layout(micro_batches=2))[Stage.FIRST])
    trained = DENSE.block_parameters / 2 + DENSE.head_parameters
    assert weight_bytes(need) == 2 * DENSE.parameters
    assert need["gradients"] == pytest.approx(2 * trained)
    assert need["optimizer_states"] == pytest.approx(8 * trained)
    assert need["master_weights"] == pytest.approx(4 * trained)
    piped = needs(DENSE, replace(made, trained_share=0.5), Layout(pipeline=2, micro_batches=2))
    assert float(piped[Stage.FIRST].optimizer_states) == 0
    assert float(piped[Stage.LAST].optimizer_states) == pytest.approx(8 * trained)


def test_a_fused_loss_never_has_whole_logits() -> None:
    """Liger's chunk of logits is about as large as the hidden states: six bytes an element with their gradient."""
    shape = load_preset("llama-3-8b")
    made = recipe("bf16", "adamw", "replicated", of="huggingface")
    plain, fused = (
        float(needs(shape, each, Layout(), sequence_tokens=8192, of="huggingface")[Stage.LAST].logits_and_loss)
        for each in (made, replace(made, loss_fuses_head=True))
    )
    assert fused == 8192 * 4096 * 6
    assert plain / fused > 50


def test_scores_of_unfused_attention_are_quadratic() -> None:
    """Korthikanti's 5 a s^2 b a block, for each of a heads: flash attention keeps none, recompute none either."""
    flash = recipe("bf16", "adamw", "replicated")
    unfused, again = (
        recipe("bf16", "adamw", "replicated", *techniques)
        for techniques in (("unfused-attention",), ("unfused-attention", "recompute-attention"))
    )
    plain, kept, recomputed = (
        terms(needs(DENSE, made, Layout(), sequence_tokens=2048)[Stage.FIRST]) for made in (flash, unfused, again)
    )
    assert kept["activations"] - plain["activations"] == pytest.approx(DENSE.layers * 5 * 8 * 2048**2)
    assert recomputed["activations"] == pytest.approx(plain["activations"])
    assert recomputed["recomputed_block"] == pytest.approx(5 * 8 * 2048**2)


def test_tuning_scales_makes_gradients_of_weights() -> None:
    """PEQA's scales take the gradient of a whole matrix, beside the matrix unpacked."""
    adapter = Adapter(kind=AdapterKind.GROUP_SCALE)
    packed = recipe("bf16", "int4-weights", "adamw", of="huggingface", adapter=Adapter())
    scaled = replace(packed, adapter=adapter)
    lora, peqa = (terms(needs(DENSE, made, Layout(), of="huggingface")[Stage.FIRST]) for made in (packed, scaled))
    assert peqa["dequantized_matrix"] == 2 * lora["dequantized_matrix"]


# huggingface/peft method_comparison, Llama-3.2-3B on an L40S, four samples of up to 768 tokens: the largest reserved
# memory, GiB. No factor was fitted to these kinds of adapters.
PEFT = {
    "ia3 on keys, values and down": (Adapter(kind=AdapterKind.SCALE), 21.639),
    "prefix of 200": (Adapter(kind=AdapterKind.PREFIX, tokens=200), 20.445),
    "prefix of 50": (Adapter(kind=AdapterKind.PREFIX, tokens=50), 19.172),
    "prompt of 200": (Adapter(kind=AdapterKind.PROMPT, tokens=200), 22.719),
    "norms alone": (Adapter(kind=AdapterKind.BIAS, targets=AdapterTargets.QUERY_VALUE), 19.727),
}


@pytest.mark.parametrize(("adapter", "measured_gib"), PEFT.values(), ids=PEFT)
def test_other_adapters_take_what_peft_measured(adapter: Adapter, measured_gib: float) -> None:
    """Kinds of adapters that nothing was fitted to come out within a tenth of the measured peak, and not below it."""
    factors = load_calibration().memory_factors("NVIDIA", "hf-peft")
    found = needs(
        load_preset("llama-3.2-3b"),
        Recipe(adapter=adapter),
        Layout(micro_batch=4),
        sequence_tokens=768,
        of="huggingface",
        factors=factors,
    )
    assert 1.0 <= float(found[Stage.FIRST].reserved) / 2**30 / measured_gib < 1.1


def test_weights_that_stay_gathered_take_more() -> None:
    """FSDP that does not reshard after the forward pass holds all weights whole."""
    made = recipe("bf16", "adamw", "fsdp", of="torchtitan")
    layout = Layout(data=8)
    gathered = [
        terms(needs(DENSE, replace(made, reshards=reshards), layout)[Stage.FIRST])["gathered_blocks"]
        for reshards in (True, False)
    ]
    assert gathered[1] > gathered[0]
    assert gathered[1] >= 2 * DENSE.parameters


LAYOUTS = st.builds(
    Layout,
    tensor=st.sampled_from([1, 2, 4]),
    pipeline=st.sampled_from([1, 2, 4]),
    virtual=st.sampled_from([1, 2]),
    context=st.sampled_from([1, 2]),
    expert=st.sampled_from([1, 2, 4]),
    data=st.sampled_from([2, 4, 8]),
    micro_batch=st.integers(1, 8),
    micro_batches=st.sampled_from([4, 8, 12]),
)
RECIPES = [
    ("megatron", recipe("bf16", "adamw", "replicated")),
    ("megatron", recipe("bf16", "adamw", "zero1", "recompute-full")),
    ("torchtitan", recipe("bf16", "adamw", "fsdp", "recompute-selective", of="torchtitan")),
    ("huggingface", recipe("bf16", "adamw", "zero2", of="huggingface")),
    (
        "huggingface",
        recipe(
            "bf16",
            "lora",
            "nf4",
            "adamw",
            "zero3",
            of="huggingface",
            adapter=Adapter(rank=8, targets=AdapterTargets.ATTENTION),
        ),
    ),
]
ANY_RECIPE = st.sampled_from(RECIPES)
ANY_SHAPE = st.sampled_from(SHAPES)


@examples
@given(ANY_SHAPE, ANY_RECIPE, st.lists(LAYOUTS, min_size=1, max_size=5))
def test_arrays_agree_with_single_layouts(shape: ModelShape, used: tuple[str, Recipe], layouts: list[Layout]) -> None:
    """An array of layouts needs what each layout needs, and every total is the sum of its terms."""
    of, made = used
    together: Any = training_memory(shape, made, grid(layouts), 1024, framework(of), SHARED)
    for index, layout in enumerate(layouts):
        alone = needs(shape, made, layout, of=of, factors=SHARED)
        for stage in Stage:
            assert terms(together[stage], index) == pytest.approx(terms(alone[stage]))
            assert float(alone[stage].total) == pytest.approx(sum(terms(alone[stage]).values()))
        worst = max(float(alone[stage].total) for stage in Stage)
        assert float(peak_bytes(alone)) == float(alone[worst_stage(alone)].total) == worst
        assert float(peak_bytes(together)[index]) == pytest.approx(worst)


@examples
@given(ANY_SHAPE, ANY_RECIPE, LAYOUTS)
def test_nothing_is_negative(shape: ModelShape, used: tuple[str, Recipe], layout: Layout) -> None:
    """No cause gives memory back."""
    of, made = used
    for need in needs(shape, made, layout, of=of, factors=SHARED).values():
        assert min(terms(need).values()) >= 0


@examples
@given(ANY_SHAPE, ANY_RECIPE, LAYOUTS)
def test_more_data_ranks_never_raise_states(shape: ModelShape, used: tuple[str, Recipe], layout: Layout) -> None:
    """Doubling the data ranks leaves replicated states as they are and makes sharded ones smaller."""
    of, made = used
    fewer, more = (
        terms(needs(shape, made, replace(layout, data=data), of=of)[Stage.FIRST])
        for data in (layout.data, 2 * layout.data)
    )
    kept = [
        {"weights": weight_bytes(each), "gradients": each["gradients"], "states": optimizer_bytes(each)}
        for each in (fewer, more)
    ]
    for name, sharded in (
        ("weights", made.weights_sharded),
        ("gradients", made.gradients_sharded),
        ("states", made.optimizer_sharded),
    ):
        # Experts that fill all ranks have no rank to share with until there are more.
        before, after = (each[name] for each in kept)
        assert after < before if sharded else after == before


@examples
@given(ANY_SHAPE, ANY_RECIPE, LAYOUTS)
def test_memory_grows_with_the_micro_batch(shape: ModelShape, used: tuple[str, Recipe], layout: Layout) -> None:
    """A larger micro-batch or a longer sequence never takes less, and activations follow in proportion."""
    of, made = used
    need = needs(shape, made, layout, of=of)
    wider = needs(shape, made, replace(layout, micro_batch=2 * layout.micro_batch), of=of)
    longer = needs(shape, made, layout, sequence_tokens=2048, of=of)
    for stage in Stage:
        assert terms(wider[stage]) == pytest.approx(terms(longer[stage]))
        assert float(wider[stage].activations) == pytest.approx(2 * float(need[stage].activations))
        assert float(wider[stage].total) > float(need[stage].total)


@examples
@given(ANY_SHAPE, LAYOUTS)
def test_each_recompute_takes_no_more_than_the_one_before(shape: ModelShape, layout: Layout) -> None:
    """Recomputing more keeps fewer activations; full recompute never peaks above keeping everything."""
    kept = [
        needs(shape, recipe("bf16", "adamw", "fsdp", name, of="torchtitan"), layout, of="torchtitan")
        for name in ("recompute-none", "recompute-selective", "recompute-full")
    ]
    for stage in Stage:
        activations = [float(need[stage].activations) for need in kept]
        assert activations == sorted(activations, reverse=True)
    # One block alone is all live while it is computed again, so that nothing is saved there.
    if shape.layers > layout.pipeline * layout.virtual:
        assert float(peak_bytes(kept[2])) <= float(peak_bytes(kept[0])) * (1 + 1e-9)


def test_a_pipeline_of_mixed_blocks_counts_the_heaviest() -> None:
    """Where blocks differ no stage is understated: the peak covers stages dealt out block by block."""
    made = recipe("bf16", "adamw", "replicated")
    layout = Layout(pipeline=4, micro_batches=4)
    each = [run.parameters(LATENT_MIXED.hidden, False) for run in LATENT_MIXED.blocks for _ in range(run.count)]
    heaviest = max(sum(each[start : start + 2]) for start in range(0, 8, 2))
    assert state_bytes(LATENT_MIXED, made, layout) >= 18 * heaviest
