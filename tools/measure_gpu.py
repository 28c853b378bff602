"""Measures what published runs do not say: peak memory of small models across techniques, on this machine's GPU.

    python -m tools.measure_gpu -o mine.csv               # every case that the card holds
    python -m tools.measure_gpu -o mine.csv --only lora   # those whose name has the word
    python -m tools.measure_gpu --dry-run                 # every case, made small, on the CPU: measures nothing
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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.gpu_cases import Case, cases
from tools.gpu_model import model_of

ROOT = Path(__file__).parents[1]
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
class Peak:
    """What a case took. Bytes by kind of memory, trained parameters, tokens a second; or that it ran out of memory."""

    bytes_by_kind: dict[str, int]
    trained: int
    tokens_per_s: float
    outcome: str = "ran"


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
    """The peak of a case, measured by this module in another process."""
    command = [sys.executable, "-m", "tools.measure_gpu", "--case", json.dumps(asdict(case)), *["--dry-run"] * dry]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
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
        model = model_of(case).to(device=where, dtype=dtype)
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


if __name__ == "__main__":
    main()
