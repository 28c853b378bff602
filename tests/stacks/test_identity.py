"""What a node may do."""

from __future__ import annotations

from typing import Any

from tests.support.builds import P4D_CLUSTER
from tests.support.synthesis import document, launch_data, only


def test_nodes_are_reached_through_session_manager() -> None:
    """The role has the managed policy that Session Manager needs, and no other."""
    _, role = _role()
    (policy,) = role["ManagedPolicyArns"]
    assert policy["Fn::Join"][1][-1] == ":iam::aws:policy/AmazonSSMManagedInstanceCore"


def test_the_bucket_is_the_only_one_in_reach() -> None:
    """Every S3 statement names the stack's bucket, or the objects in it, and no action is a wildcard."""
    (bucket,) = _named("AWS::S3::Bucket")
    arn = {"Fn::GetAtt": [bucket, "Arn"]}
    statements = [statement for statement in _statements() if "s3:" in str(statement["Action"])]
    assert {str(statement["Resource"]) for statement in statements} == {
        str(arn),
        str({"Fn::Join": ["", [arn, "/*"]]}),
    }
    assert not any("*" in action for statement in statements for action in statement["Action"])


def test_metrics_go_to_one_namespace() -> None:
    """Nodes may put metrics in the namespace of their own workload only."""
    (statement,) = (s for s in _statements() if s["Action"] == "cloudwatch:PutMetricData")
    assert statement["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Berth/train70b"}}


def test_the_profile_carries_the_role_to_the_nodes() -> None:
    """The launch template names the instance profile, and that names the role."""
    (profile,) = _named("AWS::IAM::InstanceProfile")
    assert launch_data(P4D_CLUSTER)["IamInstanceProfile"] == {"Arn": {"Fn::GetAtt": [profile, "Arn"]}}
    assert only(P4D_CLUSTER, "AWS::IAM::InstanceProfile")["Roles"] == [{"Ref": _role()[0]}]


def _named(resource_type: str) -> dict[str, dict[str, Any]]:
    resources = document(P4D_CLUSTER)["Resources"].items()
    return {name: resource["Properties"] for name, resource in resources if resource["Type"] == resource_type}


def _role() -> tuple[str, dict[str, Any]]:
    """The role that EC2 assumes, with its logical id."""
    (found,) = (
        (name, role)
        for name, role in _named("AWS::IAM::Role").items()
        if "ec2.amazonaws.com" in str(role["AssumeRolePolicyDocument"])
    )
    return found


def _statements() -> list[dict[str, Any]]:
    _, role = _role()
    return [statement for policy in role["Policies"] for statement in policy["PolicyDocument"]["Statement"]]
