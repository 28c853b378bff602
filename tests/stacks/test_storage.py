"""The checkpoint bucket."""

from __future__ import annotations

import pytest
from aws_cdk.assertions import Match

from planner.plan import Lifecycle
from pricing.records import replace
from tests.support.builds import G5_SINGLE, P4D_CLUSTER
from tests.support.synthesis import document, only, template


def test_the_bucket_is_encrypted_and_closed() -> None:
    """Objects are encrypted at rest, and no setting can make them public."""
    bucket = only(P4D_CLUSTER, "AWS::S3::Bucket")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


def test_plain_http_is_denied() -> None:
    """Every request without TLS is denied, whoever makes it."""
    template(P4D_CLUSTER).has_resource_properties(
        "AWS::S3::BucketPolicy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {
                                "Effect": "Deny",
                                "Action": "s3:*",
                                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                            }
                        )
                    ]
                )
            }
        },
    )


def test_uploads_cut_off_are_forgotten() -> None:
    """Parts of an upload that never ended are deleted after a week; finished objects are kept."""
    bucket = only(P4D_CLUSTER, "AWS::S3::Bucket")
    assert bucket["LifecycleConfiguration"]["Rules"] == [
        {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}, "Status": "Enabled"}
    ]


@pytest.mark.parametrize(("lifecycle", "policy"), [(Lifecycle.EPHEMERAL, "Delete"), (Lifecycle.PERSISTENT, "Retain")])
def test_the_lifecycle_decides_what_stays(lifecycle: Lifecycle, policy: str) -> None:
    """A persistent workload's bucket survives its stack; an ephemeral one's does not."""
    resources = document(replace(G5_SINGLE, lifecycle=lifecycle))["Resources"].values()
    (bucket,) = (resource for resource in resources if resource["Type"] == "AWS::S3::Bucket")
    assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == policy


def test_a_bucket_that_goes_says_how_it_is_emptied() -> None:
    """CloudFormation cannot delete objects, so that the outputs of an ephemeral workload tell the command."""
    command = document(G5_SINGLE)["Outputs"]["BeforeDestroy"]["Value"]["Fn::Join"][1][0]
    assert command == "aws s3 rm --recursive s3://"
    assert "BeforeDestroy" not in document(replace(G5_SINGLE, lifecycle=Lifecycle.PERSISTENT))["Outputs"]


def test_nothing_runs_code_in_the_account() -> None:
    """No stack brings a function or a custom resource."""
    for build in (G5_SINGLE, P4D_CLUSTER):
        types = {resource["Type"] for resource in document(build)["Resources"].values()}
        assert not any(kind.startswith(("AWS::Lambda", "Custom::")) for kind in types)
        assert "AWS::CDK::Metadata" not in types
