"""AWS::SageMaker::Cluster."""

from __future__ import annotations

from typing import Any

from moto.core.common_models import CloudFormationModel
from moto.s3.models import s3_backends
from moto.sagemaker.models import sagemaker_backends

from tests.support.cloudformation.taught import Taught, ec2


class Hyperpod(Taught, CloudFormationModel):
    """A HyperPod cluster, whose subnets, groups, role and script must stand when it is made."""

    def __init__(self, arn: str) -> None:
        self.physical_resource_id = arn

    @staticmethod
    def cloudformation_type() -> str:
        """moto has the API, but no such type."""
        return "AWS::SageMaker::Cluster"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Its ARN alone."""
        return attr == "ClusterArn"

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """The ARN."""
        return self.physical_resource_id

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> Hyperpod:
        """What CreateCluster makes of the same properties, in a network and with scripts that are really there."""
        properties = cloudformation_json["Properties"]
        network = properties["VpcConfig"]
        backend = ec2(account_id, region_name)
        for subnet in network["Subnets"]:
            backend.get_subnet(subnet)
        backend.describe_security_groups(group_ids=network["SecurityGroupIds"])
        groups = [_group(each, account_id) for each in properties["InstanceGroups"]]
        sagemaker = sagemaker_backends[account_id][region_name]
        arn = sagemaker.create_cluster(resource_name, groups, network, properties.get("Tags", []))
        return cls(arn)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Ends the cluster and its nodes."""
        sagemaker_backends[account_id][region_name].delete_cluster(resource_name)


def _group(given: dict[str, Any], account_id: str) -> dict[str, Any]:
    """An instance group as moto's older API takes it: its script in a bucket of SageMaker's name."""
    config = given["LifeCycleConfig"]
    bucket, _, prefix = config["SourceS3Uri"].removeprefix("s3://").partition("/")
    key = f"{prefix}/{config['OnInitComplete']}"
    if s3_backends[account_id]["aws"].get_object(bucket, key) is None:
        raise ValueError(f"There is no life-cycle script s3://{bucket}/{key}.")
    return {
        **given,
        "InstanceCount": int(given["InstanceCount"]),
        "ThreadsPerCore": 1,
        "LifeCycleConfig": {"SourceS3Uri": f"s3://sagemaker-{bucket}/{prefix}", "OnCreate": config["OnInitComplete"]},
    }
