"""Is it told which account and which service-linked role a key must let in?"""

from __future__ import annotations

import pytest

from planner.accounts import account_of, home, key_warnings
from planner.built import Existing
from planner.plan import Build
from pricing.offer import Purchase
from pricing.records import replace
from tests.support.builds import G5_FLEET, G5_SINGLE, P4D_CLUSTER

KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def keyed(build: Build, **changed: object) -> str:
    """Everything that is told of a build with a key of the user's own."""
    return "\n".join(key_warnings(replace(build, existing=Existing(key=KEY), **changed)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arn", "account"),
    [(KEY, "111122223333"), ("arn:aws:iam::aws:policy/PowerUserAccess", None), (None, None)],
)
def test_an_arn_names_its_account(arn: str | None, account: str | None) -> None:
    """Twelve digits are an account; AWS's own policies and what is not named are of none."""
    assert account_of(arn) == account


def test_the_account_that_is_named_comes_first() -> None:
    """What is named beats what follows from ARNs, and without either nothing is known."""
    assert home("444455556666", [KEY]) == "444455556666"
    assert home(None, [None, KEY]) == "111122223333"
    assert home(None, [None]) is None


@pytest.mark.parametrize(
    ("build", "purchase", "roles"),
    [
        (G5_FLEET, Purchase.ON_DEMAND, "AWSServiceRoleForAutoScaling use"),
        (G5_FLEET, Purchase.SPOT, "AWSServiceRoleForAutoScaling use"),
        (P4D_CLUSTER, Purchase.ON_DEMAND, "AWSServiceRoleForEC2Fleet use"),
        (P4D_CLUSTER, Purchase.SPOT, "AWSServiceRoleForEC2Fleet and AWSServiceRoleForEC2Spot use"),
        (G5_SINGLE, Purchase.SPOT, "AWSServiceRoleForEC2Spot use"),
        (G5_SINGLE, Purchase.ON_DEMAND, None),
    ],
)
def test_who_launches_the_nodes_is_named(build: Build, purchase: Purchase, roles: str | None) -> None:
    """The service-linked role that a key's policy must let in is told by its name, where there is one."""
    told = keyed(build, purchase=purchase)
    assert f"service-linked {roles} it" in told if roles else "service-linked" not in told


def test_a_key_of_another_account_is_told() -> None:
    """A key may be another account's, if its policy says so; one of the stack's own account is not mentioned."""
    assert "another account than the stack's, 444455556666" in keyed(P4D_CLUSTER, account="444455556666")
    assert "another account" not in keyed(P4D_CLUSTER, account="111122223333") + keyed(G5_SINGLE)


def test_weights_under_a_key_are_told_of_fleets_alone() -> None:
    """The stack knows no key of the bucket of the weights, and says what the nodes lack where there is one."""
    assert any("the role of the nodes kms:Decrypt" in each for each in key_warnings(G5_FLEET))
    assert [*key_warnings(P4D_CLUSTER)] == []
