"""How is the work spread over devices?

Degrees multiply to the devices: tensor x pipeline x context x data. Expert parallelism lives inside
context x data, as in Megatron-Core, so it is no further factor. `virtual` is the number of model chunks that
each pipeline stage holds (interleaved 1F1B, Narayanan et al. 2021, arXiv 2104.04473, section 2.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from msgspec.structs import asdict

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Ints: TypeAlias = "NDArray[np.int64]"
Mask: TypeAlias = "NDArray[np.bool_]"


class Layout(Struct, frozen=True, kw_only=True):
    """One layout. `micro_batch` is sequences per device and pass; `micro_batches` passes per step."""

    tensor: int = 1
    pipeline: int = 1
    virtual: int = 1
    context: int = 1
    expert: int = 1
    data: int = 1
    micro_batch: int = 1
    micro_batches: int = 1

    @property
    def devices(self) -> int:
        """Devices the layout occupies."""
        return self.tensor * self.pipeline * self.context * self.data

    @property
    def global_batch(self) -> int:
        """Sequences per optimizer step."""
        return self.data * self.micro_batch * self.micro_batches


class LayoutGrid(Struct, frozen=True, kw_only=True):
    """Many layouts as equally long arrays, with the field names of `Layout`."""

    tensor: Ints
    pipeline: Ints
    virtual: Ints
    context: Ints
    expert: Ints
    data: Ints
    micro_batch: Ints
    micro_batches: Ints

    @property
    def devices(self) -> Ints:
        """Devices each layout occupies."""
        return self.tensor * self.pipeline * self.context * self.data

    def __len__(self) -> int:
        return len(self.tensor)

    @classmethod
    def of(cls, columns: Mapping[str, Ints]) -> LayoutGrid:
        """Layouts from equally long columns by field name, 1 for fields without a column; others are left out."""
        # A lock holds layouts, and a synth with a lock needs no arrays.
        import numpy as np

        count = len(next(iter(columns.values())))
        ones = np.ones(count, dtype=np.int64)
        return cls(**{name: columns.get(name, ones) for name in cls.__struct_fields__})

    def row(self, index: int) -> Layout:
        """The layout at `index` as plain integers."""
        return Layout(**{name: int(column[index]) for name, column in asdict(self).items()})

    def take(self, chosen: Mask | Ints | slice) -> LayoutGrid:
        """The layouts that a mask, an array of indices or a slice chooses."""
        return LayoutGrid(**{name: column[chosen] for name, column in asdict(self).items()})


AnyLayout = Layout | LayoutGrid
"""What the physics takes: the same formulas serve one layout and arrays of them."""


def concatenate(grids: Sequence[LayoutGrid]) -> LayoutGrid:
    """All layouts of several grids in order."""
    import numpy as np

    empty = np.zeros(0, dtype=np.int64)
    return LayoutGrid(
        **{
            name: np.concatenate([empty, *(getattr(grid, name) for grid in grids)])
            for name in LayoutGrid.__struct_fields__
        }
    )
