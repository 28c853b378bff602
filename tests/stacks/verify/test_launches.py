"""Is every way found in which a template launches nodes?"""

from __future__ import annotations

from typing import Any

import pytest

from stacks.verify.launches import Launch, launches
from stacks.verify.template import Template
from tests.stacks.verify.cases import GONE, Change, changed
from tests.support.templates import from_document

BY_ID = {"LaunchTemplateId": {"Fn::GetAtt": ["Template", "LaunchTemplateId"]}, "Version": "1"}
BY_NAME = {"LaunchTemplateName": "nodes", "Version": "1"}
SUBNETS = [{"Ref": "Compute"}]
# What launches, the types it may launch, and how many nodes at most.
WAYS: dict[str, tuple[dict[str, Any], list[str], int | None]] = {
    "AWS::EC2::Instance": ({"LaunchTemplate": BY_ID, "InstanceType": "p5.48xlarge"}, ["p5.48xlarge"], 1),
    "AWS::EC2::EC2Fleet": (
        {
            "LaunchTemplateConfigs": [
                {"LaunchTemplateSpecification": BY_NAME, "Overrides": [{"SubnetId": SUBNETS[0]}]},
            ],
            "TargetCapacitySpecification": {"TotalTargetCapacity": "8"},
        },
        ["p4d.24xlarge"],
        8,
    ),
    "AWS::AutoScaling::AutoScalingGroup": (
        {
            "MixedInstancesPolicy": {
                "LaunchTemplate": {
                    "LaunchTemplateSpecification": BY_ID,
                    "Overrides": [{"InstanceType": "p4d.24xlarge"}, {"InstanceType": "p5.48xlarge"}],
                }
            },
            "VPCZoneIdentifier": SUBNETS,
            "MaxSize": "6",
        },
        ["p4d.24xlarge", "p5.48xlarge"],
        6,
    ),
    "AWS::EKS::Nodegroup": (
        {"LaunchTemplate": {"Name": "nodes"}, "Subnets": SUBNETS, "ScalingConfig": {"MaxSize": 3}},
        ["p4d.24xlarge"],
        3,
    ),
    "AWS::Batch::ComputeEnvironment": (
        {"ComputeResources": {"LaunchTemplate": BY_ID, "InstanceTypes": ["p4d.24xlarge"], "Subnets": SUBNETS}},
        ["p4d.24xlarge"],
        None,
    ),
    "AWS::PCS::ComputeNodeGroup": (
        {
            "CustomLaunchTemplate": {"TemplateId": {"Ref": "Template"}},
            "InstanceConfigs": [{"InstanceType": "p4d.24xlarge"}],
            "SubnetIds": SUBNETS,
            "ScalingConfiguration": {"MaxInstanceCount": 2},
        },
        ["p4d.24xlarge"],
        2,
    ),
}


def launched(change: Change) -> list[Launch]:
    template = Template(from_document("x", changed({"Template.LaunchTemplateName": "nodes", "Fleet": GONE, **change})))
    return [each for each in launches(template) if each.body.resource.name == "Template"]


@pytest.mark.parametrize("kind", WAYS)
def test_each_way_to_launch_is_read(kind: str) -> None:
    """Whatever launches, its types, its subnets and its count are known, by the template's id or its name."""
    properties, types, nodes = WAYS[kind]
    (launch,) = launched({"Mine": {"Type": kind, "Properties": properties}})
    assert (launch.by.name, [node.text for node in launch.types], launch.nodes) == ("Mine", types, nodes)
    assert [node.target for node in launch.subnets] == (["Compute"] if kind != "AWS::EC2::Instance" else [])
    assert launch.efa and launch.accelerated
    assert "Placement" in {node.target for node in launch.placement}


def test_a_template_that_nothing_uses_is_judged_by_itself() -> None:
    """Its own type counts, and nothing is said of how many nodes there are."""
    (launch,) = launched({})
    assert launch.by is launch.body.resource
    assert ([node.text for node in launch.types], launch.nodes) == (["p4d.24xlarge"], None)


def test_an_instance_without_a_template_is_one() -> None:
    """Its own properties are what is launched."""
    alone = {"Type": "AWS::EC2::Instance", "Properties": {"InstanceType": "g5.xlarge", "SubnetId": {"Ref": "Second"}}}
    template = Template(from_document("x", changed({"Alone": alone})))
    (launch,) = [each for each in launches(template) if each.by.name == "Alone"]
    assert launch.body.resource.name == "Alone"
    assert [node.target for node in launch.subnets] == ["Second"]
