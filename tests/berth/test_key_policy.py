"""Does `berth key-policy` print what a key's policy must have?"""

from __future__ import annotations

import json
from pathlib import Path

from tests.berth.command import Command
from tests.planner.market_builders import TRAINING, written

KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
KEYED = TRAINING + "limits: {regions: [us-east-1], purchase: [spot]}\nprovision: {existing: {key: KEY}MORE}\n"


def test_the_statements_of_a_lock_are_json(berth: Command, folder: Path) -> None:
    """Statements to copy, and nothing else, on stdout; whoever launches the nodes is named by ARN."""
    file = written(folder, KEYED.replace("KEY", KEY).replace("MORE", ""))
    berth("lock", file, "--offline")
    answer = berth("key-policy", file)
    assert (answer.status, answer.err) == (0, "")
    uses, grants = json.loads(answer.out)
    (role,) = uses["Principal"]["AWS"]
    assert role == "arn:aws:iam::111122223333:role/aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot"
    assert "kms:GenerateDataKey*" in uses["Action"] and "kms:CreateGrant" not in uses["Action"]
    assert grants["Action"] == "kms:CreateGrant"
    assert grants["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_a_key_of_another_account_needs_a_grant_too(berth: Command, folder: Path) -> None:
    """Its policy lets the account in, and the command that hands the key on is told beside it."""
    file = written(folder, KEYED.replace("KEY", KEY).replace("MORE", ", account: '444455556666'"))
    berth("lock", file, "--offline")
    answer = berth("key-policy", file)
    assert {each["Principal"]["AWS"][0] for each in json.loads(answer.out)} == {"arn:aws:iam::444455556666:root"}
    assert f"aws kms create-grant --region us-east-1 --key-id {KEY} --grantee-principal" in answer.err
    assert "444455556666:role/aws-service-role/spot.amazonaws.com/" in answer.err


def test_without_a_key_there_is_no_policy(berth: Command, folder: Path) -> None:
    """A lock without a key of the user's own has nothing to print, and says so."""
    file = written(folder, TRAINING)
    berth("lock", file, "--offline")
    answer = berth("key-policy", file)
    assert (answer.status, answer.out) == (1, "")
    assert "names no key of your own" in answer.err
