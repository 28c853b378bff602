"""Is what cannot be had of drafts, adapters, embeddings and further models told with line, field and remedy?"""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import WorkloadError
from planner.load import load_workload
from tests.planner.market_builders import written

HEAD = "name: tiny\nmodel: {model}\ninference:\n  requests_per_second: 5\n  input_tokens: 256\n"
ANSWERS = HEAD.format(model="llama-3.1-8b") + "  output_tokens: 64\n"
EMBEDS = HEAD.format(model="llama-3.1-8b") + "  output_tokens: 0\n"
BERT = HEAD.format(model="bert-base")


def drafts(draft: str, tokens: object = 4, acceptance: object = 0.7) -> str:
    """A section on drafts."""
    return f"  speculative: {{tokens: {tokens}, acceptance: {acceptance}, draft: {draft}}}\n"


def beside(**changes: object) -> str:
    """A further model."""
    section = {"model": "llama-3.2-1b", "requests_per_second": 2, "input_tokens": 256, "output_tokens": 64, **changes}
    return (
        "  co_served:\n  - {"
        + ", ".join(f"{key}: {value}" for key, value in section.items() if value is not None)
        + "}\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ANSWERS + drafts("ngram", tokens=0), "7: inference.speculative.tokens: 0: it should be greater than or equal"),
        (ANSWERS + drafts("ngram", tokens=-1), "7: inference.speculative.tokens: -1: it should be greater than"),
        (ANSWERS + drafts("ngram", acceptance=1), "7: inference.speculative.acceptance: 1: it should be less than 1"),
        (
            ANSWERS + drafts("ngram", acceptance=0),
            "7: inference.speculative.acceptance: 0: it should be greater than 0",
        ),
        (
            ANSWERS + drafts("llama-9"),
            "7: inference.speculative.draft: 'llama-9' drafts nothing that Berth knows; name",
        ),
        (
            ANSWERS + drafts("bert-base"),
            "7: inference.speculative.draft: bert-base makes no tokens; name a small model",
        ),
        (
            ANSWERS + drafts("qwen3-0.6b"),
            "7: inference.speculative.draft: qwen3-0.6b knows 151,936 tokens and llama-3.1-8b 128,256",
        ),
        (
            ANSWERS + drafts("llama-3.1-70b"),
            "7: inference.speculative.draft: llama-3.1-70b is no smaller than llama-3.1-8b",
        ),
        (
            ANSWERS + drafts("eagle") + "  engine: tgi\n",
            "8: inference.engine: tgi is not known to offer drafts by a block of its own (eagle); sglang or vllm does",
        ),
        (
            ANSWERS + drafts("ngram") + "pin: {layout: {pipeline: 2}}\n",
            "8: pin.layout.pipeline: drafts exclude a pipeline",
        ),
        (
            ANSWERS + drafts("ngram") + "  adapters: {count: 3, rank: 8}\n",
            "7: inference.speculative: a draft's acceptance differs from adapter to adapter",
        ),
        (ANSWERS + "  adapters: {count: 0, rank: 8}\n", "7: inference.adapters.count: 0: it should be greater than"),
        (ANSWERS + "  adapters: {count: 3, rank: 0}\n", "7: inference.adapters.rank: 0: it should be greater than"),
        (
            ANSWERS + "  adapters: {count: 3, rank: 8, loaded: 4}\n",
            "7: inference.adapters.loaded: 4 adapters cannot be loaded of 3",
        ),
        (EMBEDS + "  adapters: {count: 3, rank: 8}\n", "7: inference.adapters: output_tokens is 0: embeddings are"),
        (EMBEDS + drafts("ngram"), "7: inference.speculative: output_tokens is 0: an embedding has no tokens to draft"),
        (EMBEDS + "  tpot: 30ms\n", "7: inference.tpot: output_tokens is 0: an embedding has no further tokens"),
        (EMBEDS + "  prefix_cache_hit_rate: 0.5\n", "7: inference.prefix_cache_hit_rate: output_tokens is 0"),
        (EMBEDS.replace(" 0", " -1"), "6: inference.output_tokens: -1: it should be greater than or equal to 0"),
        (
            ANSWERS.replace("  output_tokens: 64\n", ""),
            "3: inference.output_tokens: is missing: how long are the answers of llama-3.1-8b? 0 asks for embeddings",
        ),
        (BERT + "  output_tokens: 9\n", "6: inference.output_tokens: bert-base makes no tokens one by one"),
        (BERT + "  engine: tensorrt-llm\n", "6: inference.engine: tensorrt-llm is not known to offer embeddings"),
        (ANSWERS.replace("llama-3.1-8b", "t5-base"), "3: inference: t5-base is an encoder-decoder, and the engines"),
        (
            BERT.replace("bert-base", "alphafold2"),
            "3: inference: alphafold2 folds proteins, which no engine known here",
        ),
        (ANSWERS + beside(model="foo"), "8: inference.co_served[0].model: no model is called 'foo'"),
        (ANSWERS + beside(requests_per_second=0), "8: inference.co_served[0].requests_per_second: 0 is no load"),
        (ANSWERS + beside(output_tokens=None), "8: inference.co_served[0].output_tokens: is missing: how long are"),
        (ANSWERS + beside(input_tokens="1M"), "8: inference.co_served[0]: 1,000,064 tokens are more than the 131,072"),
        (
            ANSWERS + beside(model="bert-base", output_tokens=0, tpot="1ms"),
            "8: inference.co_served[0].tpot: output_tokens is 0",
        ),
        (
            ANSWERS + f"  fleet: {{profile: [{', '.join(['1'] * 24)}]}}\n" + beside(),
            "7: inference.fleet.profile: the nodes are those of several models",
        ),
        (
            ANSWERS + "  disaggregate: allow\n" + drafts("ngram"),
            "7: inference.disaggregate: replicas for prompts alone are not planned for drafts (inference.speculative); "
            "leave one of the two out",
        ),
        (
            ANSWERS + "  disaggregate: allow\n  adapters: {count: 3, rank: 8}\n",
            "7: inference.disaggregate: replicas for prompts alone are not planned for adapters (inference.adapters)",
        ),
        (
            EMBEDS + "  disaggregate: allow\n",
            "7: inference.disaggregate: replicas for prompts alone are not planned for embeddings (inference.output",
        ),
        (
            ANSWERS + "  disaggregate: allow\n" + beside(),
            "7: inference.disaggregate: replicas for prompts alone are not planned for several models (inference.co_s",
        ),
        (
            ANSWERS.replace("requests_per_second: 5", "requests: 5") + "  disaggregate: allow\n",
            "7: inference.disaggregate: replicas for prompts alone are not planned for a batch job (inference.requests",
        ),
        (ANSWERS + drafts("mtp"), "7: inference.speculative.draft: llama-3.1-8b is not known to be released with a b"),
        (ANSWERS + beside() + "provision: {mig: 1g.10gb}\n", "9: provision.mig: each further model has whole"),
    ],
)
def test_each_mistake_is_told_with_line_field_and_remedy(tmp_path: Path, text: str, said: str) -> None:
    """A finding says where, quotes what was written, and what would be right."""
    file = written(tmp_path, text)
    with pytest.raises(WorkloadError) as caught:
        load_workload(file)
    told = [finding.removeprefix(f"{file}:") for finding in caught.value.findings]
    assert any(each.startswith(said) for each in told), told


def test_a_batch_beside_further_models_is_told_once(tmp_path: Path) -> None:
    """One mistake is one finding."""
    with pytest.raises(WorkloadError) as caught:
        load_workload(written(tmp_path, ANSWERS.replace("requests_per_second: 5", "requests: 5") + beside()))
    (finding,) = caught.value.findings
    assert "inference.co_served: further models go on serving, and a batch job ends; plan them apart" in finding


@pytest.mark.parametrize("asked", ["compare", "never"])
def test_who_does_not_ask_for_a_split_fleet_is_told_nothing(tmp_path: Path, asked: str) -> None:
    """Drafts and further models go with every other word."""
    text = ANSWERS + f"  disaggregate: {asked}\n" + drafts("ngram") + beside()
    assert load_workload(written(tmp_path, text)).workload.inference


@pytest.mark.parametrize("draft", ["llama-3.2-1b", "ngram", "eagle", "eagle3", "mtp"])
def test_what_can_be_had_is_taken(tmp_path: Path, draft: str) -> None:
    """A small model of the family, copies from the prompt, or a block of its own."""
    answers = HEAD.format(model="deepseek-v3") + "  output_tokens: 64\n" if draft == "mtp" else ANSWERS
    loaded = load_workload(written(tmp_path, answers + drafts(draft)))
    assert loaded.workload.inference and loaded.workload.inference.features == {
        draft if draft in ("ngram", "eagle", "eagle3", "mtp") else "draft"
    }


def test_an_encoder_may_leave_its_answers_out(tmp_path: Path) -> None:
    """It makes embeddings, which is nothing to be stated."""
    inference = load_workload(written(tmp_path, BERT)).workload.inference
    assert inference and inference.output_tokens == 0 and inference.features == {"pooling"}
