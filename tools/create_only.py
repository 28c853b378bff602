"""Writes which properties CloudFormation cannot change without making the resource anew.

Reads the CloudFormation registry schemas that cfn-lint carries (a development dependency) for the types named here,
and adds what the CloudFormation reference states and the schemas lack. Run it when cfn-lint is moved.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

TABLE = Path(__file__).parent.parent / "stacks" / "verify" / "data" / "create_only.csv"
COLUMNS = ("type", "property", "update", "source")
# Every type that a stack of Berth's uses, or that its users put beside one.
TYPES = re.findall(
    r"\S+",
    """
AutoScaling::AutoScalingGroup AutoScaling::LifecycleHook AutoScaling::ScalingPolicy AutoScaling::ScheduledAction
AutoScaling::WarmPool Batch::ComputeEnvironment Batch::JobDefinition Batch::JobQueue Budgets::Budget
CertificateManager::Certificate CloudWatch::Alarm CloudWatch::Dashboard Cognito::UserPool Cognito::UserPoolClient
Cognito::UserPoolDomain EC2::CapacityReservation EC2::EC2Fleet EC2::EIP EC2::FlowLog EC2::Instance
EC2::InternetGateway EC2::LaunchTemplate EC2::NatGateway EC2::PlacementGroup EC2::Route EC2::RouteTable
EC2::SecurityGroup EC2::SecurityGroupEgress EC2::SecurityGroupIngress EC2::Subnet EC2::SubnetRouteTableAssociation
EC2::VPC EC2::VPCCidrBlock EC2::VPCEndpoint EC2::VPCGatewayAttachment EC2::Volume ECR::Repository EFS::FileSystem
EFS::MountTarget EKS::Addon EKS::Cluster EKS::Nodegroup ElasticLoadBalancingV2::Listener
ElasticLoadBalancingV2::ListenerRule ElasticLoadBalancingV2::LoadBalancer ElasticLoadBalancingV2::TargetGroup
Events::Rule FSx::DataRepositoryAssociation FSx::FileSystem IAM::InstanceProfile IAM::ManagedPolicy IAM::Policy
IAM::Role KMS::Key Logs::LogGroup PCS::Cluster PCS::ComputeNodeGroup PCS::Queue Route53::HostedZone
Route53::RecordSet S3::Bucket S3::BucketPolicy SNS::Subscription SNS::Topic SNS::TopicPolicy SSM::Parameter
SageMaker::Cluster Scheduler::Schedule SecretsManager::Secret WAFv2::WebACL WAFv2::WebACLAssociation
""",
)
REFERENCE = "CloudFormation reference, "
STATED = (
    [
        ("AWS::CloudFormation::WaitCondition", name, "refused", f"{REFERENCE}AWS::CloudFormation::WaitCondition")
        for name in ("Count", "Handle", "Timeout")
    ]
    + [
        ("AWS::FSx::FileSystem", name, "replaces", f"{REFERENCE}AWS::FSx::FileSystem and its LustreConfiguration")
        for name in (
            "StorageType",
            "LustreConfiguration/DeploymentType",
            "LustreConfiguration/DriveCacheType",
            "LustreConfiguration/EfaEnabled",
            "LustreConfiguration/ExportPath",
            "LustreConfiguration/ImportPath",
            "LustreConfiguration/ImportedFileChunkSize",
        )
    ]
    + [
        (
            "AWS::SageMaker::Cluster",
            f"InstanceGroups/*/{name}",
            "replaces",
            "registry schema of 2026-09, cfn-lint 1.51.0",
        )
        for name in ("ExecutionRole", "InstanceGroupName", "InstanceType", "OverrideVpcConfig", "ThreadsPerCore")
    ]
)


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Each create-only property: of the registry's schemas, and as stated elsewhere."""
    schemas = files("cfnlint") / "data" / "schemas"
    names = json.loads((schemas / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    source = f"registry schema in cfn-lint {version('cfn-lint')}"
    for kind in (f"AWS::{name}" for name in TYPES):
        if kind not in names:
            sys.exit(f"cfn-lint carries no schema of {kind}.")
        schema = json.loads((schemas / "resources" / f"{names[kind]}.json").read_text(encoding="utf-8"))
        for key, update in (("createOnlyProperties", "replaces"), ("conditionalCreateOnlyProperties", "may replace")):
            for path in schema.get(key) or ():
                yield kind, path.removeprefix("/properties/").replace("/properties/", "/"), update, source
    yield from STATED


def written() -> str:
    """The table as it should stand in the file."""
    lines = sorted(set(rows()))
    return "".join(",".join(_cell(cell) for cell in line) + "\n" for line in (COLUMNS, *lines))


def _cell(text: str) -> str:
    return f'"{text}"' if "," in text else text


if __name__ == "__main__":
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(written(), encoding="utf-8")
    with TABLE.open(encoding="utf-8", newline="") as file:
        print(f"{TABLE.name}: {sum(1 for _ in csv.reader(file)) - 1} properties of {len(TYPES)} types")
