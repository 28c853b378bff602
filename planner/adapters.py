"""How many parameters are trained on a frozen block?"""

from __future__ import annotations

from planner.recipe import Adapter, AdapterKind, AdapterTargets
from planner.shape import Attention, Blocks

_QUERY = frozenset(AdapterTargets) - {AdapterTargets.MLP}
_KEY = _QUERY - {AdapterTargets.QUERY_VALUE, AdapterTargets.QUERY_VALUE_OUTPUT_MLP}
_OUTPUT = frozenset({AdapterTargets.ALL_LINEAR, AdapterTargets.ATTENTION, AdapterTargets.QUERY_VALUE_OUTPUT_MLP})
_MLP = frozenset(
    {
        AdapterTargets.ALL_LINEAR,
        AdapterTargets.MLP,
        AdapterTargets.QUERY_KEY_VALUE_MLP,
        AdapterTargets.QUERY_VALUE_OUTPUT_MLP,
    }
)


def matrices(run: Blocks, hidden: int) -> list[tuple[int, int, int]]:
    """How many weight matrices of which inputs and outputs a block has, but for a router."""
    return adapted_matrices(run, hidden, AdapterTargets.ALL_LINEAR)


def adapter_parameters(run: Blocks, hidden: int, adapter: Adapter | None) -> int:
    """Trained parameters of one block beside the frozen ones, by kind; papers in planner.recipe."""
    if adapter is None:
        return 0
    mlp, attentions = run.mlp, _attentions(run)
    adapted = adapted_matrices(run, hidden, adapter.targets)
    if adapter.kind is AdapterKind.LOW_RANK:
        return adapter.rank * sum(count * (inputs + outputs) for count, inputs, outputs in adapted)
    if adapter.kind is AdapterKind.DORA:
        return sum(count * (adapter.rank * (inputs + outputs) + outputs) for count, inputs, outputs in adapted)
    if adapter.kind is AdapterKind.BOTTLENECK:
        return 2 * (2 * hidden * adapter.rank + adapter.rank + hidden)
    if adapter.kind is AdapterKind.PREFIX:
        return adapter.tokens * sum(
            each.kv_width + each.value_width * each.kv_heads // each.heads for each in attentions
        )
    if adapter.kind is AdapterKind.SCALE:
        scaled = sum(2 * each.kv_width for each in attentions)
        return scaled + mlp.ffn * max(mlp.experts, 1) + mlp.shared_ffn
    if adapter.kind is AdapterKind.BIAS:
        return sum(count * outputs for count, _, outputs in adapted) + run.norms * hidden
    if adapter.kind is AdapterKind.GROUP_SCALE:
        return sum(count * inputs * outputs for count, inputs, outputs in adapted) // adapter.group
    return 0


def adapted_matrices(run: Blocks, hidden: int, targets: AdapterTargets) -> list[tuple[int, int, int]]:
    """How many matrices of which inputs and outputs are adapted (arXiv 2106.09685, section 4.1).

    PEFT adapts matrices by their names, so that cross-attention's have adapters where self-attention's do; products of
    a recurrence have names of their own, which all-linear alone means.
    """
    mlp = run.mlp
    found = []
    for attention in _attentions(run):
        if targets in _QUERY:
            found += [(1, hidden, attention.query_width), (2 if targets in _KEY else 1, hidden, attention.kv_width)]
        if targets in _OUTPUT:
            found += [(1, attention.value_width, hidden)]
    if targets in _MLP:
        for copies, width in ((max(mlp.experts, 1), mlp.ffn), (1, mlp.shared_ffn)):
            # Gate and up, or up alone; then down.
            found += [(copies * (mlp.matrices - 1), hidden, width), (copies, width, hidden)] * bool(width)
    if targets is AdapterTargets.ALL_LINEAR and run.recurrence:
        found += [(1, inputs, outputs) for inputs, outputs in run.recurrence.products]
    return found


def _attentions(run: Blocks) -> tuple[Attention, ...]:
    """Self- and cross-attention, as far as the block has them."""
    return tuple(each for each in (run.attention, run.cross) if each and each.heads)
