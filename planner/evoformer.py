"""What does a block over an alignment and over pairs of residues hold and compute?

The Evoformer of AlphaFold 2 (Jumper et al. 2021, supplementary methods 1.6; the extra MSA stack, 1.7.2). A token
is a residue: it has a column of the alignment, `rows` deep, and a row of the pairs, as long as the sequence. So
all it leaves behind grows with the sequence.
"""

from __future__ import annotations

from msgspec import Struct

# Both transitions are four times as wide as what they transform (algorithms 9 and 15).
TRANSITION = 4


class Evoformer(Struct, frozen=True, kw_only=True):
    """One block. Widths are elements of a row, `heads` are those of the MSA and of the pairs.

    `triangle_width` is the inner width of triangle updates, `product_width` of the outer product mean.
    `global_columns` says that columns share their keys and values (the extra MSA stack, algorithm 19).
    """

    rows: int
    msa_width: int
    msa_heads: int
    msa_head_width: int
    pair_width: int
    pair_heads: int
    pair_head_width: int
    triangle_width: int
    product_width: int
    global_columns: bool = False

    @property
    def _msa_inner(self) -> int:
        return self.msa_heads * self.msa_head_width

    @property
    def _pair_inner(self) -> int:
        return self.pair_heads * self.pair_head_width

    @property
    def msa_matrices(self) -> int:
        """Weights that multiply each element of the alignment."""
        rows = 5 * self.msa_width * self._msa_inner
        keys = self.msa_head_width if self.global_columns else self._msa_inner
        columns = self.msa_width * (3 * self._msa_inner + 2 * keys)
        return rows + columns + 2 * TRANSITION * self.msa_width**2 + 2 * self.msa_width * self.product_width

    @property
    def pair_matrices(self) -> int:
        """Weights that multiply each pair, the outer product's way to it among them."""
        product = self.product_width**2 * self.pair_width
        updates = 2 * (4 * self.pair_width * self.triangle_width + self.pair_width**2)
        updates += 2 * self.triangle_width * self.pair_width
        attention = 2 * (5 * self.pair_width * self._pair_inner + self.pair_width * self.pair_heads)
        biases = self.pair_width * self.msa_heads
        return product + updates + attention + biases + 2 * TRANSITION * self.pair_width**2

    @property
    def parameters(self) -> int:
        """All weights of the block, biases and norms included (algorithms 6 to 15)."""
        msa, pair = self.msa_width, self.pair_width
        # Two attentions with norm, gate's bias and output's; norms of the pair bias, transition and product.
        biases = 2 * (2 * msa + self._msa_inner + msa) + 2 * pair
        biases += 2 * msa + TRANSITION * msa + msa + 2 * msa + 2 * self.product_width + pair
        # Two triangle updates, two triangle attentions, one transition.
        biases += 2 * (2 * pair + 4 * self.triangle_width + pair + 2 * self.triangle_width + pair)
        biases += 2 * (2 * pair + self._pair_inner + pair) + 2 * pair + TRANSITION * pair + pair
        return self.msa_matrices + self.pair_matrices + biases

    def flop(self, residues: int) -> float:
        """Forward FLOP of one residue in a sequence of `residues`: products, attention and triangles."""
        products = 2.0 * (self.rows * self.msa_matrices + residues * self.pair_matrices)
        return products + self.attention_flop(residues)

    def attention_flop(self, residues: int) -> float:
        """Forward FLOP of one residue where elements meet each other, by all of a row, column or triangle."""
        keys = residues + (1 if self.global_columns else self.rows)
        alignment = 4.0 * self.rows * keys * self._msa_inner
        outer = 2.0 * residues * self.rows * self.product_width**2
        triangles = 2 * residues * (2.0 * residues * self.triangle_width + 4.0 * residues * self._pair_inner)
        return alignment + outer + triangles

    def input_elements(self, residues: int) -> int:
        """Elements that one residue hands from block to block: all that is kept where a block is recomputed."""
        return self.rows * self.msa_width + residues * self.pair_width

    def kept_elements(self, residues: int) -> int:
        """Elements that one residue leaves in a block until its backward pass.

        Attention keeps its probabilities, since the bias from the pairs rules plain flash attention out; the
        products keep their inputs.
        """
        # Per attention: norm, query, key, value, gate, output before and after the gate, residual sum.
        alignment = 2 * (2 * self.msa_width + 6 * self._msa_inner)
        alignment += (2 + 2 * TRANSITION) * self.msa_width + self.msa_width + 2 * self.product_width
        columns = 1 if self.global_columns else self.rows
        alignment += self.msa_heads * (residues + columns)
        # Per triangle update: norm, two gated pairs of projections, product, its norm, gate, sum.
        pair = 2 * (3 * self.pair_width + 8 * self.triangle_width)
        pair += 2 * (2 * self.pair_width + 6 * self._pair_inner + self.pair_heads * residues)
        pair += (2 + 2 * TRANSITION) * self.pair_width + self.product_width**2
        return self.rows * alignment + residues * pair

    def served_elements(self, residues: int, chunk_rows: int) -> int:
        """Elements that one residue needs at the peak of a forward pass alone.

        Both representations, the heaviest update's copies of the pairs (norm, two gated projections each of two
        factors, product), and the probabilities of `chunk_rows` rows at a time (OpenFold's chunk_size).
        """
        update = residues * (self.pair_width + 4 * self.triangle_width)
        probabilities = 2 * min(chunk_rows, residues) * self.pair_heads * residues
        return self.input_elements(residues) + max(update, probabilities + residues * 5 * self._pair_inner)
