"""Which account does what is named stand in, and whom must a key of the user's own let in?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
            f"The policy of {key} must let the service-linked {' and '.join(roles)} use it (kms:CreateGrant, "
            "kms:Decrypt, kms:DescribeKey, kms:GenerateDataKey*, kms:ReEncrypt*), or no node starts."
        )
    if fleet and fleet.weights:
        yield (
            f"Nodes may read {fleet.weights}, but use no key: where that bucket is encrypted with a KMS key (SSE-KMS), "
            "the key's policy must let the role of the nodes kms:Decrypt."
        )


def _launchers(build: Build) -> list[str]:
    """The service-linked roles that launch the nodes; a group of Auto Scaling asks for spot nodes itself."""
    launcher = LAUNCHERS.get(build.target)
    spot = build.purchase is Purchase.SPOT and build.target not in (Target.SERVING_FLEET, Target.EKS_NODES)
    return [*([launcher] if launcher else []), *([SPOT_LAUNCHER] if spot else [])]
