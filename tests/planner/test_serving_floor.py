"""Is no answer of any replica faster than its bytes over bandwidth and its FLOP over the peak?"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from planner.calibration import load_calibration
from planner.layout import Layout
from planner.serving import Load, replica_of
from planner.serving_modes import arrivals, closed_loop, full_rate
from tests.planner.builders import DENSE, machine, recipe

CALIBRATION = load_calibration()
NODE = machine()
ENGINES = st.sampled_from(["vllm", "sglang", "tensorrt-llm", "tgi"])
# Tensor ranks within the two key and value heads and more, stages within the eight blocks.
LAYOUTS = st.builds(Layout, tensor=st.sampled_from([1, 2, 4]), pipeline=st.sampled_from([1, 2]))


@settings(max_examples=60, deadline=None)
@given(ENGINES, LAYOUTS, st.integers(1, 3000), st.integers(2, 1000), st.sampled_from([1.0, 3.0, 20.0, 200.0]))
def test_no_answer_beats_the_hardware(engine: str, layout: Layout, prompt: int, answer: int, batch: float) -> None:
    """Tokens, prompts and rates of any load on any layout stay on this side of bandwidth and peak."""
    load = Load(input_tokens=prompt, output_tokens=answer, context_tokens=4096)
    factors = CALIBRATION.serving_factors(engine, NODE.accelerator.name)
    replica = replica_of(DENSE, recipe("bf16", of="vllm"), layout, NODE, factors, load)
    work = replica.work
    read_s = work.stages * float(work.dense_bytes) / float(work.memory_bytes_per_s)
    token_s = (float(work.wide_flop) + float(work.narrow_flop)) / float(work.wide_flop_per_s)
    for pace in (arrivals(replica, load.lengths, batch), closed_loop(replica, load.lengths, batch)):
        assert float(pace.tpot_s) >= max(read_s, work.stages * token_s)
        assert float(pace.ttft_s) >= max(read_s, work.stages * prompt * token_s)
        assert float(pace.requests_per_s) * (prompt + answer - 1) * token_s <= 1
    full = full_rate(replica, load.lengths, batch)
    assert float(full.requests_per_s) * (prompt + answer - 1) * token_s <= 1
