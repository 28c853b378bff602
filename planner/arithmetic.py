"""Has an accelerator the arithmetic that a configuration asks of it?

Only where a source lists its rates can anybody tell: a type that is missing there is one that it has not. Of
accelerators without rates, and those that a file describes, nobody knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from planner.recipe import Group
from planner.setting import RATED_AS
from planner.techniques import load_techniques
from pricing.instance_type import Accelerator

# Types for which a list of rates has an entry if the accelerator has the arithmetic. Sources often leave out fp32 and
# tf32. Software computes in 16 bits it does not have by converting to float32; for narrower products it needs the
# hardware.
EMULATED, IN_HARDWARE = ("bf16", "fp16"), ("fp8", "fp4")
# In which products are made of weights packed to integers: AWQ's and GPTQ's kernels and LLM.int8() take fp16.
PACKED_INTEGERS = ("int", "awq", "gptq", "q4")


def lacks(chip: Accelerator, dtype: str) -> bool:
    """Whether the accelerator is known to have no arithmetic of that type: bf16, fp16, fp8, mxfp8, fp4 or nvfp4."""
    rated = RATED_AS.get(dtype, dtype)
    return "rates" in chip.sources and rated in (*EMULATED, *IN_HARDWARE) and rated not in chip.flop_per_s


def instead(chip: Accelerator) -> str:
    """The type of 16 bits, or 32, in which the accelerator computes best."""
    return next((dtype for dtype in EMULATED if dtype in chip.flop_per_s), "fp32")


def impossible_products(chip: Accelerator, techniques: Iterable[str]) -> Iterator[str]:
    """A sentence for each precision of training that needs products which the accelerator does not have."""
    known = load_techniques()
    for name in techniques:
        rated = RATED_AS.get(name, name)
        if known[name].group is Group.PRECISION and rated in IN_HARDWARE and lacks(chip, rated):
            yield f"{chip.name} has no {rated} arithmetic, without which {name} cannot run; name {instead(chip)}"


def emulated_products(chip: Accelerator, dtype: str) -> Iterator[str]:
    """What to mind where products of 16 bits run without arithmetic of their own."""
    if dtype in EMULATED and lacks(chip, dtype):
        yield f"{chip.name} has no {dtype} arithmetic: software emulates it, slowly; compute in {instead(chip)}"


def served_products(chip: Accelerator, weights: str) -> Iterator[str]:
    """What to mind of serving with weights of a type (planner.serving_memory.WEIGHT_BYTES)."""
    narrow = next((dtype for dtype in IN_HARDWARE if dtype in weights), None)
    if narrow and lacks(chip, narrow):
        yield f"{chip.name} has no {narrow} arithmetic: {weights} weights are unpacked for each product"
    if weights == "fp32":
        return
    in_fp16 = weights in ("fp16", "f16") or weights.startswith(PACKED_INTEGERS)
    yield from emulated_products(chip, "fp16" if in_fp16 else "bf16")
