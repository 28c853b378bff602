"""Which layouts may a replica that serves have?

Tensor ranks stay in a node, stages may cross the network. A mixture of experts may also have data ranks (data-parallel
attention) in one stage, and its experts whole on ranks of their own (planner.expert_ranks), as far as the engine offers
it. A replica stays inside a node, or fills whole nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from planner.layout import AnyLayout, LayoutGrid
from planner.legal import EXPERTS_DIVIDE, HEADS_DIVIDE, Rule, Space, cross, divisors, keep
from planner.shape import ModelShape
from pricing.records import replace

# A replica over more nodes than this answers slower with every hop and is dearer than quantizing.
LARGEST_PIPELINE = 16
LARGEST_DATA_NODES = 16
# Scales of 8-bit blocks are for 128 weights each way (arXiv 2412.19437, section 3.3.2), and tiles as wide.
NARROWEST_SLICE = 128


def _sliced(space: Space, layout: AnyLayout) -> Any:
    width = _expert_width(space.shape) * layout.expert / (layout.tensor * layout.data)
    return np.equal(layout.data, 1) | np.greater_equal(width, NARROWEST_SLICE)


def _spread(space: Space, layout: AnyLayout) -> Any:
    ranks = layout.tensor * layout.data
    whole = np.equal(layout.expert, ranks)
    if not space.framework.spreads_all_experts:
        whole |= np.equal(np.remainder(ranks, layout.expert), 0)
    return np.equal(layout.expert, 1) | whole


DATA_HAS_EXPERTS = Rule(
    says=lambda space, layout: (
        f"data {layout.data} shares experts, and {space.shape.name} has none: its data ranks are replicas of their own"
    ),
    holds=lambda space, layout: np.equal(layout.data, 1) | (space.shape.experts > 0),
)
DATA_UNPIPED = Rule(
    says=lambda space, layout: f"data {layout.data} is of one stage, and pipeline {layout.pipeline} has more",
    holds=lambda space, layout: np.equal(layout.data, 1) | np.equal(layout.pipeline, 1),
)
DATA_OVER_ALL = Rule(
    says=lambda space, layout: (
        f"{space.framework.title} has attention's data ranks on all devices or on none: tensor {layout.tensor} must be "
        f"1 with data {layout.data}"
    ),
    holds=lambda space, layout: (
        np.equal(layout.data, 1) | np.equal(layout.tensor, 1) | (not space.framework.data_over_all)
    ),
)
EXPERTS_SPREAD = Rule(
    says=lambda space, layout: (
        f"expert {layout.expert} must be 1 or {'all' if space.framework.spreads_all_experts else 'divide'} the "
        f"{layout.tensor * layout.data} tensor x data ranks of {space.framework.title}"
    ),
    holds=_spread,
)
# Degrees that are left to the search may still make up the ranks.
_PINNED_SPREAD = replace(
    EXPERTS_SPREAD,
    holds=lambda space, layout: not {"tensor", "data"} <= space.pins.keys() or _spread(space, layout),
)
EXPERTS_SLICED = Rule(
    says=lambda space, layout: (
        f"slices of an expert, {_expert_width(space.shape):,} wide, must have {NARROWEST_SLICE} or more: tensor "
        f"{layout.tensor} x data {layout.data} / expert {layout.expert} are too many"
    ),
    holds=_sliced,
)
_RULES = (EXPERTS_DIVIDE, DATA_HAS_EXPERTS, DATA_UNPIPED, DATA_OVER_ALL, EXPERTS_SPREAD, EXPERTS_SLICED)
SERVING_RULES = (DATA_HAS_EXPERTS, DATA_UNPIPED, DATA_OVER_ALL, _PINNED_SPREAD)
"""Those that pinned degrees break or keep whatever the free ones are."""


def serving_layouts(space: Space, in_flight: Sequence[int]) -> LayoutGrid:
    """Every layout of a replica, with each of so many requests in flight on every data rank."""
    rows = cross({}, "tensor", space.choices("tensor", divisors(space.devices_per_node)))
    rows = keep(space, rows, (HEADS_DIVIDE,))
    stages = range(1, min(LARGEST_PIPELINE, space.shape.layers) + 1)
    rows = cross(rows, "pipeline", space.choices("pipeline", stages))
    experts = divisors(max(space.shape.experts, 1))
    rows = cross(rows, "data", space.choices("data", experts))
    rows = _on_whole_nodes(space, rows)
    rows = cross(rows, "expert", space.choices("expert", experts))
    rows = keep(space, rows, _RULES)
    rows = cross(rows, "micro_batch", space.choices("micro_batch", in_flight))
    if "micro_batch" not in space.pins:
        rows["micro_batch"] = rows["micro_batch"] * rows["data"]
    # A data rank without a request would only be waited for.
    kept = rows["micro_batch"] >= rows["data"]
    return LayoutGrid.of({name: values[kept] for name, values in rows.items()})


def _on_whole_nodes(space: Space, rows: dict[str, Any]) -> dict[str, Any]:
    """The rows that stay inside a node or fill whole ones, with each tensor rank of a data rank in one."""
    node, most = space.devices_per_node, space.max_nodes
    devices = rows["tensor"] * rows["pipeline"] * rows["data"]
    kept = ((devices <= node) | (devices % node == 0)) & (devices <= node * most)
    kept &= (rows["data"] == 1) | (devices <= node * LARGEST_DATA_NODES)
    return {name: values[kept] for name, values in rows.items()}


def _expert_width(shape: ModelShape) -> int:
    """Inner width of the narrowest routed expert; 0 without any."""
    return min((run.mlp.ffn for run in shape.blocks if run.mlp.experts), default=0)
