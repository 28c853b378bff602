"""AWS::SecretsManager::Secret."""

from __future__ import annotations

from typing import Any

from moto.core.common_models import CloudFormationModel
from moto.secretsmanager.models import SecretsManagerBackend, secretsmanager_backends

from tests.support.cloudformation.taught import Taught


def secrets(account_id: str, region_name: str) -> SecretsManagerBackend:
    """moto's Secrets Manager of one account and region."""
    return secretsmanager_backends[account_id][region_name]


class Secret(Taught, CloudFormationModel):
    """A secret that is made up, and known by its ARN."""

    def __init__(self, arn: str) -> None:
        self.physical_resource_id = arn

    @staticmethod
    def cloudformation_type() -> str:
        """moto has the API, but no such type."""
        return "AWS::SecretsManager::Secret"

    @classmethod
    def create_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> Secret:
        """As long as it was asked to be."""
        properties = cloudformation_json["Properties"]
        backend = secrets(account_id, region_name)
        backend.create_secret(
            name=resource_name,
            secret_string="x" * properties["GenerateSecretString"]["PasswordLength"],
            secret_binary=None,
            description=properties["Description"],
            tags=properties["Tags"],
            kms_key_id=None,
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        return cls(backend.secrets[resource_name].arn)

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str
    ) -> None:
        """Gone at once, as for the CloudFormation of AWS."""
        secrets(account_id, region_name).delete_secret(resource_name, None, force_delete_without_recovery=True)
