"""By which other names are techniques and degrees known, and what stands for them?"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from planner.degrees import DEGREES


class KnownAs(Struct, frozen=True, kw_only=True):
    """What a name stands for: techniques and degrees by their own names, and where they are asked for."""

    names: tuple[str, ...] = ()
    where: str


def _technique(*names: str) -> KnownAs:
    return KnownAs(names=names, where=f"techniques {' or '.join(names)}" if len(names) > 1 else f"technique {names[0]}")


def _degree(name: str) -> KnownAs:
    return KnownAs(names=(name,), where=next(item.asked for item in DEGREES if item.name == name))


KNOWN_AS: Mapping[str, KnownAs] = {
    "tensor-parallelism": _degree("tensor"),
    "tp": _degree("tensor"),
    "pipeline-parallelism": _degree("pipeline"),
    "pp": _degree("pipeline"),
    "interleaved": _degree("virtual"),
    "interleaved-1f1b": _degree("virtual"),
    "context-parallelism": _degree("context"),
    "ring-attention": _degree("context"),
    "cp": _degree("context"),
    "expert-parallelism": _degree("expert"),
    "ep": _degree("expert"),
    "data-parallelism": _degree("data"),
    "dp": _degree("data"),
    "gradient-accumulation": _degree("micro_batches"),
    "qlora": KnownAs(names=("nf4", "lora"), where="training.method: qlora, which is nf4 and lora"),
    "double-quantization": _technique("nf4"),
    "airllm": _technique("layer-streaming"),
    "flexgen": _technique("host-weights", "disk-weights", "host-kv", "disk-kv"),
    "ddp": _technique("replicated"),
    "1f1b": _technique("schedule-1f1b"),
    "gpipe": _technique("schedule-gpipe"),
    "zero-bubble": _technique("schedule-zero-bubble"),
    "gradient-checkpointing": _technique("recompute-full", "recompute-selective", "recompute-attention"),
    "activation-checkpointing": _technique("recompute-full", "recompute-selective", "recompute-attention"),
    "liger": _technique("fused-loss"),
    "fused-cross-entropy": _technique("fused-loss"),
    "chunked-cross-entropy": _technique("chunked-loss"),
    "layer-freezing": _technique("frozen-layers"),
    "adapters": _technique("bottleneck-adapters"),
    "8-bit-adam": _technique("adamw-8bit", "adamw-8bit-paged"),
    "cpu-offload": _technique("fsdp-offload", "optimizer-offload", "weights-offload", "activation-offload"),
    "nvme-offload": _technique("optimizer-offload-nvme", "weights-offload-nvme", "activation-offload-nvme"),
    "mig": KnownAs(where="accelerator: H100-80GB/1g.10gb and the like, a slice as a device"),
    "distillation": KnownAs(where="model: the path of the smaller model's config.json, or its shape"),
    "pruning": KnownAs(where="model: the path of the smaller model's config.json, or its shape (ffn_each)"),
}
