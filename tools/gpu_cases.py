"""Which models and techniques does tools/measure_gpu.py measure?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One configuration: a Llama-like model of these widths, trained by these techniques."""

    layers: int = 8
    hidden: int = 2048
    ffn: int = 5632
    heads: int = 16
    kv_heads: int = 4
    vocab: int = 32000
    technique: str = "full"
    weight_dtype: str = "bf16"
    optimizer: str = "adamw"
    recompute: str = "none"
    attention: str = "sdpa"
    compiled: bool = False
    chunked_loss: bool = False
    step_in_backward: bool = False
    offloads_activations: bool = False
    lora_rank: int = 16
    sequence_tokens: int = 2048
    micro_batch: int = 1
    micro_batches: int = 1

    @property
    def name(self) -> str:
        """What tells the case apart."""
        parts = [self.technique, self.weight_dtype, self.optimizer, self.recompute, self.attention, f"v{self.vocab}"]
        parts += [f"s{self.sequence_tokens}", f"b{self.micro_batch}", f"m{self.micro_batches}"]
        further = {
            "compiled": self.compiled,
            "chunked": self.chunked_loss,
            "inbackward": self.step_in_backward,
            "offloaded": self.offloads_activations,
        }
        return "-".join([*parts, *(word for word, on in further.items() if on)])

    @property
    def options(self) -> str:
        """What the options cell says."""
        found = {
            "chunked_ce": self.chunked_loss,
            "optimizer_in_backward": self.step_in_backward,
            "activation_offload": self.offloads_activations,
        }
        return "+".join(word for word, on in found.items() if on)

    def small(self) -> Case:
        """The same techniques on a model that a CPU trains in a moment."""
        narrow = replace(self, layers=2, hidden=64, ffn=96, heads=4, kv_heads=2, vocab=128)
        return replace(narrow, sequence_tokens=32, lora_rank=4, compiled=False)


def cases() -> tuple[Case, ...]:
    """Every technique on its own and the pairs that published tables leave open, each once."""
    return tuple(dict.fromkeys(_cases()))


def _cases() -> Iterator[Case]:
    for technique, recompute, attention in product(("full", "lora"), ("none", "full"), ("sdpa", "naive")):
        yield Case(technique=technique, recompute=recompute, attention=attention)
    for vocab, chunked in product((32000, 128256), (False, True)):
        yield Case(vocab=vocab, chunked_loss=chunked, recompute="full")
    for tokens, batch in product((512, 2048, 8192), (1, 4)):
        yield Case(technique="lora", sequence_tokens=tokens, micro_batch=batch)
    yield Case(micro_batches=4)
    yield Case(weight_dtype="fp32")
    for optimizer in ("sgd", "adafactor"):
        yield Case(optimizer=optimizer)
    yield Case(step_in_backward=True)
    yield Case(recompute="full", offloads_activations=True)
    yield Case(compiled=True)
    yield Case(technique="lora", compiled=True)
