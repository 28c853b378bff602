"""Does the workload take what it documents, refuse everything else, and tell editors the same?"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from pydantic import BaseModel, ValidationError

from planner.documented import meaning
from planner.fields import LARGEST_VOLUME_BYTES
from planner.framework import load_frameworks
from planner.recipe import Accuracy, Job
from planner.techniques import load_techniques
from planner.workload import (
    Inference,
    Limits,
    Method,
    ObjectiveWeights,
    Pin,
    Provision,
    Training,
    Workload,
)
from pricing.offer import Purchase
from tests.planner.market_builders import SERVING, TRAINING

ROOT = Path(__file__).parent.parent.parent
SCHEMA = ROOT / "workloads" / "workload.schema.json"
EXAMPLES = sorted((ROOT / "workloads").glob("*.yaml"))
STARTER = ROOT / "planner" / "data" / "starter.yaml"


def parsed(**sections: Any) -> Workload:
    """A workload as a file with these keys would give it."""
    return Workload.model_validate_json(json.dumps({"name": "w", "model": "gpt2", **sections}))


def refused(section: str, value: Any) -> bool:
    """Whether a section with this value is refused."""
    try:
        parsed(**{section: value})
    except ValidationError:
        return True
    return False


def training(**keys: Any) -> dict[str, Any]:
    return {"method": "lora", "sequence_length": 512, "global_batch": 8, **keys}


def inference(**keys: Any) -> dict[str, Any]:
    return {"input_tokens": 128, "output_tokens": 64, **keys}


@pytest.mark.parametrize(
    ("written", "count"),
    [(8192, 8192), ("8192", 8192), ("20B", 20 * 10**9), ("1.5T", 1_500_000_000_000), ("8k", 8000), ("1e6", 10**6)],
)
def test_counts_may_have_a_suffix(written: int | str, count: int) -> None:
    """Tokens are written as a whole number or with k, M, B and T."""
    asked = parsed(training=training(tokens=written)).training
    assert asked is not None
    assert asked.tokens == count


@pytest.mark.parametrize(
    ("section", "value"),
    [
        # Counts
        ("training", training(tokens=0)),
        ("training", training(tokens=-5)),
        ("training", training(tokens=1.5)),
        ("training", training(tokens=1e7)),
        ("training", training(tokens=True)),
        ("training", training(tokens="many")),
        ("training", training(tokens="1e999999999B")),
        ("training", training(tokens="1.5")),
        ("training", training(tokens=10**19)),
        ("training", training(epochs=0)),
        ("training", training(epochs="3")),
        ("training", training(method="magic")),
        ("training", training(optimizer="adam")),
        ("training", training(adapter="vera")),
        ("training", training(trained_share=0)),
        ("training", training(trained_share=1)),
        ("training", training(projected_rank=0)),
        ("training", training(lora={"tokens": 0})),
        ("training", training(precision="fp4")),
        ("training", training(lora={"rank": 0})),
        ("training", training(lora={"rank": 1025})),
        ("training", training(lora={"targets": "some"})),
        ("training", training(surprise=1)),
        ("inference", inference(requests_per_second=0)),
        ("inference", inference(requests_per_second=1e-300)),
        ("inference", inference(requests_per_second=1e8)),
        ("inference", inference(requests_per_second="5")),
        ("inference", inference(concurrency=10**10)),
        ("inference", inference(concurrency=2.5)),
        # Durations and sizes want a unit, and bounds in which a figure makes sense.
        ("limits", {"deadline": 30}),
        ("limits", {"deadline": "30"}),
        ("limits", {"deadline": "0d"}),
        ("limits", {"deadline": "-1d"}),
        ("limits", {"deadline": "1e-300us"}),
        ("limits", {"deadline": "1e99d"}),
        ("limits", {"deadline": "101000 weeks"}),
        ("limits", {"deadline": "30 apples"}),
        ("provision", {"storage": {"root_volume": 300}}),
        ("provision", {"storage": {"root_volume": "300"}}),
        ("provision", {"storage": {"root_volume": "0GiB"}}),
        ("provision", {"storage": {"root_volume": "65TiB"}}),
        ("provision", {"storage": {"root_volume": "1e999GiB"}}),
        ("provision", {"storage": {"root_volume": "1e999999999GiB"}}),
        # Money
        ("limits", {"budget": 0}),
        ("limits", {"budget": -1}),
        ("limits", {"budget": 0.001}),
        ("limits", {"budget": 1e300}),
        ("limits", {"budget": "lots"}),
        ("limits", {"budget": "NaN"}),
        ("limits", {"budget": "Infinity"}),
        ("limits", {"budget": True}),
        # Lists and words
        ("limits", {"max_nodes": 0}),
        ("limits", {"max_nodes": 4097}),
        ("limits", {"max_nodes": 2.0}),
        ("limits", {"regions": []}),
        ("limits", {"regions": "us-east-1"}),
        ("limits", {"regions": [1]}),
        ("limits", {"purchase": []}),
        ("limits", {"purchase": ["free"]}),
        ("limits", {"instance_types": {"allow": "p5*"}}),
        ("techniques", {"accept": "anything"}),
        ("objective", "fast"),
        ("objective", ["cost"]),
        ("objective", {"cost": 1}),
        ("objective", {"cost": -1, "time": 1}),
        ("objective", {"cost": 1, "time": 1, "joy": 1}),
        # Pins and provisioning
        ("pin", {"nodes": 0}),
        ("pin", {"layout": {"tensor": 0}}),
        ("pin", {"layout": {"tensor": 65_537}}),
        ("pin", {"sharding": "zero4"}),
        ("pin", {"recompute": "some"}),
        ("provision", {"target": "hyperpod"}),
        ("provision", {"zone": "us-east-1a"}),
        ("provision", {"reservation": "cr-xyz"}),
        ("provision", {"image": "ami-1"}),
        ("provision", {"image": "ami-0123456789abcdef0\n"}),
        ("provision", {"budget_email": "nobody"}),
        ("provision", {"budget_email": "a@b.c\n"}),
        ("provision", {"budget_email": "a@b"}),
        ("provision", {"budget_email": "a..b@example.com"}),
        ("provision", {"budget_email": "ml@-example.com"}),
        ("provision", {"budget_email": "two@example.com,three@example.com"}),
        ("provision", {"mig": "half"}),
        ("provision", {"storage": {"file_system": {}}}),
        ("provision", {"storage": {"file_system": {"capacity": 4800}}}),
        ("provision", {"storage": {"file_system": {"capacity": "4.8TB"}}}),
        ("provision", {"storage": {"file_system": {"capacity": "4800GiB", "throughput": 200}}}),
        ("provision", {"storage": {"file_system": {"capacity": "4800GiB", "data": "https://my-data"}}}),
        ("provision", {"storage": {"file_system": {"capacity": "4800GiB", "data": "s3://My_Data"}}}),
        ("provision", {"serving": {"container": "tgi"}}),
        ("provision", {"serving": {"image": "vllm/vllm-openai"}}),
        ("provision", {"serving": {"image": "vllm/vllm-openai:latest"}}),
        ("provision", {"serving": {"image": "localhost:5000/vllm"}}),
        ("provision", {"serving": {"image": "vllm/vllm-openai@sha256:abc"}}),
        ("provision", {"serving": {"weights": "/models/llama"}}),
        ("provision", {"serving": {"weights": "s3://a"}}),
        ("provision", {"serving": {"weights": "s3://my-models/a b"}}),
        ("provision", {"serving": {"certificate": "arn:aws:iam::123456789012:server-certificate/web"}}),
        ("provision", {"serving": {"registry_secret": "nvapi-secret"}}),
        ("provision", {"serving": {"clients": ["10.0.0.1/8"]}}),
        ("provision", {"serving": {"clients": ["office"]}}),
        ("provision", {"serving": {"clients": ["0.0.0.0/0"]}}),
        ("provision", {"serving": {"jwt": {"issuer": "https://issuer.example.com"}}}),
        ("provision", {"serving": {"jwt": {"issuer": "x", "keys": "http://issuer.example.com"}}}),
        ("provision", {"serving": {"most_nodes": 0}}),
        # Names
        ("name", "My_Model"),
        ("name", "2fast"),
        ("name", "a--b"),
        ("name", "a-"),
        ("name", "a" * 41),
        ("name", "w\n"),
        ("name", "🚀"),
        ("name", 5),
        ("model", 8),
        ("model", ["gpt2"]),
        ("surprise", 1),
    ],
)
def test_what_makes_no_sense_is_refused(section: str, value: object) -> None:
    """Wrong types, missing units, unknown keys and figures out of bounds never reach the planner."""
    assert refused(section, value)


def test_money_is_kept_to_cents() -> None:
    """However a budget is written, the same amount is the same value."""
    budgets = [parsed(limits={"budget": each}).limits.budget for each in (2000, 2000.0, "2000", 2e3, 2000.001)]
    assert [str(each) for each in budgets] == ["2000.00"] * 5


def test_the_largest_volume_is_taken() -> None:
    """A root volume of exactly the most that EBS makes is allowed."""
    stored = parsed(provision={"storage": {"root_volume": "64TiB"}}).provision.storage
    assert stored.root_volume == LARGEST_VOLUME_BYTES


def test_defaults_are_those_that_are_documented() -> None:
    """Three regions, on-demand, 64 nodes, 30 days, no loss of accuracy, least cost."""
    plain = parsed(training=training(tokens="1M"))
    assert plain.limits == Limits(regions=("us-east-1", "us-east-2", "us-west-2"), purchase=(Purchase.ON_DEMAND,))
    assert (plain.limits.max_nodes, plain.limits.deadline_s) == (64, 30 * 86400)
    assert plain.techniques.accept is Accuracy.EXACT
    assert plain.weights == ObjectiveWeights(cost=1, time=0)
    assert (plain.pin, plain.provision) == (Pin(), Provision())


@pytest.mark.parametrize(
    ("keys", "tokens"),
    [
        ({"tokens": "10M"}, 10_000_000),
        ({"dataset_tokens": "10M"}, 10_000_000),
        ({"dataset_tokens": "10M", "epochs": 3}, 30_000_000),
        ({"dataset_tokens": 7, "epochs": 0.5}, 4),
    ],
)
def test_tokens_follow_from_epochs(keys: dict[str, Any], tokens: int) -> None:
    """A run is as long as its tokens, or its data set times its epochs."""
    asked = parsed(training=training(**keys)).training
    assert asked is not None
    assert asked.stated_tokens == asked.total_tokens(1) == tokens


def test_a_run_without_tokens_takes_twenty_a_parameter() -> None:
    """Where nobody says how much to train on, it is Chinchilla's optimum."""
    asked = parsed(training=training(tokens=None)).training
    assert asked is not None
    assert (asked.stated_tokens, asked.total_tokens(7)) == (None, 140)


def test_a_context_is_as_long_as_the_mean_request_unless_given() -> None:
    """Without a context length, the longest request is taken to be the mean one."""
    plain, given = (parsed(inference=inference(**keys)).inference for keys in ({}, {"context_length": "4k"}))
    assert plain is not None and given is not None
    assert (plain.context_tokens, given.context_tokens) == (192, 4000)


@pytest.mark.parametrize(
    ("objective", "weights"),
    [("cost", (1.0, 0.0)), ("time", (0.0, 1.0)), ({"cost": 7, "time": 3}, (7.0, 3.0))],
)
def test_an_objective_is_a_pair_of_weights(objective: object, weights: tuple[float, float]) -> None:
    """Cost and time are the ends of the weighed objective."""
    found = parsed(objective=objective).weights
    assert (found.cost, found.time) == weights


def test_a_workload_cannot_be_changed() -> None:
    """What has been read stays as it was read."""
    with pytest.raises(ValidationError):
        parsed().name = "other"


def sections(model: type[BaseModel]) -> set[type[BaseModel]]:
    """The model and every model that its fields hold."""
    found = {model}
    for field in model.model_fields.values():
        for each in (field.annotation, *get_args(field.annotation)):
            if isinstance(each, type) and issubclass(each, BaseModel) and each not in found:
                found |= sections(each)
    return found


@pytest.mark.parametrize("model", sorted(sections(Workload), key=str))
def test_every_key_is_documented(model: type[BaseModel]) -> None:
    """An editor can say of every key what it is for."""
    assert [name for name in model.model_fields if not meaning(model, name)] == []


def test_the_committed_schema_is_the_current_one() -> None:
    """Editors check files against what the planner reads today: `berth schema workload > workloads/...` was run."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == Workload.model_json_schema()


@pytest.mark.parametrize("file", [*EXAMPLES, STARTER], ids=lambda file: file.name)
def test_examples_are_valid_by_the_schema(file: Path) -> None:
    """An editor underlines nothing in a file that the planner takes."""
    Draft202012Validator.check_schema(Workload.model_json_schema())
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert list(Draft202012Validator(Workload.model_json_schema()).iter_errors(data)) == []


@pytest.mark.parametrize(
    "text",
    [
        TRAINING + "limitz: {}\n",
        TRAINING.replace("lora", "magic"),
        TRAINING + "limits: {max_nodes: many}\n",
        SERVING.replace("name: tiny", "name: My_Model"),
        SERVING + "objective: fast\n",
    ],
)
def test_the_schema_refuses_what_the_planner_refuses(text: str) -> None:
    """Unknown keys, words and forms are underlined while they are written."""
    assert not Draft202012Validator(Workload.model_json_schema()).is_valid(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("model", "field", "job"),
    [(Training, "framework", Job.TRAINING), (Inference, "engine", Job.INFERENCE)],
)
def test_the_software_named_in_the_documentation_exists(model: type[BaseModel], field: str, job: Job) -> None:
    """The schema names every framework and engine, and none that the planner does not know."""
    told = meaning(model, field)
    named = re.findall(r"[a-z][a-z-]*", told.partition(": ")[2].partition(".")[0])
    assert set(named) == {item.name for item in load_frameworks().values() if item.job is job}


def commented(key: str) -> list[str]:
    """The words that the starter file offers for a key, in a comment behind it."""
    text = STARTER.read_text(encoding="utf-8")
    found = re.search(rf"^[ #]*{key}:.*?# (.*)$", text, re.MULTILINE)
    assert found is not None
    return re.findall(r"[a-z0-9][a-z0-9-]*", found[1].partition(";")[0].rpartition(": ")[2])


@pytest.mark.parametrize(
    ("key", "known"),
    [
        ("method", {str(each) for each in Method}),
        ("framework", {item.name for item in load_frameworks().values() if item.job is Job.TRAINING}),
        ("engine", {item.name for item in load_frameworks().values() if item.job is Job.INFERENCE}),
        ("accept", {str(each) for each in Accuracy}),
    ],
)
def test_the_starter_offers_every_choice(key: str, known: set[str]) -> None:
    """The comments of the starter file name what there is, and nothing else."""
    assert set(commented(key)) == known


@pytest.mark.parametrize("field", ["optimizer", "adapter"])
def test_every_optimizer_and_adapter_can_be_named(field: str) -> None:
    """The fields take the name of each technique of their group, and no other."""
    named = get_args(get_args(Training.model_fields[field].annotation)[0])
    assert set(named) == {name for name, item in load_techniques().items() if item.group == field}


def test_the_precisions_are_techniques_or_weight_types() -> None:
    """No precision can be written that no technique stands for."""
    techniques = load_techniques().keys()
    for model in (Training, Inference):
        literal = get_args(model.model_fields["precision"].annotation)[0]
        assert all({name, f"{name}-weights"} & techniques for name in get_args(literal))


def test_every_sharding_and_recompute_pin_is_a_technique() -> None:
    """What can be pinned can be planned."""
    techniques = load_techniques().keys()
    sharding = get_args(get_args(Pin.model_fields["sharding"].annotation)[0])
    recompute = get_args(get_args(Pin.model_fields["recompute"].annotation)[0])
    assert {*sharding, *(f"recompute-{each}" for each in recompute)} <= techniques


def test_budgets_are_exact_decimals() -> None:
    """Money never passes through a binary fraction."""
    assert parsed(limits={"budget": "0.30"}).limits.budget == Decimal("0.30")
