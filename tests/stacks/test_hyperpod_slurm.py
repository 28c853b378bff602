"""The HyperPod cluster that Slurm schedules."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from planner.built import Existing, Image
from planner.plan import Build, Target
from pricing.offer import Purchase
from pricing.records import replace
from pricing.units import TIB
from stacks.errors import StackError
from stacks.parts.lifecycle import script
from stacks.targets.hyperpod_slurm import compute_group
from stacks.verify.check import check
from tests.support.builds import FAMILIES, P4D_CLUSTER
from tests.support.synthesis import ancestors, document, only, properties, stack
from tests.support.templates import from_document

HYPERPOD = replace(P4D_CLUSTER, target=Target.HYPERPOD_SLURM)
PLAN = "arn:aws:sagemaker:us-east-1:111122223333:training-plan/in-june"
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
FILES = Existing(
    vpc="vpc-0123456789abcdef0",
    subnet="subnet-0123456789abcdef0",
    security_group="sg-0123456789abcdef0",
    file_system="fs-0123456789abcdef0",
    mount_name="abcdef01",
    key=KEY,
)


def cluster(build: Build = HYPERPOD) -> dict[str, Any]:
    return only(build, "AWS::SageMaker::Cluster")


def group(build: Build, node_type: str) -> dict[str, Any]:
    """The one instance group of a Slurm node type."""
    (found,) = (each for each in cluster(build)["InstanceGroups"] if each["SlurmConfig"]["NodeType"] == node_type)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    "build",
    [
        HYPERPOD,
        replace(HYPERPOD, training_plan_arn=PLAN),
        replace(HYPERPOD, existing=FILES),
        replace(HYPERPOD, nodes=1),
    ],
    ids=["plain", "training plan", "existing", "one node"],
)
def test_it_keeps_the_verifiers_rules(build: Build) -> None:
    """No rule of severity error or warning is broken; what an existing group lets pass cannot be known."""
    found = [each for each in check(from_document("hyperpod", document(build))) if each.rule.severity != "info"]
    assert {each.rule.id for each in found if not each.open} == set()
    assert {each.rule.id for each in found} <= {"efa-security-group-pair"}


def test_slurm_has_a_controller_an_entrance_and_the_planned_nodes() -> None:
    """One small controller, one small login node, and as many compute nodes as planned, in a partition of their own."""
    control, login, compute = (group(HYPERPOD, kind) for kind in ("Controller", "Login", "Compute"))
    assert (control["InstanceType"], control["InstanceCount"]) == ("ml.m5.xlarge", 1)
    assert (login["InstanceType"], login["InstanceCount"]) == ("ml.m5.xlarge", 1)
    assert (compute["InstanceType"], compute["InstanceCount"]) == ("ml.p4d.24xlarge", 4)
    assert compute["SlurmConfig"]["PartitionNames"] == ["berth"]
    assert cluster()["Orchestrator"] == {"Slurm": {"SlurmConfigStrategy": "Managed"}}


def test_failing_nodes_are_found_and_replaced() -> None:
    """Node recovery is on, and nodes pass deep health checks before a job runs on them, the controller none."""
    assert cluster()["NodeRecovery"] == "Automatic"
    assert group(HYPERPOD, "Compute")["OnStartDeepHealthChecks"] == ["InstanceStress", "InstanceConnectivity"]
    assert group(replace(HYPERPOD, nodes=1), "Compute")["OnStartDeepHealthChecks"] == ["InstanceStress"]
    assert "OnStartDeepHealthChecks" not in group(HYPERPOD, "Controller")


def test_no_name_is_fixed_and_the_type_is_part_of_the_groups() -> None:
    """A replaced cluster takes a name of its own, and another instance type is a group of another name."""
    assert "ClusterName" not in cluster()
    assert group(HYPERPOD, "Compute")["InstanceGroupName"] == "compute-p4d-24xlarge"


def test_scripts_are_our_own_and_pinned() -> None:
    """Every group runs one script of the stack's assets, under a prefix that holds its digest, after HyperPod's own."""
    configs = [each["LifeCycleConfig"] for each in cluster()["InstanceGroups"]]
    assert all(each == configs[0] for each in configs) and "OnCreate" not in configs[0]
    *_, prefix = configs[0]["SourceS3Uri"]["Fn::Join"][1]
    assert prefix.startswith("/berth/") and configs[0]["OnInitComplete"].endswith(".sh")
    assert "github" not in str(document(HYPERPOD)).lower()
    other = replace(HYPERPOD, nodes=8)
    *_, other_prefix = cluster(other)["InstanceGroups"][0]["LifeCycleConfig"]["SourceS3Uri"]["Fn::Join"][1]
    assert other_prefix != prefix


def test_the_script_is_bash_and_knows_the_plan() -> None:
    """The script parses, and holds the facts that it checks a node against."""
    text = script(HYPERPOD, compute_group(HYPERPOD))
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    for fact in ("BERTH_ACCELERATORS=8", "BERTH_EFA_DEVICES=4", "BERTH_COMPUTE_GROUP=compute-p4d-24xlarge"):
        assert fact in text


def test_its_nodes_are_watched_without_an_agent_beside_sagemakers() -> None:
    """A dashboard and an alarm of idle accelerators read what the script's own service publishes in one namespace."""
    text = script(HYPERPOD, compute_group(HYPERPOD))
    assert "berth-watch.service" in text and "amazon-cloudwatch-agent" not in text
    assert "\nBERTH_AGENT='\n" in text and "\nBERTH_REGION=us-east-1\n" in text
    alarm = only(HYPERPOD, "AWS::CloudWatch::Alarm")
    assert (alarm["Namespace"], alarm["MetricName"]) == ("Berth/train70b", "nvidia_smi_utilization_gpu")
    assert len(properties(HYPERPOD, "AWS::CloudWatch::Dashboard")) == 1
    role = next(each for each in properties(HYPERPOD, "AWS::IAM::Role") if "sagemaker.amazonaws.com" in str(each))
    (metrics,) = (each["PolicyDocument"]["Statement"] for each in role["Policies"] if each["PolicyName"] == "Metrics")
    assert metrics[0]["Condition"] == {"StringEquals": {"cloudwatch:namespace": "Berth/train70b"}}


def test_the_role_is_sagemakers_and_reads_only_its_own_scripts() -> None:
    """SageMaker assumes it; it reads the scripts' prefix and writes the stack's bucket, and no other."""
    role = next(each for each in properties(HYPERPOD, "AWS::IAM::Role") if "sagemaker.amazonaws.com" in str(each))
    policies = {each["PolicyName"]: each["PolicyDocument"]["Statement"] for each in role["Policies"]}
    (policy,) = role["ManagedPolicyArns"]
    assert policy["Fn::Join"][1][-1] == ":iam::aws:policy/AmazonSageMakerClusterInstanceRolePolicy"
    listing, reading = policies["Scripts"]
    assert listing["Condition"]["StringLike"]["s3:prefix"][0].startswith("berth/")
    assert reading["Action"] == "s3:GetObject" and reading["Resource"]["Fn::Join"][1][-1].startswith("/berth/")
    assert not any("*" in action for each in policies.values() for one in each for action in one["Action"])
    assert len({each["ExecutionRole"]["Fn::GetAtt"][0] for each in cluster()["InstanceGroups"]}) == 1


def test_it_stands_in_the_private_subnet_of_the_planned_zone() -> None:
    """The cluster's subnet is the planned zone's, and its group names itself both ways, as EFA needs."""
    network = cluster()["VpcConfig"]
    assert network["Subnets"][0]["Ref"].startswith("NetworkCompute")
    assert {each["AvailabilityZoneId"] for each in properties(HYPERPOD, "AWS::EC2::Subnet")} == {"use1-az6"}
    (named,) = network["SecurityGroupIds"]
    assert only(HYPERPOD, "AWS::EC2::SecurityGroupIngress")["SourceSecurityGroupId"] == named
    assert only(HYPERPOD, "AWS::EC2::SecurityGroupEgress")["DestinationSecurityGroupId"] == named


def test_the_service_launches_the_nodes() -> None:
    """There is no launch template, placement group, fleet or image of ours: SageMaker has its own."""
    kinds = {each["Type"] for each in document(HYPERPOD)["Resources"].values()}
    assert not kinds & {"AWS::EC2::LaunchTemplate", "AWS::EC2::PlacementGroup", "AWS::EC2::EC2Fleet"}
    assert "Parameters" not in document(HYPERPOD) or "Image" not in str(document(HYPERPOD)["Parameters"])
    own = replace(HYPERPOD, image=Image(parameter=None, id="ami-0123456789abcdef0"))
    assert group(own, "Compute")["ImageId"] == "ami-0123456789abcdef0"
    assert "ImageId" not in group(own, "Controller")


def test_a_training_plan_is_for_the_compute_nodes_alone() -> None:
    """The controller outlives the plan, which holds another type."""
    build = replace(HYPERPOD, training_plan_arn=PLAN)
    assert group(build, "Compute")["TrainingPlanArn"] == PLAN
    assert "TrainingPlanArn" not in group(build, "Controller")


def test_every_node_mounts_the_file_system_and_encrypts_with_the_key() -> None:
    """An existing file system is mounted on all groups by its DNS name, and disks take the user's key."""
    build = replace(HYPERPOD, existing=FILES)
    for each in cluster(build)["InstanceGroups"]:
        disk, files = each["InstanceStorageConfigs"]
        assert disk["EbsVolumeConfig"] == {"VolumeSizeInGB": 300, "VolumeKmsKeyId": KEY}
        assert files["FsxLustreConfig"] == {
            "DnsName": "fs-0123456789abcdef0.fsx.us-east-1.amazonaws.com",
            "MountName": "abcdef01",
            "MountPath": "/fsx",
        }


def test_everything_stands_before_the_cluster() -> None:
    """The cluster is made last and deleted first: its way out, its group's rules and its role stand while it does."""
    before = {document(HYPERPOD)["Resources"][name]["Type"] for name in ancestors(HYPERPOD, "Cluster")}
    assert {"AWS::EC2::NatGateway", "AWS::EC2::SecurityGroupEgress", "AWS::IAM::Role", "AWS::S3::Bucket"} <= before


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"instance_type": "inf2.48xlarge"}, "does not have 'inf2.48xlarge'"),
        ({"reservation_id": "cr-0123456789abcdef0"}, "training plan"),
        ({"purchase": Purchase.SPOT}, "on-demand nodes and training plans"),
        ({"purchase": Purchase.SAVINGS_PLAN_1YR}, "on-demand nodes and training plans"),
        ({"nodes": 6759}, "6,758"),
        ({"root_volume_bytes": 17 * TIB}, "16,384 GiB"),
    ],
)
def test_what_hyperpod_has_not_is_refused(changed: dict[str, Any], words: str) -> None:
    """A plan that SageMaker would refuse after minutes is refused at synthesis, with what to change."""
    with pytest.raises(StackError, match=words):
        stack(replace(HYPERPOD, **changed))


def test_trainium_is_probed_by_its_own_tools() -> None:
    """A cluster of Trainium has the Neuron probe in its script."""
    trn = next(family.build for family in FAMILIES if family.instance_type == "trn1.32xlarge")
    assert "BERTH_PROBE=neuron" in script(trn, "compute")
