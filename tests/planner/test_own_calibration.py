"""Do own factors stand on top of the bundled ones, and is nonsense refused?"""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.calibration import load_calibration
from planner.errors import MeasuredError
from planner.own_calibration import chosen_calibration


def written(folder: Path, text: str) -> str:
    """A calibration file of this text."""
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_without_a_file_the_bundled_factors_hold() -> None:
    """No file, no change: the very calibration that is bundled."""
    assert chosen_calibration(None) is load_calibration()


def test_own_factors_replace_those_they_name_alone(tmp_path: Path) -> None:
    """A factor that the file names changes; all others, of the same software too, stay as bundled."""
    text = (
        "memory:\n  NVIDIA/litgpt: {fragmentation: 1.2}\n"
        "time:\n  megatron-core:\n    H100-80GB: {matmul: {bf16: 0.5}}\n"
    )
    own, bundled = chosen_calibration(written(tmp_path, text)), load_calibration()
    assert own.memory["NVIDIA/litgpt"].fragmentation == 1.2
    assert own.memory["NVIDIA/litgpt"].workspace_bytes == bundled.memory["NVIDIA/litgpt"].workspace_bytes
    assert own.memory["NVIDIA"] == bundled.memory["NVIDIA"]
    ours, theirs = (each.time_factors("megatron-core", "H100-80GB") for each in (own, bundled))
    assert ours.matmul == {"bf16": 0.5}
    assert ours.network == theirs.network
    assert own.serving == bundled.serving


def test_software_that_was_never_fitted_gets_factors(tmp_path: Path) -> None:
    """Own runs may be of software without bundled factors of its own."""
    own = chosen_calibration(written(tmp_path, "memory:\n  NVIDIA/fsdp-qlora: {workspace_bytes: 1000}\n"))
    assert own.memory_factors("NVIDIA", "fsdp-qlora").workspace_bytes == 1000


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    """Sections, names, factors and values that cannot be are all told, each with its place."""
    text = (
        "memry: {}\n"
        "memory:\n"
        "  NVIDIA/litgpt: {fragmentation: 0.5, fragmentaton: 1.1, band: {low: 2, high: 3, basis: x}}\n"
        "  Cerebras: {fragmentation: 1.1}\n"
        "time: {megatron-core: {H100-80GB: {matmul: {bf16: 2}}}}\n"
    )
    with pytest.raises(MeasuredError) as caught:
        chosen_calibration(written(tmp_path, text))
    told = [finding.partition("mine.yaml: ")[2] for finding in caught.value.findings]
    assert told == [
        "'memry' is not a section; sections are memory, serving_memory, time, serving",
        "memory.NVIDIA/litgpt.fragmentation: is 0.5, should lie from 1 to 2",
        "memory.NVIDIA/litgpt.fragmentaton: is not a factor; did you mean fragmentation?",
        "memory.NVIDIA/litgpt.band: should reach from below 1 to above it",
        "memory.Cerebras: is not known.",
        "time.megatron-core.H100-80GB.matmul: should map types to shares of their peak, from 0 to 1",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "serving: {vllm: {H100-80GB: {memory: 1.5, reserve_bytes: lots, block_s: .nan}}}",
            [
                "serving.vllm.H100-80GB.memory: is 1.5, should lie from 0.4 to 0.97",
                "serving.vllm.H100-80GB.reserve_bytes: is 'lots', should be a number",
                "serving.vllm.H100-80GB.block_s: is nan, should be a number",
            ],
        ),
        (
            "serving: {vllm: {default: {memory_band: {low: x, high: 2, basis: y}}}}",
            ["serving.vllm.default.memory_band: should reach from below 1 to above it"],
        ),
        (
            "serving: {vllm: {default: {band: {low: 0.5, high: 2, basis: y, measured: maybe}}}}",
            ["serving.vllm.default.band: measured is 'maybe', should be true or false"],
        ),
        (
            "serving_memory: {autoawk: {copied_share: 2}}",
            [
                "serving_memory.autoawk: is not known; did you mean autoawq?",
                "serving_memory.autoawk.copied_share: is 2, should lie from 0 to 1",
            ],
        ),
        (
            "time: {megatron-core: {default: {network: fast}}}",
            ["time.megatron-core.default.network: is 'fast', should be a number"],
        ),
    ],
)
def test_no_factor_of_any_section_can_be_nonsense(text: str, told: list[str], tmp_path: Path) -> None:
    """Words, NaN and figures out of range are told in every section, with their place."""
    with pytest.raises(MeasuredError) as caught:
        chosen_calibration(written(tmp_path, text))
    assert [finding.partition("mine.yaml: ")[2] for finding in caught.value.findings] == told


def test_own_factors_of_serving_stand_on_the_bundled_ones(tmp_path: Path) -> None:
    """A reserve for one accelerator, and copies of one program, change these alone."""
    text = "serving: {vllm: {L4: {reserve_bytes: 5}}}\nserving_memory: {hf: {copied_share: 0.2}}\n"
    own, bundled = chosen_calibration(written(tmp_path, text)), load_calibration()
    assert own.serving_factors("vllm", "L4").reserve_bytes == 5
    assert own.serving_factors("vllm", "A10G") == bundled.serving_factors("vllm", "A10G")
    assert own.serving_factors("vllm", "L4").memory == bundled.serving_factors("vllm", "L4").memory
    assert own.eager_factors("hf").copied_share == 0.2
    assert own.eager_factors("autoawq") == bundled.eager_factors("autoawq")


@pytest.mark.parametrize("text", ["", "[]", "a: [", "memory: 3"])
def test_what_is_no_calibration_is_refused(text: str, tmp_path: Path) -> None:
    """An empty file, a list, no YAML, or a section that is none: an expected failure."""
    with pytest.raises(MeasuredError):
        chosen_calibration(written(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A file that is not there is an expected failure."""
    with pytest.raises(MeasuredError, match="cannot be read"):
        chosen_calibration(str(tmp_path / "none.yaml"))
