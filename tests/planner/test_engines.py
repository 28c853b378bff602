"""Is every serving engine described, and is what rows call it understood?"""

from __future__ import annotations

import pytest

from planner.calibration import StepFactors, load_calibration
from planner.engines import engine_called, engine_figures, engine_files, factor_ranges, generation_of, generations
from pricing.catalog import load_accelerators

ARGONNE = "argonne-lcf/LLM-Inference-Bench (arXiv 2411.00136)"


@pytest.mark.parametrize(
    ("name", "release", "source", "engine"),
    [
        ("vllm", "0.19.0", "", "vllm"),
        ("vllm", "0.2.5", "", "vllm-2024"),
        ("vllm", "", ARGONNE, "vllm-2024"),
        ("vllm", "", "someone else", "vllm"),
        ("vllm", "nightly-5b8c30d62b754b57", "", "vllm"),
        ("tensorrt-llm", "0.9.0", "", "tensorrt-llm-0.9"),
        ("tensorrt-llm", "0.14.0", "", "tensorrt-llm-0.14"),
        ("tensorrt-llm", "1.2.0rc2.post2", "", "tensorrt-llm"),
        ("triton", "", "", "tensorrt-llm"),
        ("nim", "", "", "tensorrt-llm"),
        ("transformers neuronx", "Neuron 2.18.0", "", "neuron-serving"),
        ("autoawq gemv", "", "", "autoawq"),
        ("llama.cpp", "", "", ""),
    ],
)
def test_rows_name_an_engine_and_its_release(name: str, release: str, source: str, engine: str) -> None:
    """A row's engine and release, or what its source ran where it does not say, tell whose factors are meant."""
    assert engine_called(name, release, source) == engine


@pytest.mark.parametrize("engine", sorted(engine_files()))
def test_every_engine_has_all_factors_and_a_source(engine: str) -> None:
    """Each engine's default holds every factor of a step, and its file says where its settings come from."""
    assert engine_files()[engine]["source"] and engine_files()[engine]["title"]
    default = engine_figures()[engine]["default"]
    assert set(StepFactors.__struct_fields__) <= set(default)


@pytest.mark.parametrize("engine", [name for name, found in sorted(engine_files().items()) if "like" in found])
def test_engines_that_nobody_measured_say_so(engine: str) -> None:
    """An engine that another one's measurements stand for has the wide band everywhere, and says so."""
    for factors in load_calibration().serving[engine].values():
        assert not factors.band.measured
        assert factors.band.high / factors.band.low > 1.7


@pytest.mark.parametrize("engine", ["airllm", "flexgen", "zero-inference"])
def test_engines_whose_memory_nobody_measured_say_so(engine: str) -> None:
    """No memory of an engine that streams was judged, on whichever accelerator."""
    assert not any(factors.memory_band.measured for factors in load_calibration().serving[engine].values())


def test_every_factor_says_where_it_can_lie_and_why() -> None:
    """Each factor of a step has a usual value inside its range, and a source."""
    assert set(factor_ranges()) == set(StepFactors.__struct_fields__)
    for name, known in factor_ranges().items():
        assert 0 < known["low"] < known["usual"] < known["high"], name
        assert len(known["source"]) > 14


def test_generations_are_of_accelerators_that_exist() -> None:
    """Every accelerator of a generation is in the catalog and of no other one; slices belong to their whole's."""
    chips = [chip for of in generations().values() for chip in of]
    assert len(chips) == len(set(chips))
    assert set(chips) <= set(load_accelerators())
    assert generation_of("H100-80GB/1g.10gb") == "hopper"
    assert generation_of("Gaudi1") == ""
