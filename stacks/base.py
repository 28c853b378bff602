"""What surrounds the nodes of every workload, whatever they are, and what all nodes of EC2 have in common?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, CfnResource, Environment, IStackSynthesizer, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from planner.addresses import beside_nodes, most_nodes
from planner.plan import Build, Lifecycle
from stacks.parts.capacity import capacity
from stacks.parts.guard import Guard
from stacks.parts.identity import Identity
from stacks.parts.image import image_id, root_device
from stacks.parts.network import Network, NodeGroup
from stacks.parts.nodes import EFA_ONLY, Nic, node_template
from stacks.parts.observability import Observability
from stacks.parts.storage import Storage
from stacks.parts.user_data import Boot, user_data

if TYPE_CHECKING:
    from stacks.parts.file_system import SharedFiles


class Surroundings(Stack):
    """A network, a guard, and a bucket for what keeps checkpoints; a target adds the nodes.

    Raises StackError where the plan contradicts itself.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        build: Build,
        env: Environment,
        cluster: bool,
        synthesizer: IStackSynthesizer | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            env=env,
            synthesizer=synthesizer,
            analytics_reporting=False,
            description=f"Berth: {build.nodes} x {build.instance_type} for {build.name}",
        )
        self.build = build
        self.network = Network(
            self,
            "Network",
            zone_id=build.zone_id,
            nodes=most_nodes(build),
            others=beside_nodes(build),
            cidr=build.cidr,
            existing=build.existing,
        )
        self.group = NodeGroup(self, "NodeGroup", vpc_id=self.network.vpc_id, cluster=cluster)
        self.group_ids = [self.group.group_id, *filter(None, [build.existing.security_group])]
        # What serves keeps no checkpoints, and its weights stand in a bucket of the user's own.
        self.storage = None if build.fleet else self._storage()
        self.guard = Guard(
            self,
            "Guard",
            workload=build.name,
            expires_at=build.expires_at,
            budget_usd=build.budget_usd,
            budget_email=build.budget_email,
        )
        self.files = self._files()
        if boundary := build.existing.permissions_boundary:
            policy = iam.ManagedPolicy.from_managed_policy_arn(self, "Boundary", boundary)
            iam.PermissionsBoundary.of(self).apply(policy)
        CfnOutput(self, "VpcId", value=self.network.vpc_id)

    def _storage(self) -> Storage:
        storage = Storage(self, "Storage", lifecycle=self.build.lifecycle, key_arn=self.build.existing.key)
        name = storage.bucket.bucket_name
        CfnOutput(self, "BucketName", value=name)
        if self.build.lifecycle is Lifecycle.EPHEMERAL:
            CfnOutput(self, "BeforeDestroy", value=f"aws s3 rm --recursive s3://{name}")
        return storage

    @property
    def bucket(self) -> s3.IBucket:
        """Where checkpoints go; a fleet that serves has none."""
        assert self.storage is not None
        return self.storage.bucket

    def _files(self) -> SharedFiles | None:
        if self.build.file_system is None:
            return None
        # Large, and needed where there is a file system alone.
        from stacks.parts.file_system import SharedFiles

        return SharedFiles(
            self,
            "Files",
            system=self.build.file_system,
            lifecycle=self.build.lifecycle,
            network=self.network,
            nodes_group_id=self.group.group_id,
            key_arn=self.build.existing.key,
        )

    @property
    def mounted(self) -> tuple[str, str] | None:
        """DNS name and mount name of what nodes mount at /fsx, the stack's own or one that stands; None for nothing."""
        given = self.build.existing
        if self.files:
            return self.files.dns_name, self.files.mount_name
        if given.file_system and given.mount_name:
            return f"{given.file_system}.fsx.{self.build.region}.amazonaws.com", given.mount_name
        return None

    def enclose(self, launch: CfnResource, *also: Construct) -> None:
        """Makes what launches nodes the last thing to be made and the first to go.

        Subnet, group and routes cannot be deleted under a node, and a node must not outlive its guard.
        """
        own = [each for each in (self.storage, self.files) if each]
        launch.node.add_dependency(*self.network.ways, *self.group.rules, self.guard, *own, *also)


class WorkloadStack(Surroundings):
    """What surrounds every workload, with the role, the image, the capacity and what watches of EC2 nodes."""

    def __init__(self, scope: Construct, construct_id: str, *, build: Build, env: Environment, cluster: bool) -> None:
        super().__init__(scope, construct_id, build=build, env=env, cluster=cluster)
        self.capacity = capacity(
            purchase=build.purchase,
            reservation=build.reservation_id,
            placement_group=build.existing.placement_group,
            instance_type=build.instance_type,
        )
        self.watched = Observability(self, "Observability", build=build)
        self.identity = Identity(
            self,
            "Identity",
            bucket=self.bucket if self.storage else None,
            namespace=self.watched.namespace,
            log_group_arn=self.watched.log_group.attr_arn,
        )
        self.image_id = image_id(self, "Image", image=build.image, instance_type=build.instance_type)

    def boot(self, *, nics: Sequence[Nic] = (), **told: str) -> Boot:
        """What nodes with these interfaces are told at boot, and what the target tells them."""
        return Boot(
            bucket_name=self.bucket.bucket_name if self.storage else "",
            efa_devices=sum(nic.kind == EFA_ONLY for nic in nics),
            agent=self.watched.agent,
            shared="@tcp:/".join(self.mounted or ()),
            **told,
        )

    def node_template(
        self, *, nics: Sequence[Nic], subnet_id: str | None, placement_group: str | None, boot: Boot
    ) -> ec2.CfnLaunchTemplate:
        """The launch template of the nodes, with these interfaces."""
        return node_template(
            self,
            "Template",
            build=self.build,
            nics=nics,
            capacity=self.capacity,
            image_id=self.image_id,
            root=root_device(self.build.image),
            group_ids=self.group_ids,
            subnet_id=subnet_id,
            profile_arn=self.identity.profile_arn,
            placement_group=placement_group,
            user_data=user_data(self.build, boot),
        )

    def enclose(self, launch: CfnResource, *also: Construct) -> None:
        """As for all surroundings; the nodes need their role, and are watched from the first minute."""
        super().enclose(launch, self.identity, self.watched, *also)
