"""Does every promise that Berth makes of a template have its rule?

The promises are those of a correct template and the traps that linters let pass; a rule that goes takes its promise
along, and this table tells.
"""

from __future__ import annotations

import pytest

from stacks.verify.rules import load_rules

PROMISES = {
    "a group that EFA passes names itself by id, both ways": ["efa-security-group-pair"],
    "one interface bears an address": ["ip-bearing-interfaces"],
    "a card and device are taken once": ["nic-place-unique"],
    "the primary interface is there, and is not EFA-only": ["nic-primary-exists", "efa-only-not-primary"],
    "all EFA devices are used, one a card": ["efa-count", "efa-one-per-card", "efa-unused"],
    "EFA stands on cards that have it": ["efa-card-supported", "efa-type-supported", "efa-shared-port"],
    "cards exist and have room": ["nic-card-exists", "nic-slots-per-card"],
    "kinds of interface are spelled right": ["interface-type-known"],
    "several interfaces have no public address": ["public-ip-with-several-nics", "public-subnet-with-several-nics"],
    "groups stand on interfaces alone": ["security-groups-in-two-places"],
    "subnets stand where the launch wants them": ["subnet-beside-interfaces", "interface-subnet-missing"],
    "a Capacity Block has its id and no placement group": [
        "capacity-block-reservation",
        "capacity-block-placement-group",
    ],
    "a Capacity Block scales in before it ends": ["capacity-block-scale-in", "capacity-block-auto-scaling"],
    "spot, reservation and placement do not exclude each other": [
        "spot-with-reservation",
        "reservation-placement-group",
        "reservation-preference",
        "spot-request-one-time",
    ],
    "a reservation of the template's own holds what is launched": ["reservation-matches"],
    "a managed node group of EKS is one that EKS makes": ["eks-launch-template", "eks-capacity-type", "eks-image-kind"],
    "market and fleet agree, and the type is sold so": ["fleet-market-agrees", "usage-class-supported"],
    "all nodes start or none": ["fleet-all-or-nothing", "fleet-size"],
    "one zone, which offers the type": ["efa-in-one-zone", "zone-offers-type", "region-offers-type"],
    "zones are told by id": ["zone-by-index", "zone-by-name"],
    "control planes and balancers have two zones": ["control-plane-zones"],
    "IMDSv2, and a hop for containers": ["imdsv2-required", "imds-hop-limit"],
    "volumes are encrypted, gp3 and end with their node": [
        "volume-encrypted",
        "volume-type",
        "volume-ends-with-node",
        "root-volume-size",
    ],
    "image and root device fit the type": ["image-architecture", "root-device-name", "image-parameter-form"],
    "images are pinned": ["image-pinned"],
    "user data is within EC2's limit, without secrets": ["user-data-size", "plain-secret"],
    "Lustre on its grid, with EFA where it may": [
        "fsx-capacity-grid",
        "fsx-throughput-grid",
        "fsx-efa",
        "fsx-efa-capacity",
        "fsx-version",
        "fsx-security-group",
        "fsx-auto-import",
    ],
    "what stays behind is told": ["retained-resources", "deletion-policy-stated"],
    "everything is tagged": ["tagged", "launched-tagged"],
    "quotas are reckoned": ["quota-needed", "eni-quota", "subnet-size", "subnet-headroom"],
    "addresses are valid and apart": ["subnet-block-valid", "subnets-overlap", "subnet-in-vpc"],
    "HyperPod's own rules": [
        "hyperpod-slurm-roles",
        "hyperpod-orchestrator",
        "hyperpod-limits",
        "hyperpod-network",
        "hyperpod-private-subnet",
        "hyperpod-role-trust",
        "hyperpod-training-plan",
        "hyperpod-lifecycle-scripts",
        "hyperpod-instance-type",
        "hyperpod-node-recovery",
    ],
    "replacement does not collide": ["hyperpod-fixed-name", "physical-names", "launch-template-version"],
    "nothing is open to the world": [
        "open-to-world",
        "node-public-address",
        "load-balancer-public",
        "eks-endpoint-public",
        "key-pair",
    ],
    "EFA families do not mix; PCS takes no EFA-only; Batch no multi-node spot": [
        "efa-types-mixed",
        "pcs-efa-only",
        "batch-multi-node-spot",
    ],
}


@pytest.mark.parametrize("rules", PROMISES.values(), ids=PROMISES.keys())
def test_each_promise_has_its_rules(rules: list[str]) -> None:
    """The rules that hold a promise are there."""
    assert set(rules) <= load_rules().keys()
