"""What does a module that places residues in space hold while it is trained, and while it predicts?

AlphaFold 2's structure module (Jumper et al. 2021, supplementary methods, algorithms 20 to 22): the same weights a few
times over, each time attention whose scores are distances between points of every two residues. It comes after all
blocks and is not computed again in the backward pass (OpenFold checkpoints its stacks alone), so that it stands where
other models have logits.
"""

from __future__ import annotations

from msgspec import Struct

# Points lie in space, and are kept in float32 whatever the rest is.
DIMENSIONS = 3
POINT_BYTES = 4
# Per element of the single representation: two norms with input and output, attention's and the transition's sums, and
# three dense layers of the transition with their activations.
SINGLE_ROWS = 2 * 2 + 2 + 2 * 3


class StructureModule(Struct, frozen=True, kw_only=True):
    """`iterations` of one layer. Widths are elements of a row, points are per head and residue."""

    iterations: int
    width: int
    pair_width: int
    heads: int
    head_width: int
    query_points: int
    value_points: int

    def kept_bytes(self, residues: int, element_bytes: float) -> float:
        """Bytes that one residue of a chain leaves until the backward pass, over all iterations.

        For each other residue: differences of points and their weighed squares, probabilities, and once the normed
        pair with what it was made from. For itself: queries, keys, values and points, answers of three kinds (of
        values, of pairs, of points), and the single representation's rows.
        """
        met = self._point_bytes(residues) + self.heads * residues * element_bytes
        scalars = 3 * self.heads * self.head_width
        points = self.heads * DIMENSIONS * (2 * self.query_points + self.value_points)
        answers = self.heads * (self.head_width + self.pair_width + (DIMENSIONS + 1) * self.value_points)
        own = (scalars + answers + SINGLE_ROWS * self.width) * element_bytes + points * POINT_BYTES
        return self.iterations * (met + own) + 2 * residues * self.pair_width * element_bytes

    def served_bytes(self, residues: int, element_bytes: float) -> float:
        """Bytes that one residue of a chain needs at the peak of a prediction: pairs, their norm, one iteration."""
        probabilities = 2 * self.heads * residues * element_bytes
        return self._point_bytes(residues) + probabilities + 2 * residues * self.pair_width * element_bytes

    def _point_bytes(self, residues: int) -> float:
        """Differences between a residue's query points and all others, and their squares summed over dimensions."""
        return POINT_BYTES * (DIMENSIONS + 1) * self.heads * self.query_points * residues
