"""Which layouts are legal in the frameworks?

Rules are sentences with a test; the test serves one layout (to name what a pinned one breaks) and arrays of
them (to enumerate). Degrees are crossed step by step, and illegal rows dropped after each step, so that the
whole product never stands in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from planner.framework import Framework
from planner.layout import AnyLayout, Ints, Layout, LayoutGrid, Mask
from planner.shape import ModelShape
from pricing.records import replace

# The most chunks a stage has in any measured run, and twice the longest measured context-parallel ring.
LARGEST_VIRTUAL = 24
LARGEST_CONTEXT = 16
# The power of two beyond the largest micro-batch of any measured run, 96.
LARGEST_MICRO_BATCH = 128
# The shortest piece of a sequence that any measured context-parallel run gave to a rank.
SHORTEST_CONTEXT_TOKENS = 4096


class Space(Struct, frozen=True, kw_only=True):
    """What layouts are enumerated over: the model, the batch, the node and the user's pins.

    `devices_per_node` counts GPUs or NeuronCores, which a fast link joins. `pins` maps degree names (and
    `micro_batch`, `nodes`) to the one value allowed.
    """

    shape: ModelShape
    sequence_tokens: int
    global_batch: int
    framework: Framework
    devices_per_node: int
    max_nodes: int
    pins: dict[str, int]

    def choices(self, degree: str, values: Sequence[int]) -> Ints:
        """The values of a degree (or `micro_batch`) that the framework and the pins leave."""
        if degree not in {*self.framework.degrees, "micro_batch"}:
            return np.array([1] if self.pins.get(degree, 1) == 1 else [])
        if degree in self.pins:
            return np.array([self.pins[degree]])
        if degree == "tensor" and self.framework.tensor_degrees is not None:
            values = [value for value in values if value in self.framework.tensor_degrees]
        return np.array(values)


class Rule(Struct, frozen=True, kw_only=True):
    """One condition. `says` is what must hold, with one layout's numbers; `holds` tests a layout or arrays of them."""

    says: Callable[[Space, Layout], str]
    holds: Callable[[Space, AnyLayout], Any]


def _heads_divide(space: Space, layout: AnyLayout) -> Any:
    shared = np.equal(np.remainder(space.shape.kv_heads, layout.tensor), 0)
    if space.framework.replicates_kv:
        shared |= np.equal(np.remainder(layout.tensor, space.shape.kv_heads), 0)
    return shared & np.equal(np.remainder(space.shape.heads, layout.tensor), 0)


def _tensor_in_node(space: Space, layout: AnyLayout) -> Any:
    inside = np.equal(np.remainder(space.devices_per_node, layout.tensor), 0)
    if "tensor" not in space.pins:
        return inside
    # Over whole nodes every layer waits for the network: only where the user asks for it.
    return inside | np.equal(np.remainder(layout.tensor, space.devices_per_node), 0)


def _stages_filled(space: Space, layout: AnyLayout) -> Any:
    chunks = layout.pipeline * layout.virtual
    layers = space.shape.layers
    even = np.equal(np.remainder(layers, chunks), 0)
    filled = np.less(-(-layers // chunks) * (chunks - 1), layers)
    return np.where(np.greater(layout.virtual, 1), even, filled)


HEADS_DIVIDE = Rule(
    says=lambda space, layout: (
        f"tensor {layout.tensor} must divide the {space.shape.heads} attention heads, and fit the "
        f"{space.shape.kv_heads} key-value heads"
    ),
    holds=_heads_divide,
)
TENSOR_IN_NODE = Rule(
    says=lambda space, layout: (
        f"tensor {layout.tensor} must divide the {space.devices_per_node} devices that a fast link joins in one node; "
        "pinned, it may also be a multiple of them"
    ),
    holds=_tensor_in_node,
)
STAGES_FILLED = Rule(
    says=lambda space, layout: (
        f"every pipeline stage needs a layer, and interleaved chunks must be equal: {space.shape.layers} layers over "
        f"pipeline {layout.pipeline} x virtual {layout.virtual}"
    ),
    holds=_stages_filled,
)
INTERLEAVING = Rule(
    says=lambda space, layout: (
        f"interleaving (virtual {layout.virtual}) needs a pipeline, and micro-batches in multiples of its stages: "
        f"{layout.micro_batches} for pipeline {layout.pipeline}"
    ),
    holds=lambda space, layout: (
        np.equal(layout.virtual, 1)
        | (np.greater(layout.pipeline, 1) & np.equal(np.remainder(layout.micro_batches, layout.pipeline), 0))
    ),
)
MICRO_BATCHES_FILL = Rule(
    says=lambda space, layout: (
        f"a pipeline needs at least as many micro-batches as stages: a batch of {space.global_batch:,} gives "
        f"{layout.micro_batches} or fewer to pipeline {layout.pipeline}"
    ),
    holds=lambda space, layout: np.greater_equal(layout.micro_batches, layout.pipeline),
)
SEQUENCE_SPLITS = Rule(
    says=lambda space, layout: (
        f"a context rank needs an even number of tokens, {SHORTEST_CONTEXT_TOKENS:,} or more: context "
        f"{layout.context} of {space.sequence_tokens:,}"
    ),
    holds=lambda space, layout: (
        np.equal(layout.context, 1)
        | (
            np.equal(np.remainder(space.sequence_tokens, 2 * layout.context), 0)
            & np.greater_equal(space.sequence_tokens // layout.context, SHORTEST_CONTEXT_TOKENS)
        )
    ),
)
EXPERTS_DIVIDE = Rule(
    says=lambda space, layout: (
        f"expert {layout.expert} must divide the model's experts, of which it has {space.shape.experts}"
    ),
    holds=lambda space, layout: (
        np.equal(layout.expert, 1)
        | (np.equal(np.remainder(space.shape.experts, layout.expert), 0) & np.greater(space.shape.experts, 0))
    ),
)
EXPERT_RANKS = Rule(
    says=lambda space, layout: (
        f"expert {layout.expert} must divide the {layout.data * layout.context} data x context ranks"
    ),
    holds=lambda space, layout: np.equal(np.remainder(layout.data * layout.context, layout.expert), 0),
)
BATCH_DIVIDES = Rule(
    says=lambda space, layout: (
        f"data {layout.data} x micro-batch {layout.micro_batch} must divide the global batch of {space.global_batch:,}"
    ),
    holds=lambda space, layout: np.equal(np.remainder(space.global_batch, layout.data * layout.micro_batch), 0),
)
BATCH_ADDS_UP = Rule(
    says=lambda space, layout: (
        f"data {layout.data} x micro-batch {layout.micro_batch} x {layout.micro_batches} micro-batches must be the "
        f"global batch of {space.global_batch:,}"
    ),
    holds=lambda space, layout: np.equal(layout.data * layout.micro_batch * layout.micro_batches, space.global_batch),
)
NODES_FILLED = Rule(
    says=lambda space, layout: (
        f"the degrees multiply to {layout.devices} devices, which must fill whole nodes of {space.devices_per_node}, "
        f"{space.max_nodes} at most"
    ),
    holds=lambda space, layout: (
        np.equal(np.remainder(layout.devices, space.devices_per_node), 0)
        & np.less_equal(layout.devices, space.devices_per_node * space.max_nodes)
    ),
)
RULES = (
    HEADS_DIVIDE,
    TENSOR_IN_NODE,
    STAGES_FILLED,
    INTERLEAVING,
    MICRO_BATCHES_FILL,
    SEQUENCE_SPLITS,
    EXPERTS_DIVIDE,
    EXPERT_RANKS,
    BATCH_ADDS_UP,
    NODES_FILLED,
)
# Those that depend on how many devices a node has.
_RULES_OF_NODES = (TENSOR_IN_NODE, NODES_FILLED)


NODES_DIVIDE = Rule(
    says=lambda space, layout: (
        f"the pinned degrees multiply to {layout.devices} devices, which must {_filling(space)} the devices of "
        f"{_allowed(space)} with {space.devices_per_node} each"
    ),
    holds=lambda space, layout: any(_fills(space, layout, nodes) for nodes in _nodes(space)),
)
"""Of a layout whose free degrees count as 1; not for arrays."""


def _fills(space: Space, layout: AnyLayout, nodes: int) -> bool:
    devices = nodes * space.devices_per_node
    return bool(devices % layout.devices == 0 if _free(space) else devices == layout.devices)


def _free(space: Space) -> bool:
    """Whether a degree that multiplies to the devices is left to the search."""
    return bool({"tensor", "pipeline", "context", "data"} - space.pins.keys())


def _filling(space: Space) -> str:
    return "divide" if _free(space) else "be"


def _allowed(space: Space) -> str:
    if "nodes" in space.pins:
        return f"{space.pins['nodes']} nodes"
    return f"1 to {space.max_nodes} nodes" if space.max_nodes > 1 else "one node"


def broken_rules(space: Space, layout: Layout, rules: Sequence[Rule] = RULES) -> tuple[Rule, ...]:
    """Which of the rules a layout breaks; none of all where it is legal."""
    return tuple(rule for rule in rules if not bool(rule.holds(space, layout)))


def legal_layouts(space: Space) -> LayoutGrid:
    """Every legal layout of the space within the pins."""
    return layouts_by_node(space, (space.devices_per_node,))[0]


def layouts_by_node(space: Space, sizes: Iterable[int]) -> tuple[LayoutGrid, dict[int, Mask]]:
    """Every layout that is legal on nodes of one of the sizes, each once, and which of them are legal on each size.

    Sizes are devices per node, and stand in the place of the space's own.
    """
    spaces = {size: replace(space, devices_per_node=size) for size in sorted(set(sizes))}
    rows = cross({}, "tensor", space.choices("tensor", sorted({each for size in spaces for each in divisors(size)})))
    rows = keep(space, rows, (HEADS_DIVIDE,))
    rows = cross(rows, "pipeline", space.choices("pipeline", _stage_counts(space.shape.layers)))
    rows = cross(rows, "virtual", space.choices("virtual", range(1, LARGEST_VIRTUAL + 1)))
    rows = keep(space, rows, (STAGES_FILLED,))
    rows = cross(rows, "context", space.choices("context", range(1, LARGEST_CONTEXT + 1)))
    rows = keep(space, rows, (SEQUENCE_SPLITS,))
    rows = cross(rows, "devices", np.array(sorted({size * nodes for size in spaces for nodes in _nodes(space)})))
    rows = _with_data(space, rows)
    rows = cross(rows, "expert", space.choices("expert", divisors(max(space.shape.experts, 1))))
    sizes_of_batch = [size for size in divisors(space.global_batch) if size <= LARGEST_MICRO_BATCH]
    rows = cross(rows, "micro_batch", space.choices("micro_batch", sizes_of_batch))
    rows["micro_batches"] = space.global_batch // np.maximum(rows["data"] * rows["micro_batch"], 1)
    rows = keep(space, rows, [rule for rule in RULES if rule not in _RULES_OF_NODES])
    grid = LayoutGrid.of(rows)
    on = {size: _fits_nodes(own, grid) for size, own in spaces.items()}
    somewhere = np.any([*on.values(), np.zeros(len(grid), dtype=bool)], axis=0)
    return grid.take(somewhere), {size: mask[somewhere] for size, mask in on.items()}


def _fits_nodes(space: Space, grid: LayoutGrid) -> Mask:
    """Which layouts fill nodes of the space's size, and as many as are pinned."""
    nodes = grid.devices // space.devices_per_node
    return _all_hold(space, grid, _RULES_OF_NODES) & np.equal(nodes, space.pins.get("nodes", nodes))


def _nodes(space: Space) -> list[int]:
    if "nodes" in space.pins:
        return [space.pins["nodes"]] if space.pins["nodes"] <= space.max_nodes else []
    return list(range(1, space.max_nodes + 1))


def _with_data(space: Space, rows: dict[str, Ints]) -> dict[str, Ints]:
    """Adds the data degree that fills the devices, and drops rows where none does."""
    others = rows["tensor"] * rows["pipeline"] * rows["context"]
    data = rows["devices"] // others
    fits = (data * others == rows["devices"]) & (data > 0)
    fits &= np.equal(np.remainder(space.global_batch, np.maximum(data, 1)), 0)
    if "data" in space.pins:
        fits &= data == space.pins["data"]
    return {name: values[fits] for name, values in {**rows, "data": data}.items()}


def cross(rows: dict[str, Ints], name: str, values: Ints) -> dict[str, Ints]:
    """Every row with every value of one more column."""
    if not rows:
        return {name: values.astype(np.int64)}
    count = len(next(iter(rows.values())))
    crossed = {column: np.repeat(old, len(values)) for column, old in rows.items()}
    return crossed | {name: np.tile(values.astype(np.int64), count)}


def keep(space: Space, rows: dict[str, Ints], rules: Sequence[Rule]) -> dict[str, Ints]:
    """The rows that keep the rules; columns not yet crossed count as 1."""
    kept = _all_hold(space, LayoutGrid.of(rows), rules)
    return {name: values[kept] for name, values in rows.items()}


def _all_hold(space: Space, grid: LayoutGrid, rules: Sequence[Rule]) -> Mask:
    kept = np.ones(len(grid), dtype=bool)
    for rule in rules:
        kept &= rule.holds(space, grid)
    return kept


def divisors(number: int) -> list[int]:
    """Divisors of a number, ascending."""
    return [value for value in range(1, number + 1) if number % value == 0]


def powers(largest: int) -> list[int]:
    """Powers of two up to `largest`."""
    return [2**power for power in range(largest.bit_length())]


def _stage_counts(layers: int) -> list[int]:
    """The fewest stages for every depth that a stage can have; more stages of the same depth only idle."""
    depths = {-(-layers // stages) for stages in range(1, layers + 1)}
    return sorted(-(-layers // depth) for depth in depths)
