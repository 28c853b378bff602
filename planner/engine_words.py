"""With which words is vLLM told of embeddings, drafts and adapters?

Its documentation: pooling models, speculative decoding, LoRA adapters. A draft's files lie in a folder of their own
beside the model's.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

from planner.plan import Candidate, Target
from planner.serving_fields import OWN_BLOCKS, PROMPT_LOOKUP, Adapters, Speculative
from planner.workload import Inference, Workload

DRAFT_FOLDER = "/model/draft"
# The only ranks that vLLM keeps room for (LoRAConfig.max_lora_rank).
LORA_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)


def engine_words(inference: Inference, candidate: Candidate) -> tuple[str, ...]:
    """The arguments beside those of every model; none where nothing of the kind is asked for, or of other engines."""
    if candidate.framework != "vllm":
        return ()
    words = [] if inference.output_tokens else ["--runner", "pooling"]
    if inference.speculative:
        words += ["--speculative-config", json.dumps(_drafts(inference.speculative))]
    if inference.adapters:
        words += _adapters(inference.adapters, candidate.layout.micro_batch)
    return tuple(words)


def start_sentence(workload: Workload, chosen: Candidate) -> Iterator[str]:
    """How the engine is told of what is served beside plain answers, where the user starts it."""
    words = engine_words(workload.inference, chosen) if workload.inference else ()
    if words and workload.provision.target is not Target.SERVING_FLEET:
        yield f"Start vLLM with {shlex.join(words)}."


def _drafts(asked: Speculative) -> dict[str, str | int]:
    tokens: dict[str, str | int] = {"num_speculative_tokens": asked.tokens}
    if asked.draft in (PROMPT_LOOKUP, "mtp"):
        # Nothing to load: copies of the prompt, or a block that is among the model's own weights.
        return {"method": asked.draft, **tokens}
    return {"method": asked.draft if asked.draft in OWN_BLOCKS else "draft_model", "model": DRAFT_FOLDER, **tokens}


def _adapters(asked: Adapters, in_flight: int) -> list[str]:
    loaded = min(asked.count, asked.loaded or in_flight)
    rank = next(room for room in LORA_RANKS if room >= asked.rank)
    return [
        "--enable-lora",
        "--max-loras",
        str(loaded),
        "--max-lora-rank",
        str(rank),
        "--max-cpu-loras",
        str(asked.count),
    ]
