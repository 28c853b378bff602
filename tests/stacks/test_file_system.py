"""The shared file system."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from planner.addresses import beside_nodes
from planner.built import FileSystem
from planner.plan import Build, Lifecycle
from pricing.records import replace
from stacks.verify.check import check
from stacks.verify.rules import load_rules
from tests.support.builds import G5_SINGLE, P4D_CLUSTER
from tests.support.synthesis import ancestors, document, launch_data, only, properties
from tests.support.templates import from_document

PLAIN = FileSystem(capacity_gib=4800, mb_per_s_per_tib=250, data="s3://my-data/tokens", efa=False)
FAST = replace(PLAIN, capacity_gib=9600, mb_per_s_per_tib=1000, efa=True)
SHARED = replace(G5_SINGLE, file_system=PLAIN)
CLUSTER = replace(P4D_CLUSTER, file_system=FAST)
KEPT = replace(CLUSTER, lifecycle=Lifecycle.PERSISTENT)
EVERY_BUILD = pytest.mark.parametrize("build", [SHARED, CLUSTER, KEPT], ids=["single", "cluster", "kept"])


@EVERY_BUILD
def test_the_verifier_finds_no_fault(build: Build) -> None:
    """Size, throughput, version, groups and zone keep every rule of severity error."""
    found = check(from_document("template", document(build)), load_rules())
    assert [each.rule.id for each in found if each.failing] == []


@EVERY_BUILD
def test_it_is_of_the_second_generation_in_the_nodes_subnet(build: Build) -> None:
    """PERSISTENT_2 with Lustre 2.15, compressed, of the planned size and throughput, beside the nodes."""
    assert build.file_system is not None
    system = only(build, "AWS::FSx::FileSystem")
    lustre = system["LustreConfiguration"]
    assert (system["FileSystemType"], system["FileSystemTypeVersion"]) == ("LUSTRE", "2.15")
    assert (system["StorageCapacity"], lustre["PerUnitStorageThroughput"]) == (
        build.file_system.capacity_gib,
        build.file_system.mb_per_s_per_tib,
    )
    assert (lustre["DeploymentType"], lustre["DataCompressionType"]) == ("PERSISTENT_2", "LZ4")
    assert lustre.get("EfaEnabled", False) is build.file_system.efa
    (subnet,) = system["SubnetIds"]
    assert subnet["Ref"].startswith("NetworkCompute")


@pytest.mark.parametrize(("data", "links"), [("s3://my-data/tokens", 1), (None, 0)])
def test_a_bucket_is_linked_where_one_is_named(data: str | None, links: int) -> None:
    """An association brings changes both ways; import and export paths are refused by FSx on this generation."""
    found = properties(replace(SHARED, file_system=replace(PLAIN, data=data)), "AWS::FSx::DataRepositoryAssociation")
    assert len(found) == links
    for association in found:
        assert (association["FileSystemPath"], association["DataRepositoryPath"]) == ("/data", "s3://my-data/tokens")
        assert association["S3"]["AutoImportPolicy"] == association["S3"]["AutoExportPolicy"]


def test_nodes_and_servers_come_in_by_lustres_ports() -> None:
    """Without EFA its group takes 988 and 1018 to 1023, from the nodes' group and its own, by id."""
    rules = [each for each in properties(SHARED, "AWS::EC2::SecurityGroupIngress") if each["Description"] == "Lustre"]
    assert {(rule["FromPort"], rule["ToPort"]) for rule in rules} == {(988, 988), (1018, 1023)}
    assert len({str(rule["SourceSecurityGroupId"]) for rule in rules}) == 2


def test_with_efa_both_groups_name_each_other_both_ways() -> None:
    """EFA passes rules on groups alone: in and out, in the nodes' group and in the file system's."""
    ways = set()
    for kind, peer in (("Ingress", "SourceSecurityGroupId"), ("Egress", "DestinationSecurityGroupId")):
        for rule in properties(CLUSTER, f"AWS::EC2::SecurityGroup{kind}"):
            assert rule["IpProtocol"] == "-1"
            ways.add((kind, rule["GroupId"]["Fn::GetAtt"][0], rule[peer]["Fn::GetAtt"][0]))
    groups = {name for _, name, _ in ways}
    assert len(groups) == 2
    assert ways == {(kind, one, other) for kind in ("Ingress", "Egress") for one in groups for other in groups}


def test_an_ephemeral_one_goes_with_its_stack() -> None:
    """The CDK would keep it unless told."""
    for resource in document(CLUSTER)["Resources"].values():
        if resource["Type"] == "AWS::FSx::FileSystem":
            assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Delete"


def test_a_persistent_one_keeps_what_it_stands_in() -> None:
    """A network cannot be deleted under a file system that stays, and one without its group's rules would not run."""
    resources = document(KEPT)["Resources"].items()
    kept = {name for name, resource in resources if resource.get("DeletionPolicy") == "Retain"}
    kinds = sorted(resource["Type"].rpartition("::")[2] for name, resource in resources if name in kept)
    assert kinds == [
        "Bucket",
        "FileSystem",
        "SecurityGroup",
        "SecurityGroupEgress",
        "SecurityGroupIngress",
        "Subnet",
        "VPC",
    ]
    # Nothing that stays names what goes.
    for name in kept:
        gone = {each for each in ancestors(KEPT, name) if each not in kept}
        assert gone == set(), name


@EVERY_BUILD
def test_nodes_mount_it_and_go_before_it(build: Build) -> None:
    """The user data names it, and it is made before the first node and deleted after the last."""
    (name,) = (key for key, each in document(build)["Resources"].items() if each["Type"] == "AWS::FSx::FileSystem")
    assert f"'{name}', 'LustreMountName'" in str(launch_data(build)["UserData"])
    assert name in ancestors(build, "Node" if build.nodes == 1 else "Fleet")


@pytest.mark.parametrize(("capacity", "count"), [(1200, 3), (4800, 6), (38_400, 34)])
def test_its_servers_have_addresses_in_the_subnet(capacity: int, count: int) -> None:
    """A server for each 1,200 GiB and two for metadata; none without a file system."""
    assert beside_nodes(replace(SHARED, file_system=replace(PLAIN, capacity_gib=capacity))) == count
    assert beside_nodes(G5_SINGLE) == 0


def test_the_subnet_has_room_for_it() -> None:
    """The nodes' subnet grows with the file system's servers."""
    large = replace(CLUSTER, file_system=replace(FAST, capacity_gib=480_000))
    blocks = [
        IPv4Network(each["CidrBlock"]).num_addresses
        for build in (CLUSTER, large)
        for each in properties(build, "AWS::EC2::Subnet")
        if each["CidrBlock"].startswith("10.0.128.")
    ]
    assert blocks == [256, 1024]
