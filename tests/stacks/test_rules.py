"""What linters say of the templates, and why we let it stand where we do."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import cfnlint  # type: ignore[import-untyped]
import pytest
from aws_cdk import Acknowledgment, App, Validations
from cdk_nag import AwsSolutionsChecks

from planner.built import Existing
from planner.plan import Build, Lifecycle, Target
from pricing.offer import Purchase
from pricing.records import replace
from stacks.build import build_stack
from stacks.parts.identity import EKS_POLICIES
from stacks.parts.lifecycle import prefix, script
from stacks.targets.hyperpod_slurm import compute_group
from tests.stacks.test_file_system import CLUSTER, KEPT
from tests.stacks.test_serving_fleet import ECR, HALF_SPOT, HOURS, SPARE, TRITON, with_fleet
from tests.stacks.test_serving_fleet import STANDING as FLEET_STANDING
from tests.support.builds import FAMILIES, G5_FLEET, G5_SINGLE, P4D_CLUSTER, P4D_SINGLE
from tests.support.synthesis import document

EVERYTHING: dict[str, Any] = {
    "expires_at": datetime(2027, 1, 1, tzinfo=UTC),
    "budget_usd": Decimal(1000),
    "budget_email": "finance@example.com",
}
RESERVED: dict[str, Any] = {"purchase": Purchase.CAPACITY_BLOCK, "reservation_id": "cr-0123456789abcdef0"}
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
STANDING = Existing(
    vpc="vpc-0123456789abcdef0",
    subnet="subnet-0123456789abcdef0",
    security_group="sg-0123456789abcdef0",
    file_system="fs-0123456789abcdef0",
    mount_name="abcdef01",
    key=KEY,
    permissions_boundary="arn:aws:iam::111122223333:policy/boundary",
)
CLUSTER_GIVEN = replace(STANDING, eks_cluster="research", file_system=None, mount_name=None)
JOINED = Existing(vpc="vpc-0123456789abcdef0", route_table="rtb-0123456789abcdef0")
BUILDS = {
    "single": replace(G5_SINGLE, **EVERYTHING),
    "cluster": replace(P4D_CLUSTER, **EVERYTHING),
    "spot cluster": replace(P4D_CLUSTER, purchase=Purchase.SPOT, lifecycle=Lifecycle.PERSISTENT),
    "reserved cluster": replace(P4D_CLUSTER, **RESERVED),
    "reserved single": replace(P4D_SINGLE, **RESERVED),
    "shared files": CLUSTER,
    "kept files": KEPT,
    "fleet": replace(G5_FLEET, **EVERYTHING),
    "fleet in two zones": SPARE,
    "fleet from ecr": with_fleet(engine=ECR),
    "fleet with tokens": TRITON,
    "fleet half on spot": HALF_SPOT,
    "fleet by the hour": HOURS,
    "fleet in a network that stands": replace(FLEET_STANDING, existing=replace(FLEET_STANDING.existing, key=KEY)),
    "hyperpod": replace(P4D_CLUSTER, target=Target.HYPERPOD_SLURM, **EVERYTHING),
    "hyperpod with all that stands": replace(P4D_CLUSTER, target=Target.HYPERPOD_SLURM, existing=STANDING),
    "eks": replace(P4D_CLUSTER, target=Target.EKS_NODES, existing=CLUSTER_GIVEN, **EVERYTHING),
    "cluster with all that stands": replace(P4D_CLUSTER, existing=STANDING),
    "cluster in a network that stands": replace(P4D_CLUSTER, cidr="10.9.0.0/24", existing=JOINED),
    "trainium": replace(
        next(family.build for family in FAMILIES if family.instance_type == "trn2.48xlarge"),
        region="us-east-2",
        zone_id="use2-az3",
    ),
}
EACH_BUILD = pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS.keys())

ACKNOWLEDGED = {
    "AwsSolutions-S1": "checkpoints are read by the nodes alone; an access log would need a second bucket",
    "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonSSMManagedInstanceCore]": (
        "Session Manager's own policy follows its agent; a copy would fall behind"
    ),
    "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonSageMakerClusterInstanceRolePolicy]": (
        "the least that HyperPod's nodes need follows the service; a copy would fall behind"
    ),
    **{
        f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{name}]": (
            "the least that EKS's nodes need follows the service; a copy would fall behind"
        )
        for name in EKS_POLICIES
    },
    "AwsSolutions-IAM5[Resource::*]": (
        "PutMetricData knows no resources, and a condition names the namespace; HyperPod makes its nodes' interfaces "
        "under ids that nobody knows before"
    ),
    "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ec2:us-east-1:<AWS::AccountId>:network-interface/*]": (
        "HyperPod tags the interfaces that it has just made"
    ),
    "AwsSolutions-IAM5[Resource::<StorageCheckpoints2CDBDF43.Arn>/*]": "objects are named by the job",
    "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::my-models/llama-3.1-8b/*]": "every file of the weights",
    "AwsSolutions-AS3": "the group keeps a history of its starts and ends; a letter for each would be read by nobody",
    "AwsSolutions-SMG4": "a new API key would turn every client away at once; rotate it when they can follow",
    "AwsSolutions-EC29": "a lone node must be gone with its stack, and when its time to live is up",
}


# cdk-nag 3 throws where a mixed policy names the template; our own volume-encrypted reads it there.
UNREAD = {"AwsSolutions::AwsSolutions-EC26": "the rule fails on a launch template that a mixed policy names"}


@EACH_BUILD
def test_cfn_lint_finds_nothing(build: Build) -> None:
    """There is neither an error nor a warning for the build's region."""
    found = cfnlint.lint(json.dumps(document(build)), config=cfnlint.ManualArgs(regions=[build.region]))
    assert [str(match) for match in found] == []


@EACH_BUILD
def test_cdk_nag_finds_what_is_acknowledged(build: Build, tmp_path: Path) -> None:
    """The AWS Solutions rules hold, but for those that the table above gives a reason for."""
    app = App(outdir=str(tmp_path), analytics_reporting=False, builtin_cloud_formation_validation=False)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    scripts = prefix(script(build, compute_group(build)))
    bucket = "cdk-hnb659fds-assets-<AWS::AccountId>-us-east-1"
    own = {f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{bucket}/{scripts}*]": "the stack's own scripts"}
    mixed = build.fleet is not None and build.fleet.on_demand_nodes is not None
    reasons = {**ACKNOWLEDGED, **own, **(UNREAD if mixed else {})}
    Validations.of(app).acknowledge(*(Acknowledgment(id=rule, reason=reason) for rule, reason in reasons.items()))
    build_stack(app, build, account=None, warnings=())
    app.synth()


def test_the_cdks_own_rules_hold(tmp_path: Path) -> None:
    """The checks that the CDK would make at every synthesis pass, so that the app may leave them out."""
    app = App(outdir=str(tmp_path), context={"@aws-cdk/core:validateAgainstDefaultRules": True})
    for build in (BUILDS["single"], BUILDS["cluster"]):
        build_stack(app, build, account=None, warnings=())
    app.synth()
