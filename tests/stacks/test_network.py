"""The network that the nodes stand in."""

from __future__ import annotations

import pytest
from aws_cdk.assertions import Match

from planner.plan import Build
from pricing.records import replace
from tests.support.builds import G5_SINGLE, P4D_CLUSTER
from tests.support.synthesis import document, only, properties, template

BUILDS = pytest.mark.parametrize("build", [G5_SINGLE, P4D_CLUSTER], ids=["single", "cluster"])


@BUILDS
def test_every_subnet_is_in_the_planned_zone_by_id(build: Build) -> None:
    """Zones are named by id, which is the same in every account, and never by name or order."""
    subnets = properties(build, "AWS::EC2::Subnet")
    assert [subnet["AvailabilityZoneId"] for subnet in subnets] == ["use1-az6", "use1-az6"]
    assert all("AvailabilityZone" not in subnet for subnet in subnets)
    assert "Fn::GetAZs" not in str(document(build))


@BUILDS
def test_no_subnet_hands_out_public_addresses(build: Build) -> None:
    """EC2 refuses a launch with several interfaces where public addresses are handed out."""
    assert not any(subnet["MapPublicIpOnLaunch"] for subnet in properties(build, "AWS::EC2::Subnet"))


@BUILDS
def test_names_resolve_in_the_vpc(build: Build) -> None:
    """DNS support and host names are on, which rendezvous by name and endpoints need."""
    template(build).has_resource_properties("AWS::EC2::VPC", {"EnableDnsHostnames": True, "EnableDnsSupport": True})


@BUILDS
def test_private_routes_lead_out_through_nat_and_to_s3_through_the_gateway(build: Build) -> None:
    """The nodes' route table has the way out, and the free endpoint that keeps checkpoints off NAT."""
    table = _route_table_of(build, "NetworkCompute")
    template(build).has_resource_properties(
        "AWS::EC2::Route",
        {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": Match.any_value()},
    )
    endpoint = only(build, "AWS::EC2::VPCEndpoint")
    assert endpoint["VpcEndpointType"] == "Gateway"
    assert endpoint["ServiceName"] == "com.amazonaws.us-east-1.s3"
    assert endpoint["RouteTableIds"] == [table]


@BUILDS
def test_one_nat_gateway_in_the_public_subnet(build: Build) -> None:
    """There is one NAT gateway, and the internet gateway is reached from its subnet alone."""
    nat = only(build, "AWS::EC2::NatGateway")
    assert nat["SubnetId"]["Ref"].startswith("NetworkPublic")
    template(build).has_resource_properties(
        "AWS::EC2::Route",
        {"RouteTableId": _route_table_of(build, "NetworkPublic"), "GatewayId": Match.any_value()},
    )


@BUILDS
def test_connections_are_logged_for_a_while(build: Build) -> None:
    """VPC flow logs go to a log group that forgets."""
    flow_log = only(build, "AWS::EC2::FlowLog")
    assert flow_log["ResourceType"] == "VPC"
    assert flow_log["LogGroupName"]["Ref"].startswith("NetworkFlowLogGroup")
    group = document(build)["Resources"][flow_log["LogGroupName"]["Ref"]]
    assert group["Properties"]["RetentionInDays"] == 30


def test_flow_logs_of_this_account_alone_use_the_role() -> None:
    """Nobody else's flow logs are written with the role of this stack."""
    (trust,) = (
        statement
        for role in properties(G5_SINGLE, "AWS::IAM::Role")
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
        if statement["Principal"]["Service"] == "vpc-flow-logs.amazonaws.com"
    )
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_cluster_nodes_reach_each_other_by_group_both_ways() -> None:
    """EFA traffic passes only rules that name the group itself, in both directions and for all protocols."""
    group = {"Fn::GetAtt": [Match.string_like_regexp("^NodeGroup"), "GroupId"]}
    template(P4D_CLUSTER).has_resource_properties(
        "AWS::EC2::SecurityGroupIngress",
        {"GroupId": group, "SourceSecurityGroupId": group, "IpProtocol": "-1", "CidrIp": Match.absent()},
    )
    template(P4D_CLUSTER).has_resource_properties(
        "AWS::EC2::SecurityGroupEgress",
        {"GroupId": group, "DestinationSecurityGroupId": group, "IpProtocol": "-1", "CidrIp": Match.absent()},
    )


@BUILDS
def test_nobody_outside_reaches_a_node(build: Build) -> None:
    """No rule lets an address in, no port 22 is open, and there is no key pair; IP goes out everywhere."""
    group = only(build, "AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in group
    assert group["SecurityGroupEgress"] == [
        {"CidrIp": "0.0.0.0/0", "Description": "IP traffic out", "IpProtocol": "-1"}
    ]
    assert not any("CidrIp" in rule for rule in properties(build, "AWS::EC2::SecurityGroupIngress"))
    assert "KeyName" not in str(document(build))


def test_a_single_instance_takes_nothing_in() -> None:
    """With no second node there is no ingress rule at all."""
    assert properties(G5_SINGLE, "AWS::EC2::SecurityGroupIngress") == []


def test_the_zone_is_the_plans() -> None:
    """Another zone id in the plan is another zone id on every subnet."""
    build = replace(G5_SINGLE, region="us-west-2", zone_id="usw2-az3")
    zones = {subnet["AvailabilityZoneId"] for subnet in properties(build, "AWS::EC2::Subnet")}
    assert zones == {"usw2-az3"}


def _route_table_of(build: Build, subnet: str) -> dict[str, str]:
    for association in properties(build, "AWS::EC2::SubnetRouteTableAssociation"):
        if association["SubnetId"]["Ref"].startswith(subnet):
            table: dict[str, str] = association["RouteTableId"]
            return table
    raise AssertionError(f"{subnet} has no route table")
