"""What of its machine does each layout's time depend on, where layouts of several machines are timed at once?

A call of a formula costs as much for one layout as for hundreds. So machines that run the same recipe are timed in one
call, in which a figure of the machine is an array, with one entry for each layout.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from planner.calibration import TimeFactors
from planner.layout import Ints
from pricing.instance_type import InstanceType
from pricing.records import replace


class Machines(Struct, frozen=True, kw_only=True):
    """Instance types, and which of them each layout is on: indices, one per layout."""

    each: tuple[InstanceType, ...]
    of: Ints


AnyMachine = InstanceType | Machines


def of_machine(figure: Callable[[InstanceType], float], machine: AnyMachine) -> Any:
    """A figure of the machine; one for each layout where there are several machines."""
    if isinstance(machine, Machines):
        return np.array([figure(each) for each in machine.each])[machine.of]
    return figure(machine)


def factors_on(machines: Machines, each: Sequence[TimeFactors]) -> TimeFactors:
    """The time factors of each layout as one record of arrays, of the factors on each machine.

    A share of a type's peak that a machine has no figure of is NaN. The band is that of the first.
    """
    numbers = [name for name in TimeFactors.__struct_fields__ if name not in ("matmul", "band")]
    values: dict[str, Any] = {name: np.array([getattr(one, name) for one in each])[machines.of] for name in numbers}
    dtypes = {dtype for one in each for dtype in one.matmul}
    matmul: dict[str, Any] = {
        dtype: np.array([one.matmul.get(dtype, np.nan) for one in each])[machines.of] for dtype in dtypes
    }
    return replace(each[0], matmul=matmul, **values)
