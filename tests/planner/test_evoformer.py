"""Does a block over an alignment and pairs count what AlphaFold 2 holds and computes?"""

from __future__ import annotations

import pytest

from planner.evoformer import Evoformer
from pricing.records import replace

BLOCK = Evoformer(
    rows=512,
    msa_width=256,
    msa_heads=8,
    msa_head_width=32,
    pair_width=128,
    pair_heads=4,
    pair_head_width=32,
    triangle_width=128,
    product_width=32,
)
EXTRA = replace(BLOCK, rows=5120, msa_width=64, msa_head_width=8, global_columns=True)


def test_parameters_are_those_of_openfold() -> None:
    """Counted from OpenFold's modules: an Evoformer block, and one of the extra MSA stack."""
    assert BLOCK.parameters == 1_829_952
    assert EXTRA.parameters == 701_312


def test_what_is_handed_on_are_both_representations() -> None:
    """A residue has its column of the alignment, 256 wide, and its row of pairs, 128 wide."""
    assert BLOCK.input_elements(384) == 512 * 256 + 384 * 128


@pytest.mark.parametrize("block", [BLOCK, EXTRA])
def test_pairs_grow_with_the_square_and_triangles_with_the_cube(block: Evoformer) -> None:
    """All residues of long chains together need cubes of memory and work, by triangle attention's probabilities."""
    kept = [residues * block.kept_elements(residues) for residues in (20_000, 40_000)]
    work = [residues * block.flop(residues) for residues in (20_000, 40_000)]
    assert kept[1] / kept[0] == pytest.approx(8, rel=0.15)
    assert work[1] / work[0] == pytest.approx(8, rel=0.25)
    shallow = replace(block, rows=1)
    assert 100 * shallow.input_elements(10_000) == pytest.approx(100 * 10_000 * 128, rel=0.001)


def test_triangle_probabilities_are_the_cube() -> None:
    """Two triangle attentions keep a probability per head, pair and third residue."""
    steps = [BLOCK.kept_elements(residues) for residues in (1000, 2000, 3000)]
    assert steps[2] - 2 * steps[1] + steps[0] == 2 * 4 * 2 * 1000**2


def test_prediction_takes_pieces() -> None:
    """Without a backward pass only some rows' probabilities stand at once, so that much longer chains fit."""
    assert BLOCK.served_elements(2000, 128) < BLOCK.kept_elements(2000) / 10
    assert BLOCK.served_elements(2000, 4) < BLOCK.served_elements(2000, 512)
    assert BLOCK.served_elements(100, 128) == BLOCK.served_elements(100, 100)


def test_work_is_products_and_meetings() -> None:
    """Products multiply each element of the alignment and each pair by its weights; the rest is attention."""
    products = 2 * (512 * BLOCK.msa_matrices + 384 * BLOCK.pair_matrices)
    assert BLOCK.flop(384) - BLOCK.attention_flop(384) == pytest.approx(products)
    rows_and_columns = 4 * 512 * (384 + 512) * 256
    outer = 2 * 384 * 512 * 32**2
    updates = 2 * 384 * 2 * 384 * 128
    triangles = 2 * 384 * 4 * 384 * 128
    assert BLOCK.attention_flop(384) == pytest.approx(rows_and_columns + outer + updates + triangles)
