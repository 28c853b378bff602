"""Is it told what CloudFormation would make anew?"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from planner.plan import Build
from stacks.verify.replaced import TABLE, Fate, Kind, Replacement, create_only, replacements
from stacks.verify.template import Template
from tests.stacks.verify.cases import DATA, GONE, Change, changed
from tests.support.builds import FAMILIES, G5_SINGLE, P4D_CLUSTER
from tests.support.synthesis import document
from tests.support.templates import from_document

TOOL = Path(__file__).parents[3] / "tools" / "create_only.py"


def told(new: Change, old: Change | None = None) -> dict[str, Replacement]:
    """What becomes of each resource, by its name."""
    templates = (Template(from_document("x", changed(change))) for change in (old or {}, new))
    return {each.name: each for each in replacements(*templates)}


def test_the_table_is_what_the_registry_says() -> None:
    """The file is as the tool writes it from the registry's schemas and the reference."""
    spec = importlib.util.spec_from_file_location("create_only", TOOL)
    assert spec and spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert TABLE.read_text(encoding="utf-8") == tool.written()


@pytest.mark.parametrize("build", [P4D_CLUSTER, G5_SINGLE], ids=lambda build: build.name)
def test_every_type_of_a_stack_is_in_the_table(build: Build) -> None:
    """No resource of a stack goes unjudged; those of the second line cannot be replaced by a property."""
    types = {each["Type"] for each in document(build)["Resources"].values()}
    harmless = {"AWS::CloudFormation::WaitConditionHandle", "AWS::EC2::InternetGateway", "AWS::IAM::Policy"}
    assert types <= create_only().keys() | harmless


NODES: dict[str, Change] = {
    "another type": {f"{DATA}.InstanceType": "p4de.24xlarge"},
    "another image": {f"{DATA}.ImageId": "ami-00000000000000000"},
    "another count": {"Fleet.OnDemandOptions.MinTargetCapacity": 5},
    "another purchase": {"Fleet.TargetCapacitySpecification.DefaultTargetCapacityType": "spot"},
    "a tag of the placement group": {"Placement.Tags": [{"Key": "a", "Value": "b"}]},
    "another block": {"Compute.CidrBlock": "10.0.64.0/20"},
}


@pytest.mark.parametrize("change", NODES.values(), ids=NODES.keys())
def test_what_replaces_the_nodes(change: Change) -> None:
    """A fleet goes with its launch template's version, its options, its subnet and its placement group."""
    fleet = told(change)["Fleet"]
    assert (fleet.fate, fleet.kind) == (Fate.REPLACED, Kind.NODES)
    assert fleet.words.startswith("Fleet (AWS::EC2::EC2Fleet) is made anew, and the old one deleted: ")


AROUND: dict[str, Change] = {
    "nothing": {},
    "a tag": {"Nat.Tags": [{"Key": "owner", "Value": "me"}]},
    "a policy": {"Role.Policies": GONE},
    "a retention": {"Logs.RetentionInDays": 7},
    "a group rule": {
        "NodesWeb": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {"GroupId": {"Ref": "Nodes"}}}
    },
    "the same in other words": {"Placement.Strategy": {"Fn::Join": ["", ["clu", "ster"]]}},
    "a larger file system": {"Files.StorageCapacity": 38400},
    "one more group of nodes": {
        "HyperPod.InstanceGroups.+": {"InstanceGroupName": "more", "InstanceType": "ml.p5.48xlarge", "InstanceCount": 1}
    },
}


@pytest.mark.parametrize("change", AROUND.values(), ids=AROUND.keys())
def test_what_goes_on_around_the_nodes(change: Change) -> None:
    """What CloudFormation changes in place replaces nothing."""
    assert told(change) == {}


def test_a_file_system_goes_with_its_data() -> None:
    """Whether the data goes with it is said, and what is retained is billed on."""
    change: Change = {"Files.LustreConfiguration.DeploymentType": "SCRATCH_2"}
    gone = told(change)["Files"]
    assert gone.kind is Kind.FILES and "with the data in it" in gone.words
    kept = told({**change, "Files.^.UpdateReplacePolicy": "Retain"})["Files"]
    assert kept.kept and "the old one is kept, and billed" in kept.words


def test_a_fixed_name_is_in_the_way() -> None:
    """A cluster that is made anew under a name of its own collides with itself."""
    named: Change = {"HyperPod.ClusterName": "research"}
    moved = told({**named, "HyperPod.InstanceGroups.1.InstanceType": "ml.p5.48xlarge"}, named)["HyperPod"]
    assert (moved.kind, moved.collides) == (Kind.CLUSTER, "research")
    assert "InstanceGroups/*/InstanceType" in moved.words and "the update fails" in moved.words
    renamed = told({"HyperPod.ClusterName": "other"}, named)["HyperPod"]
    assert renamed.collides is None


def test_what_is_taken_away_is_told() -> None:
    """Nodes, files and clusters that the new template lacks are deleted; a rule that it lacks is no loss."""
    gone = told({"Fleet": GONE, "Reported.^.DependsOn": GONE, "NodesOut": GONE})
    assert {name: each.fate for name, each in gone.items()} == {"Fleet": Fate.REMOVED}


def test_what_cloudformation_refuses_is_told_first() -> None:
    """A wait condition can be changed in nothing, and no resource in its type."""
    assert told({"Reported.Count": 5})["Reported"].fate is Fate.REFUSED
    assert told({"Fleet.^.Type": "AWS::EC2::SpotFleet"})["Fleet"].fate is Fate.REFUSED


def test_what_depends_is_told_as_such() -> None:
    """A property that replaces only sometimes is not said to replace."""
    assert told({"Service.VPCZoneIdentifier": [{"Ref": "Second"}]})["Service"].fate is Fate.PERHAPS


def test_the_dearest_comes_first() -> None:
    """Nodes, then files, then clusters, then the rest."""
    kinds = [each.kind for each in told({"Compute.CidrBlock": "10.0.64.0/20"}).values()]
    assert kinds == sorted(kinds, key=list(Kind).index)
    assert kinds[0] is Kind.NODES and kinds[-1] is Kind.OTHER


def test_another_type_replaces_a_synthesized_cluster() -> None:
    """Of Berth's own stacks, a plan for another type replaces the fleet and waits anew."""
    before, after = (Template(from_document("x", document(family.build))) for family in FAMILIES[:2])
    found = {each.type: each.fate for each in replacements(before, after)}
    assert found["AWS::EC2::EC2Fleet"] is Fate.REPLACED
