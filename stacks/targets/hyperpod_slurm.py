"""A SageMaker HyperPod cluster that Slurm schedules: it tests its nodes, and replaces those that fail, by itself.

SageMaker launches the nodes and sets up their network cards, so that there is no launch template and no placement
group. Without continuous provisioning it makes all of a cluster or nothing. What is create-only of an instance group
is part of its name: another instance type is another group, where a changed one would be refused.
"""

from __future__ import annotations

from aws_cdk import CfnOutput, Environment
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from planner.hyperpod import CONTROLLER_TYPE, PARTITION, hyperpod_types
from planner.plan import Build
from pricing.offer import Purchase
from pricing.units import GIB
from stacks.base import Surroundings
from stacks.errors import StackError
from stacks.parts.identity import HyperpodIdentity
from stacks.parts.lifecycle import Lifecycle, script, synthesizer
from stacks.parts.observability import Figures

Cluster = sagemaker.CfnCluster
Group = Cluster.ClusterInstanceGroupProperty

CONTROLLER, LOGIN = "controller", "login"
MOUNT_PATH = "/fsx"
# CreateCluster's own bounds (SageMaker API reference, ClusterInstanceGroupSpecification, ClusterEbsVolumeConfig).
MOST_NODES = 6758
MOST_VOLUME_GB = 16_384


class HyperpodSlurm(Surroundings):
    """What surrounds every workload, and a cluster of a controller, a node to log in, and the planned nodes.

    Raises StackError where HyperPod has not what the plan asks for.
    """

    def __init__(self, scope: Construct, construct_id: str, *, build: Build, env: Environment) -> None:
        refuse_unhosted(build)
        compute = compute_group(build)
        text = script(build, compute)
        super().__init__(
            scope,
            construct_id,
            build=build,
            env=env,
            cluster=True,
            synthesizer=synthesizer(text),
        )
        self.lifecycle = Lifecycle(self, "Lifecycle", text=text)
        self.watched = Figures(self, "Observability", build=build)
        self.identity = HyperpodIdentity(
            self,
            "Identity",
            bucket=self.bucket,
            namespace=self.watched.namespace,
            scripts=self.lifecycle.statements,
        )
        cluster = Cluster(
            self,
            "Cluster",
            instance_groups=[
                self._group(CONTROLLER, "Controller", CONTROLLER_TYPE, 1),
                self._group(LOGIN, "Login", CONTROLLER_TYPE, 1),
                self._group(compute, "Compute", build.instance_type, build.nodes),
            ],
            node_recovery="Automatic",
            orchestrator=Cluster.OrchestratorProperty(
                slurm=Cluster.ClusterOrchestratorSlurmConfigProperty(slurm_config_strategy="Managed")
            ),
            vpc_config=Cluster.VpcConfigProperty(security_group_ids=self.group_ids, subnets=[self.network.subnet_id]),
        )
        self.enclose(cluster, self.watched)
        CfnOutput(self, "ClusterArn", value=cluster.attr_cluster_arn)
        nodes = f"aws sagemaker list-cluster-nodes --region {build.region} --cluster-name {cluster.attr_cluster_arn}"
        CfnOutput(self, "Nodes", value=nodes)
        target = f"sagemaker-cluster:<ClusterId>_{LOGIN}-<InstanceId>"
        CfnOutput(self, "Connect", value=f"aws ssm start-session --region {build.region} --target {target}")

    def _group(self, name: str, role: str, instance_type: str, count: int) -> Group:
        build, computes = self.build, role == "Compute"
        own_image = build.image.id if build.image.parameter is None else None
        return Group(
            instance_group_name=name,
            instance_type=f"ml.{instance_type}",
            instance_count=count,
            execution_role=self.identity.role_arn,
            image_id=own_image if computes else None,
            life_cycle_config=Cluster.ClusterLifeCycleConfigProperty(
                source_s3_uri=self.lifecycle.uri, on_init_complete=self.lifecycle.entry
            ),
            slurm_config=Cluster.ClusterSlurmConfigProperty(
                node_type=role, partition_names=[PARTITION] if computes else None
            ),
            instance_storage_configs=self._disks() + self._file_systems(),
            on_start_deep_health_checks=health_checks(build) if computes else None,
            training_plan_arn=build.training_plan_arn if computes else None,
        )

    def _disks(self) -> list[Cluster.ClusterInstanceStorageConfigProperty]:
        volume = Cluster.ClusterEbsVolumeConfigProperty(
            volume_size_in_gb=-(-self.build.root_volume_bytes // GIB), volume_kms_key_id=self.build.existing.key
        )
        return [Cluster.ClusterInstanceStorageConfigProperty(ebs_volume_config=volume)]

    def _file_systems(self) -> list[Cluster.ClusterInstanceStorageConfigProperty]:
        if self.mounted is None:
            return []
        dns_name, mount_name = self.mounted
        lustre = Cluster.ClusterFsxLustreConfigProperty(dns_name=dns_name, mount_name=mount_name, mount_path=MOUNT_PATH)
        return [Cluster.ClusterInstanceStorageConfigProperty(fsx_lustre_config=lustre)]


def compute_group(build: Build) -> str:
    """The name of the group of the planned nodes, in which their type is told."""
    return f"compute-{build.instance_type.replace('.', '-')}"


def health_checks(build: Build) -> list[str]:
    """The deep health checks that a node passes before a job may run on it; between nodes only where there is EFA."""
    return ["InstanceStress", *["InstanceConnectivity"] * (build.nodes > 1 and bool(build.efa_cards))]


def refuse_unhosted(build: Build) -> None:
    """Raises StackError where SageMaker does not offer what the plan asks for."""
    if build.instance_type not in hyperpod_types():
        raise StackError(
            f"SageMaker HyperPod does not have {build.instance_type!r}. Choose another type, or the target efa-cluster."
        )
    if build.reservation_id is not None:
        raise StackError(
            f"SageMaker launches HyperPod's nodes outside EC2's reservation {build.reservation_id!r}. Buy a training "
            "plan, and name it in provision.training_plan."
        )
    if build.purchase is not Purchase.ON_DEMAND:
        raise StackError(
            f"HyperPod with Slurm has on-demand nodes and training plans, and the plan is for {build.purchase}. "
            "Set limits.purchase to [on-demand], or choose another target."
        )
    if build.mig:
        raise StackError("HyperPod's nodes keep their accelerators whole. Leave provision.mig out.")
    if build.nodes > MOST_NODES:
        raise StackError(f"{build.nodes:,} nodes are more than the {MOST_NODES:,} of a HyperPod instance group.")
    if build.root_volume_bytes > MOST_VOLUME_GB * GIB:
        raise StackError(
            f"HyperPod's volumes hold at most {MOST_VOLUME_GB:,} GiB. Lower provision.storage.root_volume."
        )
