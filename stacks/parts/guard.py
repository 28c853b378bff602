"""What ends the spending when everybody has forgotten the workload?

Nothing here runs on the nodes: a guard that hangs with the job guards nothing.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal

from aws_cdk import Aws
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from stacks.parts.tags import WORKLOAD, utc
from stacks.parts.trust import for_this_account

Budget = budgets.CfnBudget

DELETE_STACK = "arn:aws:scheduler:::aws-sdk:cloudformation:deleteStack"
# Percent of the budget, and whether it is spent or only foreseen.
ALARMS = ((80, "ACTUAL"), (100, "ACTUAL"), (100, "FORECASTED"))


class Guard(Construct):
    """Deletes the stack at `expires_at`, and writes to `budget_email` when `budget_usd` is being used up."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        workload: str,
        expires_at: datetime | None,
        budget_usd: Decimal | None,
        budget_email: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        if expires_at is not None:
            self._expire(expires_at)
        if budget_usd is not None and budget_email is not None:
            self._watch(workload=workload, usd=budget_usd, email=budget_email)

    def _expire(self, moment: datetime) -> None:
        # CloudFormation deletes with the service role that the CDK gave the stack, not with this one.
        delete = iam.PolicyStatement(actions=["cloudformation:DeleteStack"], resources=[Aws.STACK_ID])
        role = iam.Role(
            self,
            "ExpiryRole",
            assumed_by=for_this_account("scheduler.amazonaws.com"),
            inline_policies={"Delete": iam.PolicyDocument(statements=[delete])},
        )
        scheduler.CfnSchedule(
            self,
            "Expiry",
            description="Deletes the stack when its time is up",
            schedule_expression=f"at({utc(moment)})",
            schedule_expression_timezone="UTC",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=DELETE_STACK, role_arn=role.role_arn, input=json.dumps({"StackName": Aws.STACK_ID})
            ),
        )

    def _watch(self, *, workload: str, usd: Decimal, email: str) -> None:
        Budget(
            self,
            "Budget",
            budget=Budget.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=Budget.SpendProperty(amount=float(usd), unit="USD"),
                cost_filters={"TagKeyValue": [f"user:{WORKLOAD}${workload}"]},
            ),
            notifications_with_subscribers=[
                Budget.NotificationWithSubscribersProperty(
                    notification=Budget.NotificationProperty(
                        comparison_operator="GREATER_THAN",
                        notification_type=kind,
                        threshold=percent,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[Budget.SubscriberProperty(address=email, subscription_type="EMAIL")],
                )
                for percent, kind in ALARMS
            ],
        )
