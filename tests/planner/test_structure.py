"""Does the module that places residues hold what its points, pairs and rows add up to?"""

from __future__ import annotations

import pytest

from planner.framework import load_frameworks
from planner.layout import Layout
from planner.memory import training_memory
from planner.models import load_preset
from planner.resident import Stage
from planner.serving_memory import OUTER_BYTES
from planner.structure import StructureModule
from pricing.records import replace
from tests.planner.builders import BARE, recipe, terms

# One iteration, two heads of 3 with one query and one value point, rows 4 wide, pairs 5 wide.
TINY = StructureModule(iterations=1, width=4, pair_width=5, heads=2, head_width=3, query_points=1, value_points=1)


def test_a_tiny_module_adds_up_on_paper() -> None:
    """Differences and squares in float32, probabilities, pairs and their norm; scalars, points, answers and rows."""
    met = 10 * (4 * (3 + 1) * 2 + 2 * 2)
    pairs = 2 * 10 * 5 * 2
    own = 2 * (3 * 2 * 3 + 2 * (3 + 5 + 4) + 12 * 4) + 4 * 2 * 3 * 3
    assert TINY.kept_bytes(10, 2) == met + pairs + own


def test_iterations_keep_everything_but_the_pairs_again() -> None:
    """Eight iterations keep eight times as much, and the normed pairs once."""
    pairs = 2 * 100 * 5 * 2
    eight = replace(TINY, iterations=8)
    assert eight.kept_bytes(100, 2) - pairs == 8 * (TINY.kept_bytes(100, 2) - pairs)


def test_alphafolds_points_outweigh_its_pairs() -> None:
    """OpenFold's module keeps 768 bytes of points for every two residues and iteration, against 256 of a pair."""
    module = load_preset("alphafold2").structure
    assert module
    steps = [module.kept_bytes(residues, 2) for residues in (256, 512)]
    per_pair = (steps[1] - steps[0]) / 256
    assert per_pair == 8 * (4 * 4 * 12 * 4 + 2 * 12) + 2 * 2 * 128


def test_structure_stands_where_other_models_have_logits() -> None:
    """Under full recompute the module is done before a block is computed again: the larger of the two counts."""
    shape, framework = load_preset("alphafold2-initial"), load_frameworks()["torchtitan"]
    assert shape.structure
    for name, residues in (("none", 128), ("full", 128)):
        made = recipe("bf16", "adamw", "fsdp", f"recompute-{name}", of="torchtitan")
        need = terms(training_memory(shape, made, Layout(), residues, framework, BARE)[Stage.LAST])
        kept = residues * shape.structure.kept_bytes(residues, 2)
        assert need["logits_and_loss"] in (pytest.approx(kept, rel=0.05), 0)
        assert (need["logits_and_loss"] == 0) == (need["recomputed_block"] > 0)


def test_predicting_places_residues_with_less_than_the_stacks_need() -> None:
    """One iteration without gradients takes less than the heaviest block over the pairs did before it."""
    shape = load_preset("alphafold2")
    trunk = max(run.evoformer.served_elements(2000, 128) for run in shape.blocks if run.evoformer)
    assert shape.structure
    assert shape.structure.served_bytes(2000, OUTER_BYTES) < OUTER_BYTES * trunk
