"""What may a node do in the account, one of EC2 and one of HyperPod?"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

EKS_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEC2ContainerRegistryPullOnly",
    "AmazonEKS_CNI_Policy",
    "AmazonSSMManagedInstanceCore",
)


class Identity(Construct):
    """A role for the nodes: Session Manager instead of SSH, metrics in `namespace`, one log group, and the bucket of
    those that keep checkpoints."""

    def __init__(
        self, scope: Construct, construct_id: str, *, bucket: s3.IBucket | None, namespace: str, log_group_arn: str
    ) -> None:
        super().__init__(scope, construct_id)
        kept = {"Bucket": iam.PolicyDocument(statements=_bucket(bucket))} if bucket else {}
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name("AmazonSSMManagedInstanceCore")],
            inline_policies={
                "Metrics": iam.PolicyDocument(statements=[_metrics(namespace)]),
                "Log": iam.PolicyDocument(statements=[_log(log_group_arn)]),
                **kept,
            },
        )
        profile = iam.CfnInstanceProfile(self, "Profile", roles=[self.role.role_name])
        self.profile_arn = profile.attr_arn

    def allow(self, name: str, *statements: iam.PolicyStatement) -> None:
        """Lets the nodes do more, under a name that says what for."""
        self.role.attach_inline_policy(iam.Policy(self, name, statements=list(statements)))


class EksIdentity(Construct):
    """The role of an EKS cluster's nodes: EKS's own minimum, Session Manager, metrics in `namespace`, and one bucket.

    The CNI's policy is among them, since nothing says whether the cluster gives it to the CNI's own role (EKS user
    guide, node IAM role).
    """

    def __init__(self, scope: Construct, construct_id: str, *, bucket: s3.IBucket, namespace: str) -> None:
        super().__init__(scope, construct_id)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(name) for name in EKS_POLICIES],
            inline_policies={
                "Metrics": iam.PolicyDocument(statements=[_metrics(namespace)]),
                "Bucket": iam.PolicyDocument(statements=_bucket(bucket)),
            },
        )
        self.role_arn = role.role_arn


class HyperpodIdentity(Construct):
    """The execution role of HyperPod's nodes: SageMaker's own minimum, interfaces, metrics, and our buckets."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        namespace: str,
        scripts: Sequence[iam.PolicyStatement],
    ) -> None:
        super().__init__(scope, construct_id)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"),
            managed_policies=[
                iam.ManagedPolicy.from_aws_managed_policy_name("AmazonSageMakerClusterInstanceRolePolicy")
            ],
            inline_policies={
                "Network": iam.PolicyDocument(statements=_interfaces(self)),
                "Metrics": iam.PolicyDocument(statements=[_metrics(namespace)]),
                "Bucket": iam.PolicyDocument(statements=_bucket(bucket)),
                "Scripts": iam.PolicyDocument(statements=list(scripts)),
            },
        )
        self.role_arn = role.role_arn


def _interfaces(scope: Construct) -> list[iam.PolicyStatement]:
    """What the service does, in this role, to put the nodes into a VPC (SageMaker guide, IAM role for HyperPod)."""
    interface = Stack.of(scope).format_arn(service="ec2", resource="network-interface", resource_name="*")
    return [
        iam.PolicyStatement(
            actions=[
                "ec2:CreateNetworkInterface",
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
                "ec2:DetachNetworkInterface",
            ],
            # The interfaces are made, and given to the service's account, under ids that nobody knows before.
            resources=["*"],
        ),
        iam.PolicyStatement(actions=["ec2:CreateTags"], resources=[interface]),
    ]


def _metrics(namespace: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=["cloudwatch:PutMetricData"],
        # The action knows no resources; the namespace is its only bound.
        resources=["*"],
        conditions={"StringEquals": {"cloudwatch:namespace": namespace}},
    )


def _log(arn: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], resources=[arn]
    )


def _bucket(bucket: s3.IBucket) -> list[iam.PolicyStatement]:
    key = bucket.encryption_key
    decrypt = (
        [iam.PolicyStatement(actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn])] if key else []
    )
    return [
        *decrypt,
        iam.PolicyStatement(
            actions=["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
            resources=[bucket.bucket_arn],
        ),
        iam.PolicyStatement(
            actions=[
                "s3:GetObject",
                "s3:PutObject",
                "s3:DeleteObject",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
            ],
            resources=[bucket.arn_for_objects("*")],
        ),
    ]
