"""Is it said which further models stand where, what they answer and what they cost?"""

from __future__ import annotations

from planner.report.beside import beside_rows
from planner.report.headline import headline
from tests.planner.market_builders import inference, machine, market, offer, plan, workload

TWO = market([machine("p5.two", accelerators=4, memory_gib=24)], [offer("p5.two", 8.0)])
OTHERS = [
    {"model": "pythia-70m", "requests_per_second": 5, "input_tokens": 256, "output_tokens": 32},
    {"model": "bert-base", "requests_per_second": 5, "input_tokens": 256},
]


def test_every_further_model_has_a_row() -> None:
    """Replicas, devices, times and money; an embedding has one time alone."""
    found = plan(workload(inference=inference(co_served=OTHERS)), TWO)
    rows = dict(beside_rows(found))
    assert list(rows) == ["pythia-70m", "bert-base"]
    assert "1 replica on device" in rows["pythia-70m"] and "of node 1; vllm" in rows["pythia-70m"]
    assert "TPOT" in rows["pythia-70m"] and "an embedding in" not in rows["pythia-70m"]
    assert "an embedding in" in rows["bert-base"] and "TPOT" not in rows["bert-base"]
    assert all("a month" in each and "per million tokens" in each for each in rows.values())


def test_an_embedding_has_no_time_between_tokens() -> None:
    """The line of a plan names the time to the embedding."""
    found = plan(workload(inference=inference(output_tokens=0)), TWO)
    assert "per million tokens in, an embedding in" in headline(found) and "TPOT" not in headline(found)
