"""How long is what a stack writes down kept?"""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

RETENTION_DAYS = 30


def log_group(scope: Construct, construct_id: str) -> logs.CfnLogGroup:
    """A log group that forgets after a month, and goes with its stack."""
    group = logs.CfnLogGroup(scope, construct_id, retention_in_days=RETENTION_DAYS)
    group.apply_removal_policy(RemovalPolicy.DESTROY)
    return group
