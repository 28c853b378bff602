"""Does fitting find the factors behind serving runs that were made with them?"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from planner.calibrating import fitted_figures
from planner.calibrating_serving import serving_figures
from planner.calibration import Calibration, load_calibration
from planner.carried import carried_serving
from planner.errors import MeasuredError
from planner.measured import Measured, parse_measured
from planner.measured_answers import cache_tokens, output_tokens_per_s, tpot_ms
from planner.measured_serving import serving_case
from planner.own_calibration import chosen_calibration
from pricing.records import replace
from pricing.units import GIB

COLUMNS = "id,engine,model,weight_dtype,accelerator,accelerators,tp,input_tokens,output_tokens,concurrency"
BUNDLED = load_calibration()


def made_up_memory(program: str) -> Measured:
    """Runs of a program, with the memory that 200 MiB of work space and copies of a fifth would give them."""
    runs = carried_serving()
    factors = replace(BUNDLED.eager_factors(program), workspace_bytes=200 * 2**20, copied_share=0.2)
    rows = [row for row in runs.rows if row.says("engine").startswith(program)]
    made = [
        replace(row, numbers={**row.numbers, "peak_memory_gib": serving_case(row).memory(factors).total / GIB})
        for row in rows
    ]
    return replace(runs, rows=tuple(made))


def engine_runs(column: str, cells: str) -> Measured:
    """Three runs of vLLM on an H100 with this column filled."""
    rows = [
        f"{index},vllm,llama-3.1-8b,bf16,H100-80GB,1,1,1024,256,{size},{cells}" for index, size in enumerate((1, 8, 64))
    ]
    return parse_measured("\n".join([f"{COLUMNS},{column}", *rows]), "runs.csv")


def faster(speed: float) -> Calibration:
    """The bundled calibration with vLLM on H100 so much faster."""
    known = BUNDLED.serving_factors("vllm", "H100-80GB")
    shares = {name: getattr(known, name) * speed for name in ("memory", "cache", "matmul", "narrow", "attention")}
    costs = ("block_s", "reduce_s", "step_s", "sequence_s")
    changed = replace(known, **shares, **{name: getattr(known, name) / speed for name in costs})
    own = {**BUNDLED.serving["vllm"], "H100-80GB": changed}
    return replace(BUNDLED, serving={**BUNDLED.serving, "vllm": own})


def test_memory_factors_behind_made_up_runs_are_found() -> None:
    """Runs made with a fifth of copies are met within 3 %, by about that share, in their own program alone."""
    found = fitted_figures(made_up_memory("autoawq"), BUNDLED, "runs.csv")
    assert set(found) == {"serving_memory"}
    factors = found["serving_memory"]["autoawq"]
    assert factors["copied_share"] == pytest.approx(0.2, abs=0.03)
    assert 0.88 <= factors["band"]["low"] <= 1 <= factors["band"]["high"] <= 1.12
    assert factors["band"]["basis"] == "22 runs of runs.csv"


@pytest.mark.parametrize("reserve_gib", [1, 6])
def test_a_cache_tells_the_reserve(reserve_gib: int) -> None:
    """The tokens that fit say what the engine keeps beside weights and cache."""
    known = replace(BUNDLED.serving_factors("vllm", "H100-80GB"), reserve_bytes=reserve_gib * GIB)
    own = replace(BUNDLED, serving={**BUNDLED.serving, "vllm": {**BUNDLED.serving["vllm"], "H100-80GB": known}})
    (row,) = engine_runs("kv_capacity_tokens", "1").rows[:1]
    runs = engine_runs("kv_capacity_tokens", str(int(cache_tokens(row, own))))
    found, reasons = serving_figures(runs, BUNDLED, "runs.csv")
    assert found["serving"]["vllm"]["H100-80GB"] == {"reserve_bytes": reserve_gib * GIB}
    assert not reasons


@pytest.mark.parametrize(("column", "predicted"), [("tpot_ms", tpot_ms), ("output_tokens_per_s", output_tokens_per_s)])
@pytest.mark.parametrize("speed", [0.6, 1.05])
def test_times_and_rates_tell_the_speed(column: str, predicted: object, speed: float) -> None:
    """Runs of a slower engine, or one a twentieth faster, move all shares of a peak and the cost of a block alike."""
    runs = engine_runs(column, "1")
    made = [
        replace(row, numbers={**row.numbers, column: predicted(row, faster(speed))})  # type: ignore[operator]
        for row in runs.rows
    ]
    found, _ = serving_figures(replace(runs, rows=tuple(made)), BUNDLED, "runs.csv")
    record, known = found["serving"]["vllm"]["H100-80GB"], BUNDLED.serving_factors("vllm", "H100-80GB")
    assert record["attention"] / known.attention == pytest.approx(speed, rel=0.08)
    assert known.block_s / record["block_s"] == pytest.approx(speed, rel=0.08)
    assert (record["band"]["low"], record["band"]["high"]) == (0.88, 1.12)


def test_what_is_fitted_can_be_read_back(tmp_path: Path) -> None:
    """The figures are a calibration file, which changes what is predicted for the program."""
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(fitted_figures(made_up_memory("hf"), BUNDLED, "runs.csv")), encoding="utf-8")
    own = chosen_calibration(str(file))
    assert own.eager_factors("hf").copied_share > BUNDLED.eager_factors("hf").copied_share
    assert own.serving == BUNDLED.serving


def test_runs_that_say_too_little_are_refused_with_what_they_lack() -> None:
    """Unknown engines, models and accelerators are told, each with its line and column."""
    text = (
        "id,engine,model,accelerator,input_tokens,peak_memory_gib,tpot_ms\n"
        "a,llama.cpp,llama-3.1-8b,L4,8,9,\n"
        "b,vllm,no such model,L4,8,,9\n"
    )
    with pytest.raises(MeasuredError) as caught:
        fitted_figures(parse_measured(text, "runs.csv"), BUNDLED, "runs.csv")
    told = "\n".join(caught.value.findings)
    assert "runs.csv:2: engine: how llama.cpp fills memory is not known" in told
    assert "runs.csv:3: no preset is called 'no such model'" in told
