"""What may a node do in the account?"""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct


class Identity(Construct):
    """A role for the nodes: Session Manager instead of SSH, metrics in `namespace`, one log group and one bucket."""

    def __init__(
        self, scope: Construct, construct_id: str, *, bucket: s3.IBucket, namespace: str, log_group_arn: str
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name("AmazonSSMManagedInstanceCore")],
            inline_policies={
                "Metrics": iam.PolicyDocument(statements=[_metrics(namespace)]),
                "Log": iam.PolicyDocument(statements=[_log(log_group_arn)]),
                "Bucket": iam.PolicyDocument(statements=_bucket(bucket)),
            },
        )
        profile = iam.CfnInstanceProfile(self, "Profile", roles=[self.role.role_name])
        self.profile_arn = profile.attr_arn

    def allow(self, name: str, *statements: iam.PolicyStatement) -> None:
        """Lets the nodes do more, under a name that says what for."""
        self.role.attach_inline_policy(iam.Policy(self, name, statements=list(statements)))


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
    return [
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
