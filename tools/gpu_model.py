"""What does tools/measure_gpu.py train?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tools.gpu_cases import Case


def model_of(case: Case) -> Any:  # noqa: C901 - four small modules that share what PyTorch brings
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
