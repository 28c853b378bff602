"""The real CDK command plans, locks and deploys workloads to an AWS on loopback, and EC2 is asked what stands there."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import dedent
from typing import Any

import pytest
from msgspec import Struct

from planner.lock import read_head
from planner.places import lock_path
from planner.plan import Build, Target
from stacks.parts.tags import stack_name
from tests.support.aws import Aws, loopback_aws
from tests.support.loopback import ACCOUNT, IMAGE_ID


class Case(Struct, frozen=True, kw_only=True):
    """A workload, and what should stand once it is deployed. `kept_buckets` outlive the stack.

    `guards` are the schedule that ends it and the budget that watches it.
    """

    workload: str
    instance_type: str
    nodes: int
    efa_devices: int
    kept_buckets: int = 0
    file_systems: int = 0
    guards: int = 0


CASES = {
    "one gpu": Case(
        workload="""
            name: tune-small
            model: llama-3.2-1b
            training: {method: qlora, tokens: 10M, sequence_length: 1024, global_batch: 8}
            pin: {instance_type: g5.xlarge}
        """,
        instance_type="g5.xlarge",
        nodes=1,
        efa_devices=0,
    ),
    "eight gpus": Case(
        workload="""
            name: serve-medium
            model: llama-3.1-8b
            inference: {requests_per_second: 5, input_tokens: 1024, output_tokens: 256}
            pin: {instance_type: p4d.24xlarge, nodes: 1, layout: {tensor: 8}}
            provision: {storage: {lifecycle: persistent}}
        """,
        instance_type="p4d.24xlarge",
        nodes=1,
        efa_devices=0,
        kept_buckets=1,
    ),
    "four nodes": Case(
        workload="""
            name: pretrain-large
            model: llama-2-13b
            training: {method: pretrain, tokens: 1B, sequence_length: 4096, global_batch: 256}
            pin: {instance_type: p4d.24xlarge, nodes: 4}
            provision: {zone: use1-az6}
        """,
        instance_type="p4d.24xlarge",
        nodes=4,
        efa_devices=4,
    ),
    "a fleet": Case(
        workload="""
            name: serve-many
            model: llama-3.2-1b
            inference: {requests_per_second: 15, input_tokens: 1024, output_tokens: 256}
            pin: {instance_type: g5.2xlarge, nodes: 2}
            limits: {regions: [us-east-1]}
            provision:
              target: serving-fleet
              serving:
                weights: s3://my-models/llama-3.2-1b
                certificate: CERTIFICATE
        """,
        instance_type="g5.2xlarge",
        nodes=2,
        efa_devices=0,
        # The load balancer's records.
        kept_buckets=1,
    ),
    "shared files, guarded": Case(
        workload="""
            name: pretrain-shared
            model: llama-2-13b
            training: {method: pretrain, tokens: 1B, sequence_length: 4096, global_batch: 256}
            pin: {instance_type: p4d.24xlarge, nodes: 2}
            provision:
              zone: use1-az6
              time_to_live: 30d
              budget: 9000
              budget_email: ml@example.com
              storage: {file_system: {capacity: 4800GiB, throughput: 1000, data: s3://my-data/tokens, efa: true}}
        """,
        instance_type="p4d.24xlarge",
        nodes=2,
        efa_devices=4,
        file_systems=1,
        guards=2,
    ),
}


HYPERPOD = """
    name: pretrain-managed
    model: llama-2-13b
    training: {method: pretrain, tokens: 1B, sequence_length: 4096, global_batch: 256}
    pin: {instance_type: p4d.24xlarge, nodes: 4}
    provision: {target: hyperpod-slurm, zone: use1-az6}
"""


# A day at night and one hour of rush, in a network that stands already.
STANDING = """
    name: serve-standing
    model: llama-3.2-1b
    inference:
      requests_per_second: 30
      input_tokens: 1024
      output_tokens: 256
      fleet:
        profile: [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 1, 0.1, 0.1,
                  0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]
        spot_share: 0.5
    pin: {instance_type: g5.2xlarge}
    limits: {regions: [us-east-1]}
    provision:
      target: serving-fleet
      zone: use1-az6
      existing:
        vpc: VPC
        subnet: NODES
        security_group: OWN
        balancer_subnets: [BALANCED]
      serving:
        weights: s3://my-models/llama-3.2-1b
        certificate: CERTIFICATE
        api_key: SECRET
        clients: [10.9.0.0/16]
"""

EKS = """
    name: pretrain-pods
    model: llama-2-13b
    training: {method: pretrain, tokens: 1B, sequence_length: 4096, global_batch: 256}
    pin: {instance_type: p4d.24xlarge, nodes: 4}
    provision:
      target: eks-nodes
      zone: use1-az6
      existing: {eks_cluster: research, vpc: VPC, subnet: SUBNET, security_group: GROUP}
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """One bootstrapped AWS for all deployments."""
    with loopback_aws(tmp_path_factory.mktemp("aws")) as running:
        yield running


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_deploy_deploy_again_destroy(aws: Aws, case: Case) -> None:
    """What is deployed is what was planned; again changes nothing; destroying, without the workload, leaves nothing."""
    file = aws.home / f"{case.instance_type}-{case.nodes}.yaml"
    issued = aws.client("acm").request_certificate(DomainName="model.example.com")["CertificateArn"]
    file.write_text(dedent(case.workload).replace("CERTIFICATE", issued), encoding="utf-8")
    app = ("-c", f"workload={file}", "--output", str(aws.home / "cdk.out"))

    aws.cdk("deploy", *app, "--require-approval", "never")
    build = read_head(lock_path(file)).build
    assert (build.instance_type, build.nodes, build.image.id) == (case.instance_type, case.nodes, IMAGE_ID)
    check_network(aws, build)
    check_nodes(aws, case, build)
    check_around(aws, case, build)

    assert "(no changes)" in aws.cdk("deploy", *app, "--require-approval", "never")
    check_nodes(aws, case, build)

    file.unlink()
    aws.cdk("destroy", *app, "--force")
    check_nothing_left(aws, case, build)


def test_deploy_and_destroy_hyperpod(aws: Aws) -> None:
    """A HyperPod cluster stands with the planned nodes and finds its script; when it goes nothing is left."""
    file = aws.home / "hyperpod.yaml"
    file.write_text(dedent(HYPERPOD), encoding="utf-8")
    app = ("-c", f"workload={file}", "--output", str(aws.home / "cdk.out"))
    aws.cdk("deploy", *app, "--require-approval", "never")
    build = read_head(lock_path(file)).build
    check_network(aws, build)

    sagemaker = aws.client("sagemaker")
    (summary,) = sagemaker.list_clusters()["ClusterSummaries"]
    nodes = sagemaker.list_cluster_nodes(ClusterName=summary["ClusterName"])["ClusterNodeSummaries"]
    assert [node["InstanceType"] for node in nodes].count("ml.p4d.24xlarge") == build.nodes == 4
    assert [node["InstanceType"] for node in nodes].count("ml.m5.xlarge") == 2
    assert [alarm["MetricName"] for alarm in aws.client("cloudwatch").describe_alarms()["MetricAlarms"]] == [
        "nvidia_smi_utilization_gpu"
    ]

    assert "(no changes)" in aws.cdk("deploy", *app, "--require-approval", "never")
    aws.cdk("destroy", *app, "--force")
    assert sagemaker.list_clusters()["ClusterSummaries"] == []
    assert own_vpcs(aws.client("ec2")) == []
    assert aws.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


def test_deploy_and_destroy_nodes_of_an_eks_cluster(aws: Aws) -> None:
    """The planned nodes join the cluster that stands, in its network; when they go it stands as before."""
    ec2, eks = aws.client("ec2"), aws.client("eks")
    vpc = ec2.create_vpc(CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]
    placed = ec2.create_subnet(VpcId=vpc, CidrBlock="10.40.0.0/20", AvailabilityZoneId="use1-az6")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="cluster", Description="The cluster's own", VpcId=vpc)["GroupId"]
    role = f"arn:aws:iam::{ACCOUNT}:role/cluster"
    eks.create_cluster(name="research", roleArn=role, resourcesVpcConfig={"subnetIds": [placed]})
    before = standing(ec2, vpc)
    file = aws.home / "eks.yaml"
    ids = {"VPC": vpc, "SUBNET": placed, "GROUP": group}
    text = dedent(EKS)
    for name, value in ids.items():
        text = text.replace(name, value)
    file.write_text(text, encoding="utf-8")
    app = ("-c", f"workload={file}", "--output", str(aws.home / "cdk.out"))

    aws.cdk("deploy", *app, "--require-approval", "never")
    build = read_head(lock_path(file)).build
    (name,) = eks.list_nodegroups(clusterName="research")["nodegroups"]
    made = eks.describe_nodegroup(clusterName="research", nodegroupName=name)["nodegroup"]
    assert (made["amiType"], made["capacityType"], made["subnets"]) == ("AL2023_x86_64_NVIDIA", "ON_DEMAND", [placed])
    assert made["scalingConfig"] == {"minSize": 4, "maxSize": 4, "desiredSize": 4}
    nodes = running(ec2)
    assert [node["InstanceType"] for node in nodes] == ["p4d.24xlarge"] * build.nodes == ["p4d.24xlarge"] * 4
    assert {node["SubnetId"] for node in nodes} == {placed}
    assert all(group in {each["GroupId"] for each in node["SecurityGroups"]} for node in nodes)

    assert "(no changes)" in aws.cdk("deploy", *app, "--require-approval", "never")
    aws.cdk("destroy", *app, "--force")
    assert eks.list_nodegroups(clusterName="research")["nodegroups"] == []
    assert running(ec2) == [] and standing(ec2, vpc) == before
    assert aws.client("iam").list_instance_profiles()["InstanceProfiles"] == []
    assert eks.list_clusters()["clusters"] == ["research"]
    ec2.delete_subnet(SubnetId=placed)
    ec2.delete_security_group(GroupId=group)
    ec2.delete_vpc(VpcId=vpc)


def standing(ec2: Any, vpc: str) -> set[str]:
    """The subnets and security groups of a VPC."""
    here = [{"Name": "vpc-id", "Values": [vpc]}]
    subnets = {each["SubnetId"] for each in ec2.describe_subnets(Filters=here)["Subnets"]}
    return subnets | {each["GroupId"] for each in ec2.describe_security_groups(Filters=here)["SecurityGroups"]}


def test_deploy_and_destroy_a_fleet_in_a_vpc_that_stands(aws: Aws) -> None:
    """Nodes and load balancer come up in the subnets that are named, partly on spot, by the clock; the VPC stays."""
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{index}.0/24", AvailabilityZoneId=zone)["Subnet"]["SubnetId"]
        for index, zone in enumerate(("use1-az6", "use1-az6", "use1-az4"))
    ]
    own = ec2.create_security_group(GroupName="own", Description="Own", VpcId=vpc)["GroupId"]
    secret = aws.client("secretsmanager").create_secret(Name="own-key", SecretString="k")["ARN"]
    issued = aws.client("acm").request_certificate(DomainName="model.example.com")["CertificateArn"]
    names = {"CERTIFICATE": issued, "VPC": vpc, "NODES": subnets[0], "BALANCED": ", ".join(subnets[1:]), "OWN": own}
    text = dedent(STANDING)
    for name, value in {**names, "SECRET": secret}.items():
        text = text.replace(name, value)
    file = aws.home / "standing.yaml"
    file.write_text(text, encoding="utf-8")
    app = ("-c", f"workload={file}", "--output", str(aws.home / "cdk.out"))
    aws.cdk("deploy", *app, "--require-approval", "never")
    build = read_head(lock_path(file)).build

    assert [each["VpcId"] for each in own_vpcs(ec2)] == [vpc]
    nodes = running(ec2)
    assert build.fleet and len(nodes) == build.fleet.least_nodes
    assert {node["SubnetId"] for node in nodes} == {subnets[0]}
    assert all(own in {each["GroupId"] for each in node["SecurityGroups"]} for node in nodes)
    (balancer,) = aws.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert {each["SubnetId"] for each in balancer["AvailabilityZones"]} == {*subnets[1:]}
    scaling = aws.client("autoscaling")
    (group,) = scaling.describe_auto_scaling_groups()["AutoScalingGroups"]
    distribution = group["MixedInstancesPolicy"]["InstancesDistribution"]
    assert distribution["OnDemandBaseCapacity"] == build.fleet.on_demand_nodes == 2
    actions = scaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"]
    assert {(each["Recurrence"], each["MinSize"]) for each in actions} == {
        (f"{each.minute % 60} {each.minute // 60} * * *", each.nodes) for each in build.fleet.schedule
    }

    assert "(no changes)" in aws.cdk("deploy", *app, "--require-approval", "never")
    file.unlink()
    aws.cdk("destroy", *app, "--force")
    assert running(ec2) == [] and scaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"] == []
    assert aws.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert [each["Name"] for each in aws.client("secretsmanager").list_secrets()["SecretList"]] == ["own-key"]
    left = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    assert {each["GroupName"] for each in left} == {"default", "own"}
    # The AWS is one for all tests.
    ec2.delete_security_group(GroupId=own)
    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)
    aws.client("secretsmanager").delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)


def check_network(aws: Aws, build: Build) -> None:
    """One VPC of ours, in the planned zone, with the rules that EFA needs where nodes are a cluster."""
    ec2 = aws.client("ec2")
    (vpc,) = own_vpcs(ec2)
    here = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    subnets = ec2.describe_subnets(Filters=here)["Subnets"]
    balanced = set(build.fleet.balancer_zone_ids) if build.fleet else set()
    assert {subnet["AvailabilityZoneId"] for subnet in subnets} == {build.zone_id} | balanced
    assert not any(subnet["MapPublicIpOnLaunch"] for subnet in subnets)

    groups = ec2.describe_security_groups(Filters=here)["SecurityGroups"]
    (group,) = (group for group in groups if group["Description"].startswith("Nodes"))
    for rules in (group["IpPermissions"], group["IpPermissionsEgress"]):
        named = {pair["GroupId"] for rule in rules for pair in rule["UserIdGroupPairs"]}
        assert (group["GroupId"] in named) == (build.target in (Target.EFA_CLUSTER, Target.HYPERPOD_SLURM))
    assert not any(rule["IpRanges"] for rule in group["IpPermissions"])


def check_nodes(aws: Aws, case: Case, build: Build) -> None:
    """All nodes run, of the planned type and image, in one subnet, with the planned interfaces."""
    ec2 = aws.client("ec2")
    nodes = running(ec2)
    assert [node["InstanceType"] for node in nodes] == [case.instance_type] * case.nodes
    assert {node["ImageId"] for node in nodes} == {IMAGE_ID}
    assert len({node["SubnetId"] for node in nodes}) == 1
    assert {tag["Value"] for node in nodes for tag in node["Tags"] if tag["Key"] == "berth:workload"} == {build.name}

    (template,) = ec2.describe_launch_templates()["LaunchTemplates"]
    (version,) = ec2.describe_launch_template_versions(LaunchTemplateId=template["LaunchTemplateId"])[
        "LaunchTemplateVersions"
    ]
    kinds = [nic["InterfaceType"] for nic in version["LaunchTemplateData"]["NetworkInterfaces"]]
    assert kinds == ["interface"] + ["efa-only"] * case.efa_devices

    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack_of(aws, build)["Outputs"]}
    if build.fleet:
        (group,) = aws.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        assert {one["InstanceId"] for one in group["Instances"]} == {node["InstanceId"] for node in nodes}
    elif case.nodes == 1:
        assert outputs["InstanceId"] == nodes[0]["InstanceId"]
    else:
        fleet = ec2.describe_fleet_instances(FleetId=outputs["FleetId"])["ActiveInstances"]
        assert {one["InstanceId"] for one in fleet} == {node["InstanceId"] for node in nodes}


def check_around(aws: Aws, case: Case, build: Build) -> None:
    """What the workload asks for beside its nodes stands: file system, guards, watch, load balancer and key."""
    systems = aws.client("fsx").describe_file_systems()["FileSystems"]
    assert [each["StorageCapacity"] for each in systems] == [4800] * case.file_systems
    schedules = aws.client("scheduler").list_schedules()["Schedules"]
    budgets = aws.client("budgets").describe_budgets(AccountId=ACCOUNT).get("Budgets", [])
    assert len(schedules) + len(budgets) == case.guards
    (alarm,) = aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert alarm["Namespace"] == f"Berth/{build.name}"
    balancers = aws.client("elbv2").describe_load_balancers()["LoadBalancers"]
    assert [each["Scheme"] for each in balancers] == (["internal"] if build.fleet else [])
    policies = aws.client("autoscaling").describe_policies()["ScalingPolicies"]
    assert len(policies) == (2 if build.fleet else 0)
    assert len(aws.client("secretsmanager").list_secrets()["SecretList"]) == (1 if build.fleet else 0)


def check_nothing_left(aws: Aws, case: Case, build: Build) -> None:
    """Nothing of the stack runs, stands or is billed, but for the buckets that were to be kept."""
    ec2 = aws.client("ec2")
    assert running(ec2) == []
    assert own_vpcs(ec2) == []
    assert ec2.describe_launch_templates()["LaunchTemplates"] == []
    assert ec2.describe_addresses()["Addresses"] == []
    assert {gateway["State"] for gateway in ec2.describe_nat_gateways()["NatGateways"]} <= {"deleted"}
    buckets = [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]]
    own = [name for name in buckets if name.startswith(stack_name(build.name).lower())]
    assert len(own) == case.kept_buckets
    assert aws.client("iam").list_instance_profiles()["InstanceProfiles"] == []
    assert aws.client("fsx").describe_file_systems()["FileSystems"] == []
    assert aws.client("scheduler").list_schedules()["Schedules"] == []
    assert aws.client("budgets").describe_budgets(AccountId=ACCOUNT).get("Budgets", []) == []
    assert aws.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert aws.client("sns").list_topics()["Topics"] == []
    assert aws.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert aws.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert aws.client("secretsmanager").list_secrets()["SecretList"] == []


def own_vpcs(ec2: Any) -> list[dict[str, Any]]:
    """The VPCs that AWS did not make by itself."""
    return [vpc for vpc in ec2.describe_vpcs()["Vpcs"] if not vpc["IsDefault"]]


def running(ec2: Any) -> list[dict[str, Any]]:
    """The instances that run."""
    live = [{"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}]
    reservations = ec2.describe_instances(Filters=live)["Reservations"]
    return [instance for reservation in reservations for instance in reservation["Instances"]]


def stack_of(aws: Aws, build: Build) -> dict[str, Any]:
    """What CloudFormation says of the build's stack."""
    (stack,) = aws.client("cloudformation").describe_stacks(StackName=stack_name(build.name))["Stacks"]
    found: dict[str, Any] = stack
    return found
