"""What ends the spending."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from planner.plan import Build
from pricing.records import replace
from tests.support.builds import G5_SINGLE, P4D_CLUSTER
from tests.support.synthesis import document, only, properties

EXPIRY = datetime(2027, 3, 1, 18, 30, tzinfo=UTC)
GUARDED = replace(P4D_CLUSTER, expires_at=EXPIRY, budget_usd=Decimal("12000.50"), budget_email="finance@example.com")


@pytest.mark.parametrize(
    "moment",
    [EXPIRY, EXPIRY.astimezone(timezone(timedelta(hours=-8))), EXPIRY.replace(tzinfo=None)],
    ids=["utc", "another zone", "no zone"],
)
def test_the_stack_deletes_itself_when_its_time_is_up(moment: datetime) -> None:
    """A schedule outside the nodes deletes the stack once, at the planned moment in UTC."""
    schedule = only(replace(P4D_CLUSTER, expires_at=moment), "AWS::Scheduler::Schedule")
    assert schedule["ScheduleExpression"] == "at(2027-03-01T18:30:00)"
    assert schedule["ScheduleExpressionTimezone"] == "UTC"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["Target"]["Arn"] == "arn:aws:scheduler:::aws-sdk:cloudformation:deleteStack"
    assert schedule["Target"]["Input"]["Fn::Join"][1][1] == {"Ref": "AWS::StackId"}


def test_the_schedule_may_delete_this_stack_and_nothing_else() -> None:
    """Its role has one action on one resource."""
    (role,) = (
        role
        for role in properties(GUARDED, "AWS::IAM::Role")
        if "scheduler.amazonaws.com" in str(role["AssumeRolePolicyDocument"])
    )
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert "ManagedPolicyArns" not in role
    assert [policy["PolicyDocument"]["Statement"] for policy in role["Policies"]] == [
        [{"Effect": "Allow", "Action": "cloudformation:DeleteStack", "Resource": {"Ref": "AWS::StackId"}}]
    ]


def test_nodes_wait_for_their_guard() -> None:
    """The schedule is made before the first node, and deleted after the last."""
    fleet = document(GUARDED)["Resources"]["Fleet"]
    assert any(name.startswith("GuardExpiry") for name in fleet["DependsOn"])


def test_the_budget_counts_this_workload_alone() -> None:
    """The budget is over the cost tag, and warns at 80 % and 100 % spent, and when 100 % is foreseen."""
    budget = only(GUARDED, "AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 12000.5, "Unit": "USD"}
    assert budget["Budget"]["CostFilters"] == {"TagKeyValue": ["user:berth:workload$train70b"]}
    alarms = [
        (alarm["Notification"]["NotificationType"], alarm["Notification"]["Threshold"])
        for alarm in budget["NotificationsWithSubscribers"]
    ]
    assert alarms == [("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    assert {alarm["Subscribers"][0]["Address"] for alarm in budget["NotificationsWithSubscribers"]} == {
        "finance@example.com"
    }


@pytest.mark.parametrize("expires_at", [EXPIRY, None], ids=["ends", "stays"])
def test_the_budget_is_by_the_month(expires_at: datetime | None) -> None:
    """Whether the stack has an end or not, its budget is a month's."""
    budget = only(replace(GUARDED, expires_at=expires_at), "AWS::Budgets::Budget")
    assert budget["Budget"]["TimeUnit"] == "MONTHLY"


def test_a_budget_that_reaches_nobody_is_not_made() -> None:
    """Without an address there is nobody to write to, and so no budget; workloads that ask for it are refused."""
    assert properties(replace(G5_SINGLE, budget_usd=Decimal(50)), "AWS::Budgets::Budget") == []


@pytest.mark.parametrize("build", [G5_SINGLE, P4D_CLUSTER], ids=["single", "cluster"])
def test_no_guard_is_made_unasked(build: Build) -> None:
    """Without a time to live or a budget there is neither schedule nor budget."""
    assert properties(build, "AWS::Scheduler::Schedule") == []
    assert properties(build, "AWS::Budgets::Budget") == []


def test_everything_that_can_be_is_tagged() -> None:
    """Each taggable resource carries the workload's name, and its expiry unless that would relaunch nodes."""
    for resource in document(GUARDED)["Resources"].values():
        tags = resource.get("Properties", {}).get("Tags")
        if isinstance(tags, list):
            keys = {tag["Key"] for tag in tags}
            dated = resource["Type"] != "AWS::EC2::PlacementGroup"
            assert keys == {"Name", "berth:workload"} | ({"berth:expires"} if dated else set())
