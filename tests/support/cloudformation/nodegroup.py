"""AWS::EKS::Nodegroup."""

from __future__ import annotations

from typing import Any

from moto.core.common_models import CloudFormationModel
from moto.eks.models import EKSBackend, eks_backends

from tests.support.cloudformation.launch import dress, template_data
from tests.support.cloudformation.taught import Taught, ec2

# What EKS refuses in a launch template, since it is the node group's own to say (EKS user guide, launch templates).
REFUSED = {"IamInstanceProfile", "InstanceInitiatedShutdownBehavior", "HibernationOptions"}
TAG = "eks:nodegroup-name"


class Nodegroup(Taught, CloudFormationModel):
    """A managed node group of a cluster that stands, with its nodes."""

    def __init__(self, cluster: str, name: str) -> None:
        self.physical_resource_id = f"{cluster}/{name}"
        self.name = name

    @staticmethod
    def cloudformation_type() -> str:
        """moto has the API, but no such type."""
        return "AWS::EKS::Nodegroup"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Its name alone."""
        return attr == "NodegroupName"

    def get_cfn_attribute(self, attribute_name: str) -> str:
        """The name."""
        return self.name

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> Nodegroup:
        """What CreateNodegroup makes of the same properties, with nodes of the template in the first subnet."""
        properties = cloudformation_json["Properties"]
        named, sizes = properties["LaunchTemplate"], properties["ScalingConfig"]
        backend = ec2(account_id, region_name)
        data = template_data(backend, {"LaunchTemplateId": named["Id"], "Version": named["Version"]})
        if found := REFUSED & data.keys():
            raise ValueError(f"The launch template of a managed node group must not say {', '.join(sorted(found))}.")
        eks(account_id, region_name).create_nodegroup(
            cluster_name=properties["ClusterName"],
            node_role=properties["NodeRole"],
            nodegroup_name=resource_name,
            subnets=properties["Subnets"],
            scaling_config={key[0].lower() + key[1:]: int(value) for key, value in sizes.items()},
            ami_type=properties["AmiType"],
            labels=properties["Labels"],
            tags=properties["Tags"],
            launch_template={"id": named["Id"], "version": str(named["Version"])},
            capacity_type=properties["CapacityType"],
        )
        launched = backend.run_instances(
            image_id="ami-12c6146b",
            count=int(sizes["DesiredSize"]),
            user_data=None,
            security_group_names=[],
            instance_type=data["InstanceType"],
            subnet_id=properties["Subnets"][0],
            tags={"instance": {TAG: resource_name}},
            is_instance_type_default=False,
        )
        for instance in launched.instances:
            dress(backend, instance, data)
        return cls(properties["ClusterName"], resource_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Ends the nodes with their group."""
        cluster, _, name = resource_name.partition("/")
        backend = ec2(account_id, region_name)
        launched = backend.describe_instances(filters={f"tag:{TAG}": [name]})
        backend.terminate_instances([instance.id for reservation in launched for instance in reservation.instances])
        eks(account_id, region_name).delete_nodegroup(cluster, name)


def eks(account_id: str, region_name: str) -> EKSBackend:
    """moto's EKS of one account and region."""
    return eks_backends[account_id][region_name]
