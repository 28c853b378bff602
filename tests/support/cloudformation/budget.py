"""AWS::Budgets::Budget."""

from __future__ import annotations

from typing import Any

from moto.budgets.models import BudgetsBackend, budgets_backends
from moto.core.common_models import CloudFormationModel

from tests.support.cloudformation.taught import Taught


def budgets(account_id: str) -> BudgetsBackend:
    """moto's budgets of one account, which have no region."""
    return budgets_backends[account_id]["aws"]


class Budget(Taught, CloudFormationModel):
    """An amount, and who is told when it is being used up."""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = name

    @staticmethod
    def cloudformation_type() -> str:
        """moto has the API, but no such type."""
        return "AWS::Budgets::Budget"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> Budget:
        """What CreateBudget makes of the same properties."""
        properties = cloudformation_json["Properties"]
        budget = {"BudgetName": resource_name, **properties["Budget"]}
        budgets(account_id).create_budget(account_id, budget, properties["NotificationsWithSubscribers"])
        return cls(resource_name)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Nobody is told any more."""
        budgets(account_id).delete_budget(account_id, resource_name)
