"""Which account does what is named stand in, and whom must a key of the user's own let in?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from planner.plan import Build, Target
from pricing.offer import Purchase

# Who launches the nodes of each target, and so must be let to a key of the account (Amazon EC2 Auto Scaling user guide,
# key policy for encrypted volumes; EC2 user guide, EC2 Fleet prerequisites).
LAUNCHERS = {
    Target.SERVING_FLEET: "AWSServiceRoleForAutoScaling",
    Target.EKS_NODES: "AWSServiceRoleForAutoScaling",
    Target.EFA_CLUSTER: "AWSServiceRoleForEC2Fleet",
}
SPOT_LAUNCHER = "AWSServiceRoleForEC2Spot"
SERVICES = {
    "AWSServiceRoleForAutoScaling": "autoscaling.amazonaws.com",
    "AWSServiceRoleForEC2Fleet": "ec2fleet.amazonaws.com",
    SPOT_LAUNCHER: "spot.amazonaws.com",
}
# What they do with it, by their own policy and by a grant (Amazon EC2 Auto Scaling user guide, as above).
USES = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")
GRANTED = (
    *("Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext"),
    *("DescribeKey", "CreateGrant"),
)


def account_of(arn: str | None) -> str | None:
    """The account of an ARN by its digits; None where it has none, as a policy of AWS's own."""
    account = arn.split(":")[4] if arn else ""
    return account if account.isdigit() else None


def home(account: str | None, arns: Iterable[str | None]) -> str | None:
    """The account that a stack must stand in: the one that is named, else that of the first of its own `arns`."""
    return next(filter(None, (account, *map(account_of, arns))), None)


def key_warnings(build: Build) -> Iterator[str]:
    """Sentences on whom the keys must let in that the stack cannot open itself."""
    fleet, key = build.fleet, build.existing.key
    own = (build.existing.permissions_boundary, fleet.certificate if fleet else None, build.training_plan_arn)
    owner = home(build.account, own)
    if key and owner and account_of(key) != owner:
        yield (
            f"The key {key} is of another account than the stack's, {owner}: its policy must let {owner} use it, and "
            "EC2 encrypts disks with it only where it does."
        )
    if key and (roles := _launchers(build)):
        yield (
            f"The policy of {key} must let the service-linked {' and '.join(roles)} use it (kms:CreateGrant for AWS "
            f"resources, {', '.join(USES)}), or no node starts: `berth key-policy` prints the statements of a lock."
        )
    if fleet and fleet.weights:
        yield (
            f"Nodes may read {fleet.weights}, but use no key: where that bucket is encrypted with a KMS key (SSE-KMS), "
            "the key's policy must let the role of the nodes kms:Decrypt."
        )


def key_statements(build: Build) -> list[dict[str, Any]]:
    """Statements for the policy of the build's own key, so that nodes can start with disks that it encrypts.

    The key's account can name the service-linked roles of its own account; another account it lets in as a whole, which
    then hands the key on by a grant (Amazon EC2 Auto Scaling user guide, key policy for encrypted volumes, examples).
    """
    owner, key_account = _owner(build), account_of(build.existing.key)
    let_in = [f"arn:{_partition(build)}:iam::{owner}:root"] if owner != key_account else _role_arns(build, owner)
    if not let_in:
        return []
    who = {"Effect": "Allow", "Principal": {"AWS": let_in}}
    for_aws = {} if owner != key_account else {"Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}}
    return [
        {"Sid": "BerthDisks", **who, "Action": [*USES], "Resource": "*"},
        {"Sid": "BerthGrants", **who, "Action": "kms:CreateGrant", "Resource": "*", **for_aws},
    ]


def grant_command(build: Build) -> str:
    """What hands a key of another account on to those who launch nodes; empty where the key is the account's own."""
    owner, key = _owner(build), build.existing.key
    if key is None or owner == account_of(key):
        return ""
    return "\n".join(
        f"aws kms create-grant --region {build.region} --key-id {key} --grantee-principal {role} "
        f"--operations {' '.join(GRANTED)}"
        for role in _role_arns(build, owner)
    )


def _owner(build: Build) -> str | None:
    """The account that the stack stands in: the one that is known, else the key's own."""
    own = (build.existing.permissions_boundary, build.fleet.certificate if build.fleet else None)
    return home(build.account, (*own, build.training_plan_arn, build.existing.key))


def _partition(build: Build) -> str:
    return (build.existing.key or "arn:aws").split(":")[1]


def _role_arns(build: Build, owner: str | None) -> list[str]:
    """The service-linked roles by ARN; each stands under the name of its service."""
    prefix = f"arn:{_partition(build)}:iam::{owner}:role/aws-service-role"
    return [f"{prefix}/{SERVICES[role]}/{role}" for role in _launchers(build)]


def _launchers(build: Build) -> list[str]:
    """The service-linked roles that launch the nodes; a group of Auto Scaling asks for spot nodes itself."""
    launcher = LAUNCHERS.get(build.target)
    spot = build.purchase is Purchase.SPOT and build.target not in (Target.SERVING_FLEET, Target.EKS_NODES)
    return [*([launcher] if launcher else []), *([SPOT_LAUNCHER] if spot else [])]
