"""Which service may take a role, and on whose behalf?"""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_iam as iam


def for_this_account(service: str) -> iam.ServicePrincipal:
    """A service that acts for resources of this account alone, so that nobody else's can have it take the role.

    Only for services that say so: VPC flow logs and EventBridge Scheduler tell aws:SourceAccount (their user guides,
    confused deputy). For HyperPod, SageMaker's guide does not: the trust policies that it prints for HyperPod's roles
    (such as that of autoscaling, sagemaker-hyperpod-eks-autoscaling-iam) have no condition, and no page of it says that
    the service sends one. A role that it cannot take keeps a cluster down, so that this one has none either.
    """
    return iam.ServicePrincipal(service, conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}})
