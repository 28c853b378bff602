"""Which change of the right template breaks each rule, and no other?

A change is written as path: value. A path begins with the logical id and goes on in the properties; `^` stands for
the resource itself. GONE takes away, `+` after a list adds to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from stacks.verify.reading import read_file

RIGHT = Path(__file__).with_name("right.yaml")
GONE = object()
Change = Mapping[str, Any]
DATA = "Template.LaunchTemplateData"
NICS = f"{DATA}.NetworkInterfaces"
WORLD = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
WORLD_6 = {"IpProtocol": "-1", "CidrIpv6": "::/0"}
RESERVED = {
    f"{DATA}.CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId": "cr-0123456789abcdef0"
}
BLOCK: Change = {
    **RESERVED,
    f"{DATA}.InstanceMarketOptions.MarketType": "capacity-block",
    f"{DATA}.Placement": GONE,
    "Fleet.TargetCapacitySpecification.DefaultTargetCapacityType": "capacity-block",
    "Fleet.OnDemandOptions": GONE,
}
SPOT: Change = {
    f"{DATA}.InstanceMarketOptions.MarketType": "spot",
    "Fleet.TargetCapacitySpecification.DefaultTargetCapacityType": "spot",
    "Fleet.OnDemandOptions": GONE,
    "Fleet.SpotOptions.MinTargetCapacity": 4,
}
IN_GROUP: Change = {
    "Group": {
        "Type": "AWS::AutoScaling::AutoScalingGroup",
        "Properties": {
            "MinSize": "0",
            "MaxSize": "4",
            "VPCZoneIdentifier": [{"Ref": "Compute"}],
            "LaunchTemplate": {"LaunchTemplateId": {"Ref": "Template"}, "Version": "1"},
            "Tags": [{"Key": "workload", "Value": "test", "PropagateAtLaunch": True}],
        },
    },
    "Fleet": GONE,
    "Reported.^.DependsOn": GONE,
}
ZERO = {
    "Type": "AWS::AutoScaling::ScheduledAction",
    "Properties": {"AutoScalingGroupName": {"Ref": "Group"}, "MaxSize": 0, "MinSize": 0},
}


def nic(card: int, device: int, kind: str) -> dict[str, Any]:
    return {
        "NetworkCardIndex": card,
        "DeviceIndex": device,
        "InterfaceType": kind,
        "Groups": [{"Fn::GetAtt": ["Nodes", "GroupId"]}],
    }


def of_type(name: str, nics: list[dict[str, Any]]) -> Change:
    """The cluster on another type, with its interfaces."""
    return {
        f"{DATA}.InstanceType": name,
        "Fleet.LaunchTemplateConfigs.0.Overrides.0.InstanceType": name,
        NICS: nics,
    }


def gb200(cards: list[int]) -> Change:
    """The cluster on P6e-GB200, which is sold by the block, with EFA on these cards."""
    nics = [nic(0, 0, "interface"), *(nic(card, 0, "efa-only") for card in cards)]
    return {**BLOCK, **of_type("p6e-gb200.36xlarge", nics)}


GB200 = [nic(0, 0, "interface"), *(nic(card, 0, "efa-only") for card in (1, 5, 9, 13))]
B300 = [nic(0, 0, "interface"), *(nic(card, 0, "efa-only") for card in range(1, 17))]
P5 = [nic(0, 0, "interface"), nic(0, 1, "efa-only"), *(nic(card, 0, "efa-only") for card in range(1, 32))]
INSTANCE: Change = {
    "Node": {
        "Type": "AWS::EC2::Instance",
        "Properties": {
            "LaunchTemplate": {
                "LaunchTemplateId": {"Ref": "Template"},
                "Version": {"Fn::GetAtt": ["Template", "LatestVersionNumber"]},
            },
            "Tags": [{"Key": "workload", "Value": "test"}],
        },
    },
    "Fleet": GONE,
    "Reported.^.DependsOn": GONE,
}
ON_SUBNET: Change = {f"{NICS}.{index}.SubnetId": {"Ref": "Compute"} for index in range(5)}
STAR = {"Effect": "Allow", "Action": "*", "Resource": "*"}
GRANT = "Role.Policies.0.PolicyDocument.Statement.+"
DLAMI = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"


def image(name: str) -> Change:
    """The nodes' image looked up by a parameter, of a version that stays."""
    return {f"{DATA}.ImageId": f"{{{{resolve:ssm:{name}}}}}"}


# A managed node group beside the cluster, with a launch template of its own.
POD_DATA = "PodTemplate.LaunchTemplateData"
PODS: Change = {
    "PodTemplate": {
        "Type": "AWS::EC2::LaunchTemplate",
        "Properties": {
            "LaunchTemplateData": {
                "InstanceType": "g5.8xlarge",
                "Monitoring": {"Enabled": True},
                "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
                "SecurityGroupIds": [{"Fn::GetAtt": ["ServiceGroup", "GroupId"]}],
                "BlockDeviceMappings": [
                    {
                        "DeviceName": "/dev/xvda",
                        "Ebs": {
                            "VolumeType": "gp3",
                            "VolumeSize": 300,
                            "Encrypted": True,
                            "DeleteOnTermination": True,
                        },
                    }
                ],
                "TagSpecifications": [
                    {"ResourceType": kind, "Tags": [{"Key": "workload", "Value": "test"}]}
                    for kind in ("instance", "volume")
                ],
            }
        },
    },
    "Pods": {
        "Type": "AWS::EKS::Nodegroup",
        "Properties": {
            "ClusterName": {"Ref": "Kubernetes"},
            "NodeRole": {"Fn::GetAtt": ["Role", "Arn"]},
            "Subnets": [{"Ref": "Compute"}],
            "AmiType": "AL2023_x86_64_NVIDIA",
            "CapacityType": "ON_DEMAND",
            "LaunchTemplate": {
                "Id": {"Ref": "PodTemplate"},
                "Version": {"Fn::GetAtt": ["PodTemplate", "LatestVersionNumber"]},
            },
            "ScalingConfig": {"MinSize": 1, "MaxSize": 1, "DesiredSize": 1},
            "Tags": {"workload": "test"},
        },
    },
}
HELD: Change = {
    "Held": {
        "Type": "AWS::EC2::CapacityReservation",
        "Properties": {
            "InstanceType": "p4d.24xlarge",
            "InstanceCount": 4,
            "InstancePlatform": "Linux/UNIX",
            "AvailabilityZoneId": "usw2-az2",
            "InstanceMatchCriteria": "targeted",
            "TagSpecifications": [
                {"ResourceType": "capacity-reservation", "Tags": [{"Key": "workload", "Value": "test"}]}
            ],
        },
    },
    next(iter(RESERVED)): {"Ref": "Held"},
    f"{DATA}.Placement": GONE,
}

BREAKING: dict[str, list[Change]] = {
    "container-image-digest": [
        {
            f"{DATA}.UserData": {
                "Fn::Base64": "docker run public.ecr.aws/deep-learning-containers/vllm:server-cuda-v1.3"
            }
        },
        {
            "Task": {
                "Type": "AWS::ECS::TaskDefinition",
                "Properties": {
                    "ContainerDefinitions": [{"Name": "engine", "Image": "vllm/vllm-openai:v0.11.0"}],
                    "Tags": [{"Key": "workload", "Value": "test"}],
                },
            }
        },
        {
            "OneNode": {
                "Type": "AWS::Batch::JobDefinition",
                "Properties": {
                    "Type": "container",
                    "ContainerProperties": {"Image": "nvcr.io/nvidia/cuda:12.8.0-base"},
                },
            }
        },
    ],
    "batch-multi-node-spot": [{"Jobs.ComputeResources.Type": "SPOT"}],
    "bucket-encryption": [{"Bucket.BucketEncryption": GONE}],
    "bucket-policy-public": [
        {"BucketPolicy.PolicyDocument.Statement.+": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}},
    ],
    "bucket-public-access": [
        {"Bucket.PublicAccessBlockConfiguration.BlockPublicPolicy": False},
        {"Bucket.AccessControl": "PublicRead"},
    ],
    "bucket-tls": [{"BucketPolicy": GONE}],
    "capacity-block-auto-scaling": [
        {
            **BLOCK,
            **IN_GROUP,
            "Zero": ZERO,
            "Warm": {"Type": "AWS::AutoScaling::WarmPool", "Properties": {"AutoScalingGroupName": {"Ref": "Group"}}},
        },
    ],
    "capacity-block-placement-group": [{**BLOCK, f"{DATA}.Placement": {"GroupName": {"Ref": "Placement"}}}],
    "capacity-block-reservation": [{**BLOCK, f"{DATA}.CapacityReservationSpecification": GONE}],
    "capacity-block-scale-in": [{**BLOCK, **IN_GROUP}],
    "control-plane-zones": [
        {"Kubernetes.ResourcesVpcConfig.SubnetIds": [{"Ref": "Compute"}, {"Ref": "Public"}]},
        {"Front.Subnets": [{"Ref": "Compute"}]},
    ],
    "deletion-policy-stated": [{"Files.^.DeletionPolicy": GONE}, {"Bucket.^.UpdateReplacePolicy": GONE}],
    "detailed-monitoring": [{f"{DATA}.Monitoring": GONE}],
    "efa-card-supported": [
        of_type("p6-b300.48xlarge", [*B300, nic(0, 1, "efa-only")]),
        {**gb200([1, 5, 9, 13]), f"{NICS}.+": nic(0, 1, "efa-only")},
    ],
    "efa-count": [{f"{NICS}.4": GONE}, gb200([1, 5])],
    "efa-in-one-zone": [
        {
            "Fleet.LaunchTemplateConfigs.0.Overrides.+": {
                "InstanceType": "p4d.24xlarge",
                "SubnetId": {"Ref": "Second"},
            }
        },
        {"HyperPod.VpcConfig.Subnets.+": {"Ref": "Second"}},
    ],
    "efa-one-per-card": [{f"{NICS}.+": nic(1, 1, "efa-only")}],
    "efa-only-not-primary": [{f"{NICS}.0.InterfaceType": "efa-only", f"{NICS}.1.InterfaceType": "interface"}],
    "efa-security-group-pair": [
        {"NodesIn": GONE},
        {"NodesOut": GONE},
        {"NodesOut": GONE, "Nodes.SecurityGroupEgress.+": {"IpProtocol": "-1", "CidrIp": "10.0.0.0/8"}},
        {"NodesIn.IpProtocol": "tcp"},
    ],
    "efa-shared-port": [gb200([1, 5, 9, 13, 14])],
    "efa-type-supported": [of_type("g5.xlarge", [nic(0, 0, "interface"), nic(0, 1, "efa-only")])],
    "efa-types-mixed": [
        {"Fleet.LaunchTemplateConfigs.0.Overrides.+": {"InstanceType": "p4de.24xlarge", "SubnetId": {"Ref": "Compute"}}}
    ],
    "efa-unused": [{NICS: [nic(0, 0, "interface")]}],
    "eks-capacity-type": [
        {"Pods.CapacityType": "CAPACITY_BLOCK"},
        {
            f"{POD_DATA}.InstanceMarketOptions.MarketType": "capacity-block",
            f"{POD_DATA}.CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId": (
                "cr-0123456789abcdef0"
            ),
            f"{POD_DATA}.InstanceType": "p5.4xlarge",
        },
    ],
    "eks-image-kind": [
        {"Pods.AmiType": "AL2023_x86_64_STANDARD"},
        {"Pods.AmiType": GONE},
        {"Pods.AmiType": "AL2023_ARM_64_NVIDIA"},
        {f"{POD_DATA}.InstanceType": "inf2.xlarge"},
    ],
    "eks-launch-template": [
        {f"{POD_DATA}.IamInstanceProfile.Arn": "arn:aws:iam::111122223333:instance-profile/nodes"},
        {f"{POD_DATA}.InstanceInitiatedShutdownBehavior": "terminate"},
        {f"{POD_DATA}.InstanceMarketOptions.MarketType": "spot", "Pods.CapacityType": "SPOT"},
        {"Pods.InstanceTypes": ["g5.8xlarge"]},
        {f"{POD_DATA}.ImageId": "ami-0123456789abcdef0"},
        {
            f"{POD_DATA}.NetworkInterfaces": [nic(0, 0, "interface") | {"SubnetId": {"Ref": "Compute"}}],
            f"{POD_DATA}.SecurityGroupIds": GONE,
        },
    ],
    "eks-endpoint-public": [{"Kubernetes.ResourcesVpcConfig.EndpointPublicAccess": True}],
    "eni-quota": [
        {
            "Fleet.TargetCapacitySpecification.TotalTargetCapacity": 152,
            "Fleet.OnDemandOptions.MinTargetCapacity": 152,
            **of_type("p5.48xlarge", P5),
        }
    ],
    "file-system-encrypted": [
        {
            "Home": {
                "Type": "AWS::EFS::FileSystem",
                "DeletionPolicy": "Delete",
                "UpdateReplacePolicy": "Delete",
                "Properties": {"FileSystemTags": [{"Key": "workload", "Value": "test"}]},
            }
        },
    ],
    "fleet-all-or-nothing": [{"Fleet.Type": "request"}, {"Fleet.OnDemandOptions.MinTargetCapacity": 1}],
    "fleet-market-agrees": [{f"{DATA}.InstanceMarketOptions.MarketType": "spot"}],
    "fleet-options-in-block": [{**BLOCK, "Fleet.OnDemandOptions": {"SingleInstanceType": True}}],
    "fleet-size": [
        {
            "Fleet.TargetCapacitySpecification.TotalTargetCapacity": 1200,
            "Fleet.OnDemandOptions.MinTargetCapacity": 1200,
            **of_type("g5.xlarge", [nic(0, 0, "interface")]),
        },
    ],
    "flow-logs": [{"FlowLog": GONE}],
    "fsx-auto-import": [{"Files.LustreConfiguration.AutoImportPolicy": "NEW"}],
    "fsx-capacity-grid": [{"Files.StorageCapacity": 20000}, {"Files.StorageCapacity": 1000}],
    "fsx-efa": [
        {
            "Files.LustreConfiguration.DeploymentType": "PERSISTENT_1",
            "Files.LustreConfiguration.PerUnitStorageThroughput": 200,
        },
        {"Files.LustreConfiguration.MetadataConfiguration": GONE},
        {"Files.FileSystemTypeVersion": "2.12"},
    ],
    "fsx-efa-capacity": [
        {"Files.StorageCapacity": 1200},
        {"Files.LustreConfiguration.PerUnitStorageThroughput": 125},
    ],
    "fsx-security-group": [
        {"ToFiles": GONE},
        {"FromFiles": GONE},
        {"FilesGroup.SecurityGroupEgress": [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]},
        {
            "Files.LustreConfiguration.EfaEnabled": False,
            "FilesGroup.SecurityGroupIngress.0": {
                "IpProtocol": "tcp",
                "FromPort": 988,
                "ToPort": 988,
                "SourceSecurityGroupId": {"Ref": "Nodes"},
            },
        },
    ],
    "fsx-throughput-grid": [
        {"Files.LustreConfiguration.PerUnitStorageThroughput": 300},
        {"Files.LustreConfiguration.PerUnitStorageThroughput": GONE},
    ],
    "fsx-version": [{"Files.FileSystemTypeVersion": "2.10", "Files.LustreConfiguration.EfaEnabled": False}],
    "group-health-check": [{"Service.HealthCheckType": "EC2"}, {"Service.HealthCheckGracePeriod": GONE}],
    "hyperpod-fixed-name": [{"HyperPod.ClusterName": "research"}],
    "hyperpod-instance-type": [
        {"HyperPod.InstanceGroups.0.InstanceType": "m5.xlarge"},
        {"HyperPod.InstanceGroups.0.InstanceType": "ml.inf2.xlarge"},
    ],
    "hyperpod-lifecycle-scripts": [
        {"HyperPod.InstanceGroups.1.LifeCycleConfig.SourceS3Uri": "https://example.com/scripts"},
        {"HyperPod.InstanceGroups.1.LifeCycleConfig.SourceS3Uri": GONE},
        {"HyperPod.InstanceGroups.1.LifeCycleConfig.OnCreate": GONE},
        {"HyperPod.InstanceGroups.1.LifeCycleConfig.OnInitComplete": "after.sh"},
    ],
    "hyperpod-limits": [
        {"HyperPod.VpcConfig.SecurityGroupIds": [{"Ref": "Nodes"}] * 6},
        {"HyperPod.InstanceGroups.0.InstanceStorageConfigs": [{"EbsVolumeConfig": {"VolumeSizeInGB": 100}}] * 5},
        {"HyperPod.InstanceGroups.0.InstanceCount": 7000, "Compute.CidrBlock": "10.0.128.0/18"},
    ],
    "hyperpod-network": [{"HyperPod.VpcConfig": GONE}],
    "hyperpod-node-recovery": [{"HyperPod.NodeRecovery": "None"}],
    "hyperpod-orchestrator": [{"HyperPod.Orchestrator.Eks": {"ClusterArn": {"Fn::GetAtt": ["Kubernetes", "Arn"]}}}],
    "hyperpod-private-subnet": [
        {"Second.MapPublicIpOnLaunch": True, "HyperPod.VpcConfig.Subnets.0": {"Ref": "Second"}}
    ],
    "hyperpod-role-trust": [
        {"Role.AssumeRolePolicyDocument.Statement.0.Principal": {"Service": "ec2.amazonaws.com"}},
    ],
    "hyperpod-slurm-roles": [
        {"HyperPod.InstanceGroups.0": GONE},
        {"HyperPod.InstanceGroups.1.SlurmConfig.NodeType": "Login"},
    ],
    "hyperpod-training-plan": [
        {"HyperPod.InstanceGroups.1.TrainingPlanArn": "my-plan"},
        {
            "HyperPod.InstanceGroups.0.TrainingPlanArn": "arn:aws:sagemaker:us-west-2:111122223333:training-plan/p",
        },
    ],
    "iam-broad-managed-policy": [{"Role.ManagedPolicyArns.+": "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}],
    "iam-everything": [
        {GRANT: STAR},
        {"Role.ManagedPolicyArns.+": "arn:aws:iam::aws:policy/AdministratorAccess"},
        {GRANT: {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}},
    ],
    "iam-pass-role": [{GRANT: STAR | {"Action": "iam:PassRole"}}],
    "iam-service-wildcard": [{GRANT: STAR | {"Action": ["s3:*"]}}],
    "iam-trust-open": [
        {
            "Role.AssumeRolePolicyDocument.Statement.+": {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": "sts:AssumeRole",
            }
        },
    ],
    "image-architecture": [image(f"{DLAMI.replace('x86_64', 'arm64')}:7")],
    "image-parameter-form": [
        image("/aws/service/neuron/dlami/base/ubuntu-24.04/latest/ami-id:3"),
        image(f"{DLAMI.replace('-gpu', '')}:3"),
    ],
    "image-pinned": [image(DLAMI)],
    "imds-hop-limit": [
        {f"{DATA}.MetadataOptions.HttpPutResponseHopLimit": 1},
        {f"{DATA}.MetadataOptions.HttpPutResponseHopLimit": GONE},
    ],
    "imdsv2-required": [
        {f"{DATA}.MetadataOptions.HttpTokens": "optional"},
        {f"{DATA}.MetadataOptions.HttpTokens": GONE},
    ],
    "interface-subnet-missing": [INSTANCE],
    "interface-type-known": [{f"{NICS}.0.InterfaceType": "ena"}],
    "ip-bearing-interfaces": [{f"{NICS}.+": nic(1, 1, "interface")}, {f"{NICS}.2.InterfaceType": "efa"}],
    "key-pair": [{f"{DATA}.KeyName": "mine"}],
    "launch-template-version": [
        {"Fleet.LaunchTemplateConfigs.0.LaunchTemplateSpecification.Version": "$Latest"},
        {"Service.LaunchTemplate.Version": "$Default"},
    ],
    "launched-tagged": [{f"{DATA}.TagSpecifications.1": GONE}],
    "listener-encrypted": [{"Listener.Protocol": "HTTP"}],
    "load-balancer-public": [{"Front.Scheme": "internet-facing"}],
    "load-balancer-records": [{"Front.LoadBalancerAttributes.0": GONE}],
    "log-retention": [{"Logs.RetentionInDays": GONE}],
    "market-type-known": [{f"{DATA}.InstanceMarketOptions.MarketType": "sopt"}],
    "name-length": [{"HyperPod.ClusterName": {"Fn::Sub": "${AWS::StackName}-" + "x" * 64}}],
    "nic-card-exists": [{f"{NICS}.+": nic(40, 0, "efa-only")}],
    "nic-place-unique": [{f"{NICS}.+": nic(1, 0, "efa-only")}],
    "nic-primary-exists": [{f"{NICS}.0.DeviceIndex": 2}],
    "nic-slots-per-card": [{f"{NICS}.4.DeviceIndex": 15}, {**gb200([1, 5, 9, 13]), f"{NICS}.4.DeviceIndex": 1}],
    "node-public-address": [
        {"Compute.MapPublicIpOnLaunch": True, "HyperPod": GONE, "Fleet": GONE, "Reported.^.DependsOn": GONE},
    ],
    "nodes-report": [{"Reported": GONE}],
    "open-to-world": [
        {"ServiceGroup.SecurityGroupIngress.+": WORLD},
        {"ServiceGroup.SecurityGroupIngress.+": WORLD_6},
        {"NodesWorld": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": WORLD | {"GroupId": {"Ref": "Nodes"}}}},
    ],
    "pcs-efa-only": [
        {"SlurmTemplate.LaunchTemplateData.NetworkInterfaces": [nic(0, 0, "interface"), nic(0, 1, "efa-only")]},
    ],
    "pcs-profile-name": [{"SlurmProfile.Path": GONE}],
    "physical-names": [{"Role.RoleName": "nodes"}, {"Bucket.BucketName": "weights"}],
    "plain-secret": [
        {f"{DATA}.UserData": {"Fn::Base64": "#!/bin/bash\nexport HF_TOKEN=hf_" + "a" * 34}},
        {"Job.NodeProperties.Environment": "AKIA" + "ABCDEFGHIJKLMNOP"},
    ],
    "public-ip-with-several-nics": [{f"{NICS}.0.AssociatePublicIpAddress": True}],
    "public-subnet-with-several-nics": [
        {"Second.MapPublicIpOnLaunch": True, "Fleet.LaunchTemplateConfigs.0.Overrides.0.SubnetId": {"Ref": "Second"}}
        | {"Files.SubnetIds.0": {"Ref": "Second"}, "Service": GONE, "SlurmNodes": GONE, "SlurmTemplate": GONE},
    ],
    "quota-needed": [],
    "references-exist": [{"FlowLog.DeliverLogsPermissionArn": {"Ref": "Nobody"}}, {"Reported.^.DependsOn": "Nobody"}],
    "region-offers-type": [{"Compute.AvailabilityZoneId": "euw3-az1"}],
    "reservation-id-form": [{**BLOCK, next(iter(RESERVED)): "block-1"}],
    "reservation-matches": [
        {"Held.InstanceType": "p5.48xlarge"},
        {"Held.InstanceCount": 3},
        {"Held.AvailabilityZoneId": "usw2-az3"},
    ],
    "reservation-placement-group": [RESERVED],
    "reservation-preference": [
        {
            **RESERVED,
            f"{DATA}.Placement": GONE,
            f"{DATA}.CapacityReservationSpecification.CapacityReservationPreference": "open",
        },
    ],
    "retained-resources": [{"Bucket.^.DeletionPolicy": "Retain"}],
    "root-device-name": [image(f"{DLAMI.replace('ubuntu-24.04', 'amazon-linux-2023')}:3")],
    "root-volume-size": [{f"{DATA}.BlockDeviceMappings.0.Ebs.VolumeSize": 100}],
    "s3-gateway-endpoint": [{"S3": GONE}],
    "security-groups-in-two-places": [{f"{DATA}.SecurityGroupIds": [{"Ref": "Nodes"}]}],
    "shutdown-ends-node": [{f"{DATA}.InstanceInitiatedShutdownBehavior": "stop"}],
    "spending-bounded": [{"Budget": GONE}],
    "spot-request-one-time": [
        {**SPOT, f"{DATA}.InstanceMarketOptions.SpotOptions.SpotInstanceType": "persistent"},
        {**SPOT, f"{DATA}.InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior": "stop"},
    ],
    "spot-with-reservation": [{**SPOT, **RESERVED, f"{DATA}.Placement": GONE}],
    "storage-in-nodes-zone": [{"Files.SubnetIds.0": {"Ref": "Second"}}],
    "subnet-beside-interfaces": [{**INSTANCE, **ON_SUBNET, "Node.SubnetId": {"Ref": "Compute"}}],
    "subnet-block-valid": [{"Public.CidrBlock": "10.0.0.1/28"}, {"Public.CidrBlock": "10.0.0.0/29"}],
    "subnet-headroom": [{"Compute.CidrBlock": "10.0.128.0/27", "HyperPod.InstanceGroups.1.InstanceCount": 4}],
    "subnet-in-vpc": [{"Public.CidrBlock": "10.1.0.0/28"}],
    "subnet-size": [{"Compute.CidrBlock": "10.0.128.0/28"}],
    "subnets-overlap": [{"Public.CidrBlock": "10.0.128.16/28"}],
    "tagged": [{"Nat.Tags": GONE}, {"HyperPod.Tags": GONE}, {"Fleet.TagSpecifications": GONE}],
    "template-limits": [
        {f"Topic{number}": {"Type": "AWS::SNS::Topic", "Properties": {}} for number in range(500)},
    ],
    "usage-class-supported": [of_type("p6e-gb200.36xlarge", GB200)],
    "user-data-size": [{f"{DATA}.UserData": {"Fn::Base64": "x" * 16385}}],
    "volume-encrypted": [
        {f"{DATA}.BlockDeviceMappings.0.Ebs.Encrypted": False},
        {f"{DATA}.BlockDeviceMappings.0.Ebs.Encrypted": GONE},
    ],
    "volume-ends-with-node": [{f"{DATA}.BlockDeviceMappings.0.Ebs.DeleteOnTermination": False}],
    "volume-type": [
        {f"{DATA}.BlockDeviceMappings.0.Ebs.VolumeType": "gp2"},
        {f"{DATA}.BlockDeviceMappings.0.Ebs.VolumeType": GONE},
    ],
    "way-out": [{"ToNat": GONE}],
    "zone-by-index": [
        {"Compute.AvailabilityZoneId": GONE},
        {"Compute.AvailabilityZoneId": GONE, "Compute.AvailabilityZone": {"Fn::Select": [0, {"Fn::GetAZs": ""}]}},
    ],
    "zone-by-name": [{"Compute.AvailabilityZoneId": GONE, "Compute.AvailabilityZone": "us-west-2b"}],
    "zone-offers-type": [{"Compute.AvailabilityZoneId": "usw2-az4"}],
}

# What a rule that speaks of something rarer needs to be there before it can be broken.
GIVEN: dict[str, Change] = {
    "listener-encrypted": {"Front.Scheme": "internet-facing"},
    "reservation-matches": HELD,
    **dict.fromkeys(("eks-capacity-type", "eks-image-kind", "eks-launch-template"), PODS),
}


@cache
def _right() -> dict[str, Any]:
    return dict(read_file(RIGHT).document)


def right() -> dict[str, Any]:
    """The right template, to be changed."""
    return deepcopy(_right())


def changed(change: Change) -> dict[str, Any]:
    """The right template with a change."""
    document = right()
    for path, value in change.items():
        _change(document["Resources"], path.split("."), deepcopy(value) if value is not GONE else GONE)
    return document


def _change(resources: dict[str, Any], path: list[str], value: Any) -> None:
    name, *keys = path
    if not keys:
        _put(resources, name, value)
        return
    keys = keys[1:] if keys[0] == "^" else ["Properties", *keys]
    here: Any = resources[name]
    for key in keys[:-1]:
        here = here[int(key)] if isinstance(here, list) else here.setdefault(key, {})
    _put(here, keys[-1], value)


def _put(here: Any, key: str, value: Any) -> None:
    if key == "+":
        here.append(value)
        return
    place: Any = int(key) if isinstance(here, list) else key
    if value is not GONE:
        here[place] = value
    elif isinstance(here, list) or key in here:
        del here[place]
