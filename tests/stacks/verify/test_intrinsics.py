"""What do intrinsic functions answer, as far as the template tells?"""

from __future__ import annotations

from typing import Any

import pytest

from stacks.verify.intrinsics import Intrinsics
from stacks.verify.values import MISSING, Encoded, Joined, Reference, Unknown, key_of

DOCUMENT: dict[str, Any] = {
    "Parameters": {
        "Kind": {"Type": "String", "Default": "p4d.24xlarge"},
        "Count": {"Type": "Number", "Default": 4},
        "Zones": {"Type": "CommaDelimitedList", "Default": "use1-az1, use1-az2"},
        "Open": {"Type": "String"},
        "Image": {"Type": "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", "Default": "/aws/x"},
        "Odd": 7,
    },
    "Mappings": {"Sizes": {"us-east-1": {"small": "t3.micro"}}},
    "Conditions": {
        "Big": {"Fn::Equals": [{"Ref": "Kind"}, "p4d.24xlarge"]},
        "Small": {"Fn::Not": [{"Condition": "Big"}]},
        "Here": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]},
        "Either": {"Fn::Or": [{"Condition": "Here"}, {"Condition": "Big"}]},
        "Both": {"Fn::And": [{"Condition": "Here"}, {"Condition": "Big"}]},
        "Neither": {"Fn::And": [{"Condition": "Here"}, {"Condition": "Small"}]},
        "Round": {"Condition": "Trip"},
        "Trip": {"Condition": "Round"},
    },
    "Resources": {"Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}, "Odd": 3},
}
INTRINSICS = Intrinsics(DOCUMENT)
BLOCKS = {"Fn::Cidr": [{"Fn::GetAtt": "Vpc.CidrBlock"}, 4, 8]}

KNOWN: list[tuple[Any, Any]] = [
    ({"Ref": "Kind"}, "p4d.24xlarge"),
    ({"Ref": "Count"}, 4),
    ({"Ref": "Zones"}, ["use1-az1", "use1-az2"]),
    ({"Ref": "Vpc"}, Reference("Vpc")),
    ({"Ref": "AWS::NoValue"}, MISSING),
    ({"Fn::GetAtt": ["Vpc", "Id"]}, Reference("Vpc", "Id")),
    ({"Fn::GetAtt": "Vpc.CidrBlock"}, "10.0.0.0/16"),
    ({"Fn::Sub": "${Kind} x ${Count} ${!Literal}"}, "p4d.24xlarge x 4 ${Literal}"),
    ({"Fn::Sub": ["${a}-${Count}", {"a": {"Ref": "Kind"}}]}, "p4d.24xlarge-4"),
    ({"Fn::Sub": "${Vpc}"}, Reference("Vpc")),
    ({"Fn::Join": ["-", ["a", {"Ref": "Count"}, {"Ref": "AWS::NoValue"}, "b"]]}, "a-4-b"),
    ({"Fn::Select": ["1", {"Ref": "Zones"}]}, "use1-az2"),
    ({"Fn::Select": [1, {"Fn::Split": [",", "a,b,c"]}]}, "b"),
    ({"Fn::Select": [2, BLOCKS]}, "10.0.2.0/24"),
    ({"Fn::FindInMap": ["Sizes", "us-east-1", "small"]}, "t3.micro"),
    ({"Fn::If": ["Big", "yes", "no"]}, "yes"),
    ({"Fn::If": ["Small", "yes", {"Ref": "AWS::NoValue"}]}, MISSING),
    ({"Fn::Base64": {"Fn::Sub": "${Count}"}}, Encoded("4")),
    ({"Fn::Length": {"Ref": "Zones"}}, 2),
    ({"Ref": "Kind", "Other": 1}, {"Ref": "Kind", "Other": 1}),
]
OPEN: list[tuple[Any, str]] = [
    ({"Ref": "AWS::Region"}, "AWS::Region is known only at deployment"),
    ({"Ref": "Open"}, "parameter Open has no default"),
    ({"Ref": "Odd"}, ""),
    ({"Ref": "Image"}, "parameter Image is looked up in SSM at deployment"),
    ({"Ref": "Nobody"}, "Nobody is not in this template"),
    ({"Fn::ImportValue": "x"}, "it is imported from another stack"),
    ({"Fn::If": ["Here", 1, 2]}, "it depends on condition Here, which is known only at deployment"),
    ({"Fn::If": ["Round", 1, 2]}, "it depends on condition Round, which is known only at deployment"),
    ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, "the order of Fn::GetAZs is not fixed"),
    ({"Fn::Select": [9, ["a"]]}, "an item is selected that is known only at deployment"),
    ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::Region"}, "small"]}, "Fn::FindInMap's key is known only at deployment"),
    ({"Fn::FindInMap": ["Sizes", "eu-west-1", "small"]}, "Fn::FindInMap finds nothing"),
    ("{{resolve:ssm:/a/b}}", "it is looked up at deployment"),
    ({"Fn::Cidr": [{"Ref": "Open"}, 4, 8]}, "Fn::Cidr's block is known only at deployment"),
    ({"Fn::Transform": {"Name": "x"}}, "a macro writes it at deployment"),
]
MALFORMED = [
    "Ref",
    "Fn::GetAtt",
    "Fn::Sub",
    "Fn::Join",
    "Fn::Select",
    "Fn::Split",
    "Fn::FindInMap",
    "Fn::If",
    "Fn::Cidr",
]


@pytest.mark.parametrize(("raw", "answer"), KNOWN, ids=lambda case: str(case)[:40])
def test_what_the_template_tells_is_followed(raw: Any, answer: Any) -> None:
    """Parameters count with their defaults, conditions and maps with what they say."""
    assert INTRINSICS.value(raw) == answer


@pytest.mark.parametrize(("raw", "reason"), OPEN, ids=lambda case: str(case)[:40])
def test_what_it_does_not_tell_has_a_reason(raw: Any, reason: str) -> None:
    """Nothing is guessed."""
    answer = INTRINSICS.value(raw)
    assert isinstance(answer, Unknown) if reason else isinstance(answer, Reference)
    assert not reason or answer.reason == reason


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("argument", [None, 3, [], {}, "", [[]], {"a": 1}, [None, None, None]])
def test_a_function_that_is_written_wrongly_is_unknown(name: str, argument: Any) -> None:
    """It answers nothing, and raises nothing."""
    assert isinstance(INTRINSICS.value({name: argument}), Unknown | str)


def test_conditions_are_three_valued() -> None:
    """What one side decides is decided, whatever the other side is."""
    names = ("Big", "Small", "Here", "Either", "Both", "Neither", "Round", "Nobody")
    assert [INTRINSICS.condition(name) for name in names] == [True, False, None, True, None, False, None, None]


def test_a_long_chain_of_conditions_ends() -> None:
    """However many stand on one another, nothing overflows."""
    chain = {f"C{number}": {"Condition": f"C{number + 1}"} for number in range(5000)}
    assert Intrinsics({"Conditions": chain, "Resources": {}}).condition("C0") is None


def test_a_text_keeps_what_is_known_of_it() -> None:
    """Of a text that is known in part, each part is there."""
    answer = INTRINSICS.value({"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", {"Ref": "Vpc"}, "/*"]]})
    assert isinstance(answer, Joined)
    assert answer.known == "arn:*:s3:::*/*"
    assert key_of(answer) == "arn:<AWS::Partition>:s3:::<Vpc.Ref>/*"


def test_the_same_unknown_is_the_same() -> None:
    """Two values that nobody knows are the same where they are written the same."""
    first, again, other = (INTRINSICS.value({"Fn::Select": [index, {"Fn::GetAZs": ""}]}) for index in (0, 0, 1))
    assert key_of(first) == key_of(again) != key_of(other)
