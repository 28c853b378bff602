"""Does a fleet's stack get what was chosen, and is what it cannot build refused?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.built import Fleet
from planner.contradictions import contradictions
from planner.errors import NoFeasiblePlan
from planner.workload import Pin, Workload
from pricing.records import replace
from tests.planner.builders import MIXED
from tests.planner.market_builders import decision, inference, machine, market, offer, workload

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0f0e0d0c-0b0a-0908-0706-050403020100"
SERVING = {"weights": "s3://my-models/dense", "certificate": CERTIFICATE}
KINDS = [machine("p5.one", memory_gib=9), machine("p5.four", accelerators=4, memory_gib=9)]
ZONES = ["use1-az4", "use1-az6"]
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:chat-AbCdEf"
TOKENS = {"issuer": "https://issuer.example.com", "keys": "https://issuer.example.com/jwks.json"}


def asked(kind: str = "p5.one", **changes: Any) -> Workload:
    """A fleet of dense models, with other words on what serves."""
    serving = {key: value for key, value in {**SERVING, **changes}.items() if value is not None}
    return workload(
        inference=inference(),
        pin={"instance_type": kind, "layout": {"tensor": 2 if kind == "p5.four" else 1, "pipeline": 1}},
        provision={"target": "serving-fleet", "serving": serving},
    )


def built(kind: str = "p5.one", zones: Any = ZONES, **changes: Any) -> Fleet:
    """The fleet of a plan on one type."""
    sold = market(KINDS, [offer(each.name, 1, zones=zones) for each in KINDS])
    found = decision(asked(kind, **changes), sold)
    assert found.build.fleet is not None and found.build.nodes == found.plan.chosen.nodes
    return found.build.fleet


def test_the_engine_is_told_the_plan() -> None:
    """Degrees, context and requests in flight are arguments; a node with several devices runs as many replicas."""
    command = " ".join(built("p5.four").engine.command)
    assert "--model /model --served-model-name tiny" in command
    assert "--tensor-parallel-size 2 --pipeline-parallel-size 1 --data-parallel-size 2" in command
    assert "--max-model-len 640" in command and "--dtype bfloat16" in command
    assert "{" not in command


def test_a_plan_for_another_engine_is_refused() -> None:
    """What was planned for SGLang is not built with vLLM."""
    wanted = asked()
    assert wanted.inference is not None
    wanted = wanted.model_copy(update={"inference": wanted.inference.model_copy(update={"engine": "sglang"})})
    made = machine("p5.one", memory_gib=9)
    kind = replace(made, accelerator=replace(made.accelerator, name="L4"))
    with pytest.raises(NoFeasiblePlan, match="The plan is for sglang, and the containers of the target"):
        decision(wanted, market([kind], [offer(kind.name, 1, zones=ZONES)]))


def test_the_engine_has_a_place_for_whoever_its_cache_holds() -> None:
    """More requests are let in than are planned for, up to the engine's largest batch, unless the batch is pinned."""
    sold = market(KINDS, [offer(each.name, 1, zones=ZONES) for each in KINDS])
    pinned = asked().model_copy(update={"pin": Pin(instance_type="p5.one", micro_batch=2)})
    for wanted in (asked(), pinned):
        found = decision(wanted, sold)
        service, fleet = found.plan.chosen.service, found.build.fleet
        assert service is not None and fleet is not None
        assert service.concurrency < service.largest_batch <= 1024
        assert service.largest_batch * 640 <= service.kv_capacity_tokens / 0.55
        batch = 2 if wanted is pinned else service.largest_batch
        assert f"--max-num-seqs {batch}" in " ".join(fleet.engine.command)


def test_the_fleet_stays_as_large_as_planned_unless_told_otherwise() -> None:
    """Least and most nodes are the planned ones, or those that the user names."""
    plain = built()
    assert plain.least_nodes == plain.most_nodes
    wider = built(least_nodes=1, most_nodes=plain.most_nodes + 5)
    assert (wider.least_nodes, wider.most_nodes) == (1, plain.most_nodes + 5)


def test_scaling_starts_before_the_planned_load_is_exceeded() -> None:
    """A tenth of the planned requests in flight may wait."""
    found = built()
    assert found.running_per_node >= 1
    assert found.waiting_per_node == max(1, round(found.running_per_node * 0.1))


@pytest.mark.parametrize(("spare", "zones"), [(False, ("use1-az4",)), (True, ("use1-az4", "use1-az6"))])
def test_nodes_stand_in_one_zone_unless_a_spare_one_is_asked_for(spare: bool, zones: tuple[str, ...]) -> None:
    """The load balancer takes the nodes' zones first, and always two."""
    found = built(spare_zone=spare)
    assert found.zone_ids == zones
    assert found.balancer_zone_ids[0] == "use1-az4" and len(set(found.balancer_zone_ids)) == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"certificate": CERTIFICATE.replace("us-east-1", "us-west-2")}, "is not in us-east-1"),
        ({"zones": ["use1-az4"], "spare_zone": True}, "no spare one"),
        ({"least_nodes": 4000}, "least_nodes is 4000, and the fleet has [0-9]+ nodes at most"),
        ({"api_key": SECRET.replace("us-east-1", "eu-west-1")}, r"provision\.serving\.api_key\) is not in us-east-1"),
    ],
    ids=["certificate elsewhere", "no spare zone", "least above most", "key elsewhere"],
)
def test_what_the_market_rules_out_is_refused_at_the_plan(changes: dict[str, Any], said: str) -> None:
    """Not by CloudFormation, twenty minutes in."""
    with pytest.raises(NoFeasiblePlan, match=said):
        built(**changes)


def test_a_replica_over_several_nodes_is_refused() -> None:
    """The nodes of one replica cannot be told apart by a load balancer, and the refusal says what can be done."""
    small = machine("p5.small", memory_gib=3.62)
    wanted = workload(
        inference=inference(requests_per_second=0.1),
        pin={"instance_type": "p5.small", "layout": {"pipeline": 2}},
        provision={"target": "serving-fleet", "serving": SERVING},
    )
    with pytest.raises(NoFeasiblePlan, match="cannot tell the nodes of one replica apart"):
        decision(wanted, market([small], [offer("p5.small", 1)]))


@pytest.mark.parametrize(
    ("sections", "field", "said"),
    [
        ({"certificate": None}, "provision.serving", "speaks HTTPS; name a certificate"),
        ({"weights": None}, "provision.serving", "has no weights to serve"),
        ({"container": "triton"}, "provision.serving", "checks no API key"),
        ({"container": "nim", "weights": None, "jwt": TOKENS}, "provision.serving", "each nim image brings its model"),
        ({"container": "nim", "jwt": TOKENS}, "provision.serving.weights", "nim fetches its own"),
        ({"container": "nim", "jwt": TOKENS, "weights": None}, "provision.serving", "name the secret that holds it"),
        ({"least_nodes": 3, "most_nodes": 2}, "provision.serving.least_nodes", "3 is more than most_nodes, 2"),
        ({"api_key": SECRET, "jwt": TOKENS}, "provision.serving.api_key", "checks signed tokens, and nobody a key"),
        ({"api_key": SECRET, "container": "triton"}, "provision.serving.api_key", "triton checks no API key"),
        ({"weights": "/fsx/dense"}, "provision.serving.weights", "name that in provision.existing.file_system"),
    ],
)
def test_what_cannot_be_served_is_refused_at_its_field(sections: dict[str, Any], field: str, said: str) -> None:
    """Without certificate, weights, image, key or guard there is no fleet."""
    found = [(".".join(map(str, each.path)), each.says) for each in contradictions(asked(**sections))]
    assert [where for where, words in found if said in words] == [field]


@pytest.mark.parametrize(
    ("sections", "field", "said"),
    [
        ({"provision": {"serving": SERVING}, "inference": inference()}, "provision.serving", "set provision.target"),
        ({"provision": {"target": "serving-fleet", "serving": SERVING}}, "provision.target", "a serving-fleet serves"),
        (
            {"provision": {"target": "serving-fleet", "serving": SERVING, "mig": "1g.10gb"}, "inference": inference()},
            "provision.mig",
            "whole GPUs",
        ),
        (
            {"provision": {"storage": {"file_system": {"capacity": "1300GiB"}}}},
            "provision.storage.file_system.capacity",
            "1,300 GiB is not sold",
        ),
        (
            {"provision": {"storage": {"file_system": {"capacity": "4800GiB", "efa": True}}}},
            "provision.storage.file_system.capacity",
            "takes a multiple of 19,200GiB",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(sections: dict[str, Any], field: str, said: str) -> None:
    """Targets, jobs, cuts and sizes that AWS or the target would refuse."""
    found = [(".".join(map(str, each.path)), each.says) for each in contradictions(workload(**sections))]
    assert [where for where, words in found if said in words] == [field]


def test_sizes_that_fsx_sells_are_taken() -> None:
    """The smallest, a multiple of 2,400 GiB, and with EFA a multiple of the throughput's own step."""
    for system in (
        {"capacity": "1200GiB"},
        {"capacity": "7200GiB", "throughput": 125},
        {"capacity": "9600GiB", "throughput": 500, "efa": True},
        {"capacity": "4800GiB", "throughput": 1000, "efa": True},
    ):
        assert contradictions(workload(provision={"storage": {"file_system": system}})) == ()


@pytest.mark.parametrize(
    ("more", "field", "said"),
    [
        ({"limits": {"purchase": ["spot"]}}, "inference.fleet.spot_share", "all nodes on spot already"),
        ({"provision": {"reservation": "open"}}, "inference.fleet.spot_share", "cannot use a reservation"),
    ],
)
def test_what_cannot_be_mixed_is_refused(more: dict[str, Any], field: str, said: str) -> None:
    """A share on spot needs nodes on demand beside it, which no reservation binds."""
    provision = {"target": "serving-fleet", "serving": SERVING, **more.get("provision", {})}
    whole = {"inference": inference(fleet={"spot_share": 0.5}), **more, "provision": provision}
    found = [(".".join(map(str, each.path)), each.says) for each in contradictions(workload(**whole))]
    assert [where for where, words in found if said in words] == [field]


def test_a_type_that_is_not_sold_on_spot_takes_no_share_of_it() -> None:
    """EC2's usage classes say so, and the refusal what to leave out."""
    kind = replace(KINDS[0], usage_classes=frozenset({"on-demand"}))
    wanted = workload(
        inference=inference(fleet={"spot_share": 0.5}),
        pin={"instance_type": "p5.one"},
        provision={"target": "serving-fleet", "serving": SERVING},
    )
    with pytest.raises(NoFeasiblePlan, match=r"EC2 sells no p5\.one on spot"):
        decision(wanted, market([kind], [offer("p5.one", 1, zones=ZONES)]))


def test_the_stack_buys_and_keeps_what_the_plan_counts() -> None:
    """Nodes on demand, and the fewest of each hour, are those of the plan's own figures."""
    hours = [0.1] * 12 + [1.0] * 12
    found = workload(
        inference=inference(
            requests_per_second=4000, fleet={"profile": hours, "spot_share": 0.5, "time_zone": "Asia/Tokyo"}
        ),
        pin={"instance_type": "p5.one"},
        provision={"target": "serving-fleet", "serving": {**SERVING, "least_nodes": 2, "api_key": SECRET}},
    )
    made = decision(found, market(KINDS[:1], [offer("p5.one", 1, zones=ZONES)]))
    fleet, planned = made.build.fleet, made.plan.fleet
    assert fleet and planned and planned.spot_nodes > 0
    assert fleet.on_demand_nodes == made.build.nodes - planned.spot_nodes
    assert {each.nodes for each in fleet.schedule} == {*planned.nodes_by_hour} and min(planned.nodes_by_hour) >= 2
    assert (fleet.time_zone, fleet.api_key) == ("Asia/Tokyo", SECRET)


def test_a_profile_lets_the_fleet_fall() -> None:
    """Scaling in stops at the nodes of the quietest hour, where the load's hours are known."""
    hours = [0.1] * 12 + [1.0] * 12
    found = workload(
        inference=inference(requests_per_second=4000, fleet={"profile": hours}),
        pin={"instance_type": "p5.one"},
        provision={"target": "serving-fleet", "serving": SERVING},
    )
    made = decision(found, market(KINDS[:1], [offer("p5.one", 1, zones=ZONES)]))
    assert made.build.fleet and made.plan.fleet
    assert made.build.fleet.least_nodes == made.plan.fleet.least_nodes < made.build.fleet.most_nodes == made.build.nodes


def kinds(**changes: Any) -> Workload:
    """A fleet of one kind of serving more."""
    plain = asked()
    sections = workload(inference=inference(**changes)).inference
    return plain.model_copy(update={"inference": sections})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"speculative": {"tokens": 4, "acceptance": 0.7, "draft": "mtp"}},
            ("--speculative-config", '{"method": "mtp", "num_speculative_tokens": 4}'),
        ),
        ({"output_tokens": 0}, ("--runner", "pooling")),
    ],
)
def test_the_engine_is_told_of_drafts_and_embeddings(changes: dict[str, Any], words: tuple[str, str]) -> None:
    """As the last arguments of its command."""
    sold = market(KINDS, [offer(each.name, 1, zones=ZONES) for each in KINDS])
    fleet = decision(kinds(**changes), sold).build.fleet
    assert fleet is not None and fleet.engine.command[-2:] == words


@pytest.mark.parametrize(
    ("changes", "serving", "says"),
    [
        (
            {"co_served": [{"model": "bert-base", "requests_per_second": 1, "input_tokens": 64}]},
            {},
            "The target serving-fleet runs one model on all of its nodes, and 2 share them here",
        ),
        ({"adapters": {"count": 3, "rank": 8}}, {}, "The containers of the target serving-fleet know no adapters"),
        (
            {"output_tokens": 0},
            {"container": "triton", "jwt": TOKENS},
            "The container triton is told to make embeddings by its own model repository",
        ),
        (
            {"speculative": {"tokens": 4, "acceptance": 0.7, "draft": "ngram"}},
            {"container": "triton", "jwt": TOKENS},
            "The container triton is told of drafts by its own model repository",
        ),
    ],
)
def test_what_the_fleet_cannot_start_is_refused(changes: dict[str, Any], serving: dict[str, Any], says: str) -> None:
    """Several models, adapters, and what other containers are told elsewhere."""
    wanted = kinds(**changes).model_copy(update={"provision": asked(**serving).provision})
    with pytest.raises(NoFeasiblePlan) as caught:
        decision(wanted, market(KINDS, [offer(each.name, 1, zones=ZONES) for each in KINDS]))
    assert any(each.startswith(says) for each in caught.value.findings)


def test_shared_experts_are_told_to_the_engine() -> None:
    """Data ranks of a node are the engine's, each with its part of the requests, and experts are spread if planned."""
    sold = market(KINDS, [offer(each.name, 1, zones=ZONES) for each in KINDS])
    pin = {"instance_type": "p5.four", "micro_batch": 8, "layout": {"tensor": 1, "data": 4, "expert": 4}}
    wanted = asked("p5.four").model_copy(update={"pin": Pin.model_validate(pin)})
    fleet = decision(wanted, sold, MIXED).build.fleet
    assert fleet is not None
    command = " ".join(fleet.engine.command)
    assert "--tensor-parallel-size 1 --pipeline-parallel-size 1 --data-parallel-size 4" in command
    assert command.count("--enable-expert-parallel") == 1 and "--max-num-seqs 2" in command
    assert "--enable-expert-parallel" not in " ".join(built().engine.command)
