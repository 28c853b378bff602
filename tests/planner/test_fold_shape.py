"""Is AlphaFold 2 described as its makers describe it?"""

from __future__ import annotations

from planner.models import load_preset


def test_blocks_are_the_extra_stack_and_the_evoformer() -> None:
    """Four blocks read the extra alignment, 48 the clusters; neither has a plain attention or MLP."""
    shape = load_preset("alphafold2")
    depths = [(run.count, run.evoformer.rows) for run in shape.blocks if run.evoformer]
    assert depths == [(4, 5120), (48, 512)]
    assert all(run.attention.heads == run.mlp.ffn == 0 for run in shape.blocks)


def test_training_stages_differ_in_depth_alone() -> None:
    """The first stage of training sees a quarter of the clusters, the same weights."""
    first, last = load_preset("alphafold2-initial"), load_preset("alphafold2")
    assert first.parameters == last.parameters == 93_229_082
    assert [run.evoformer.rows for run in first.blocks if run.evoformer] == [1024, 128]


def test_nothing_is_split_or_cached() -> None:
    """Tensor parallelism has no heads to cut, and no token leaves a cache behind."""
    shape = load_preset("alphafold2")
    assert (shape.heads, shape.kv_heads, shape.cache_width_per_token) == (1, 1, 0)
