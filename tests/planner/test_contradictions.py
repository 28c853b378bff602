"""Is every pair of wishes that cannot both be had found, at the field where it is mended?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from planner.contradictions import contradictions
from planner.load import load_workload
from planner.workload import Workload
from tests.planner.market_builders import TRAINING, inference, training, workload, written


def told(asked: Workload) -> list[tuple[str, str]]:
    """Field and sentence of each finding."""
    return [(".".join(map(str, item.path)), item.says) for item in contradictions(asked)]


def test_an_ordinary_workload_has_none() -> None:
    """What can be had is not complained about, with every section filled."""
    full = workload(
        training=training(optimizer="adamw", precision="bf16", epochs=None, tokens="8B"),
        techniques={"require": ["zero1", "recompute-full"], "forbid": ["fp16", "fp8"]},
        limits={
            "deadline": "9d",
            "budget": 99,
            "regions": ["us-east-1"],
            "purchase": ["spot"],
            "instance_types": {"allow": ["p*"], "deny": ["p3*"]},
        },
        objective={"cost": 1, "time": 0},
        pin={"nodes": 2, "layout": {"tensor": 2, "virtual": 2, "expert": 1}, "micro_batch": 2, "recompute": "full"},
        provision={"zone": "use1-az6", "budget": 5, "budget_email": "ml@example.com", "target": "efa-cluster"},
    )
    assert told(full) == []
    # Pretraining may leave it to Chinchilla.
    assert told(workload(training=training(tokens=None))) == []
    assert told(workload(inference=inference(concurrency=5, requests_per_second=None, precision="fp8"))) == []


@pytest.mark.parametrize(
    ("sections", "field", "said"),
    [
        # The job
        ({"training": training(), "inference": inference()}, "inference", "exclude each other; keep one"),
        ({"training": None}, "", "nothing to do: add a training, an inference or an index section"),
        # How much
        ({"training": training(epochs=3)}, "training.tokens", "tokens excludes epochs and dataset_tokens"),
        ({"training": training(dataset_tokens=3)}, "training.tokens", "tokens excludes epochs and dataset_tokens"),
        ({"training": training(method="lora", tokens=None)}, "training", "Give tokens, or epochs and dataset_tokens"),
        ({"training": training(tokens=None, epochs=3)}, "training", "Give tokens, or epochs and dataset_tokens"),
        (
            {"training": training(tokens=1024)},
            "training.global_batch",
            "one step takes 8,192 tokens, more than the 1,0",
        ),
        (
            {"training": training(tokens=None, dataset_tokens="10M", epochs=1e-12)},
            "training.global_batch",
            "more than the 0 of the whole run",
        ),
        # The load
        (
            {"inference": inference(concurrency=3)},
            "inference",
            "requests_per_second, concurrency or, of a batch job, requests",
        ),
        (
            {"inference": inference(requests_per_second=None)},
            "inference",
            "requests_per_second, concurrency or, of a batch job, requests",
        ),
        ({"inference": inference(context_length=100)}, "inference.context_length", "do not hold 512 in and 128 out"),
        (
            {"inference": inference(), "limits": {"deadline": "3d"}},
            "limits.deadline",
            "a service has no end; remove it, or give inference.requests",
        ),
        # The software
        ({"training": training(framework="jax")}, "training.framework", "'jax' is not a known framework; known are de"),
        ({"training": training(framework="vllm")}, "training.framework", "'vllm' is not a known framework"),
        (
            {"inference": inference(engine="megatron")},
            "inference.engine",
            "known are airllm, flexgen, neuron-serving, sglang, tensorrt-llm",
        ),
        ({"training": training(method="qlora")}, "training.method", "does not do qlora; it does full, lora, pretrain"),
        (
            {"training": training(optimizer="adamw-8bit")},
            "training.optimizer",
            "megatron does not have adamw-8bit; set training.framework to deepspeed or huggingface",
        ),
        (
            {"training": training(framework=None, method="lora", precision="fp8")},
            "training.precision",
            "huggingface or neuron does not have fp8; set training.framework to megatron or torchtitan",
        ),
        (
            {"inference": inference(engine="neuron-serving", precision="int4")},
            "inference.precision",
            "neuron-serving does not have int4-weights; set inference.engine to vllm",
        ),
        (
            {"inference": inference(engine="tgi", precision="int3")},
            "inference.precision",
            "tgi does not have int3-weights; set inference.engine to vllm",
        ),
        (
            {"training": training(framework="huggingface"), "pin": {"layout": {"tensor": 4}}},
            "pin.layout.tensor",
            "huggingface does not have the tensor degree; set training.framework to megatron or neuron or torchtitan",
        ),
        (
            {"inference": inference(engine="tgi"), "pin": {"layout": {"data": 4}}},
            "pin.layout.data",
            "tgi does not have the data degree; set inference.engine to sglang or tensorrt-llm or vllm",
        ),
        (
            {"techniques": {"require": ["kv-fp8"], "accept": "quantized"}},
            "techniques.require.0",
            "megatron does not have kv-fp8; no other software has it for this job",
        ),
        (
            {"inference": inference(), "techniques": {"require": ["host-kv"]}},
            "techniques.require.0",
            "flexgen or zero-inference has it, for batch jobs alone: give inference.requests as the load",
        ),
        # Techniques
        (
            {"techniques": {"require": ["zero4"]}},
            "techniques.require.0",
            "'zero4' is not a known technique; did you me",
        ),
        (
            {"techniques": {"forbid": ["lorra"]}},
            "techniques.forbid.0",
            "'lorra' is not a known technique; did you mean",
        ),
        (
            {"training": training(framework="torchtitan"), "techniques": {"require": ["fp8"]}},
            "techniques.require.0",
            "fp8 is quantized, but techniques.accept is exact; set accept: quantized",
        ),
        (
            {"techniques": {"require": ["zero1"], "forbid": ["zero1"]}},
            "techniques.require.0",
            "zero1 is asked for here, and forbidden in techniques.forbid",
        ),
        (
            {"training": training(precision="bf16"), "techniques": {"forbid": ["bf16"]}},
            "training.precision",
            "bf16 is asked for here, and forbidden",
        ),
        (
            {"training": training(method="lora"), "techniques": {"forbid": ["lora"]}},
            "training.method",
            "lora is asked for here, and forbidden",
        ),
        (
            {"training": training(method="qlora", framework=None), "techniques": {"forbid": ["nf4"]}},
            "training.method",
            "nf4 is asked for here, and forbidden",
        ),
        (
            {"pin": {"sharding": "zero1", "recompute": "full"}, "techniques": {"forbid": ["zero1", "recompute-full"]}},
            "pin.sharding",
            "zero1 is asked for here, and forbidden",
        ),
        (
            {"inference": inference(precision="int4"), "techniques": {"forbid": ["int4-weights"]}},
            "inference.precision",
            "int4-weights is asked for here, and forbidden",
        ),
        (
            {"training": training(framework="deepspeed"), "techniques": {"require": ["zero2", "zero3"]}},
            "techniques.require.1",
            "zero3 is required, but as sharding the workload asks for zero2",
        ),
        (
            {"pin": {"sharding": "replicated"}, "techniques": {"require": ["zero1"]}},
            "techniques.require.0",
            "zero1 is required, but as sharding the workload asks for replicated",
        ),
        (
            {
                "inference": inference(precision="bf16"),
                "techniques": {"require": ["int8-weights"], "accept": "quantized"},
            },
            "techniques.require.0",
            "int8-weights is required, but as base weights the workload asks for none",
        ),
        # Where
        (
            {"limits": {"regions": ["mars-1"]}},
            "limits.regions.0",
            "'mars-1' is no region that Berth knows; known are af-south-1, ",
        ),
        (
            {"techniques": {"require": ["nosuch"]}},
            "techniques.require.0",
            "'nosuch' is not a known technique. `berth te",
        ),
        (
            {"pin": {"instance_type": "nosuch.large"}},
            "pin.instance_type",
            "'nosuch.large' is not a known instance type. `",
        ),
        (
            {"limits": {"regions": ["us-est-1"]}},
            "limits.regions.0",
            "'us-est-1' is no region that Berth knows; did you",
        ),
        (
            {"provision": {"zone": "use1-az9"}},
            "provision.zone",
            "'use1-az9' is no zone id that Berth knows; did you me",
        ),
        ({"provision": {"zone": "euw1-az1"}}, "provision.zone", "is in eu-west-1, which limits.regions leaves out"),
        # Which machines
        (
            {"limits": {"instance_types": {"allow": ["zz*"]}}},
            "limits.instance_types.allow.0",
            "no instance type is cal",
        ),
        ({"limits": {"instance_types": {"deny": ["g5."]}}}, "limits.instance_types.deny.0", "did you mean g5.xlarge"),
        ({"limits": {"instance_types": {"deny": ["*"]}}}, "limits.instance_types", "leave no instance type"),
        (
            {"limits": {"instance_types": {"allow": ["g5*"], "deny": ["g5*"]}}},
            "limits.instance_types",
            "leave no instance type",
        ),
        ({"pin": {"instance_type": "p5.47xlarge"}}, "pin.instance_type", "is not a known instance type; did you mean"),
        ({"pin": {"instance_type": "p5*"}}, "pin.instance_type", "'p5*' is not a known instance type"),
        (
            {"pin": {"instance_type": "p5.48xlarge"}, "limits": {"instance_types": {"deny": ["p5.*"]}}},
            "pin.instance_type",
            "is pinned, but limits.instance_types leaves it out",
        ),
        # What for
        ({"objective": {"cost": 0, "time": 0}}, "objective", "both weights are zero"),
        # Pins
        ({"pin": {"nodes": 3}, "limits": {"max_nodes": 2}}, "pin.nodes", "3 nodes are pinned, but limits.max_nodes is"),
        (
            {"inference": inference(), "pin": {"recompute": "full"}},
            "pin.recompute",
            "recompute is a matter of training",
        ),
        ({"inference": inference(), "pin": {"sharding": "zero1"}}, "pin.sharding", "sharding is a matter of training"),
        # Provisioning
        (
            {"pin": {"nodes": 2}, "provision": {"target": "single-instance"}},
            "provision.target",
            "cannot have the nodes",
        ),
        ({"provision": {"budget": 5}}, "provision.budget", "whom shall the budget warn? Add budget_email"),
        ({"limits": {"purchase": ["capacity-block"]}}, "limits.purchase", "name its id in provision.reservation"),
        (
            {"provision": {"reservation": "cr-0123456789abcdef0"}},
            "provision.reservation",
            "one instance type in one zone; add provision.zone and pin.instance_type",
        ),
        (
            {"provision": {"reservation": "cr-0123456789abcdef0", "zone": "use1-az6"}},
            "provision.reservation",
            "one instance type in one zone; add pin.instance_type",
        ),
        (
            {
                "limits": {"purchase": ["spot"]},
                "pin": {"instance_type": "p5.48xlarge"},
                "provision": {"reservation": "cr-0123456789abcdef0", "zone": "use1-az6"},
            },
            "provision.reservation",
            "spot instances cannot use a reservation",
        ),
    ],
)
def test_what_cannot_be_had_together_is_found(sections: dict[str, Any], field: str, said: str) -> None:
    """The first finding stands at the field to mend, and says what excludes what."""
    path, says = told(workload(**sections))[0]
    assert path == field
    assert said in says


@pytest.mark.parametrize(
    "sections",
    [
        {"training": None},
        {"training": training(method="lora"), "inference": inference()},
        {"training": training(framework="jax", optimizer="adamw-8bit")},
        {"limits": {"instance_types": {"allow": ["zz*"]}}},
        {"training": training(framework="torchtitan", method="lora"), "techniques": {"require": ["zero4"]}},
    ],
)
def test_one_mistake_is_one_finding(sections: dict[str, Any]) -> None:
    """What only follows from a mistake is not told beside it."""
    assert len(told(workload(**sections))) == 1


@pytest.mark.parametrize(
    ("job", "techniques", "field", "said"),
    [
        (
            {"optimizer": "galore"},
            {"require": ["zero3"]},
            "techniques.require.0",
            "zero3 and galore exclude each other; keep one of them",
        ),
        (
            {"optimizer": "adamw-paged"},
            {"require": ["optimizer-offload"]},
            "techniques.require.0",
            "optimizer-offload and adamw-paged exclude each other",
        ),
        (
            {"trained_share": 0.5},
            {"require": ["lora"]},
            "techniques.require.0",
            "lora is adapter, but techniques.accept is exact",
        ),
        (
            {},
            {"require": ["frozen-layers", "dora"], "accept": "adapter"},
            "techniques.require.1",
            "dora and frozen-layers exclude each other",
        ),
        (
            {},
            {"require": ["flash-attention", "unfused-attention"]},
            "techniques.require.1",
            "unfused-attention is required, but as attention the workload asks for flash-attention",
        ),
        (
            {},
            {"require": ["weights-offload"]},
            "techniques.require.0",
            "weights-offload needs optimizer-offload or optimizer-offload-nvme; name one in techniques.require",
        ),
    ],
)
def test_what_excludes_or_lacks_is_told_with_both_names(
    job: dict[str, Any], techniques: dict[str, Any], field: str, said: str
) -> None:
    """Two that cannot be had together, and one without what it needs, are findings with both names."""
    asked = workload(training=training(method="full", framework="huggingface", **job), techniques=techniques)
    assert (field, said) in [(path, says[: len(said)]) for path, says in told(asked)]


def test_what_is_needed_must_not_be_pinned_away() -> None:
    """Offloading activations needs full recompute, which the planner finds unless the workload pins another."""
    asked = {
        "training": training(method="full", framework="deepspeed"),
        "techniques": {"require": ["activation-offload"]},
    }
    assert told(workload(**asked)) == []
    assert told(workload(**asked, pin={"recompute": "none"})) == [
        ("techniques.require.0", "activation-offload needs recompute-full; name one in techniques.require")
    ]


def test_a_technique_may_exclude_a_degree() -> None:
    """Scores of unfused attention cannot go round the ring of context parallelism."""
    asked = workload(techniques={"require": ["unfused-attention"]}, pin={"layout": {"context": 2}})
    assert told(asked) == [
        ("techniques.require.0", "unfused-attention excludes the context degree that pin.layout asks for")
    ]


@pytest.mark.parametrize(
    ("job", "field", "said"),
    [
        ({"method": "full", "adapter": "dora"}, "training.adapter", "full trains weights, not adapters"),
        ({"method": "lora", "trained_share": 0.5}, "training.trained_share", "lora has no blocks to freeze"),
        (
            {"method": "full", "optimizer": "lion", "projected_rank": 64},
            "training.projected_rank",
            "lion projects no gradients; set training.optimizer to galore",
        ),
        (
            {"method": "full", "projected_rank": 64},
            "training.projected_rank",
            "an optimizer left open projects no gradients; set training.optimizer to galore",
        ),
        ({"method": "lora", "adapter": "peqa"}, "training.adapter", "huggingface does not have peqa"),
    ],
)
def test_settings_without_their_technique_are_told(job: dict[str, Any], field: str, said: str) -> None:
    """A field that means nothing beside the others is a finding at that field."""
    found = told(workload(training=training(framework="huggingface", **job)))
    assert (field, said) in [(path, says[: len(said)]) for path, says in found]


def test_what_the_user_chose_as_method_is_no_loss() -> None:
    """LoRA and 8-bit states may be required without accepting a loss when the fields ask for them already."""
    chosen = training(method="lora", framework="huggingface", optimizer="adamw-8bit")
    assert told(workload(training=chosen, techniques={"require": ["lora", "adamw-8bit"]})) == []


def test_a_finding_points_at_its_line(tmp_path: Path) -> None:
    """Contradictions carry the line of the item that they are about, like any other mistake."""
    text = TRAINING + "techniques:\n  require:\n    - lora\n    - zero4\n"
    with pytest.raises(Exception, match=r"tiny\.yaml:11: techniques\.require\[1\]: 'zero4' is not a known technique"):
        load_workload(written(tmp_path, text))
