"""Is a replica's floor that of one request alone, and is its greatest cause named?"""

from __future__ import annotations

import pytest

from planner.binding import prompt_floor, token_floor
from planner.calibration import load_calibration
from planner.layout import Layout
from planner.models import load_preset
from planner.replica import Replica
from planner.serving import Load, replica_of
from planner.techniques import load_techniques
from pricing.catalog import load_instance_types
from pricing.records import replace
from pricing.units import show_duration
from tests.planner.builders import recipe

LOAD = Load(input_tokens=8000, output_tokens=200, context_tokens=16_000)


def served(model: str, machine: str, tensor: int = 1) -> Replica:
    """A replica of a preset in 16 bits."""
    assert load_techniques()
    kind, factors = load_instance_types()[machine], load_calibration().serving_factors("vllm", "H100 80GB")
    return replica_of(load_preset(model), recipe("bf16", of="vllm"), Layout(tensor=tensor), kind, factors)


def test_a_token_of_a_large_model_reads_its_weights() -> None:
    """16 GB of weights at 864 GB/s take most of a step; the floor is the step of one sequence."""
    found = served("llama-3.1-8b", "g6e.xlarge")
    says = token_floor(found, LOAD)
    assert show_duration(float(found.step_s(1.0, 8100))) in says
    assert says.endswith("of it reading weights and cache")


def test_a_long_prompt_computes() -> None:
    """8,000 tokens through 8 billion parameters are products for the most part."""
    found = served("llama-3.1-8b", "g6e.xlarge")
    says = prompt_floor(found, LOAD)
    assert show_duration(float(found.received_s(8000) + found.prefill_s(8000))) in says
    assert says.endswith("of it computing")


@pytest.mark.parametrize("launch_s", [1.0, 10.0])
def test_the_greatest_cause_is_named(launch_s: float) -> None:
    """Where launching takes seconds a block, nothing else binds."""
    found = served("llama-3.1-8b", "p5.48xlarge")
    slow = replace(found, factors=replace(found.factors, block_s=launch_s))
    assert "launching kernels and scheduling" in token_floor(slow, LOAD)
