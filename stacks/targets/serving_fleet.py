"""Replicas behind a private load balancer, as many as the requests that wait ask for.

Each node serves by itself, so that one more or less changes nothing for the others. The group replaces nodes that the
load balancer finds ill, but not those that still fetch an image or load weights.
"""

from __future__ import annotations

import math

from aws_cdk import (
    Aws,
    CfnAutoScalingRollingUpdate,
    CfnAutoScalingScheduledAction,
    CfnCreationPolicy,
    CfnOutput,
    CfnResourceSignal,
    CfnUpdatePolicy,
    Environment,
    RemovalPolicy,
)
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from planner.built import Fleet, Floor
from planner.fleet_schedule import HOUR_MIN
from planner.plan import Build
from pricing.offer import Purchase
from pricing.units import HOUR_S, MEGA, MINUTE_S
from stacks.base import WorkloadStack
from stacks.errors import StackError
from stacks.parts.balancer import Balancer
from stacks.parts.capacity import capacity
from stacks.parts.nodes import ONE_ENA
from stacks.parts.ready import TIMEOUT_S
from stacks.parts.tags import node_tags

Group = autoscaling.CfnAutoScalingGroup
Policy = autoscaling.CfnScalingPolicy

# The logical id of the group, which nodes signal to.
GROUP = "Fleet"
# A container image of some 10 GB, pulled and unpacked; and the rate at which a small node reads weights twice, from S3
# and then from its disk.
PULL_S = 15 * MINUTE_S
LOAD_BYTES_PER_S = 100 * MEGA
# CloudFormation waits for a signal at most this long.
LONGEST_WAIT_S = 12 * HOUR_S
# And between the nodes of an update this long.
LONGEST_PAUSE_S = HOUR_S


class ServingFleet(WorkloadStack):
    """What surrounds every workload, and an auto scaling group behind a load balancer."""

    def __init__(self, scope: Construct, construct_id: str, *, build: Build, env: Environment) -> None:
        fleet = _checked(build)
        super().__init__(scope, construct_id, build=build, env=env, cluster=False)
        self.fleet = fleet
        network = self.network
        spare = [network.spare(zone) for zone in fleet.zone_ids if zone != build.zone_id]
        self.balancer = Balancer(
            self,
            "Balancer",
            fleet=fleet,
            vpc_id=network.vpc_id,
            # Of a VPC that stands nobody here knows the addresses.
            blocks=[*([] if build.existing.vpc else [str(network.block)]), *fleet.clients],
            subnet_ids=network.balancer(fleet.balancer_zone_ids),
            nodes_group_id=self.group.group_id,
        )
        key = None if fleet.keys else fleet.api_key or self._key().ref
        self._allow(key)
        boot = self.boot(
            stack=Aws.STACK_NAME,
            signals=GROUP,
            log_group=self.watched.log_group.ref,
            key_secret=key or "",
        )
        template = self.node_template(nics=ONE_ENA, subnet_id=None, placement_group=None, boot=boot)
        group = self._group(template, [network.subnet_id, *spare])
        self.enclose(group, *self.balancer.ways)
        self._scale(group)
        for floor in fleet.schedule:
            self._keep(group, floor)
        self._outputs(group, key)

    def _key(self) -> secrets.CfnSecret:
        """An API key that nobody has seen; whoever may read the secret may ask the model."""
        key = secrets.CfnSecret(
            self,
            "ApiKey",
            description=f"API key of {self.build.name}",
            generate_secret_string=secrets.CfnSecret.GenerateSecretStringProperty(
                password_length=48, exclude_punctuation=True
            ),
        )
        key.apply_removal_policy(RemovalPolicy.DESTROY)
        return key

    def _allow(self, key: str | None) -> None:
        """Lets nodes read what they serve, pull it, and say that they are up."""
        fleet = self.fleet
        read = [each for each in (key, fleet.registry_secret) if each]
        if read:
            self._may("Secrets", ["secretsmanager:GetSecretValue"], read)
        if fleet.weights:
            bucket, _, prefix = fleet.weights.removeprefix("s3://").partition("/")
            arn, place = f"arn:{Aws.PARTITION}:s3:::{bucket}", prefix.strip("/")
            below = f"{place}/*".lstrip("/")
            within = {"StringLike": {"s3:prefix": [place, below]}} if place else None
            self.identity.allow(
                "Weights",
                iam.PolicyStatement(actions=["s3:ListBucket"], resources=[arn], conditions=within),
                iam.PolicyStatement(actions=["s3:GetObject"], resources=[f"{arn}/{below}"]),
            )
        if ".dkr.ecr." in fleet.engine.image:
            self._may("Token", ["ecr:GetAuthorizationToken"], ["*"])
            self._may("Image", ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], [_repository(fleet.engine.image)])
        self._may("Signal", ["cloudformation:SignalResource"], [Aws.STACK_ID])

    def _may(self, name: str, actions: list[str], resources: list[str]) -> None:
        self.identity.allow(name, iam.PolicyStatement(actions=actions, resources=resources))

    def _group(self, template: ec2.CfnLaunchTemplate, subnet_ids: list[str]) -> Group:
        fleet = self.fleet
        up_s = TIMEOUT_S + PULL_S + math.ceil(fleet.weights_bytes / LOAD_BYTES_PER_S)
        mixed = fleet.on_demand_nodes is not None
        launched = Group.LaunchTemplateSpecificationProperty(
            launch_template_id=template.ref, version=template.attr_latest_version_number
        )
        group = Group(
            self,
            GROUP,
            launch_template=None if mixed else launched,
            mixed_instances_policy=_mixed(launched, fleet.on_demand_nodes or 0) if mixed else None,
            # Without a desired capacity, which every deployment would set back, it starts with the least.
            min_size=str(fleet.least_nodes),
            max_size=str(fleet.most_nodes),
            vpc_zone_identifier=subnet_ids,
            target_group_arns=[self.balancer.target_arn],
            health_check_type="ELB",
            health_check_grace_period=up_s,
            # A node counts, for scaling too, when it can have loaded its weights.
            default_instance_warmup=up_s,
            capacity_rebalance=True if mixed or self.build.purchase is Purchase.SPOT else None,
            new_instances_protected_from_scale_in=False,
            metrics_collection=[Group.MetricsCollectionProperty(granularity="1Minute")],
            tags=[
                Group.TagPropertyProperty(key=key, value=value, propagate_at_launch=True)
                for key, value in node_tags(self.build.name).items()
            ],
        )
        group.cfn_options.creation_policy = CfnCreationPolicy(
            resource_signal=CfnResourceSignal(count=fleet.least_nodes, timeout=f"PT{min(LONGEST_WAIT_S, up_s)}S")
        )
        # New nodes serve before old ones go, one at a time where there is room for one more.
        group.cfn_options.update_policy = CfnUpdatePolicy(
            auto_scaling_rolling_update=CfnAutoScalingRollingUpdate(
                max_batch_size=1,
                min_instances_in_service=min(fleet.least_nodes, fleet.most_nodes - 1),
                min_successful_instances_percent=100,
                pause_time=f"PT{min(LONGEST_PAUSE_S, up_s)}S",
                wait_on_resource_signals=True,
                suspend_processes=["AZRebalance", "AlarmNotification", "ScheduledActions"],
            ),
            # Or each deployment would set a fleet back to the fewest nodes, whatever the hour.
            auto_scaling_scheduled_action=CfnAutoScalingScheduledAction(ignore_unmodified_group_size_properties=True)
            if fleet.schedule
            else None,
        )
        return group

    def _scale(self, group: Group) -> None:
        """Adds nodes when requests wait, and takes them away when those in flight need fewer."""
        fleet = self.fleet
        by_flight = bool(fleet.engine.running)
        self._follow(group, "Waiting", "waiting_requests", fleet.waiting_per_node, only_out=by_flight)
        if by_flight:
            self._follow(group, "Running", "running_requests", fleet.running_per_node, only_out=False)

    def _follow(self, group: Group, name: str, metric: str, target: int, *, only_out: bool) -> None:
        Policy(
            self,
            name,
            auto_scaling_group_name=group.ref,
            policy_type="TargetTrackingScaling",
            target_tracking_configuration=Policy.TargetTrackingConfigurationProperty(
                customized_metric_specification=Policy.CustomizedMetricSpecificationProperty(
                    namespace=self.watched.namespace, metric_name=metric, statistic="Average"
                ),
                target_value=target,
                disable_scale_in=only_out,
            ),
        )

    def _keep(self, group: Group, floor: Floor) -> None:
        """Has no fewer nodes from a minute of the day on; requests alone take those away that an hour needs no more."""
        hour, minute = divmod(floor.minute, HOUR_MIN)
        autoscaling.CfnScheduledAction(
            self,
            f"From{hour:02}{minute:02}",
            auto_scaling_group_name=group.ref,
            min_size=max(floor.nodes, self.fleet.least_nodes),
            recurrence=f"{minute} {hour} * * *",
            time_zone=self.fleet.time_zone,
        )

    def _outputs(self, group: Group, key: str | None) -> None:
        region = self.build.region
        CfnOutput(
            self,
            "Address",
            value=self.balancer.address,
            description="Point a CNAME of the certificate's name here, and ask https:// that name; the certificate "
            "does not cover this one",
        )
        CfnOutput(self, "Records", value=self.balancer.records)
        CfnOutput(
            self,
            "Refresh",
            value=f"aws autoscaling start-instance-refresh --region {region} --auto-scaling-group-name {group.ref}",
        )
        if key is not None:
            read = "aws secretsmanager get-secret-value --query SecretString --output text"
            CfnOutput(self, "ApiKeyCommand", value=f"{read} --region {region} --secret-id {key}")


def _checked(build: Build) -> Fleet:
    """The fleet of the build. Raises StackError where there is none, or where it cannot be bought."""
    if build.fleet is None:
        raise StackError(
            f"{build.name!r} has the target {build.target!s}, but plans no fleet. Lock the workload again."
        )
    if build.purchase is Purchase.CAPACITY_BLOCK:
        raise StackError("A capacity block ends, and a fleet goes on serving. Choose another purchase.")
    if build.mig:
        raise StackError("The engines of a fleet take whole GPUs. Leave MIG out.")
    if build.vendor != "NVIDIA":
        raise StackError(
            f"The containers of a fleet run on NVIDIA GPUs, which {build.instance_type} has not. Choose a type that "
            "has, or another target."
        )
    if build.fleet.on_demand_nodes is not None:
        if build.purchase is Purchase.SPOT:
            raise StackError("All nodes are spot ones already. Leave inference.fleet.spot_share out.")
        # Those beyond the base are bought so; reservations hold none of them.
        capacity(purchase=Purchase.SPOT, reservation=build.reservation_id, instance_type=build.instance_type)
    return build.fleet


def _mixed(template: Group.LaunchTemplateSpecificationProperty, on_demand: int) -> Group.MixedInstancesPolicyProperty:
    """The first nodes on demand and all further ones on spot; in two zones, where they are least likely to be taken."""
    return Group.MixedInstancesPolicyProperty(
        launch_template=Group.LaunchTemplateProperty(launch_template_specification=template),
        instances_distribution=Group.InstancesDistributionProperty(
            on_demand_base_capacity=on_demand,
            on_demand_percentage_above_base_capacity=0,
            spot_allocation_strategy="price-capacity-optimized",
        ),
    )


def _repository(image: str) -> str:
    """The ARN of the ECR repository that an image stands in: ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG."""
    registry, _, rest = image.partition("/")
    account, _, _, region, *_ = registry.split(".")
    name = rest.partition("@")[0].partition(":")[0]
    return f"arn:{Aws.PARTITION}:ecr:{region}:{account}:repository/{name}"
