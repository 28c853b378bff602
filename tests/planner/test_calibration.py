"""Does every empirical factor lie where it can, and say which measurements it comes from?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.calibration import MemoryFactors, ServingFactors, TimeFactors, bundled_figures, load_calibration
from planner.engines import engine_files, factor_ranges
from planner.fitting import FITTED
from planner.framework import load_frameworks
from planner.plan import Band
from planner.setting import RATED_AS
from planner.software import load_software
from planner.time_effects import VARIANTS, class_of
from pricing.catalog import find_accelerator, load_accelerators
from pricing.records import replace
from pricing.units import GIB, MIB

CALIBRATION = load_calibration()
WRITTEN: dict[str, Any] = bundled_figures()
TIMES = [
    pytest.param(factors, id=f"{framework}-{accelerator}")
    for framework, known in CALIBRATION.time.items()
    for accelerator, factors in known.items()
]
SERVED = [
    pytest.param(factors, id=f"{engine}-{accelerator}")
    for engine, known in CALIBRATION.serving.items()
    for accelerator, factors in known.items()
]
# What these keep on the device has a count of its own (planner.streamed_memory), of which no share is set apart.
STREAMING = {name for name, engine in load_frameworks().items() if engine.streaming}
ENTRIES = [
    pytest.param(section, name, accelerator, id=f"{section}-{name}-{accelerator}")
    for section in ("time", "serving")
    for name, known in WRITTEN[section].items()
    for accelerator in known
]


@pytest.mark.parametrize("factors", TIMES)
def test_time_factors_are_plausible(factors: TimeFactors) -> None:
    """Shares of a peak are above a tenth and at most all of it; latencies and floors are microseconds."""
    assert all(0.1 <= share <= 0.95 for share in factors.matmul.values())
    for share in (factors.attention, factors.memory, factors.link, factors.network):
        assert 0.1 <= share <= 1
    overlaps = (factors.data_overlap, factors.gather_overlap, factors.tensor_overlap, factors.pipeline_overlap)
    assert all(0 <= share <= 1 for share in overlaps)
    # A tenth of a wave of tiles to three of them; a few steps of a tile's sum.
    assert 3e5 <= factors.outputs_half <= 2e7
    assert 16 <= factors.depth_half <= 256
    assert 0 <= factors.attention_half <= 2048
    # Scores are written and read three to eight times, in 16 bits; nothing moves less than once.
    assert 6 <= factors.score_bytes <= 32
    assert 1 <= factors.traffic <= 5
    assert 1 <= factors.imbalance <= 2
    for seconds in (factors.link_latency_s, factors.network_latency_s):
        assert 1e-6 <= seconds <= 1e-4
    assert factors.link_latency_s <= factors.network_latency_s
    assert 1e-5 <= factors.launch_s_per_block <= 2e-3
    assert 0 <= factors.step_s <= 0.1
    assert 0 <= factors.straggling <= 0.05


@pytest.mark.parametrize("factors", SERVED)
def test_serving_factors_are_plausible(factors: ServingFactors) -> None:
    """What was fitted lies in its range, and an engine batches some requests."""
    for name, known in factor_ranges().items():
        assert 0.99 * known["low"] <= getattr(factors, name) <= 1.01 * known["high"], name
    assert 0.8 <= factors.memory_share * factors.cache_share <= 1
    assert 1 <= factors.largest_batch <= 4096
    assert 0.5 <= factors.reserved_share <= 1


@pytest.mark.parametrize("engine", sorted(CALIBRATION.serving))
def test_engines_keep_memory_for_themselves(engine: str) -> None:
    """An engine with a pool of cache blocks sets its own part of a device aside, one that streams nothing."""
    for factors in CALIBRATION.serving[engine].values():
        if engine in STREAMING:
            assert (factors.memory_share, factors.reserve_bytes, factors.batched_tokens) == (1, 0, 0)
        else:
            assert 0.5 * GIB <= factors.reserve_bytes <= 6 * GIB
            assert 0 <= factors.collectives_bytes <= GIB
            assert factors.batched_tokens in (0, 2048, 8192)


@pytest.mark.parametrize("factors", SERVED)
def test_a_served_model_is_judged_at_the_upper_edge(factors: ServingFactors) -> None:
    """What is said to fit an engine's share fits the device at the upper edge of the band."""
    assert factors.usable_share * factors.memory_band.high <= 1 + 1e-9
    assert 0.7 <= factors.usable_share <= factors.memory_share


@pytest.mark.parametrize("name", sorted(WRITTEN["serving_memory"]))
def test_programs_that_answer_have_a_source(name: str) -> None:
    """Each program without a pool of cache blocks says what its factors were fitted to; others have the rest's."""
    assert WRITTEN["serving_memory"][name]["source"]
    assert CALIBRATION.eager_factors(name) is CALIBRATION.eager[name]
    assert CALIBRATION.eager_factors("never measured") is CALIBRATION.eager["default"]


@pytest.mark.parametrize("factors", CALIBRATION.memory.values(), ids=CALIBRATION.memory)
def test_memory_factors_are_plausible(factors: MemoryFactors) -> None:
    """A context takes 0.4 to 0.8 GiB, a communicator a few hundred MiB; what was fitted lies in its range."""
    assert 0.4 * GIB <= factors.context_bytes <= 0.8 * GIB
    assert 100 * MIB <= factors.collectives_bytes <= 400 * MIB
    for name, known in FITTED.items():
        assert known.low <= getattr(factors, name) <= known.high


def bands() -> list[Band]:
    """Every band of the calibration."""
    timed = [item.band for known in CALIBRATION.time.values() for item in known.values()]
    served = [item.band for known in CALIBRATION.serving.values() for item in known.values()]
    kept = [item.memory_band for known in CALIBRATION.serving.values() for item in known.values()]
    eager = [item.band for item in CALIBRATION.eager.values()]
    of_memory = [item.band for item in CALIBRATION.memory.values()]
    return [*of_memory, CALIBRATION.mixture_memory, CALIBRATION.mixture, *eager, *kept, *timed, *served]


@pytest.mark.parametrize("band", bands(), ids=lambda band: band.basis)
def test_bands_hold_the_prediction(band: Band) -> None:
    """A band reaches from below the prediction to above it, no further than twice either way, and says its basis."""
    assert 0.5 <= band.low < 1 < band.high <= 2.5
    assert len(band.basis) > 20


@pytest.mark.parametrize(("section", "name", "accelerator"), ENTRIES)
def test_every_entry_has_a_source_and_a_basis(section: str, name: str, accelerator: str) -> None:
    """Each entry names the runs its factors were fitted to, and the runs behind its band or that there are none."""
    known = WRITTEN[section][name]
    assert known["default"]["source"]
    basis = known[accelerator]["band"]["basis"]
    unlike = known[accelerator]["band"] != known["default"]["band"]
    assert unlike or accelerator == "default" or basis.startswith("not measured")
    assert known[accelerator]["band"].get("measured", True) is not basis.startswith("not measured")


@pytest.mark.parametrize("vendor", sorted(WRITTEN["memory"]))
def test_memory_factors_have_a_source(vendor: str) -> None:
    """Memory factors say what they were read from, and belong to a vendor that makes accelerators."""
    assert WRITTEN["memory"][vendor]["source"]
    assert vendor.partition("/")[0] in {chip.vendor for chip in load_accelerators().values()}


@pytest.mark.parametrize("name", [name for name in sorted(WRITTEN["memory"]) if "/" in name])
def test_software_with_memory_factors_is_described(name: str) -> None:
    """Factors of software stand on those of a vendor, and its operations are known."""
    vendor, _, software = name.partition("/")
    assert vendor in WRITTEN["memory"]
    assert software in load_software()
    assert CALIBRATION.memory_factors(vendor, software) is CALIBRATION.memory[name]
    assert CALIBRATION.memory_factors(vendor, "never measured") is CALIBRATION.memory[vendor]


@pytest.mark.parametrize("name", sorted(WRITTEN["memory"]))
def test_memory_of_mixtures_has_the_wider_edges_and_says_why(name: str) -> None:
    """Nobody measured a mixture of experts: its band is the outer edges of both, and its basis says so."""
    vendor, _, software = name.partition("/")
    own, mixed = (CALIBRATION.memory_factors(vendor, software, mixture=mixture) for mixture in (False, True))
    assert mixed.band.low == min(own.band.low, CALIBRATION.mixture_memory.low)
    assert mixed.band.high == max(own.band.high, CALIBRATION.mixture_memory.high) >= 1.4
    assert "no run of a mixture" in mixed.band.basis
    assert mixed.expert_load == own.expert_load == 1.25


@pytest.mark.parametrize(("section", "name", "accelerator"), ENTRIES)
def test_every_entry_is_for_software_and_hardware_that_exist(section: str, name: str, accelerator: str) -> None:
    """Factors belong to known software and to an accelerator that it runs on, in types that its catalog rates."""
    if section == "serving":
        assert any(name.startswith(engine) for engine in engine_files())
        vendor = "AWS" if name.startswith("neuron") else "NVIDIA"
        assert accelerator == "default" or find_accelerator(accelerator).vendor == vendor
    else:
        framework = load_frameworks()[load_software()[class_of(name)].framework]
        if accelerator == "default":
            return
        chip = find_accelerator(accelerator)
        assert framework.runs_on(chip)
        named = WRITTEN["time"][name][accelerator]["matmul"]
        assert {RATED_AS.get(dtype, dtype) for dtype in named} <= chip.flop_per_s.keys()


def test_every_class_of_software_has_time_factors() -> None:
    """Whatever software a workload or a measured run names, its steps have a time, and ways to run it too."""
    assert CALIBRATION.time.keys() == {*load_software(), *VARIANTS}


def test_what_was_measured_is_said_of_each_band() -> None:
    """A band rests on runs on the accelerator, else on its generation's, else on none and says so, ever wider."""
    own = CALIBRATION.time_factors("megatron-core", "H100-80GB").band
    like = CALIBRATION.time_factors("megatron-core", "H200").band
    none = CALIBRATION.time_factors("megatron-core", "no such chip").band
    assert "runs of" in own.basis and "NVIDIA/NeMo" in own.basis
    assert "the same generation, none of them on this accelerator" in like.basis
    assert none.basis.startswith("not measured") and not none.measured
    assert own.high / own.low < like.high / like.low < none.high / none.low


@pytest.mark.parametrize(("section", "name", "accelerator"), ENTRIES)
def test_measured_accelerators_are_banded_tighter(section: str, name: str, accelerator: str) -> None:
    """Where an accelerator was measured the band is no wider than where none was."""
    known = (CALIBRATION.time if section == "time" else CALIBRATION.serving)[name]
    measured, default = known[accelerator].band, known["default"].band
    assert measured.high / measured.low <= default.high / default.low


def test_an_accelerator_changes_only_what_it_names() -> None:
    """What an accelerator's entry leaves out is the framework's default; what it names is its own."""
    default = CALIBRATION.time_factors("megatron-core", "no such chip")
    measured = CALIBRATION.time_factors("megatron-core", "H100-80GB")
    assert default == CALIBRATION.time["megatron-core"]["default"]
    assert measured.launch_s_per_block == default.launch_s_per_block
    assert measured.matmul != default.matmul
    assert CALIBRATION.serving_factors("vllm", "no such chip") == CALIBRATION.serving["vllm"]["default"]


def test_a_slice_reaches_what_its_whole_reaches() -> None:
    """Part of a chip has the chip's factors, unless a calibration names the part itself."""
    assert (
        CALIBRATION.time_factors("megatron-core", "H100-80GB/1g.10gb") is CALIBRATION.time["megatron-core"]["H100-80GB"]
    )
    assert CALIBRATION.serving_factors("vllm", "L4/0.5") is CALIBRATION.serving_factors("vllm", "L4")
    own = {**CALIBRATION.time["megatron-core"], "H100-80GB/1g.10gb": CALIBRATION.time["megatron-core"]["default"]}
    changed = replace(CALIBRATION, time={**CALIBRATION.time, "megatron-core": own})
    assert changed.time_factors("megatron-core", "H100-80GB/1g.10gb") is CALIBRATION.time["megatron-core"]["default"]


def test_untuned_software_reaches_less_than_tuned() -> None:
    """On an H100 Megatron's fused kernels reach more of the peak than eager PyTorch does."""
    fused = CALIBRATION.time_factors("megatron-core", "H100-80GB").matmul["bf16"]
    assert all(
        CALIBRATION.time_factors(name, "H100-80GB").matmul["bf16"] < fused
        for name in ("torchtitan", "llm-foundry", "deepspeed", "hf-peft")
    )
