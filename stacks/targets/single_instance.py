"""One node, with one accelerator or several.

An EC2 instance rather than a fleet of one: CloudFormation knows its id, fails when EC2 has no capacity, and
ends it with the stack. It takes one network interface even where its type has EFA: there is no second node.
"""

from __future__ import annotations

from aws_cdk import CfnOutput, Environment
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from planner.plan import Build
from stacks.base import WorkloadStack
from stacks.errors import StackError
from stacks.parts.nodes import ONE_ENA
from stacks.parts.ready import Ready

Launch = ec2.CfnInstance.LaunchTemplateSpecificationProperty


class SingleInstance(WorkloadStack):
    """What surrounds every workload, and one instance."""

    def __init__(self, scope: Construct, construct_id: str, *, build: Build, env: Environment) -> None:
        super().__init__(scope, construct_id, build=build, env=env, cluster=False)
        if build.nodes != 1:
            raise StackError(
                f"{build.name!r} plans {build.nodes} nodes, but its target {build.target!s} is one node. "
                "Plan one node, or a cluster."
            )
        ready = Ready(self, "Ready", nodes=1)
        template = self.node_template(
            nics=ONE_ENA,
            subnet_id=self.network.subnet_id,
            placement_group=None,
            boot=self.boot(ready_url=ready.url),
        )
        instance = ec2.CfnInstance(
            self,
            "Node",
            # Stated here too, because linters and emulators do not look into the template.
            image_id=self.image_id,
            instance_type=build.instance_type,
            monitoring=True,
            launch_template=Launch(launch_template_id=template.ref, version=template.attr_latest_version_number),
        )
        self.enclose(instance)
        ready.wait_for(instance)
        CfnOutput(self, "InstanceId", value=instance.ref)
        CfnOutput(self, "Connect", value=f"aws ssm start-session --region {build.region} --target {instance.ref}")
