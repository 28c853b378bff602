"""Does each rule find what breaks it, and nothing else?"""

from __future__ import annotations

from typing import Any

import pytest

from stacks.verify import rules
from stacks.verify.check import Finding, check
from stacks.verify.reading import read_file
from stacks.verify.rules import load_rules
from tests.stacks.verify.cases import (
    BLOCK,
    BREAKING,
    DATA,
    GIVEN,
    GONE,
    NICS,
    RESERVED,
    RIGHT,
    SPOT,
    Change,
    changed,
    nic,
    right,
)
from tests.support.templates import from_document

# Tells arithmetic of every launch: it is there in the right template too.
ALWAYS = "quota-needed"
# Rules that only ever say that something cannot be known.
OPEN_ONLY = {"expanded-at-deployment", "type-known"}


def found(document: dict[str, Any]) -> list[Finding]:
    return [each for each in check(from_document("template", document)) if each.rule.id != ALWAYS]


def new_in(change: Change, given: Change) -> list[Finding]:
    """What a change makes be found that was not before it."""
    before = {(each.rule.id, each.path, each.message) for each in found(changed(given))}
    after = found(changed({**given, **change}))
    return [each for each in after if (each.rule.id, each.path, each.message) not in before]


def cases() -> list[Any]:
    return [
        pytest.param(rule, change, id=f"{rule}-{number}")
        for rule, changes in BREAKING.items()
        for number, change in enumerate(changes)
    ]


def test_the_right_template_breaks_nothing() -> None:
    """A template with every kind of resource keeps every rule, and leaves nothing unknown."""
    assert [each.message for each in check(read_file(RIGHT)) if each.rule.id != ALWAYS] == []


@pytest.mark.parametrize(("rule", "change"), cases())
def test_a_change_breaks_only_its_rule(rule: str, change: Change) -> None:
    """One thing is wrong, and one rule says so, of a place that there is."""
    given = GIVEN.get(rule, {})
    assert rule not in {each.rule.id for each in found(changed(given))}
    broken = new_in(change, given)
    assert {(each.rule.id, each.open) for each in broken} == {(rule, False)}


def test_every_rule_has_a_case() -> None:
    """No rule stands that no test can break."""
    assert {rule for rule, changes in BREAKING.items() if changes} | {ALWAYS} | OPEN_ONLY == set(load_rules())


@pytest.mark.parametrize("name", sorted(load_rules()))
def test_a_rule_says_why_by_whom_and_what_to_change(name: str) -> None:
    """Each is named after its file, and tells in sentences what a user needs to mend it."""
    rule = load_rules()[name]
    assert (rules.__path__[0] + f"/{name.replace('-', '_')}.py") == rule.check.__code__.co_filename
    assert rule.source.startswith("https://")
    assert rule.change.endswith(".") and rule.change[0].isupper()
    assert not rule.why.endswith(".") and len(rule.why) > 20


def test_arithmetic_is_told() -> None:
    """What a launch needs of the account's quotas is added up, and what a Capacity Block needs is not."""
    told = [each.message for each in check(read_file(RIGHT)) if each.rule.id == ALWAYS]
    need = "384 vCPUs of quota L-417A185B (Running On-Demand P instances) and 20 network interfaces"
    assert f"4 x p4d.24xlarge need {need}" in told
    spot = [each.message for each in check(from_document("x", changed(SPOT))) if each.rule.id == ALWAYS]
    assert "4 x p4d.24xlarge need 384 vCPUs of spot quota of p4d and 20 network interfaces" in spot


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("export PASSWORD=tr0ub4dor", True),
        ("password = 'correct horse'.split()", False),
        ('password="correct-horse"', True),
        ("docker run -e API_KEY=abcd1234efgh engine", True),
        ('token = "ey9JhbGciOi"', True),
        ("mysql --password=hunter2hunter2", True),
        # Code that fetches a secret, or names one, holds none.
        ('token = response.get("nextToken")', False),
        ("url, secret = _load_webhook_credentials(force_refresh=True)", False),
        ("connect(token=event_token, region=region)", False),
        ('secret = "webhook-credentials"', False),
        ("PASSWORD=$(aws secretsmanager get-secret-value --secret-id engine)", False),
        ('TOKEN="${TOKEN}"', False),
    ],
)
def test_a_secret_is_told_from_what_fetches_one(line: str, secret: bool) -> None:
    """A text that is assigned is a secret; a call, a variable and a secret's name are none."""
    broken = new_in({f"{DATA}.UserData": {"Fn::Base64": f"#!/bin/bash\n{line}\n"}}, {})
    assert {each.rule.id for each in broken} == ({"plain-secret"} if secret else set())


UNKNOWN: dict[str, tuple[str, Change]] = {
    "a group that is imported": (
        "efa-security-group-pair",
        {f"{NICS}.{index}.Groups": [{"Fn::ImportValue": "group"}] for index in range(5)}
        | {"FilesGroup": GONE, "FromFiles": GONE, "ToFiles": GONE, "Files": GONE},
    ),
    "a type that is asked for": (
        "type-known",
        {
            f"{DATA}.InstanceType": {"Ref": "AWS::StackName"},
            "Fleet.LaunchTemplateConfigs.0.Overrides.0.InstanceType": {"Ref": "AWS::StackName"},
        },
    ),
    "a type that is not in the catalog": (
        "type-known",
        {
            f"{DATA}.InstanceType": "p9.48xlarge",
            "Fleet.LaunchTemplateConfigs.0.Overrides.0.InstanceType": "p9.48xlarge",
        },
    ),
    "a market that is asked for": (
        "market-type-known",
        {f"{DATA}.InstanceMarketOptions.MarketType": {"Ref": "AWS::StackName"}},
    ),
    "subnets that are imported": (
        "efa-in-one-zone",
        {
            "Fleet.LaunchTemplateConfigs.0.Overrides": [
                {"InstanceType": "p4d.24xlarge", "SubnetId": {"Fn::ImportValue": name}} for name in "ab"
            ]
        },
    ),
    "a reservation that is asked for": (
        "reservation-id-form",
        {**BLOCK, next(iter(RESERVED)): {"Fn::Join": ["", []]}},
    ),
    "a size that is asked for": ("fsx-capacity-grid", {"Files.StorageCapacity": {"Ref": "AWS::StackName"}}),
}


@pytest.mark.parametrize(("rule", "change"), UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_cannot_be_known_is_said_and_not_guessed(rule: str, change: Change) -> None:
    """A value that only the deployment knows breaks nothing, and is told of."""
    new = new_in(change, {})
    assert [each.message for each in new if not each.open] == []
    assert rule in {each.rule.id for each in new}


def test_a_macro_is_told_of() -> None:
    """What is written at deployment is not judged."""
    document = right() | {"Transform": "AWS::LanguageExtensions"}
    document["Resources"]["Fn::ForEach::Nodes"] = ["Name", ["a", "b"], {}]
    told = {(each.rule.id, each.open) for each in found(document)}
    assert told >= {("expanded-at-deployment", True)}


def test_a_pair_under_an_unknown_condition_is_not_taken_for_granted() -> None:
    """A rule that stands only on some deployments leaves the question open."""
    document = changed({"NodesIn.^.Condition": "Wide"})
    document["Conditions"] = {"Wide": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-west-2"]}}
    told = {(each.rule.id, each.open) for each in found(document)}
    assert told == {("efa-security-group-pair", True)}
    document["Conditions"] = {"Wide": {"Fn::Equals": ["a", "b"]}}
    assert {(each.rule.id, each.open) for each in found(document)} == {("efa-security-group-pair", False)}


def test_an_existing_group_may_be_completed_here() -> None:
    """A group that is named by its id is right where its two rules stand in the template."""
    own = {f"{NICS}.{index}.Groups": ["sg-0123456789abcdef0"] for index in range(5)}
    rule = {"GroupId": "sg-0123456789abcdef0", "IpProtocol": "-1"}
    pair: Change = {
        "ExistingIn": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": rule | {"SourceSecurityGroupId": "sg-0123456789abcdef0"},
        },
        "ExistingOut": {
            "Type": "AWS::EC2::SecurityGroupEgress",
            "Properties": rule | {"DestinationSecurityGroupId": "sg-0123456789abcdef0"},
        },
        "Files": GONE,
    }
    assert found(changed({**own, **pair})) == []


def test_a_second_group_need_not_let_in_what_the_first_does() -> None:
    """The groups of an interface add up, so that an imported one beside a complete one is no matter."""
    own = right()["Resources"]["Template"]["Properties"]["LaunchTemplateData"]["NetworkInterfaces"][0]["Groups"]
    two = {f"{NICS}.{index}.Groups": [*own, "sg-0123456789abcdef0"] for index in range(5)}
    assert "efa-security-group-pair" not in {each.rule.id for each in found(changed(two))}
    without = {each.rule.id: each.open for each in found(changed({**two, "NodesIn": GONE}))}
    assert without["efa-security-group-pair"]


def test_hyperpod_has_quotas_of_its_own() -> None:
    """A cluster's nodes are counted by SageMaker's type, groups together, and those of a training plan not."""
    group = {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 4}
    plan = {**group, "InstanceType": "ml.g5.48xlarge", "TrainingPlanArn": "arn"}
    cluster = {"Type": "AWS::SageMaker::Cluster", "Properties": {"InstanceGroups": [group, group, plan]}}
    told = check(from_document("x", {"Resources": {"Cluster": cluster}}))
    need = "8 x ml.p5.48xlarge need as many of the SageMaker quota 'ml.p5.48xlarge for cluster usage'"
    assert [each.message for each in told if each.rule.id == ALWAYS] == [need]


def test_what_looks_wrong_and_is_right() -> None:
    """Layouts and groups that AWS takes are not refused."""
    harmless: list[Change] = [
        {f"{DATA}.InstanceType": {"Ref": "Kind"}, f"{NICS}.0.NetworkCardIndex": GONE},
        {
            "ServiceGroup.SecurityGroupIngress.+": {
                "IpProtocol": "tcp",
                "CidrIp": "10.0.0.0/8",
                "FromPort": 1,
                "ToPort": 9,
            }
        },
        {"Front.Subnets": [{"Ref": "Compute"}, "subnet-0123456789abcdef0"]},
        {"FilesGroup.SecurityGroupIngress.+": {"IpProtocol": "tcp", "FromPort": 988, "ToPort": 988}},
        {"Files.LustreConfiguration": {"DeploymentType": "SCRATCH_2"}, "Files.StorageCapacity": 2400},
    ]
    for change in harmless:
        document = changed(change)
        document["Parameters"]["Kind"] = {"Type": "String", "Default": "p4d.24xlarge"}
        assert [each.message for each in found(document)] == []


def test_one_device_on_a_card_of_one_device() -> None:
    """A type with a single card may speak IP and EFA over one interface."""
    change: Change = {
        f"{DATA}.InstanceType": "g5.8xlarge",
        "Fleet.LaunchTemplateConfigs.0.Overrides.0.InstanceType": "g5.8xlarge",
        NICS: [nic(0, 0, "efa")],
    }
    assert found(changed(change)) == []
