"""The fleet: as many nodes as the requests ask for, none that is ill, and no secret in sight."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from planner.built import Fleet, Mig
from planner.plan import Build
from pricing.offer import Purchase
from stacks.errors import StackError
from tests.support.builds import G5_FLEET
from tests.support.fleets import FLEET, VLLM
from tests.support.synthesis import ancestors, document, launch_data, only, properties, stack

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:ngc-AbCdEf"


def with_fleet(**changes: Any) -> Build:
    """The fleet's build with another fleet."""
    return replace(G5_FLEET, fleet=replace(FLEET, **changes))


ECR = replace(VLLM, image="763104351884.dkr.ecr.us-east-1.amazonaws.com/vllm:server-cuda-v1.3")
SPOT = replace(G5_FLEET, purchase=Purchase.SPOT)
SPARE = with_fleet(zone_ids=("use1-az6", "use1-az1"))
TOKENS = with_fleet(issuer="https://issuer.example.com", keys="https://issuer.example.com/jwks.json")
TRITON = with_fleet(
    engine=replace(VLLM, name="triton", keyed=False, running="", tokens=""),
    issuer="https://issuer.example.com",
    keys="https://issuer.example.com/jwks.json",
)


def group(build: Build) -> dict[str, Any]:
    """The auto scaling group."""
    return only(build, "AWS::AutoScaling::AutoScalingGroup")


def statements(build: Build, policy: str) -> list[dict[str, Any]]:
    """The statements of the node role's policy of that name."""
    resources = document(build)["Resources"].items()
    found = [body for name, body in resources if name.startswith(f"Identity{policy}")]
    return [each for body in found for each in body["Properties"]["PolicyDocument"]["Statement"]]


def test_the_group_starts_what_was_planned_within_its_bounds() -> None:
    """Two nodes to six, of the template's last version, in the planned zone's subnet; no deployment sets them back."""
    found = group(G5_FLEET)
    assert (found["MinSize"], found["MaxSize"], "DesiredCapacity" in found) == ("2", "6", False)
    assert found["LaunchTemplate"]["Version"] == {"Fn::GetAtt": ["Template", "LatestVersionNumber"]}
    (subnet,) = found["VPCZoneIdentifier"]
    assert document(G5_FLEET)["Resources"][subnet["Ref"]]["Properties"]["AvailabilityZoneId"] == "use1-az6"


def test_a_spare_zone_takes_nodes_where_it_is_asked_for() -> None:
    """With a spare zone there is a subnet in each, and both have the way out."""
    refs = [subnet["Ref"] for subnet in group(SPARE)["VPCZoneIdentifier"]]
    resources = document(SPARE)["Resources"]
    assert [resources[ref]["Properties"]["AvailabilityZoneId"] for ref in refs] == ["use1-az6", "use1-az1"]
    routed = {each["SubnetId"]["Ref"] for each in properties(SPARE, "AWS::EC2::SubnetRouteTableAssociation")}
    assert set(refs) <= routed


def test_the_balancer_judges_nodes_but_not_before_they_can_serve() -> None:
    """What the load balancer finds ill is replaced, after boot checks, image pull and the load of 16 GB at 100 MB/s."""
    found = group(G5_FLEET)
    assert found["HealthCheckType"] == "ELB"
    assert found["HealthCheckGracePeriod"] == 30 * 60 + 15 * 60 + 160
    larger = with_fleet(weights_bytes=160_000_000_000)
    assert group(larger)["HealthCheckGracePeriod"] == 30 * 60 + 15 * 60 + 1600


def test_creation_and_update_wait_for_nodes_that_serve() -> None:
    """The stack waits for a signal of every node, and an update replaces one at a time without losing a server."""
    resource = document(G5_FLEET)["Resources"]["Fleet"]
    assert resource["CreationPolicy"] == {"ResourceSignal": {"Count": 2, "Timeout": "PT2860S"}}
    rolling = resource["UpdatePolicy"]["AutoScalingRollingUpdate"]
    assert (rolling["MaxBatchSize"], rolling["MinInstancesInService"]) == (1, 2)
    assert rolling["WaitOnResourceSignals"] is True
    # At its most, a group has no room for one more, so that one must go first.
    full = document(with_fleet(most_nodes=2))["Resources"]["Fleet"]
    assert full["UpdatePolicy"]["AutoScalingRollingUpdate"]["MinInstancesInService"] == 1


def test_large_weights_wait_no_longer_than_cloudformation_does() -> None:
    """CloudFormation waits twelve hours for a group, and one between the nodes of an update."""
    resource = document(with_fleet(weights_bytes=10**13))["Resources"]["Fleet"]
    assert resource["CreationPolicy"]["ResourceSignal"]["Timeout"] == "PT43200S"
    assert resource["UpdatePolicy"]["AutoScalingRollingUpdate"]["PauseTime"] == "PT3600S"


def test_nodes_signal_to_the_group_that_there_is() -> None:
    """The user data names the group by its logical id."""
    assert "Fleet" in document(G5_FLEET)["Resources"]
    assert "resource=Fleet" in json.dumps(launch_data(G5_FLEET)["UserData"])


def test_scaling_follows_the_requests() -> None:
    """Requests that wait add nodes, those in flight take them away again; both averaged over the nodes."""
    policies = properties(G5_FLEET, "AWS::AutoScaling::ScalingPolicy")
    told = {
        each["TargetTrackingConfiguration"]["CustomizedMetricSpecification"]["MetricName"]: each[
            "TargetTrackingConfiguration"
        ]
        for each in policies
    }
    assert {name: (each["TargetValue"], each["DisableScaleIn"]) for name, each in told.items()} == {
        "waiting_requests": (3, True),
        "running_requests": (32, False),
    }
    for each in told.values():
        metric = each["CustomizedMetricSpecification"]
        assert (metric["Namespace"], metric["Statistic"]) == ("Berth/serve-many", "Average")


def test_an_engine_that_counts_no_requests_in_flight_scales_by_those_that_wait() -> None:
    """Then the one policy goes both ways."""
    (policy,) = properties(TRITON, "AWS::AutoScaling::ScalingPolicy")
    assert policy["TargetTrackingConfiguration"]["DisableScaleIn"] is False


@pytest.mark.parametrize(("build", "rebalances"), [(SPOT, True), (G5_FLEET, None)], ids=["spot", "on-demand"])
def test_spot_nodes_are_replaced_before_they_are_taken(build: Build, rebalances: bool | None) -> None:
    """EC2's warning starts the next node; on demand there is nothing to warn of."""
    assert group(build).get("CapacityRebalance") is rebalances
    assert (launch_data(build).get("InstanceMarketOptions", {}).get("MarketType") == "spot") is bool(rebalances)


def test_the_api_key_is_made_by_aws_and_seen_by_nobody() -> None:
    """It is generated, not written; nodes read it and nothing else, and the output tells how a person does."""
    secret = only(G5_FLEET, "AWS::SecretsManager::Secret")
    assert "SecretString" not in secret and secret["GenerateSecretString"]["PasswordLength"] == 48
    (statement,) = statements(G5_FLEET, "Secrets")
    assert (statement["Action"], statement["Resource"]) == ("secretsmanager:GetSecretValue", {"Ref": "ApiKey"})
    assert "get-secret-value" in json.dumps(document(G5_FLEET)["Outputs"]["ApiKeyCommand"])


def test_with_tokens_there_is_no_key() -> None:
    """Where the load balancer checks signed tokens, the stack makes no key and no node may read one."""
    assert properties(TOKENS, "AWS::SecretsManager::Secret") == []
    assert statements(TOKENS, "Secrets") == []


def test_the_registrys_key_is_named_and_never_written() -> None:
    """Nodes may read the secret that the user named; the user data holds its ARN alone."""
    build = with_fleet(registry_secret=SECRET)
    (statement,) = statements(build, "Secrets")
    assert SECRET in statement["Resource"]


def test_nodes_read_the_weights_and_no_other_objects() -> None:
    """The prefix of the weights is the bound, so that a neighbour whose name begins alike stays closed."""
    listed, read = statements(G5_FLEET, "Weights")
    assert listed["Action"] == "s3:ListBucket" and read["Action"] == "s3:GetObject"
    assert FLEET.weights
    place = FLEET.weights.removeprefix("s3://").partition("/")[2]
    assert listed["Condition"] == {"StringLike": {"s3:prefix": [place, f"{place}/*"]}}
    whole, _ = statements(with_fleet(weights="s3://my-models"), "Weights")
    assert "Condition" not in whole
    assert read["Resource"]["Fn::Join"][1][-1] == ":s3:::my-models/llama-3.1-8b/*"


def test_images_are_pulled_from_ecr_with_the_role() -> None:
    """An image in ECR may be pulled from its repository alone; one elsewhere needs no such right."""
    (image,) = statements(with_fleet(engine=ECR), "Image")
    assert image["Resource"]["Fn::Join"][1][-1] == ":ecr:us-east-1:763104351884:repository/vllm"
    assert statements(G5_FLEET, "Image") == []


def test_nodes_go_before_their_balancer() -> None:
    """Load balancer, listeners, key and policies are made before the first node, and deleted after the last."""
    before = ancestors(G5_FLEET, "Fleet")
    kinds = {document(G5_FLEET)["Resources"][name]["Type"] for name in before}
    assert {
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        "AWS::SecretsManager::Secret",
        "AWS::IAM::Policy",
        "AWS::EC2::NatGateway",
    } <= kinds


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (replace(G5_FLEET, fleet=None), "plans no fleet"),
        (replace(G5_FLEET, purchase=Purchase.CAPACITY_BLOCK, reservation_id="cr-01234567"), "goes on serving"),
        (replace(G5_FLEET, mig=Mig(profile="1g.5gb", instances=7)), "whole GPUs"),
        (with_fleet(longest_answer_s=4001.0), "after 4,000 s"),
        (with_fleet(engine=replace(VLLM, name="triton", keyed=False)), "triton checks no API key"),
    ],
    ids=["no fleet", "capacity block", "mig", "too long", "nobody checks"],
)
def test_what_cannot_serve_is_refused(build: Build, said: str) -> None:
    """A fleet that AWS would refuse, cut off or leave open is not synthesized."""
    with pytest.raises(StackError, match=said):
        stack(build)


def test_outputs_say_how_to_ask() -> None:
    """Address, key, records and how to renew the nodes are named."""
    told = {"VpcId", "Dashboard", "BucketName", "BeforeDestroy", "Address", "Records", "Refresh", "ApiKeyCommand"}
    outputs = document(G5_FLEET)["Outputs"]
    assert set(outputs) == told
    # The certificate covers a name of the user's own, never the load balancer's.
    assert outputs["Address"]["Value"]["Fn::GetAtt"][1] == "DNSName"
    assert "a CNAME of the certificate's name" in outputs["Address"]["Description"]


def test_fields_of_the_fleet_are_all_built() -> None:
    """No field of a fleet is kept in locks and used nowhere: each changes the template."""
    plain = json.dumps(document(G5_FLEET))
    changes: dict[str, Any] = {
        "engine": ECR,
        "least_nodes": 1,
        "most_nodes": 7,
        "waiting_per_node": 4,
        "running_per_node": 5,
        "longest_answer_s": 200.0,
        "weights": None,
        "weights_bytes": 1,
        "certificate": FLEET.certificate.replace("0f0e", "1f1e"),
        "registry_secret": SECRET,
        "clients": (),
        "zone_ids": ("use1-az6", "use1-az2"),
        "balancer_zone_ids": ("use1-az6", "use1-az2"),
    }
    assert {*changes, "issuer", "keys"} == set(Fleet.__slots__)
    for field, value in changes.items():
        assert json.dumps(document(with_fleet(**{field: value}))) != plain, field
