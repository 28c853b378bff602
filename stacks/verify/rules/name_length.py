"""Names are as long as their services take."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

# The property and the most characters: each type's page in the CloudFormation reference, or its registry schema.
_MOST = {
    ("AWS::AutoScaling::AutoScalingGroup", "AutoScalingGroupName"): 255,
    ("AWS::Batch::ComputeEnvironment", "ComputeEnvironmentName"): 128,
    ("AWS::Budgets::Budget", "Budget.BudgetName"): 100,
    ("AWS::CloudWatch::Alarm", "AlarmName"): 255,
    ("AWS::CloudWatch::Dashboard", "DashboardName"): 255,
    ("AWS::EC2::LaunchTemplate", "LaunchTemplateName"): 125,
    ("AWS::EC2::PlacementGroup", "GroupName"): 255,
    ("AWS::EC2::SecurityGroup", "GroupName"): 255,
    ("AWS::EC2::SecurityGroup", "GroupDescription"): 255,
    ("AWS::EKS::Cluster", "Name"): 100,
    ("AWS::EKS::Nodegroup", "NodegroupName"): 63,
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "Name"): 32,
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "Name"): 32,
    ("AWS::IAM::InstanceProfile", "InstanceProfileName"): 128,
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName"): 128,
    ("AWS::IAM::Role", "RoleName"): 64,
    ("AWS::Logs::LogGroup", "LogGroupName"): 512,
    ("AWS::PCS::Cluster", "Name"): 40,
    ("AWS::S3::Bucket", "BucketName"): 63,
    ("AWS::SNS::Topic", "TopicName"): 256,
    ("AWS::SageMaker::Cluster", "ClusterName"): 63,
    ("AWS::Scheduler::Schedule", "Name"): 64,
}
_LOGICAL_ID = re.compile(r"[A-Za-z0-9]{1,255}")


def _check(template: Template) -> Iterator[Found]:
    for (kind, keys), most in _MOST.items():
        for resource in template.of(kind):
            node = resource.at(*keys.split("."))
            # Of a name that is known in part, the known part counts.
            size = len(node.known_text.replace("*", "")) if not node.missing else 0
            if size > most:
                yield broken(node, f"the name has at least {size} characters; {kind} takes {most}")
    for resource in template.resources.values():
        if not _LOGICAL_ID.fullmatch(resource.name):
            yield broken(resource, "a logical id has letters and digits alone, at most 255")


RULE = Rule(
    id="name-length",
    severity=Severity.ERROR,
    why="the service refuses a longer name, when the stack is half made",
    change="Shorten the name, or leave it out and let CloudFormation make one.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html",
    check=_check,
)
