"""Does a plan say what its step would take in other software, and only in what can run it?"""

from __future__ import annotations

import pytest

from planner.calibration import load_calibration
from planner.layout import Layout
from planner.models import load_preset
from planner.other_software import other_software
from planner.training_time import step_time
from pricing.catalog import load_instance_types
from tests.planner.builders import LORA, framework, recipe

SHAPE = load_preset("llama-3.1-8b")
P5 = load_instance_types()["p5.48xlarge"]
TOKENS = 8192


def others(layout: Layout, machine: str = "p5.48xlarge", chosen: str = "megatron") -> dict[str, float]:
    """Seconds of a step by framework."""
    made = recipe("bf16", "adamw", "zero1", "recompute-none", of=chosen)
    on, known = load_instance_types()[machine], load_calibration()
    found = other_software(SHAPE, made, layout, TOKENS, on, framework(chosen), known)
    return {term.name: term.value for term in found}


def test_others_are_those_that_can_run_the_layout() -> None:
    """Tensor parallelism leaves out what has none, interleaving what has no virtual stages, NVIDIA's chips Neuron."""
    assert others(Layout(data=8)).keys() == {"torchtitan", "torchtune", "deepspeed", "huggingface"}
    assert others(Layout(tensor=2, data=4)).keys() == {"torchtitan"}
    assert others(Layout(pipeline=2, virtual=2, data=4, micro_batches=4)) == {}
    assert others(Layout(tensor=8, data=4), "trn1.32xlarge", "neuron") == {}


def test_others_have_the_techniques_that_decide_what_is_trained() -> None:
    """Packed weights are not timed in software that has none; its own way to shard or recompute is its own."""
    made = recipe("bf16", "lora", "nf4", "adamw", "replicated", "recompute-full", of="huggingface", adapter=LORA)
    known = load_calibration()
    found = other_software(SHAPE, made, Layout(), TOKENS, P5, framework("huggingface"), known)
    assert {term.name for term in found} == {"deepspeed", "torchtune"}


def test_a_step_is_that_of_the_other_softwares_factors() -> None:
    """The recipe and the layout stay; the factors are those of the other software on the same chip."""
    layout = Layout(data=8, micro_batch=2)
    factors = load_calibration().time_factors("torchtitan", "H100-80GB")
    expected = step_time(SHAPE, recipe("bf16", "adamw", "zero1", "recompute-none"), layout, TOKENS, P5, factors)
    assert others(layout)["torchtitan"] == pytest.approx(float(expected.total))


def test_fused_kernels_are_ahead_of_the_rest() -> None:
    """On an H100 the step that Megatron's kernels take is shorter than in any other software, the fastest first."""
    layout = Layout(data=8, micro_batch=2)
    factors = load_calibration().time_factors("megatron-core", "H100-80GB")
    made = recipe("bf16", "adamw", "zero1", "recompute-none")
    own = float(step_time(SHAPE, made, layout, TOKENS, P5, factors).total)
    seconds = list(others(layout).values())
    assert seconds == sorted(seconds)
    assert own < seconds[0] < 2.5 * own
