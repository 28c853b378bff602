"""Is a run's band as wide as what was measured of its software, accelerator, techniques and kind of model allows?"""

from __future__ import annotations

from planner.calibration import load_calibration
from planner.carried import timed_cases
from planner.models import load_preset
from planner.plan import Band
from planner.recipe import Place, Recipe
from planner.run_band import TIMED_WITH_ADAPTERS, run_band
from pricing.records import replace
from tests.planner.builders import LORA, framework, recipe

KNOWN = load_calibration()
PLAIN = recipe("bf16", "adamw", "zero1", "recompute-none")


def band(made: Recipe = PLAIN, of: str = "megatron", model: str = "llama-3.1-8b") -> Band:
    """The band of a run on H100."""
    return run_band(load_preset(model), framework(of), made, "H100-80GB", KNOWN)


def test_a_plain_run_has_the_band_of_its_software() -> None:
    """Where the software was timed on the accelerator, its own runs bound the band."""
    assert band() == KNOWN.time_factors("megatron-core", "H100-80GB").band


def test_techniques_that_were_not_timed_widen_it() -> None:
    """Offloading, packed weights and adapters are told apart from what was timed, and have the widest band."""
    widest = KNOWN.time_factors("megatron-core", "").band
    off = band(replace(PLAIN, optimizer_place=Place.HOST))
    assert off.low <= widest.low and off.high >= widest.high
    assert "states off the device" in off.basis and "not measured" in off.basis
    assert not off.measured and band().measured
    packed = recipe("bf16", "lora", "nf4", "adamw", "replicated", of="huggingface", adapter=LORA)
    assert "packed weights" in band(packed, "huggingface").basis
    adapted = recipe("bf16", "lora", "adamw", "replicated", of="torchtitan", adapter=LORA)
    assert "with adapters" in band(adapted, "torchtitan").basis
    assert band(replace(PLAIN, adapter=LORA)) == band()
    assert "assumed" not in band(replace(PLAIN, orthogonalizes=True)).basis
    assert band(replace(PLAIN, projected_rank=128)).basis.endswith(
        "not measured, and decompositions of gradients are assumed to reach 3% of the float32 peak"
    )


def test_adapters_were_timed_where_the_file_has_them() -> None:
    """The classes that count as timed with adapters are those of the carried-over runs that train some."""
    assert {case.speed for case in timed_cases() if case.recipe.adapter} == set(TIMED_WITH_ADAPTERS)


def test_a_mixture_of_experts_has_the_wider_edges() -> None:
    """To mixtures nothing was fitted: their band is as wide as they were off, and says so."""
    found = band(model="mixtral-8x7b")
    assert (found.low, found.high) == (
        min(band().low, KNOWN.mixture.low),
        max(band().high, KNOWN.mixture.high),
    )
    assert found.basis == KNOWN.mixture.basis
