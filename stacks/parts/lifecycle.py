"""Which script of our own does a node of a HyperPod cluster run, and from where?

A copy in the CDK's own asset bucket, under a prefix that is the digest of what the script says: nothing is fetched from
elsewhere while a cluster is made, and a stack runs the script that it was synthesized with. HyperPod copies the whole
prefix to each node, so that nothing but the stack's own assets may stand under it.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import DefaultStackSynthesizer, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from planner.plan import Build
from stacks.parts.user_data import lines, node_facts
from stacks.parts.user_data import script as boot_script

# Twelve digits of a digest tell more scripts apart than anybody writes.
DIGITS = 12


def script(build: Build, compute_group: str) -> str:
    """The life-cycle script, after the facts of the plan that it checks the node against.

    A node of HyperPod counts and measures as one of EC2 does, without an agent of ours beside SageMaker's own.
    """
    facts = {
        **node_facts(build, efa_devices=len(build.efa_cards)),
        "BERTH_COMPUTE_GROUP": compute_group,
        "BERTH_AGENT": "",
    }
    return boot_script({"plan": lines(facts)}, "check", "watch", "hyperpod")


def prefix(text: str) -> str:
    """Under which prefix of the asset bucket a script stands."""
    return f"berth/{sha256(text.encode()).hexdigest()[:DIGITS]}/"


def synthesizer(text: str) -> DefaultStackSynthesizer:
    """Where a stack with this script puts its assets: under a prefix of their own."""
    return DefaultStackSynthesizer(bucket_prefix=prefix(text))


class Lifecycle(Construct):
    """The script as an asset: HyperPod finds it as `entry` under `uri`."""

    def __init__(self, scope: Construct, construct_id: str, *, text: str) -> None:
        super().__init__(scope, construct_id)
        with TemporaryDirectory() as folder:
            file = Path(folder, "berth.sh")
            file.write_text(text, encoding="utf-8")
            asset = assets.Asset(self, "Script", path=str(file))
        place, _, self.entry = asset.s3_object_key.rpartition("/")
        self.uri = f"s3://{asset.s3_bucket_name}/{place}"
        bucket = Stack.of(self).format_arn(service="s3", region="", account="", resource=asset.s3_bucket_name)
        self.statements = [
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[bucket],
                conditions={"StringLike": {"s3:prefix": [place, f"{place}/*"]}},
            ),
            iam.PolicyStatement(actions=["s3:GetObject"], resources=[f"{bucket}/{place}/*"]),
        ]
