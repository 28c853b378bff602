"""Does the verifier answer whatever it is given, and find what is broken in Berth's own templates?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.lock import read_lock
from planner.plan import Build
from pricing.catalog import load_instance_types
from pricing.records import replace
from stacks.errors import TemplateError
from stacks.verify.check import check, failing
from stacks.verify.reading import read_text
from stacks.verify.replaced import replacements
from stacks.verify.report import lines
from stacks.verify.rule import Severity
from stacks.verify.rules import load_rules
from stacks.verify.sarif import sarif
from stacks.verify.template import Template
from tests.stacks.verify.cases import changed, right
from tests.support.builds import FAMILIES, Family
from tests.support.synthesis import document
from tests.support.templates import from_document

LOCKS = sorted((Path(__file__).parents[3] / "workloads").glob("*.plan.json"))

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
functions = st.sampled_from(
    ["Ref", "Fn::GetAtt", "Fn::If", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::Base64", "Fn::Cidr"]
)
names = st.sampled_from(
    ["Template", "Compute", "Nodes", "Fleet", "Files", "Image", "AWS::NoValue", "AWS::Region", "Big"]
)
values = st.recursive(
    scalars | names,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | names, inner, max_size=3)
        | st.dictionaries(functions, inner, min_size=1, max_size=1)
    ),
    max_leaves=8,
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of everything inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*path, key)
        yield from places(each, (*path, key))


RIGHT_PLACES = list(places(right()["Resources"]))


def put(document: dict[str, Any], path: tuple[str | int, ...], value: Any) -> None:
    here: Any = document["Resources"]
    for key in path[:-1]:
        here = here[key]
    here[path[-1]] = value


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text(max_size=6), values, max_size=4), values)
def test_anything_in_json_is_answered(resources: dict[str, Any], other: Any) -> None:
    """No JSON that has Resources makes the verifier raise."""
    bodies = {name: {"Type": "AWS::EC2::LaunchTemplate", "Properties": body} for name, body in resources.items()}
    source = from_document("x", {"Resources": {**resources, **bodies, "Other": other}, "Conditions": other})
    for each in check(source):
        assert each.message and each.place


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(RIGHT_PLACES), values)
def test_any_value_in_any_place_is_answered(path: tuple[str | int, ...], value: Any) -> None:
    """Whatever stands in the place of a property, the findings are some, and are told in SARIF and as replacements."""
    broken = right()
    put(broken, path, value)
    source = from_document("x", broken)
    found = check(source)
    json.dumps(sarif(found, load_rules(), "0"))
    assert all(each.place and line for each, line in zip(found, lines(found), strict=False))
    old = Template(from_document("y", right()))
    assert all(each.words for each in replacements(old, Template(source)))
    assert all(each.words for each in replacements(Template(source), old))


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"Resources:\n  {text}".encode(errors="ignore"))
)
def test_any_bytes_are_answered(content: bytes) -> None:
    """A file is a template, or is said to be none, in sentences."""
    try:
        source = read_text("x", content)
    except TemplateError as error:
        assert all(finding.startswith("x: ") for finding in error.findings)
    else:
        check(source)


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_every_example_verifies(path: Path) -> None:
    """The stacks of the examples break no rule; that images are not pinned yet, or by tag, are the only warnings."""
    found = check(from_document(path.name, document(read_lock(path).build)))
    assert {each.rule.id for each in found if each.rule.severity is not Severity.INFO} <= {
        "image-pinned",
        "container-image-digest",
    }
    assert not any(each.open for each in found)


# What the builds of the tests ask for on purpose that no plan would.
HAND_MADE = {
    "p6e-gb200.36xlarge": {"image-architecture"},
    "trn2.48xlarge": {"region-offers-type"},
}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.instance_type)
def test_every_family_verifies(family: Family) -> None:
    """A cluster of each EFA layout keeps every rule of interfaces, groups and placement."""
    found = check(from_document("x", document(family.build)))
    broken = {each.rule.id for each in found if each.rule.severity is not Severity.INFO} - {"image-pinned"}
    assert broken == HAND_MADE.get(family.instance_type, set())


TRAIN70B = next(path for path in LOCKS if path.name.startswith("train70b"))
DATA = ("Template", "Properties", "LaunchTemplateData")
DAMAGE: dict[str, tuple[tuple[str | int, ...], Any]] = {
    "efa-only-not-primary": ((*DATA, "NetworkInterfaces", 0, "InterfaceType"), "efa-only"),
    "imdsv2-required": ((*DATA, "MetadataOptions", "HttpTokens"), "optional"),
    "volume-encrypted": ((*DATA, "BlockDeviceMappings", 0, "Ebs", "Encrypted"), False),
    "public-ip-with-several-nics": ((*DATA, "NetworkInterfaces", 0, "AssociatePublicIpAddress"), True),
}


@pytest.mark.parametrize(("rule", "damage"), DAMAGE.items(), ids=DAMAGE.keys())
def test_damage_to_an_example_is_found(rule: str, damage: tuple[tuple[str | int, ...], Any]) -> None:
    """What is broken in a synthesized template is found there too."""
    broken = deepcopy(document(read_lock(TRAIN70B).build))
    put(broken, *damage)
    assert rule in {each.rule.id for each in check(from_document("x", broken)) if each.failing}


@pytest.mark.parametrize("kind", ["AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"])
def test_a_cluster_without_one_half_of_its_pair_is_found(kind: str) -> None:
    """EFA's group rules are looked for both ways in a synthesized template."""
    broken = deepcopy(document(read_lock(TRAIN70B).build))
    broken["Resources"] = {name: each for name, each in broken["Resources"].items() if each["Type"] != kind}
    errors = {each.rule.id for each in check(from_document("x", broken)) if each.failing}
    assert "efa-security-group-pair" in errors


def p5_build() -> Build:
    """The 70B example's cluster, of p5.48xlarge whatever it is planned on."""
    kind = load_instance_types()["p5.48xlarge"]
    return replace(
        read_lock(TRAIN70B).build,
        instance_type=kind.name,
        efa_cards=kind.efa_cards,
        nic_slots=kind.nic_slots,
        nvme_bytes=kind.nvme_bytes,
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(min_value=0, max_value=32), st.integers(min_value=0, max_value=40), st.integers(0, 4))
def test_an_interface_moved_anywhere_is_judged(index: int, card: int, device: int) -> None:
    """Of the 33 interfaces of a p5 node, any that is moved to a place that is taken or does not exist is an error."""
    broken = deepcopy(document(p5_build()))
    nics = broken["Resources"]["Template"]["Properties"]["LaunchTemplateData"]["NetworkInterfaces"]
    others = {(nic["NetworkCardIndex"], nic["DeviceIndex"]) for nic in nics[:index] + nics[index + 1 :]}
    cards = {nic["NetworkCardIndex"] for nic in nics[:index] + nics[index + 1 :] if nic["InterfaceType"] == "efa-only"}
    nics[index] |= {"NetworkCardIndex": card, "DeviceIndex": device}
    place, efa = (card, device), nics[index]["InterfaceType"] == "efa-only"
    wrong = place in others or card > 31 or device > 1 or (efa and card in cards) or (0, 0) not in others | {place}
    assert failing(check(from_document("x", broken))) is (wrong or (efa and place == (0, 0)))


def test_a_change_of_nothing_replaces_nothing() -> None:
    """The same template in the place of itself leaves everything as it is."""
    assert replacements(Template(from_document("x", right())), Template(from_document("x", changed({})))) == ()
