"""What is billed can be found by a tag."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

# Billed types that take tags, with the property that holds them.
_TYPES = {
    "AWS::EC2::EIP": "Tags",
    "AWS::EC2::Instance": "Tags",
    "AWS::EC2::NatGateway": "Tags",
    "AWS::EC2::Volume": "Tags",
    "AWS::EC2::CapacityReservation": "TagSpecifications",
    "AWS::EC2::EC2Fleet": "TagSpecifications",
    "AWS::AutoScaling::AutoScalingGroup": "Tags",
    "AWS::EFS::FileSystem": "FileSystemTags",
    "AWS::EKS::Cluster": "Tags",
    "AWS::EKS::Nodegroup": "Tags",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "Tags",
    "AWS::FSx::FileSystem": "Tags",
    "AWS::Logs::LogGroup": "Tags",
    "AWS::PCS::Cluster": "Tags",
    "AWS::S3::Bucket": "Tags",
    "AWS::SageMaker::Cluster": "Tags",
}


def _check(template: Template) -> Iterator[Found]:
    for kind, key in _TYPES.items():
        for resource in template.of(kind):
            tags = resource.at(key)
            if not tags.open and not tags.items and not tags.entries:
                yield broken(resource, f"it has no {key}")


RULE = Rule(
    id="tagged",
    severity=Severity.WARNING,
    why="a bill without tags cannot be traced to a workload, nor its leftovers be found",
    change="Tag it with project, workload and owner.",
    source="https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/cost-alloc-tags.html",
    check=_check,
)
