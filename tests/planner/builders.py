"""Which small models, machines and factors do the tests of the planner calculate with?

The factors of `IDEAL` and `BARE` add nothing of their own, so that a test can do a formula's sum on paper.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from hypothesis import settings
from msgspec.structs import asdict

from planner.calibration import MemoryFactors, ServingFactors, TimeFactors
from planner.communication import Fabric
from planner.framework import Framework, load_frameworks
from planner.layout import Layout, LayoutGrid
from planner.plan import Band
from planner.recipe import Adapter, AdapterTargets, Recipe
from planner.resident import Stage, resident
from planner.shape import Attention, Blocks, LatentAttention, Mlp, ModelShape
from planner.techniques import load_techniques
from planner.training_time import step_time
from pricing.instance_type import Accelerator, InstanceType, Link, LinkKind
from pricing.records import replace

# Every run tries the same examples, and none is timed.
examples = settings(deadline=None, derandomize=True, max_examples=60)

# FLOP/s and bytes/s of a device of the machine, bytes/s of its link, and of the network a node.
PEAK, BANDWIDTH, LINK, NETWORK = 1e15, 2e12, 4e11, 1e11

BAND = Band(low=0.9, high=1.1, basis="made up")
BARE = MemoryFactors(context_bytes=0, collectives_bytes=0, fragmentation=1.0, band=BAND)
IDEAL = TimeFactors(
    matmul={"bf16": 1.0, "fp16": 1.0, "fp8": 1.0, "fp32": 1.0},
    attention=1.0,
    outputs_half=0.0,
    depth_half=0.0,
    memory=1.0,
    link=1.0,
    network=1.0,
    link_latency_s=0.0,
    network_latency_s=0.0,
    launch_s_per_block=0.0,
    data_overlap=0.0,
    band=BAND,
)
# Factors as they are met: every law leaves its trace.
SHARED = MemoryFactors(context_bytes=10**6, collectives_bytes=10**5, fragmentation=1.05, band=BAND)
LOSSY = replace(
    IDEAL,
    matmul={"bf16": 0.6},
    attention=0.3,
    outputs_half=1e4,
    depth_half=50.0,
    memory=0.8,
    link=0.75,
    network=0.7,
    link_latency_s=1e-5,
    network_latency_s=3e-5,
    launch_s_per_block=1e-4,
    data_overlap=0.5,
    attention_half=200.0,
    score_bytes=10.0,
    traffic=1.5,
    step_s=1e-3,
    tensor_overlap=0.2,
    gather_overlap=0.8,
    pipeline_overlap=0.3,
    imbalance=1.2,
    straggling=0.01,
    gradient_passes=1.0,
)
SERVED = ServingFactors(
    memory=1.0,
    cache=1.0,
    matmul=1.0,
    narrow=1.0,
    unpacked=1.0,
    grouped=1.0,
    attention=1.0,
    half_rows=0.0,
    overlap=1.0,
    block_s=0.0,
    expert_block_s=0.0,
    recurrent_block_s=0.0,
    latent_block_s=0.0,
    packed_block_s=0.0,
    emulated_block_s=0.0,
    prompt_block_s=0.0,
    step_s=0.0,
    sequence_s=0.0,
    request_s=0.0,
    prompt_token_s=0.0,
    admission_steps=1.0,
    reduce_s=0.0,
    staged_reduce_s=0.0,
    link=1.0,
    staged_link=1.0,
    network=1.0,
    network_latency_s=0.0,
    imbalance=1.0,
    spread=1.0,
    alike=0.1,
    rereads=0.0,
    memory_share=1.0,
    cache_share=1.0,
    reserve_bytes=0,
    collectives_bytes=0,
    batched_tokens=0,
    logit_bytes=10,
    largest_batch=8,
    reserved_share=1.0,
    mixes_prompts=True,
    memory_band=Band(low=0.9, high=1.0, basis="made up"),
    band=BAND,
    ttft_band=BAND,
)

DENSE = ModelShape(
    name="dense",
    hidden=512,
    vocab=8192,
    blocks=(Blocks(count=8, attention=Attention(heads=8, kv_heads=2, head_width=64), mlp=Mlp(ffn=1536)),),
    context_tokens=4096,
)
MIXED = replace(
    DENSE,
    name="mixed",
    blocks=(
        Blocks(
            count=8,
            attention=Attention(heads=8, kv_heads=2, head_width=64),
            mlp=Mlp(ffn=256, experts=16, experts_per_token=2, shared_ffn=128),
        ),
    ),
)
# DeepSeek's build: latent attention, one dense block before those with experts.
LATENT = LatentAttention(query_rank=96, kv_rank=64, nope_width=32, rope_width=16, value_width=24)
_LATENT_ATTENTION = Attention(heads=8, kv_heads=8, head_width=48, latent=LATENT)
LATENT_MIXED = replace(
    DENSE,
    name="latent",
    blocks=(
        Blocks(count=1, attention=_LATENT_ATTENTION, mlp=Mlp(ffn=1024)),
        Blocks(count=7, attention=_LATENT_ATTENTION, mlp=Mlp(ffn=128, experts=16, experts_per_token=4, shared_ffn=128)),
    ),
)
TIED = replace(DENSE, name="tied", tied_embeddings=True)
SHAPES = (DENSE, MIXED, LATENT_MIXED, TIED)


def changed(factors: Any, **changes: Any) -> Any:
    """The record with some of its fields changed."""
    return replace(factors, **changes)


def machine(
    *,
    accelerators: int = 8,
    ranks: int = 1,
    vendor: str = "NVIDIA",
    memory_bytes: int = 80 * 2**30,
    memory_bytes_per_s: float | None = BANDWIDTH,
    flop_per_s: float | None = PEAK,
    link_bytes_per_s: float | None = LINK,
    network_bytes_per_s: float | None = NETWORK,
    name: str = "",
) -> InstanceType:
    """An instance type of `accelerators` chips of `ranks` devices, all of its rates given for one chip."""
    rates = {} if flop_per_s is None else dict.fromkeys(("bf16", "fp16", "fp8", "fp32"), flop_per_s)
    link = Link(kind=LinkKind.NVSWITCH, bytes_per_s=link_bytes_per_s)
    chip = Accelerator(
        name="chip",
        vendor=vendor,
        memory_bytes=memory_bytes,
        memory_bytes_per_s=memory_bytes_per_s,
        flop_per_s=rates,
        ranks=ranks,
        link=link,
        tdp_w=None,
        mig_slices=1,
        sources={},
    )
    return InstanceType(
        name=name or f"{accelerators}x{ranks}",
        family="test",
        accelerator=chip,
        accelerators=accelerators,
        accelerator_share=1.0,
        vcpus=96,
        host_memory_bytes=2**40,
        nvme_bytes=0,
        network_bytes_per_s=network_bytes_per_s,
        ebs_bytes_per_s=None,
        efa_cards=(0,),
        nic_slots=(1,),
        gpudirect_rdma=True,
        link=link if accelerators > 1 else None,
        architecture="x86_64",
        usage_classes=frozenset(),
        retired=False,
        sources={},
    )


def fabric(**changes: Any) -> Fabric:
    """Eight devices on a link of 100 bytes/s, 16 bytes/s to other nodes."""
    plain = Fabric(
        devices_per_node=8,
        link_bytes_per_s=100.0,
        node_bytes_per_s=16.0,
        link_latency_s=0.0,
        network_latency_s=0.0,
    )
    return replace(plain, **changes)


def framework(name: str = "megatron", **changes: Any) -> Framework:
    """One of the bundled frameworks, with some of its fields changed."""
    return replace(load_frameworks()[name], **changes)


def recipe(*techniques: str, of: str = "megatron", adapter: Adapter | None = None) -> Recipe:
    """The recipe of a framework with the techniques applied in the order given."""
    made = replace(framework(of).plain_recipe(), adapter=adapter)
    for name in techniques:
        made = load_techniques()[name].apply(made)
    return replace(made, techniques=techniques)


def adapter_parameters(shape: ModelShape, adapter: Adapter) -> int:
    """Adapter parameters of the whole model, all of them on one device."""
    return int(resident(shape, Layout(), Stage.FIRST, adapter).adapter)


def grid(layouts: Iterable[Layout]) -> LayoutGrid:
    """The layouts as arrays."""
    rows = list(layouts)
    return LayoutGrid(
        **{
            name: np.array([getattr(row, name) for row in rows], dtype=np.int64)
            for name in LayoutGrid.__struct_fields__
        }
    )


def terms(record: Any, index: int | None = None) -> dict[str, float]:
    """The fields of an itemised record, of one row where it holds arrays."""
    values = asdict(record)
    if index is None:
        return {name: float(value) for name, value in values.items()}
    return {
        name: float(np.broadcast_to(value, (index + 1,) if not np.ndim(value) else np.shape(value))[index])
        for name, value in values.items()
    }


TOKENS = 1024
NODE = machine()
ZERO1 = recipe("bf16", "adamw", "zero1")
FSDP = recipe("bf16", "adamw", "fsdp", of="torchtitan")
LORA = Adapter(rank=8, targets=AdapterTargets.ALL_LINEAR)


def step(
    layout: Layout,
    *,
    shape: ModelShape = DENSE,
    made: Recipe = ZERO1,
    on: InstanceType = NODE,
    factors: TimeFactors = IDEAL,
    sequence_tokens: int = TOKENS,
) -> dict[str, float]:
    """The terms of one step, and their total."""
    took = step_time(shape, made, layout, sequence_tokens, on, factors)
    return terms(took) | {"total": float(took.total)}
