"""Nodes that join an EKS cluster which stands already, as a managed node group of their own.

EKS boots its own image for the accelerator, of the cluster's version, and launches the nodes through a group of Auto
Scaling; CloudFormation waits until they have joined. Nodes carry no taint: the EFA device plugin, as its chart comes,
would not run on them. `berth/workload` is the label that jobs select them by.
"""

from __future__ import annotations

from aws_cdk import CfnOutput, Environment
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_eks as eks
from constructs import Construct

from planner.image import eks_image
from planner.plan import Build
from pricing.offer import Purchase
from pricing.records import replace
from stacks.base import Surroundings
from stacks.errors import StackError
from stacks.parts.capacity import Capacity, capacity
from stacks.parts.identity import EksIdentity
from stacks.parts.image import AMAZON_LINUX_ROOT
from stacks.parts.nodes import EFA_ONLY, ONE_ENA, Nic, efa_nics, node_template
from stacks.parts.observability import Figures
from stacks.parts.tags import node_tags
from stacks.parts.user_data import lines, multipart, node_facts, script

Nodes = eks.CfnNodegroup

LABEL = "berth/workload"
# EKS's names of what it calls the capacity type; a commitment is a discount on the first.
CAPACITY_TYPES = {Purchase.SPOT: "SPOT", Purchase.CAPACITY_BLOCK: "CAPACITY_BLOCK"}


class EksNodes(Surroundings):
    """What surrounds every workload, and a managed node group with every EFA device of its type.

    Raises StackError where EKS has not what the plan asks for, or is not told of the cluster.
    """

    def __init__(self, scope: Construct, construct_id: str, *, build: Build, env: Environment) -> None:
        cluster_name, image = _cluster(build), eks_image(build.instance_type)
        super().__init__(scope, construct_id, build=build, env=env, cluster=True)
        bought = capacity(
            purchase=build.purchase,
            reservation=build.reservation_id,
            placement_group=build.existing.placement_group,
            instance_type=build.instance_type,
        )
        self.watched = Figures(self, "Observability", build=build)
        self.identity = EksIdentity(self, "Identity", bucket=self.bucket, namespace=self.watched.namespace)
        template = self._template(bought)
        nodes = Nodes(
            self,
            "Workers",
            cluster_name=cluster_name,
            node_role=self.identity.role_arn,
            subnets=[self.network.subnet_id],
            ami_type=image,
            capacity_type=CAPACITY_TYPES.get(build.purchase, "ON_DEMAND"),
            launch_template=Nodes.LaunchTemplateSpecificationProperty(
                id=template.ref, version=template.attr_latest_version_number
            ),
            scaling_config=Nodes.ScalingConfigProperty(
                min_size=build.nodes, max_size=build.nodes, desired_size=build.nodes
            ),
            # Old nodes go before new ones come: accelerators are rarely to be had twice.
            update_config=Nodes.UpdateConfigProperty(max_unavailable=1, update_strategy="MINIMAL"),
            labels={LABEL: build.name},
            tags=node_tags(build.name),
        )
        self.enclose(nodes, self.watched)
        CfnOutput(self, "NodeGroupName", value=nodes.attr_nodegroup_name)
        connect = f"aws eks update-kubeconfig --region {build.region} --name {cluster_name}"
        CfnOutput(self, "Connect", value=connect)
        CfnOutput(self, "Nodes", value=f"kubectl get nodes --selector {LABEL}={build.name}")

    def _template(self, bought: Capacity) -> ec2.CfnLaunchTemplate:
        build, nics = self.build, ONE_ENA
        placement_group = bought.placement_group
        if build.nodes > 1:
            if build.efa_cards:
                nics = efa_nics(instance_type=build.instance_type, efa_cards=build.efa_cards, nic_slots=build.nic_slots)
            if bought.own_placement:
                placement_group = ec2.CfnPlacementGroup(self, "Placement", strategy="cluster").ref
        return node_template(
            self,
            "Template",
            build=build,
            nics=nics,
            # The node group says spot itself, and refuses a template that does.
            capacity=replace(bought, market=None) if bought.market == "spot" else bought,
            image_id=None,
            root=AMAZON_LINUX_ROOT,
            group_ids=self.group_ids,
            subnet_id=None,
            profile_arn=None,
            placement_group=placement_group,
            user_data=_boot(build, nics),
        )


def _boot(build: Build, nics: tuple[Nic, ...]) -> str:
    facts = {**node_facts(build, efa_devices=sum(nic.kind == EFA_ONLY for nic in nics)), "BERTH_AGENT": ""}
    return multipart(script({"plan": lines(facts)}, "watch", "eks"))


def _cluster(build: Build) -> str:
    """The name of the cluster. Raises StackError where the plan does not say where its nodes are to join."""
    given = build.existing
    if not (given.eks_cluster and given.vpc and given.security_group):
        raise StackError(
            f"{build.name!r} has the target {build.target!s}, and not all of the cluster's name, its VPC and its own "
            "security group are named. Name provision.existing.eks_cluster, vpc and security_group."
        )
    if eks_image(build.instance_type) is None:
        raise StackError(f"EKS has no image with the driver of {build.instance_type!r}. Choose another type or target.")
    if build.mig:
        raise StackError("NVIDIA's GPU operator cuts the GPUs of a cluster. Leave provision.mig out.")
    if build.file_system or given.file_system:
        raise StackError(
            "Pods mount file systems through the cluster's FSx CSI driver. Leave provision.storage.file_system and "
            "provision.existing.file_system out."
        )
    return given.eks_cluster
