"""The fleet: as many nodes as the requests ask for, none that is ill, and no secret in sight."""

from __future__ import annotations

import json
from typing import Any

import pytest

from planner.built import Existing, Fleet, Floor, Mig
from planner.plan import Build
from pricing.offer import Purchase
from pricing.records import replace
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


HALF_SPOT = with_fleet(on_demand_nodes=1)
HOURS = with_fleet(
    least_nodes=1, schedule=(Floor(minute=475, nodes=4), Floor(minute=1080, nodes=1)), time_zone="Europe/Berlin"
)
VPC = "vpc-0123456789abcdef0"
BALANCED = ("subnet-0123456789abcdef1", "subnet-0123456789abcdef2")
STANDING = replace(
    G5_FLEET,
    existing=Existing(
        vpc=VPC, subnet="subnet-0123456789abcdef0", security_group="sg-0123456789abcdef0", balancer_subnets=BALANCED
    ),
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


def test_a_share_of_the_nodes_is_bought_on_spot() -> None:
    """The first node is on demand and all others are on spot, by one template that says nothing of either."""
    found = group(HALF_SPOT)
    policy = found["MixedInstancesPolicy"]
    assert "LaunchTemplate" not in found and "InstanceMarketOptions" not in launch_data(HALF_SPOT)
    assert policy["InstancesDistribution"] == {
        "OnDemandBaseCapacity": 1,
        "OnDemandPercentageAboveBaseCapacity": 0,
        "SpotAllocationStrategy": "price-capacity-optimized",
    }
    named = policy["LaunchTemplate"]["LaunchTemplateSpecification"]
    assert named["Version"] == {"Fn::GetAtt": ["Template", "LatestVersionNumber"]}
    assert found["CapacityRebalance"] is True


def test_each_hour_has_the_nodes_that_were_planned_for_it() -> None:
    """Scheduled actions raise and lower the fewest nodes by the user's clock, and no deployment sets them back."""
    actions = properties(HOURS, "AWS::AutoScaling::ScheduledAction")
    told = {(each["Recurrence"], each["MinSize"], each["TimeZone"]) for each in actions}
    assert told == {("55 7 * * *", 4, "Europe/Berlin"), ("0 18 * * *", 1, "Europe/Berlin")}
    assert not any("MaxSize" in each or "DesiredCapacity" in each for each in actions)
    policy = document(HOURS)["Resources"]["Fleet"]["UpdatePolicy"]
    assert policy["AutoScalingScheduledAction"] == {"IgnoreUnmodifiedGroupSizeProperties": True}
    assert properties(G5_FLEET, "AWS::AutoScaling::ScheduledAction") == []


def test_no_hour_falls_below_the_fewest_nodes() -> None:
    """The user's own lower bound holds at night, too."""
    kept = with_fleet(least_nodes=2, schedule=(Floor(minute=475, nodes=4), Floor(minute=1080, nodes=1)))
    assert {each["MinSize"] for each in properties(kept, "AWS::AutoScaling::ScheduledAction")} == {4, 2}


def test_a_fleet_stands_in_a_network_that_is_there() -> None:
    """Nodes and load balancer take the subnets that are named, nothing of a network is made, and only the blocks that
    are named get in."""
    kinds = {each["Type"] for each in document(STANDING)["Resources"].values()}
    assert not kinds & {"AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::NatGateway", "AWS::EC2::FlowLog"}
    assert group(STANDING)["VPCZoneIdentifier"] == ["subnet-0123456789abcdef0"]
    balancer = only(STANDING, "AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert (balancer["Subnets"], balancer["Scheme"]) == ([*BALANCED], "internal")
    groups = properties(STANDING, "AWS::EC2::SecurityGroup")
    assert {each["VpcId"] for each in groups} == {VPC}
    blocks = {rule["CidrIp"] for each in groups for rule in each.get("SecurityGroupIngress", [])}
    assert blocks == {*FLEET.clients}
    (nic,) = launch_data(STANDING)["NetworkInterfaces"]
    assert nic["Groups"][1:] == ["sg-0123456789abcdef0"]


def test_what_keeps_no_checkpoints_has_no_bucket_for_them() -> None:
    """The one bucket is the load balancer's records; nodes may write to none."""
    assert len(properties(G5_FLEET, "AWS::S3::Bucket")) == 1
    granted = json.dumps(properties(G5_FLEET, "AWS::IAM::Role") + properties(G5_FLEET, "AWS::IAM::Policy"))
    assert "s3:PutObject" not in granted and "s3:DeleteObject" not in granted


def test_weights_on_the_file_system_are_not_copied() -> None:
    """Nodes are told the folder, and may read no bucket."""
    shared = replace(
        with_fleet(weights=None, weights_path="/fsx/llama"),
        existing=Existing(file_system="fs-0123456789abcdef0", mount_name="fsx"),
    )
    told = json.dumps(launch_data(shared)["UserData"])
    assert "weights_path=/fsx/llama" in told and "mount_shared serve" in told
    assert statements(shared, "Weights") == []


def test_a_key_of_the_users_own_is_read_and_none_is_made() -> None:
    """Nodes may read the secret that is named, and the output tells how a person does."""
    build = with_fleet(api_key=SECRET)
    assert properties(build, "AWS::SecretsManager::Secret") == []
    (statement,) = statements(build, "Secrets")
    assert statement["Resource"] == SECRET
    assert SECRET in json.dumps(document(build)["Outputs"]["ApiKeyCommand"])


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
        (replace(G5_FLEET, vendor="AWS"), "run on NVIDIA GPUs"),
        (replace(HALF_SPOT, purchase=Purchase.SPOT), "spot ones already"),
        (replace(HALF_SPOT, reservation_id="cr-01234567"), "cannot run in reservation"),
        (replace(STANDING, existing=replace(STANDING.existing, balancer_subnets=BALANCED[:1])), "two of its subnets"),
        (replace(STANDING, fleet=replace(FLEET, clients=())), "Nobody may reach the load balancer"),
        (replace(STANDING, fleet=SPARE.fleet), "have one subnet"),
    ],
    ids=[
        *("no fleet", "capacity block", "mig", "too long", "nobody checks", "no GPUs", "all spot", "held spot"),
        *("one zone", "no clients", "spare zone"),
    ],
)
def test_what_cannot_serve_is_refused(build: Build, said: str) -> None:
    """A fleet that AWS would refuse, cut off or leave open is not synthesized."""
    with pytest.raises(StackError, match=said):
        stack(build)


def test_outputs_say_how_to_ask() -> None:
    """Address, key, records and how to renew the nodes are named."""
    told = {"VpcId", "Dashboard", "Address", "Records", "Refresh", "ApiKeyCommand"}
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
        "weights_path": "/fsx/llama",
        "api_key": SECRET,
        "on_demand_nodes": 1,
        "schedule": (Floor(minute=475, nodes=4),),
    }
    # What a schedule's clock shows, and who signs tokens, have tests of their own.
    assert {*changes, "issuer", "keys", "time_zone"} == set(Fleet.__struct_fields__)
    for field, value in changes.items():
        assert json.dumps(document(with_fleet(**{field: value}))) != plain, field
