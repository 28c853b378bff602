"""Roles have no managed policy that opens every bucket of the account."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.policies import managed
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_BROAD = (
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonEC2FullAccess",
    "AmazonFSxFullAccess",
    "AmazonSageMakerFullAccess",
    "CloudWatchFullAccess",
    "SecretsManagerReadWrite",
)


def _check(template: Template) -> Iterator[Found]:
    for _, node in managed(template):
        name = node.known_text.rpartition("/")[2]
        if name in _BROAD:
            yield broken(node, f"{name} is given")


RULE = Rule(
    id="iam-broad-managed-policy",
    severity=Severity.WARNING,
    why="such policies cover everything of a service in the account, other teams' data too",
    change="Allow the named buckets and resources in a policy of the role's own.",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html",
    check=_check,
)
