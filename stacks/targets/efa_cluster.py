"""Many nodes in one place, launched all or none.

An EC2 fleet of type instant asks for all nodes in one request, and its deletion ends every one of them: EC2
does not let the instances of a deleted instant fleet run on.
"""

from __future__ import annotations

from aws_cdk import CfnOutput, CfnTag, Environment
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from planner.plan import Build
from stacks.base import WorkloadStack
from stacks.errors import StackError
from stacks.parts.nodes import ONE_ENA, efa_nics
from stacks.parts.ready import Ready
from stacks.parts.tags import WORKLOAD, node_tags

Fleet = ec2.CfnEC2Fleet


# DeleteFleets ends the instances of one request's fleets, and those at most 1,000: a larger fleet would run on.
MOST_NODES = 1000


class EfaCluster(WorkloadStack):
    """What surrounds every workload, and a fleet of nodes with every EFA device of their type."""

    def __init__(self, scope: Construct, construct_id: str, *, build: Build, env: Environment) -> None:
        if build.nodes > MOST_NODES:
            raise StackError(
                f"{build.nodes:,} nodes are more than the {MOST_NODES:,} that EC2 ends with one fleet. "
                "Lower limits.max_nodes, or deploy several workloads."
            )
        super().__init__(scope, construct_id, build=build, env=env, cluster=True)
        placement_group = self.capacity.placement_group
        if self.capacity.own_placement:
            placement_group = ec2.CfnPlacementGroup(self, "Placement", strategy="cluster").ref
        nics = ONE_ENA
        if build.efa_cards:
            nics = efa_nics(instance_type=build.instance_type, efa_cards=build.efa_cards, nic_slots=build.nic_slots)
        ready = Ready(self, "Ready", nodes=build.nodes)
        boot = self.boot(nics=nics, ready_url=ready.url)
        template = self.node_template(nics=nics, subnet_id=None, placement_group=placement_group, boot=boot)
        fleet = self._fleet(template)
        self.enclose(fleet)
        ready.wait_for(fleet)
        CfnOutput(self, "FleetId", value=fleet.ref)
        CfnOutput(
            self,
            "Nodes",
            value=f"aws ec2 describe-instances --region {build.region} "
            f"--filters Name=tag:{WORKLOAD},Values={build.name} Name=instance-state-name,Values=running",
        )
        CfnOutput(self, "Connect", value=f"aws ssm start-session --region {build.region} --target <InstanceId>")

    def _fleet(self, template: ec2.CfnLaunchTemplate) -> Fleet:
        nodes = self.build.nodes
        pool = self.capacity.pool
        return Fleet(
            self,
            "Fleet",
            type="instant",
            launch_template_configs=[
                Fleet.FleetLaunchTemplateConfigRequestProperty(
                    launch_template_specification=Fleet.FleetLaunchTemplateSpecificationRequestProperty(
                        launch_template_id=template.ref, version=template.attr_latest_version_number
                    ),
                    overrides=[
                        Fleet.FleetLaunchTemplateOverridesRequestProperty(
                            instance_type=self.build.instance_type, subnet_id=self.network.subnet_id
                        )
                    ],
                )
            ],
            target_capacity_specification=Fleet.TargetCapacitySpecificationRequestProperty(
                total_target_capacity=nodes, default_target_capacity_type=pool
            ),
            # A capacity block takes neither options; a fleet that it left short fails the readiness check.
            on_demand_options=_on_demand(nodes) if pool == "on-demand" else None,
            spot_options=_spot(nodes) if pool == "spot" else None,
            tag_specifications=[
                Fleet.TagSpecificationProperty(
                    resource_type="fleet",
                    tags=[CfnTag(key=key, value=value) for key, value in node_tags(self.build.name).items()],
                )
            ],
        )


def _on_demand(nodes: int) -> Fleet.OnDemandOptionsRequestProperty:
    return Fleet.OnDemandOptionsRequestProperty(
        allocation_strategy="lowest-price",
        single_instance_type=True,
        single_availability_zone=True,
        min_target_capacity=nodes,
    )


def _spot(nodes: int) -> Fleet.SpotOptionsRequestProperty:
    return Fleet.SpotOptionsRequestProperty(
        allocation_strategy="price-capacity-optimized",
        instance_interruption_behavior="terminate",
        single_instance_type=True,
        single_availability_zone=True,
        min_target_capacity=nodes,
    )
