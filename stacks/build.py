"""Which stack builds a plan?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from aws_cdk import Annotations, App, Environment, Stack

from planner.plan import Build, Target
from stacks.errors import StackError
from stacks.parts.tags import stack_name, tag
from stacks.targets.efa_cluster import EfaCluster
from stacks.targets.serving_fleet import ServingFleet
from stacks.targets.single_instance import SingleInstance

TARGETS: Mapping[Target, type[EfaCluster | ServingFleet | SingleInstance]] = {
    Target.SERVING_FLEET: ServingFleet,
    Target.SINGLE_INSTANCE: SingleInstance,
    Target.EFA_CLUSTER: EfaCluster,
}
# CloudFormation's rule for stack names, less what "Berth-" takes of its 128 characters.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,121}")


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
    env = Environment(account=account, region=build.region)
    stack = TARGETS[build.target](app, stack_name(build.name), build=build, env=env)
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
