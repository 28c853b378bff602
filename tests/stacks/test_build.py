"""Which stack builds a plan."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App, Token
from aws_cdk.assertions import Annotations, Match

from planner.plan import Target
from pricing.records import replace
from stacks.build import build_stack, no_workload, stack_of
from stacks.errors import StackError
from tests.support.builds import G5_SINGLE, P4D_CLUSTER
from tests.support.synthesis import stack


def test_every_target_has_its_stack() -> None:
    """No target that a plan can name is without a stack."""
    assert [stack_of(target).__name__ for target in Target] == [
        str(target).replace("-", " ").title().replace(" ", "") for target in Target
    ]


def test_a_stack_imports_no_other_targets_modules() -> None:
    """A synthesis of nodes loads neither load balancers nor file systems: each of the CDK's modules takes its time."""
    code = (
        "import sys; from planner.plan import Target; from stacks.build import stack_of; "
        "stack_of(Target.EFA_CLUSTER); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    others = {"aws_elasticloadbalancingv2", "aws_autoscaling", "aws_sagemaker", "aws_fsx", "aws_sns"}
    assert not {f"aws_cdk.{name}" for name in others} & loaded


def test_the_stack_is_named_for_the_workload() -> None:
    """Name and region come from the plan; without an account the stack fits any."""
    built = stack(G5_SINGLE)
    assert (built.stack_name, built.region) == ("Berth-serve8b", "us-east-1")
    assert Token.is_unresolved(built.account)


def test_an_account_binds_the_stack(tmp_path: Path) -> None:
    """With an account the stack can be deployed to no other."""
    app = App(outdir=str(tmp_path), analytics_reporting=False, builtin_cloud_formation_validation=False)
    assert build_stack(app, G5_SINGLE, account="111122223333", warnings=()).account == "111122223333"


@pytest.mark.parametrize("name", ["llama_3", "-tune", "", "x" * 123, "a b", "$(reboot)"])
def test_a_name_that_cannot_name_a_stack_is_refused(name: str) -> None:
    """CloudFormation's rule for names is checked before anything is made, and with it what user data holds."""
    with pytest.raises(StackError, match="cannot name a stack"):
        stack(replace(G5_SINGLE, name=name))


def test_without_a_workload_there_is_a_stack_that_cannot_be_deployed(tmp_path: Path) -> None:
    """`cdk bootstrap` finds a stack in the app, and everything else an error that says what to add."""
    app = App(outdir=str(tmp_path), analytics_reporting=False, builtin_cloud_formation_validation=False)
    errors = Annotations.from_stack(no_workload(app)).find_error("*", Match.any_value())
    assert ["-c workload=" in str(error.entry.data) for error in errors] == [True]


def test_a_stack_for_one_account_is_built_with_no_others_credentials(tmp_path: Path) -> None:
    """The account of the plan binds the stack, and other credentials are refused with both accounts named."""
    app = App(outdir=str(tmp_path), analytics_reporting=False, builtin_cloud_formation_validation=False)
    build = replace(G5_SINGLE, account="111122223333")
    assert build_stack(app, build, account=None, warnings=()).account == "111122223333"
    with pytest.raises(StackError, match="for account 111122223333, and the credentials are those of 444455556666"):
        build_stack(app, replace(build, name="other"), account="444455556666", warnings=())


def test_two_workloads_are_two_stacks_of_one_app(tmp_path: Path) -> None:
    """Side by side in one app, each stack keeps the template that it has alone."""
    app = App(outdir=str(tmp_path), analytics_reporting=False, builtin_cloud_formation_validation=False)
    for build in (G5_SINGLE, P4D_CLUSTER):
        build_stack(app, build, account=None, warnings=())
    names = {each.stack_name for each in app.synth().stacks}
    assert names == {"Berth-serve8b", "Berth-train70b"}


def test_a_fleet_with_prompts_on_nodes_of_their_own_is_refused(tmp_path: Path) -> None:
    """No stack starts or connects the two roles yet: the synth says so, and what to change."""
    app = App(outdir=str(tmp_path), analytics_reporting=False, builtin_cloud_formation_validation=False)
    with pytest.raises(StackError, match=r"Set inference\.disaggregate to compare"):
        build_stack(app, replace(P4D_CLUSTER, split=True), account=None, warnings=())
