"""Which stack builds a plan?"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from aws_cdk import Annotations, App, Environment, Stack

from planner.plan import Build, Target
from stacks.errors import StackError
from stacks.parts.tags import stack_name, tag

# CloudFormation's rule for stack names, less what "Berth-" takes of its 128 characters.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,121}")


def stack_of(target: Target) -> Callable[..., Stack]:
    """The stack of a target. The CDK's modules are large, so that only those of this one are imported."""
    match target:
        case Target.SINGLE_INSTANCE:
            from stacks.targets.single_instance import SingleInstance

            return SingleInstance
        case Target.EFA_CLUSTER:
            from stacks.targets.efa_cluster import EfaCluster

            return EfaCluster
        case Target.SERVING_FLEET:
            from stacks.targets.serving_fleet import ServingFleet

            return ServingFleet
        case Target.HYPERPOD_SLURM:
            from stacks.targets.hyperpod_slurm import HyperpodSlurm

            return HyperpodSlurm
        case Target.EKS_NODES:
            from stacks.targets.eks_nodes import EksNodes

            return EksNodes


def build_stack(app: App, build: Build, *, account: str | None, warnings: Sequence[str]) -> Stack:
    """The stack that builds `build`, with `warnings` shown at every synthesis.

    Without `account` the template fits any account. Raises StackError where EC2 or CloudFormation would
    refuse the plan.
    """
    if NAME.fullmatch(build.name) is None:
        raise StackError(
            f"The workload's name {build.name!r} cannot name a stack. "
            "Use letters, digits and hyphens, at most 122 of them."
        )
    if build.account and account and build.account != account:
        raise StackError(
            f"{build.name!r} is for account {build.account}, and the credentials are those of {account}. Use the "
            "account's own, or change provision.account."
        )
    if build.training_plan_arn and build.target is not Target.HYPERPOD_SLURM:
        raise StackError(
            f"A training plan holds nodes of HyperPod, not of the target {build.target!s}. Set provision.target to "
            f"{Target.HYPERPOD_SLURM!s}, or leave provision.training_plan out."
        )
    if build.split:
        raise StackError(
            f"{build.name!r} has prompts and answers on replicas of their own, which no stack starts or connects yet. "
            "Set inference.disaggregate to compare, and lock it anew."
        )
    env = Environment(account=build.account or account, region=build.region)
    stack = stack_of(build.target)(app, stack_name(build.name), build=build, env=env)
    tag(stack, workload=build.name, expires_at=build.expires_at)
    for number, warning in enumerate(warnings, start=1):
        Annotations.of(stack).add_warning_v2(f"berth:plan-{number}", warning)
    return stack


def no_workload(app: App) -> Stack:
    """The empty stack of an app that was told no workload: it cannot be synthesized or deployed.

    `cdk bootstrap` runs the app and refuses one without stacks, so that there must be one.
    """
    stack = Stack(app, "Berth", analytics_reporting=False)
    Annotations.of(stack).add_error("No workload is named. Add -c workload=workloads/train70b.yaml, or your own.")
    return stack
