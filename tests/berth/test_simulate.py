"""Does `berth simulate` answer beside the plan's figures, and refuse what cannot be replayed?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.berth.command import Command
from tests.planner.market_builders import SERVING, TRAINING, written

FEW = ["--offline", "--requests", "400"]


def test_a_simulation_stands_beside_the_plan(berth: Command, folder: Path) -> None:
    """Distribution, replicas, cache and the comparison are printed; nothing is written."""
    answer = berth("simulate", written(folder, SERVING), *FEW)
    assert (answer.status, answer.err) == (0, "")
    for said in ("TTFT", "p99", "requests/s", "with work", "cache", "formulas", "simulated", "400 requests"):
        assert said in answer.out
    assert [each.name for each in folder.iterdir() if each.is_file()] == ["tiny.yaml"]


def test_a_seed_decides(berth: Command, folder: Path) -> None:
    """The same seed prints the same, another one another simulation; JSON says both."""
    file = written(folder, SERVING)
    first, same, other = (berth("simulate", file, *FEW, "--json", "--seed", seed).out for seed in (1, 1, 2))
    assert first == same != other
    assert json.loads(first)["requests"] == 400


def test_requests_in_flight_are_clients(berth: Command, folder: Path) -> None:
    """A load of requests in flight is a closed loop of so many clients."""
    text = SERVING.replace("requests_per_second: 5", "concurrency: 12")
    found = json.loads(berth("simulate", written(folder, text), *FEW, "--json").out)
    assert 0.5 < found["sequences"] * found["replicas"] / 12 <= 1.01


def test_a_trace_is_replayed(berth: Command, folder: Path) -> None:
    """What a trace holds is what is simulated."""
    trace = folder / "trace.csv"
    rows = "".join(f"{0.2 * number},{500 + number},{20 + number % 7}\n" for number in range(200))
    trace.write_text(f"arrival_s,input_tokens,output_tokens\n{rows}", encoding="utf-8")
    found = json.loads(berth("simulate", written(folder, SERVING), "--offline", "--trace", trace, "--json").out)
    assert (found["requests"], found["left_out"]) == (200, 0)
    assert found["requests_per_s"] == pytest.approx(5, rel=0.02)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("0,10,5\nx,10,5\n0,10,0\n", ["trace.csv:3: arrival_s: 'x'", "trace.csv:4: output_tokens: '0'"]),
        ("0,200000,5\n", ["trace.csv:2: 200,000 tokens in and 5 out are more than"]),
        ("5,10,5\n0,10,5\n", ["trace.csv:3: arrival_s: 0 comes after 5"]),
    ],
)
def test_a_bad_trace_is_refused_line_by_line(berth: Command, folder: Path, rows: str, says: list[str]) -> None:
    """All faults with file and line, exit 1, nothing printed."""
    trace = folder / "trace.csv"
    trace.write_text(f"arrival_s,input_tokens,output_tokens\n{rows}", encoding="utf-8")
    answer = berth("simulate", written(folder, SERVING), "--offline", "--trace", trace)
    assert (answer.status, answer.out) == (1, "")
    for line, said in zip(answer.err.splitlines(), says, strict=True):
        assert said in line


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--trace", "t.csv", "--seed", "1"], "--seed: nothing is drawn"),
        (["--gaps-are-idle"], "without --trace there are no gaps"),
        (["--requests", "5"], "--requests"),
    ],
)
def test_options_that_do_nothing_are_refused(berth: Command, folder: Path, options: list[str], says: str) -> None:
    """An option without effect is a mistake."""
    answer = berth("simulate", written(folder, SERVING), "--offline", *options)
    assert answer.status != 0
    assert says in answer.err


def test_training_has_no_requests(berth: Command, folder: Path) -> None:
    """A training run is told that there is nothing to replay."""
    answer = berth("simulate", written(folder, TRAINING), "--offline")
    assert answer.status == 1
    assert "a training run has no requests" in answer.err


def test_a_batch_is_replayed_whole(berth: Command, folder: Path) -> None:
    """A batch job's requests all start at once; when they are answered stands beside the formula, and both agree."""
    text = SERVING.replace("requests_per_second: 5", "requests: 2000")
    answer = berth("simulate", written(folder, text), "--offline")
    assert (answer.status, answer.err) == (0, "")
    for said in ("2,000 requests that all stand ready", "half after", "formula", "agree"):
        assert said in answer.out
    found = json.loads(berth("simulate", written(folder, text), "--offline", "--json").out)
    assert all(each["agrees"] for each in found["compared"])


def test_a_streamed_batch_is_followed_block_by_block(berth: Command, folder: Path) -> None:
    """What streams is followed layer by layer and batch by batch."""
    load = "{requests: 100, input_tokens: 256, output_tokens: 16, engine: flexgen}"
    text = f"name: tiny\nmodel: opt-30b\ninference: {load}\n"
    limits = "limits: {instance_types: {allow: [g4dn.8xlarge]}}\n"
    answer = berth("simulate", written(folder, text + limits), "--offline")
    assert (answer.status, answer.err) == (0, "")
    assert "followed layer by layer" in answer.out


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        (SERVING.replace("requests_per_second: 5", "requests: 2000"), ["--trace", "t.csv"], "leave --trace out"),
        (
            "name: tiny\nmodel: bert-base\ninference: {requests: 2000, input_tokens: 128}\n",
            [],
            "every step of a batch of embeddings is alike",
        ),
    ],
)
def test_what_of_a_batch_cannot_be_simulated_is_told(
    text: str, options: list[str], says: str, berth: Command, folder: Path
) -> None:
    """A trace has no meaning for requests that all stand ready, and embeddings are nothing to follow."""
    answer = berth("simulate", written(folder, text), "--offline", *options)
    assert answer.status == 1
    assert says in answer.err


def test_embeddings_are_replayed(berth: Command, folder: Path) -> None:
    """Their one time stands in place of those of tokens; a trace says 0 tokens out."""
    text = "name: tiny\nmodel: bert-base\ninference: {requests_per_second: 50, input_tokens: 128}\n"
    file = written(folder, text)
    answer = berth("simulate", file, *FEW)
    assert (answer.status, answer.err) == (0, "")
    assert "embedding " in answer.out and "TPOT" not in answer.out and "cache" not in answer.out
    trace = folder / "trace.csv"
    trace.write_text("arrival_s,input_tokens,output_tokens\n" + "".join(f"{at},100,0\n" for at in range(5)))
    answer = berth("simulate", file, "--offline", "--trace", str(trace))
    assert answer.status == 0 and "5 requests" in answer.out


def test_drafts_are_replayed(berth: Command, folder: Path) -> None:
    """Formulas and simulation agree on what drafts save."""
    text = SERVING + "  speculative: {tokens: 4, acceptance: 0.7, draft: llama-3.2-1b}\n"
    found = json.loads(berth("simulate", written(folder, text), *FEW, "--json").out)
    assert {each["name"]: each["agrees"] for each in found["compared"]}["TPOT"]


def test_further_models_are_told(berth: Command, folder: Path) -> None:
    """They stand on devices of their own, and change nothing."""
    other = "{model: bert-base, requests_per_second: 5, input_tokens: 128}"
    answer = berth("simulate", written(folder, SERVING + f"  co_served: [{other}]\n"), *FEW)
    assert "On devices of their own, and with no part in this: bert-base; simulate each as a workload" in answer.out
