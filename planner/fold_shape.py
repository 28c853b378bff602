"""Which few numbers describe a model that folds proteins as AlphaFold 2 does?

Jumper et al. 2021, supplementary methods, table 4 and algorithms 2 and 20. A token is a residue. The embedders and
the template stack are counted but not followed: their activations are small beside those of the two stacks.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from planner.evoformer import Evoformer
from planner.shape import NO_ATTENTION, NO_MLP, Blocks, ModelShape
from planner.structure import StructureModule

# Classes of the masked alignment that are predicted: 20 amino acids, unknown, gap and mask.
_CLASSES = 23

Count = Annotated[int, Field(ge=1, le=10**9)]


class FoldShape(BaseModel):
    """An Evoformer after a stack over the extra alignment."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    context_tokens: Count
    evoformer_layers: Count
    evoformer_rows: Count
    extra_layers: Count
    extra_rows: Count
    msa_width: Count
    msa_heads: Count
    msa_head_width: Count
    extra_width: Count
    extra_head_width: Count
    pair_width: Count
    pair_heads: Count
    pair_head_width: Count
    triangle_width: Count
    product_width: Count
    structure_iterations: Count
    structure_width: Count
    structure_heads: Count
    structure_head_width: Count
    query_points: Count
    value_points: Count
    other_parameters: Count

    def to_shape(self, name: str, notes: tuple[str, ...] = ()) -> ModelShape:
        """The shape under the name that reports show."""
        # The table of the masked alignment's classes and their head are part of the other parameters.
        ends = 2 * self.msa_width * _CLASSES + _CLASSES
        return ModelShape(
            name=name,
            hidden=self.msa_width,
            vocab=_CLASSES,
            blocks=(
                self._run(self.extra_layers, self.extra_rows, self.extra_width, self.extra_head_width, True),
                self._run(self.evoformer_layers, self.evoformer_rows, self.msa_width, self.msa_head_width, False),
            ),
            context_tokens=self.context_tokens,
            head_bias=True,
            final_norm=False,
            other_parameters=self.other_parameters - ends,
            structure=self._structure(),
            notes=notes,
        )

    def _structure(self) -> StructureModule:
        return StructureModule(
            iterations=self.structure_iterations,
            width=self.structure_width,
            pair_width=self.pair_width,
            heads=self.structure_heads,
            head_width=self.structure_head_width,
            query_points=self.query_points,
            value_points=self.value_points,
        )

    def _run(self, count: int, rows: int, width: int, head_width: int, extra: bool) -> Blocks:
        evoformer = Evoformer(
            rows=rows,
            msa_width=width,
            msa_heads=self.msa_heads,
            msa_head_width=head_width,
            pair_width=self.pair_width,
            pair_heads=self.pair_heads,
            pair_head_width=self.pair_head_width,
            triangle_width=self.triangle_width,
            product_width=self.product_width,
            global_columns=extra,
        )
        return Blocks(count=count, attention=NO_ATTENTION, mlp=NO_MLP, norms=0, evoformer=evoformer)
