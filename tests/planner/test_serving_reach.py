"""Do predictions of serving meet the carried-over runs, and never beat what the hardware can do?"""

from __future__ import annotations

import numpy as np
import pytest

from planner.calibration import load_calibration
from planner.carried import carried_speed
from planner.errors import PlannerError
from planner.measured import parse_measured
from planner.serving_answers import run_figures
from planner.serving_crossval import UNLOADED
from planner.serving_runs import ServingRun, Way, serving_run

CALIBRATION = load_calibration()
MEASURED = carried_speed()
RUNS = [serving_run(row, CALIBRATION) for row in MEASURED.rows]


def floor_s(run: ServingRun) -> float:
    """What no step can be faster than: weights of one token's experts and live cache over bandwidth, or products."""
    work = run.replica(CALIBRATION).work
    batch = max(run.clients, 1.0) if run.way in (Way.STATIC, Way.DECODE) else 1.0
    fits = max(run.replica(CALIBRATION).capacity_tokens // (run.lengths.prompt + run.lengths.answer), 1.0)
    decoded = max(min(batch, fits) / float(work.stages), 1.0)
    live = decoded * run.lengths.prompt * float(work.cache_bytes)
    experts = float(work.expert_bytes) * float(work.experts_per_token) / float(work.experts)
    read = (float(work.dense_bytes) + experts + live) / float(work.memory_bytes_per_s)
    flop = float(work.narrow_flop) / float(work.narrow_flop_per_s) + float(work.wide_flop) / float(work.wide_flop_per_s)
    return float(work.stages * max(read, decoded * flop))


@pytest.mark.parametrize("way", list(Way))
def test_no_prediction_is_below_the_physical_floor(way: Way) -> None:
    """No step reads its bytes faster than the memory's rate, nor multiplies faster than the peak."""
    of_way = [run for run in RUNS if run.way is way]
    assert of_way
    for run in of_way:
        assert run_figures(run, CALIBRATION).tpot_s >= floor_s(run) * (1 - 1e-9), run.row.id


def prompt_floor_s(run: ServingRun) -> float:
    """What no prompt can be faster than: its products on every stage in turn, or the weights read once."""
    work = run.replica(CALIBRATION).work
    tokens = run.lengths.prompt * (max(run.clients, 1.0) if run.way in (Way.STATIC, Way.DECODE) else 1.0)
    # Of a batch the stages work on several prompts at once.
    stages = float(work.stages) if tokens == run.lengths.prompt else 1.0
    read = float(work.stages) * float(work.dense_bytes) / float(work.memory_bytes_per_s)
    return float(max(stages * tokens * token_products_s(run), read))


def token_products_s(run: ServingRun) -> float:
    """Seconds of one token's products with weights at the peaks, on one stage."""
    work = run.replica(CALIBRATION).work
    wide, narrow = float(work.wide_flop_per_s), float(work.narrow_flop_per_s)
    experts = float(work.expert_flop) / (wide if work.wide_experts else narrow)
    return float(float(work.narrow_flop) / narrow + float(work.wide_flop) / wide + experts)


@pytest.mark.parametrize("way", list(Way))
def test_no_first_token_is_below_the_physical_floor(way: Way) -> None:
    """A prompt's products take their FLOP over the peak, and its weights their bytes over the memory's rate."""
    for run in (run for run in RUNS if run.way is way and "ttft" in run.row.kinds):
        assert run_figures(run, CALIBRATION).ttft_s >= prompt_floor_s(run) * (1 - 1e-9), run.row.id


@pytest.mark.parametrize("way", list(Way))
def test_no_rate_is_above_the_physical_ceiling(way: Way) -> None:
    """Every token of an answer costs its products and, but for decoding alone, its share of a prompt's."""
    for run in (run for run in RUNS if run.way is way):
        prompts = 0.0 if way is Way.DECODE else run.lengths.prompt / run.lengths.answer
        # The first token comes with its prompt.
        tokens = prompts + 1 - 1 / run.lengths.answer
        stages = float(run.replica(CALIBRATION).work.stages) if run.clients == 1 else 1.0
        least = tokens * token_products_s(run) * stages
        assert 1 / run_figures(run, CALIBRATION).tokens_per_s >= least * (1 - 1e-9), run.row.id


KINDS_OF_REACH = [
    ("tpot", 0.15, 0.11),
    ("throughput", 0.12, 0.08),
    ("ttft, up to 4 clients", 0.22, 0.22),
    ("ttft under load", np.inf, 0.26),
]


@pytest.mark.parametrize(("kind", "mean", "median"), KINDS_OF_REACH)
def test_bundled_factors_meet_the_runs_they_were_fitted_to(kind: str, mean: float, median: float) -> None:
    """The bundled factors are those of the tool: groups' mean and rows' median error are as small as it printed."""
    of, _, load = kind.partition(" ")
    of = of.rstrip(",")
    column, unit = {
        "tpot": ("tpot_ms", 1e3),
        "ttft": ("ttft_ms", 1e3),
        "throughput": ("output_tokens_per_s", 1.0),
    }[of]
    groups: dict[object, list[float]] = {}
    for run in RUNS:
        loaded = run.clients > UNLOADED
        if of in run.row.kinds and (not load or loaded is load.startswith("under")):
            found = run_figures(run, CALIBRATION)
            value = {"tpot": found.tpot_s, "ttft": found.ttft_s, "throughput": found.tokens_per_s}[of] * unit
            groups.setdefault(run.group, []).append(abs(float(value) / run.row.numbers[column] - 1))
    assert np.mean([np.mean(each) for each in groups.values()]) <= mean
    assert np.median([error for each in groups.values() for error in each]) <= median


HEAD = "id,source,engine,engine_version,model,weight_dtype,accelerator,accelerators,tp,input_tokens,output_tokens"


@pytest.mark.parametrize(
    ("notes", "concurrency", "engine", "way"),
    [
        ("static batch", "8", "tensorrt-llm", Way.STATIC),
        ("first-token latency at batch 1", "1", "tensorrt-llm", Way.STATIC),
        ("decode rate over the batch", "1", "autoawq gemm", Way.DECODE),
        ("fixed concurrency", "8", "vllm", Way.CLOSED),
        ("in-flight batching", "max", "tensorrt-llm", Way.PEAK),
        ("", "8", "deepspeed-mii", Way.STATIC),
        ("", "8", "vllm", Way.CLOSED),
    ],
)
def test_cells_tell_the_kind_of_load(notes: str, concurrency: str, engine: str, way: Way) -> None:
    """Notes say what was measured; without them an engine's ways and the number in flight do."""
    line = f"a,s,{engine},,Llama-3.1-8B,fp8,H100-80GB,1,1,1000,1000,{concurrency},9,{notes}"
    (row,) = parse_measured(f"{HEAD},concurrency,tpot_ms,notes\n{line}", "runs.csv").rows
    assert serving_run(row, CALIBRATION).way is way


def test_lengths_below_nominal_are_read_from_the_notes() -> None:
    """A benchmark that varies its lengths is predicted at their mean."""
    line = "a,s,vllm,,Llama-3.1-8B,fp8,H100-80GB,1,1,1000,1000,8,9,lengths 0.8-1.0 of nominal (mean 0.9)"
    (row,) = parse_measured(f"{HEAD},concurrency,tpot_ms,notes\n{line}", "runs.csv").rows
    run = serving_run(row, CALIBRATION)
    assert (run.lengths.prompt, run.lengths.answer) == (900, 900)


@pytest.mark.parametrize(
    ("engine", "accelerator", "told"),
    [
        ("llama.cpp", "H100-80GB", "engine: llama.cpp is not calibrated"),
        ("vllm", "Inferentia2", "accelerator: vllm is not calibrated for AWS's Inferentia2"),
        ("vllm", "Gaudi1", "accelerator: vllm is not calibrated for"),
        ("vllm", "B9000", "B9000 is not a known accelerator"),
    ],
)
def test_what_nobody_calibrated_is_refused(engine: str, accelerator: str, told: str) -> None:
    """Unknown engines and hardware have no answer, rather than another's."""
    line = f"a,s,{engine},,Llama-3.1-8B,fp8,{accelerator},1,1,1000,1000,8,9,"
    (row,) = parse_measured(f"{HEAD},concurrency,tpot_ms,notes\n{line}", "runs.csv").rows
    with pytest.raises(PlannerError, match=told):
        serving_run(row, CALIBRATION)
