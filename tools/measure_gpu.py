"""Measures what published runs do not say: peak memory of small models across techniques, on this machine's GPU.

    python tools/measure_gpu.py -o mine.csv               # every case that the card holds
    python tools/measure_gpu.py -o mine.csv --only lora   # those whose name has the word
    python tools/measure_gpu.py --dry-run                 # every case, made small, on the CPU: measures nothing
    berth validate mine.csv

Each case runs in a process of its own, so that nothing of the last one is left. Three figures are read: the most that
tensors took (torch.cuda.max_memory_allocated), the most that the allocator reserved (max_memory_reserved), and what
nvidia-smi shows of the card while it runs, which nothing else may use meanwhile. Each becomes a row of its own in the
schema of measured files. Needs PyTorch, which Berth itself does not, and but for a dry run a GPU.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

GIB = 2**30
# The first step compiles and fills caches: the others are timed.
STEPS = 3
KINDS = ("allocated", "reserved", "unknown")
_COLUMNS = (
    "id,judge,source,software,model,layers,hidden,ffn,heads,kv_heads,vocab,experts,mlp,tied_embeddings,technique,"
    "compute_dtype,weight_dtype,trainable_params,optimizer,sharding,accelerator,accelerators,accelerators_per_node,tp,"
    "pp,dp,seq_len,micro_batch,global_batch,recompute,attention,compiled,options,tokens_per_s_per_accelerator,"
    "peak_memory_gib,memory_kind,outcome,notes"
)
COLUMNS = tuple(_COLUMNS.split(","))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """What a case took. Bytes by kind of memory, trained parameters, tokens a second; or that it ran out of memory."""

    bytes_by_kind: dict[str, int]
    trained: int
    tokens_per_s: float
    outcome: str = "ran"


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


def rows(case: Case, peak: Peak, accelerator: str) -> Iterator[dict[str, Any]]:
    """The rows of a case: one for each kind of memory, or one that says it ran out."""
    trained = f"lora_r={case.lora_rank}" if case.technique == "lora" else ""
    base = {
        "source": "tools/measure_gpu.py",
        "software": "hf-peft" if case.technique == "lora" else "torchtune",
        "model": "measured-llama",
        "experts": 0,
        "mlp": "gated",
        "tied_embeddings": "no",
        "compute_dtype": "bf16",
        "trainable_params": peak.trained if case.technique == "lora" else "",
        "optimizer": _optimizer_word(case),
        "sharding": "none",
        "accelerator": accelerator,
        "accelerators": 1,
        "accelerators_per_node": 1,
        "tp": 1,
        "pp": 1,
        "dp": 1,
        "seq_len": case.sequence_tokens,
        "global_batch": case.micro_batch * case.micro_batches,
        "compiled": "yes" if case.compiled else "no",
        "options": case.options,
        "notes": trained,
    }
    base |= {name: value for name, value in asdict(case).items() if name in COLUMNS and name not in base}
    if peak.outcome == "oom":
        yield {**base, "id": f"gpu-{case.name}", "judge": "oom", "outcome": "oom"}
        return
    for kind in KINDS:
        if kind in peak.bytes_by_kind:
            yield {
                **base,
                "id": f"gpu-{case.name}-{kind}",
                "judge": "memory",
                "peak_memory_gib": round(peak.bytes_by_kind[kind] / GIB, 3),
                "memory_kind": kind,
                "outcome": "ran",
                "tokens_per_s_per_accelerator": round(peak.tokens_per_s, 1),
            }


def _optimizer_word(case: Case) -> str:
    """AdamW keeps moments of 16-bit weights in 16 bits."""
    narrow = case.weight_dtype == "bf16" and case.technique == "full" and case.optimizer == "adamw"
    return "adamw-bf16" if narrow else case.optimizer


def write_rows(path: Path, found: Iterable[dict[str, Any]]) -> int:
    """Writes rows in the schema of measured files; how many there are."""
    lines = list(found)
    with path.open("w", newline="", encoding="utf-8") as page:
        writer = csv.DictWriter(page, COLUMNS, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(lines)
    return len(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures every case in a process of its own."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("-o", "--output", type=Path, default=Path("measured.csv"), help="file to write")
    asked.add_argument("--only", default="", help="measure cases whose name has this word")
    asked.add_argument("--accelerator", default="", help="name of the card as the catalog has it; else as PyTorch does")
    asked.add_argument("--dry-run", action="store_true", help="try every case, made small, on the CPU; write nothing")
    asked.add_argument("--case", help=argparse.SUPPRESS)
    given = asked.parse_args(arguments)
    if given.case:
        print(json.dumps(asdict(measure(Case(**json.loads(given.case)), "cpu" if given.dry_run else "cuda"))))
        return
    chosen = [case for case in cases() if given.only in case.name]
    if not chosen:
        raise SystemExit(f"--only {given.only}: no case has that in its name; there are\n{_listed(cases())}")
    card = device_name(given.dry_run)
    found: list[dict[str, Any]] = []
    for case in chosen:
        peak = in_own_process(case.small() if given.dry_run else case, given.dry_run)
        found += [] if given.dry_run else rows(case, peak, given.accelerator or card)
        print(f"{case.name}: {peak.outcome} {peak.bytes_by_kind}", file=sys.stderr)
    if given.dry_run:
        print(f"{len(chosen)} cases ran on {card}, made small; nothing was measured, and nothing written")
    else:
        print(f"{given.output}: {write_rows(given.output, found)} rows")


def _listed(every: Iterable[Case]) -> str:
    return "\n".join(f"  {case.name}" for case in every)


def in_own_process(case: Case, dry: bool = False) -> Peak:
    """The peak of a case, measured by this script in another process."""
    command = [sys.executable, __file__, "--case", json.dumps(asdict(case)), *["--dry-run"] * dry]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{case.name}: {done.stderr}")
    return Peak(**json.loads(done.stdout.splitlines()[-1]))


def device_name(dry: bool) -> str:
    """The card's name as PyTorch has it. Ends the script, saying why, where there is nothing to measure with."""
    try:
        import torch
    except ImportError as error:
        raise SystemExit(
            f"PyTorch cannot be imported ({error}); install it where this runs: pip install torch"
        ) from None
    if dry:
        return "the CPU"
    if not torch.cuda.is_available():
        raise SystemExit("PyTorch sees no GPU here: nothing can be measured; --dry-run tries the cases on the CPU")
    return str(torch.cuda.get_device_name())


def measure(case: Case, where: str = "cuda") -> Peak:
    """Trains a few steps and reads what they took; on the CPU nothing is read."""
    import torch

    torch.manual_seed(0)
    dtype = torch.bfloat16 if case.weight_dtype == "bf16" else torch.float32
    seconds, trained = 0.0, 0
    try:
        model = _model(case).to(device=where, dtype=dtype)
        trained = sum(each.numel() for each in model.parameters() if each.requires_grad)
        stepped = _stepper(case, model)
        forward = torch.compile(model) if case.compiled else model
        tokens = torch.randint(case.vocab, (case.micro_batch, case.sequence_tokens), device=where)
        for number in range(STEPS):
            began = time.perf_counter()
            for _ in range(case.micro_batches):
                _pass(case, forward, tokens, where)
            stepped()
            if where == "cuda":
                torch.cuda.synchronize()
            seconds += (time.perf_counter() - began) * (number > 0)
    except torch.cuda.OutOfMemoryError:
        return Peak(bytes_by_kind={}, trained=0, tokens_per_s=0.0, outcome="oom")
    tokens_seen = (STEPS - 1) * case.micro_batches * case.micro_batch * case.sequence_tokens
    return Peak(bytes_by_kind=_peaks() if where == "cuda" else {}, trained=trained, tokens_per_s=tokens_seen / seconds)


def _pass(case: Case, forward: Callable[..., Any], tokens: Any, where: str) -> None:
    """One micro-batch, forward and backward; what is kept between may wait on the host."""
    from contextlib import nullcontext

    import torch

    wide = case.weight_dtype == "fp32"
    kept = torch.autograd.graph.save_on_cpu(pin_memory=where == "cuda") if case.offloads_activations else nullcontext()
    with torch.autocast(where, torch.bfloat16, enabled=wide), kept:
        loss = forward(tokens)
    loss.backward()


def _stepper(case: Case, model: Any) -> Callable[[], None]:
    """What ends a step: one for all parameters, or nothing where each steps as its gradient arises."""
    import torch

    def made(parameters: Sequence[Any]) -> Any:
        if case.optimizer == "sgd":
            return torch.optim.SGD(parameters, lr=1e-5)
        if case.optimizer == "adafactor":
            return torch.optim.Adafactor(parameters, lr=1e-5)
        return torch.optim.AdamW(parameters, lr=1e-5, foreach=True)

    trained = [each for each in model.parameters() if each.requires_grad]
    if case.step_in_backward:
        for each in trained:
            own = made([each])

            def use_up(parameter: Any, own: Any = own) -> None:
                own.step()
                parameter.grad = None

            each.register_post_accumulate_grad_hook(use_up)
        return lambda: None
    optimizer = made(trained)

    def step() -> None:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def _peaks() -> dict[str, int]:
    import torch

    found = {
        "allocated": torch.cuda.max_memory_allocated(),
        "reserved": torch.cuda.max_memory_reserved(),
        "unknown": _shown_by_nvidia_smi(str(torch.cuda.get_device_properties().uuid)),
    }
    return {kind: peak for kind, peak in found.items() if peak}


def _shown_by_nvidia_smi(uuid: str) -> int:
    """Bytes that nvidia-smi shows on the card in use; 0 where it cannot be asked."""
    command = ["nvidia-smi", f"--id=GPU-{uuid}", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(shown.splitlines()[0]) * 2**20


def _model(case: Case) -> Any:  # noqa: C901 - four small modules that share what PyTorch brings
    """A Llama-like model in plain PyTorch, written as eager Hugging Face code is."""
    import torch
    from torch import nn
    from torch.nn import functional
    from torch.utils.checkpoint import checkpoint

    width = case.hidden // case.heads

    class Norm(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(case.hidden))

        def forward(self, rows: Any) -> Any:
            wide = rows.float()
            normed = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)
            return self.weight * normed.to(rows.dtype)

    class Linear(nn.Module):  # type: ignore[misc]
        def __init__(self, inputs: int, outputs: int) -> None:
            super().__init__()
            self.base = nn.Linear(inputs, outputs, bias=False)
            self.down: Any = None
            if case.technique == "lora":
                self.down = nn.Linear(inputs, case.lora_rank, bias=False)
                self.up = nn.Linear(case.lora_rank, outputs, bias=False)

        def forward(self, rows: Any) -> Any:
            made = self.base(rows)
            return made if self.down is None else made + self.up(self.down(rows))

    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = Norm(), Norm()
            self.query, self.output = Linear(case.hidden, case.hidden), Linear(case.hidden, case.hidden)
            self.key, self.value = (Linear(case.hidden, case.kv_heads * width) for _ in range(2))
            self.gate, self.up = Linear(case.hidden, case.ffn), Linear(case.hidden, case.ffn)
            self.down = Linear(case.ffn, case.hidden)

        def attend(self, rows: Any) -> Any:
            batch, tokens, _ = rows.shape
            heads = [
                made(rows).view(batch, tokens, -1, width).transpose(1, 2) for made in (self.query, self.key, self.value)
            ]
            query, key, value = (each.repeat_interleave(case.heads // each.shape[1], 1) for each in heads)
            if case.attention == "sdpa":
                answer = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
            else:
                mask = torch.full((tokens, tokens), float("-inf"), device=rows.device).triu(1)
                scores = query @ key.transpose(2, 3) / width**0.5 + mask.to(query.dtype)
                answer = functional.softmax(scores, -1, dtype=torch.float32).to(query.dtype) @ value
            return self.output(answer.transpose(1, 2).reshape(batch, tokens, -1))

        def forward(self, rows: Any) -> Any:
            rows = rows + self.attend(self.first(rows))
            normed = self.second(rows)
            return rows + self.down(functional.silu(self.gate(normed)) * self.up(normed))

    class Model(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(case.vocab, case.hidden)
            self.blocks = nn.ModuleList(Block() for _ in range(case.layers))
            self.norm, self.head = Norm(), nn.Linear(case.hidden, case.vocab, bias=False)

        def forward(self, tokens: Any) -> Any:
            rows = self.embedding(tokens)
            if case.technique == "lora":
                rows.requires_grad_()
            for block in self.blocks:
                rows = checkpoint(block, rows, use_reentrant=False) if case.recompute == "full" else block(rows)
            return self.loss(self.norm(rows)[:, :-1], tokens[:, 1:])

        def loss(self, rows: Any, targets: Any) -> Any:
            parts = 8 if case.chunked_loss else 1
            pairs = zip(rows.chunk(parts, 1), targets.chunk(parts, 1), strict=True)
            cross: Callable[..., Any] = functional.cross_entropy
            sums = [cross(self.head(a).float().flatten(0, 1), b.flatten(), reduction="sum") for a, b in pairs]
            return sum(sums) / targets.numel()

    model = Model()
    if case.technique == "lora":
        for name, each in model.named_parameters():
            each.requires_grad = name.endswith((".down.weight", ".up.weight"))
    return model


if __name__ == "__main__":
    main()
