"""Is arithmetic that an accelerator does not have told, and what nobody knows left unsaid?"""

from __future__ import annotations

import pytest

from planner.arithmetic import emulated_products, impossible_products, lacks, served_products
from planner.pinned_file import AcceleratorPart
from pricing.catalog import find_accelerator


@pytest.mark.parametrize(
    ("chip", "dtype", "missing"),
    [
        ("T4", "bf16", True),
        ("T4G", "bf16", True),
        ("V100-16GB", "bf16", True),
        ("M60", "bf16", True),
        ("M60", "fp16", True),
        ("V520", "bf16", True),
        ("T4", "fp16", False),
        ("T4", "fp8", True),
        ("A100-80GB", "fp8", True),
        ("A100-80GB", "nvfp4", True),
        ("A100-80GB", "bf16", False),
        ("H100-80GB", "mxfp8", False),
        ("H100-80GB", "nvfp4", True),
        ("B200", "nvfp4", False),
        ("Trainium2", "fp8", False),
        # Sources often leave out fp32 and tf32; of these no rate is known at all.
        ("A100-80GB-PCIe", "fp32", False),
        ("GH200", "tf32", False),
        ("MI300X", "bf16", False),
        ("A40", "fp8", False),
    ],
)
def test_what_a_list_of_rates_does_not_have_is_missing(chip: str, dtype: str, missing: bool) -> None:
    """A type without a rate among known ones is one that the accelerator has not; without rates nobody knows."""
    assert lacks(find_accelerator(chip), dtype) is missing


def test_of_a_described_accelerator_nobody_knows() -> None:
    """A file that gives some rates does not say that there are no others."""
    given = {"name": "own", "memory": "96 GiB", "tflop_per_s": {"bf16": 300.0}}
    assert not lacks(AcceleratorPart.model_validate(given).to_accelerator(), "fp8")


def test_narrow_products_need_the_hardware() -> None:
    """Precisions whose products cannot run are told, with one that can; 16 bits are emulated and so no fault."""
    chip = find_accelerator("T4")
    (fault,) = impossible_products(chip, ("bf16", "adamw-fp8", "fp8"))
    assert fault == "T4 has no fp8 arithmetic, without which fp8 cannot run; name fp16"
    (caution,) = emulated_products(chip, "bf16")
    assert caution.startswith("T4 has no bf16 arithmetic: software emulates it, slowly; compute in fp16")
    assert list(emulated_products(chip, "fp8")) == []


@pytest.mark.parametrize(
    ("chip", "weights", "missing"),
    [
        ("V520", "nf4", ["bf16"]),
        ("T4", "awq", []),
        ("T4", "fp8", ["fp8", "bf16"]),
        ("A100-40GB", "mxfp4", ["fp4"]),
        ("A100-40GB", "nf4", []),
        ("M60", "fp32", []),
        ("M60", "int4", ["fp16"]),
        ("L4", "fp8", []),
    ],
)
def test_served_weights_are_unpacked_for_want_of_products(chip: str, weights: str, missing: list[str]) -> None:
    """Each missing type is named: that of narrow weights, and that in which their products are made."""
    told = list(served_products(find_accelerator(chip), weights))
    assert [each.partition(" has no ")[2].split()[0] for each in told] == missing
