"""Does fitting find the factors behind runs that were made with them?"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
import yaml

from planner.calibrating import fitted_figures
from planner.calibration import load_calibration
from planner.carried import carried_training
from planner.errors import MeasuredError
from planner.fitting import FITTED, predicted_bytes
from planner.measured import Measured, Row, parse_measured
from planner.measured_training import training_case
from planner.own_calibration import chosen_calibration
from pricing.records import replace
from pricing.units import GIB


def made_up(fragmentation: float, workspace_bytes: int) -> Measured:
    """The carried-over runs of torchtitan, with the memory that these factors would give them."""
    rows: list[Row] = []
    for row in carried_training().rows:
        if not row.id.startswith("ttn"):
            continue
        case = training_case(row)
        factors = replace(
            load_calibration().memory["NVIDIA/torchtitan"],
            fragmentation=fragmentation,
            workspace_bytes=workspace_bytes,
        )
        numbers = {**row.numbers, "peak_memory_gib": predicted_bytes(case, factors) / GIB}
        rows.append(replace(row, numbers=numbers))
    return replace(carried_training(), rows=tuple(rows))


def test_factors_behind_made_up_runs_are_found() -> None:
    """Runs made with 20 % of slack and 1 GiB of work space are met within 3 %, by about that slack."""
    found = fitted_figures(made_up(1.2, GIB), load_calibration(), "runs.csv")
    factors = found["memory"]["NVIDIA/torchtitan"]
    assert factors["fragmentation"] == pytest.approx(1.2, abs=0.03)
    assert 0.88 <= factors["band"]["low"] <= 1 <= factors["band"]["high"] <= 1.12


def test_what_is_fitted_can_be_read_back(tmp_path: Path) -> None:
    """The figures that calibrating writes are a calibration file, and lie in the factors' ranges."""
    found = fitted_figures(made_up(1.1, GIB), load_calibration(), "runs.csv")
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(found), encoding="utf-8")
    own = chosen_calibration(str(file)).memory["NVIDIA/torchtitan"]
    assert all(known.low <= getattr(own, name) <= known.high for name, known in FITTED.items())
    assert own.fragmentation == found["memory"]["NVIDIA/torchtitan"]["fragmentation"]


def test_rates_move_the_share_of_the_peak() -> None:
    """A run half as fast as predicted lowers the share of the peak that products reach."""
    cells = {
        "id": "a",
        "software": "torchtitan",
        "model": "llama-3-8b",
        "technique": "pretrain",
        "weight_dtype": "fp32",
        "sharding": "zero3",
        "accelerator": "H100-80GB",
        "accelerators": "8",
        "accelerators_per_node": "8",
        "dp": "8",
        "seq_len": "8192",
        "micro_batch": "2",
        "global_batch": "16",
        "tokens_per_s_per_accelerator": "3000",
    }
    page = io.StringIO()
    writer = csv.writer(page)
    writer.writerow(cells)
    writer.writerow(cells.values())
    found = fitted_figures(parse_measured(page.getvalue(), "runs.csv"), load_calibration(), "runs.csv")
    share = found["time"]["torchtitan"]["H100-80GB"]["matmul"]["bf16"]
    assert share < load_calibration().time_factors("torchtitan", "H100-80GB").matmul["bf16"]


def test_a_file_with_faults_is_refused_with_all_of_them() -> None:
    """Layouts that cannot be are told before anything is fitted."""
    text = (
        "id,technique,accelerators,tp,dp,heads,hidden,seq_len,micro_batch,peak_memory_gib\na,full,8,3,4,7,512,8,1,3\n"
    )
    with pytest.raises(MeasuredError) as caught:
        fitted_figures(parse_measured(text, "runs.csv"), load_calibration(), "runs.csv")
    assert caught.value.findings == (
        "runs.csv:2: dp: tp x pp x cp x dp is 12, the run had 8 devices",
        "runs.csv:2: heads: a width of 512 does not divide into 7 heads",
        "runs.csv:2: tp: 7 heads cannot be split 3 ways",
    )


def test_runs_that_say_too_little_are_refused_with_what_they_lack() -> None:
    """Where nothing can be fitted, every row says why."""
    text = "id,technique,seq_len,micro_batch,peak_memory_gib\na,full,,1,3\n"
    with pytest.raises(MeasuredError) as caught:
        fitted_figures(parse_measured(text, "runs.csv"), load_calibration(), "runs.csv")
    assert "runs.csv:2: seq_len not stated" in caught.value.findings
