"""Are an account's quotas found by name, and unknown ones left unknown?"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from pricing.aws.quota_names import vcpu_names
from pricing.aws.quotas import account_quotas, cluster_quotas, read_clusters, read_vcpus
from pricing.catalog import load_instance_types
from pricing.errors import MarketError
from pricing.price import Quota, QuotaKind
from tests.support.recorded import Replay, recorded

CALL = "ListServiceQuotas"
REGION = "us-east-1"


def stated(rows: tuple[Quota, ...]) -> dict[tuple[str, str], int]:
    """The value by kind and subject."""
    return {(each.kind, each.subject): int(each.value) for each in rows}


def quota(name: str, code: str, value: float) -> dict[str, Any]:
    return {"QuotaName": name, "QuotaCode": code, "Value": value}


def ready(aws: Replay, *names: str) -> None:
    aws.answers(CALL, *(recorded(CALL, name) for name in names))


def test_quotas_of_all_pages_by_type(aws: Replay) -> None:
    """Each type has its family's quota on demand and on spot, and the region that of its interfaces."""
    ready(aws, "ec2-page1.json", "ec2-page2.json", "vpc.json")
    listing = account_quotas(REGION, {"p5.48xlarge", "g5.xlarge", "p4d.24xlarge"})
    assert stated(listing.rows) == {
        ("on-demand-vcpus", "g5.xlarge"): 64,
        ("spot-vcpus", "g5.xlarge"): 0,
        ("on-demand-vcpus", "p4d.24xlarge"): 384,
        ("spot-vcpus", "p4d.24xlarge"): 100,
        ("on-demand-vcpus", "p5.48xlarge"): 384,
        ("spot-vcpus", "p5.48xlarge"): 192,
        ("network-interfaces", ""): 5000,
    }
    assert listing.findings == ()


def test_a_quota_that_is_not_listed_has_no_row(aws: Replay) -> None:
    """Spot on Inferentia and the spot quota of P6 are not listed: unknown, and not zero."""
    ready(aws, "ec2-page1.json", "ec2-page2.json", "vpc.json")
    rows = account_quotas(REGION, {"inf2.xlarge", "p6-b200.48xlarge"}).rows
    assert {(each.kind, each.subject, each.value) for each in rows if each.subject} == {
        (QuotaKind.ON_DEMAND_VCPUS, "inf2.xlarge", Decimal(0)),
        (QuotaKind.ON_DEMAND_VCPUS, "p6-b200.48xlarge", Decimal(384)),
    }


def test_hyperpod_counts_instances_on_demand(aws: Replay) -> None:
    """Neither the quota of training jobs nor that of spot instances is taken for the cluster's."""
    ready(aws, "sagemaker.json")
    listing = cluster_quotas(REGION, {"p5.48xlarge", "p5en.48xlarge", "p4d.24xlarge"})
    assert [each["ServiceCode"] for each in aws.requests(CALL)] == ["sagemaker"]
    assert stated(listing.rows) == {
        ("cluster-instances", "ml.p5.48xlarge"): 2,
        ("cluster-instances", "ml.p5en.48xlarge"): 0,
    }


def test_sagemaker_is_not_asked_for_ec2s_quotas(aws: Replay) -> None:
    """Its quotas take dozens of pages."""
    ready(aws, "ec2-page2.json", "vpc.json")
    account_quotas(REGION, {"p5.48xlarge"})
    assert [each["ServiceCode"] for each in aws.requests(CALL)] == ["ec2", "vpc"]


def test_one_refusal_leaves_the_other_services(aws: Replay) -> None:
    """Where EC2's quotas are refused, the VPC's still hold, and the refusal is said."""
    aws.refuses(CALL, "NoSuchResourceException", "no such service")
    ready(aws, "vpc.json")
    listing = account_quotas(REGION, {"p5.48xlarge"})
    assert stated(listing.rows) == {("network-interfaces", ""): 5000}
    (finding,) = listing.findings
    assert "no such service" in finding


def test_a_missing_permission_is_said_once(aws: Replay) -> None:
    """Where every service refuses, there is an error with the permission to allow."""
    for _ in range(2):
        aws.refuses(CALL, "AccessDeniedException")
    with pytest.raises(MarketError, match="allow servicequotas:ListServiceQuotas") as caught:
        account_quotas(REGION, {"p5.48xlarge"})
    assert len(caught.value.findings) == 1


@pytest.mark.parametrize(
    "other",
    [quota("Running On-Demand P instances", "L-OTHER", 768), quota("Running On-Demand P instances", "L-417A185B", 0)],
)
def test_a_quota_listed_twice_is_unknown(other: dict[str, Any]) -> None:
    """Two codes or values under one name leave it unknown, and both are named."""
    listing = read_vcpus([quota("Running On-Demand P instances", "L-417A185B", 384), other], REGION, {"p5.48xlarge"})
    assert listing.rows == ()
    (finding,) = listing.findings
    assert "384 (L-417A185B)" in finding and "counts as unknown" in finding


def test_the_same_quota_twice_is_one() -> None:
    """A repeated line is no contradiction."""
    one = quota("All G and VT Spot Instance Requests", "L-3819A6DF", 8)
    (row,) = read_vcpus([one, one], REGION, {"g5.xlarge"}).rows
    assert row.value == 8


def test_a_renamed_quota_is_still_found() -> None:
    """The spot quota of P, before P5 had its own, bounds P4, P5 and P6; spelling does not count."""
    listing = read_vcpus([quota("all P  Spot instance requests", "L-7212CCBC", 96)], REGION, set(load_instance_types()))
    families = {each.subject.split(".")[0] for each in listing.rows}
    assert families == {each.split(".")[0] for each in load_instance_types() if each.startswith("p")}


def test_a_quota_without_a_value_is_unknown() -> None:
    """Service Quotas can list a quota whose value it could not find out."""
    failed = {"QuotaName": "ml.p5.48xlarge for cluster usage", "QuotaCode": "L-8762A75F", "ErrorReason": {}}
    assert read_clusters([failed], REGION, {"p5.48xlarge"}).rows == ()


@pytest.mark.parametrize("kind", [QuotaKind.ON_DEMAND_VCPUS, QuotaKind.SPOT_VCPUS])
def test_every_bundled_type_has_a_quota_s_name(kind: QuotaKind) -> None:
    """No family is forgotten, and none is taken for another's (`g` for `gr`, `p5` for `p`)."""
    assert all(vcpu_names(kind, each) for each in load_instance_types())
    assert vcpu_names(kind, "m5.large") == () == vcpu_names(kind, "gx.large")


def test_the_answers_state_every_quota_once() -> None:
    """The recorded pages hold no contradiction by themselves."""
    names = [
        each["QuotaName"]
        for page in ("ec2-page1.json", "ec2-page2.json")
        for each in json.loads(recorded(CALL, page))["Quotas"]
    ]
    assert len(names) == len(set(names))
