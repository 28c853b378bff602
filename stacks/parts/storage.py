"""Where do checkpoints and results outlive a node?"""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from planner.plan import Lifecycle

# A checkpoint cut off in the middle is paid for, and invisible, until it is aborted.
ABORT_UPLOADS_DAYS = 7


class Storage(Construct):
    """One bucket, encrypted, closed to the public and to plain HTTP.

    It keeps no versions: checkpoints are written whole under names of their own, so that a second copy of
    each would only double what is paid. A persistent one stays when the stack goes; an ephemeral one goes
    with it once it is empty, since only code running in the account could empty it.
    """

    def __init__(self, scope: Construct, construct_id: str, *, lifecycle: Lifecycle, key_arn: str | None) -> None:
        super().__init__(scope, construct_id)
        keep = lifecycle is Lifecycle.PERSISTENT
        key = kms.Key.from_key_arn(self, "Key", key_arn) if key_arn else None
        self.bucket = s3.Bucket(
            self,
            "Checkpoints",
            encryption=s3.BucketEncryption.KMS if key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=key,
            # One data key a bucket instead of one an object, whose every use would be a paid request.
            bucket_key_enabled=True if key else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(ABORT_UPLOADS_DAYS))
            ],
            removal_policy=RemovalPolicy.RETAIN if keep else RemovalPolicy.DESTROY,
        )
