"""What of a workload's provisioning cannot be had together."""

from __future__ import annotations

from typing import Any

import pytest

from planner.provision_faults import provision_faults
from planner.workload import Workload

PLAN = "arn:aws:sagemaker:us-east-1:111122223333:training-plan/in-june"
ARN = "arn:aws:resource-groups:us-east-1:111122223333:group/p5"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BOUND = "arn:aws:iam::111122223333:policy/bound"
VPC = "vpc-0123456789abcdef0"
SUBNET = "subnet-0123456789abcdef0"
ROUTES = "rtb-0123456789abcdef0"
SECRET = "arn:aws:secretsmanager:us-east-1:111122223333:secret:chat-AbCdEf"
BALANCED = ["subnet-0123456789abcdef1", "subnet-0123456789abcdef2"]
CERTIFICATE = "arn:aws:acm:us-east-1:444455556666:certificate/12345678-1234-1234-1234-123456789012"
SERVING = {"certificate": CERTIFICATE, "weights": "s3://models/llama"}
PINNED = {"pin": {"instance_type": "p5.48xlarge"}}
HELD = {"zone": "use1-az6", "reservation": "cr-0123456789abcdef0"}
BLOCK = {"purchase": ["capacity-block"]}
TRAINING = {"method": "full", "tokens": "10M", "sequence_length": 1024, "global_batch": 8}
SERVED = {"requests_per_second": 1, "input_tokens": 10, "output_tokens": 10}
POD, EKS = "hyperpod-slurm", "eks-nodes"
FILES = "fs-0123456789abcdef0"
CLUSTER = {"eks_cluster": "research", "vpc": VPC, "subnet": SUBNET, "security_group": "sg-0123456789abcdef0"}


def asked(provision: dict[str, Any], **more: Any) -> Workload:
    """A workload with this provisioning."""
    job = {} if "inference" in more else {"training": TRAINING}
    whole = {"name": "one", "model": "llama-3.2-1b", **job, "provision": provision, **more}
    return Workload.model_validate(whole, strict=False)


def fleet_in(existing: dict[str, Any] | None = None, serving: dict[str, Any] | None = None, **more: Any) -> Any:
    """A fleet in a VPC that stands, with other words on it; None takes one away."""

    def merged(plain: dict[str, Any], other: dict[str, Any] | None) -> dict[str, Any]:
        return {key: value for key, value in {**plain, **(other or {})}.items() if value is not None}

    return merged(
        {
            "target": "serving-fleet",
            "zone": "use1-az6",
            "serving": merged({**SERVING, "clients": ["10.20.0.0/16"]}, serving),
            "existing": merged({"vpc": VPC, "subnet": SUBNET, "balancer_subnets": BALANCED}, existing),
        },
        more,
    )


@pytest.mark.parametrize(
    "workload",
    [
        asked({}),
        asked(HELD, **PINNED),
        asked({**HELD, "reservation": "open"}, **PINNED),
        asked({**HELD, "reservation": ARN}, **PINNED),
        asked({**HELD, "existing": {"placement_group": "a"}}, **PINNED),
        asked({**HELD, "reservation_end": "2026-12-01T11:30:00Z"}, limits=BLOCK, **PINNED),
        asked({"target": POD}),
        asked({"target": POD, "zone": "use1-az6", "training_plan": PLAN}, **PINNED),
        asked({"zone": "use1-az6", "existing": {"vpc": VPC, "subnet": SUBNET}}),
        asked({"target": EKS, "zone": "use1-az6", "existing": CLUSTER}),
        asked({"target": EKS, "zone": "use1-az6", "existing": CLUSTER}, inference=SERVED),
        asked({"target": EKS, **HELD, "existing": CLUSTER}, limits=BLOCK, **PINNED),
        asked({"cidr": "10.1.0.0/20", "existing": {"vpc": VPC, "route_table": ROUTES}}),
        asked({"cidr": "10.1.0.0/20"}),
        asked(fleet_in(), inference=SERVED),
        asked(
            fleet_in(cidr="10.1.0.0/24", zone=None, existing={"subnet": None, "route_table": ROUTES}), inference=SERVED
        ),
        asked({"account": "111122223333", "existing": {"permissions_boundary": BOUND}}),
        asked({"account": "444455556666", "existing": {"permissions_boundary": "arn:aws:iam::aws:policy/Base"}}),
    ],
)
def test_what_can_be_had_is_let_pass(workload: Workload) -> None:
    """A provisioning that EC2 and SageMaker can build has no findings."""
    assert [*provision_faults(workload)] == []


@pytest.mark.parametrize(
    ("provision", "more", "field", "words"),
    [
        ({"target": "single-instance"}, {"pin": {"nodes": 2}}, "target", "cannot have the nodes"),
        ({"budget": 10}, {}, "budget", "whom shall the budget warn"),
        ({}, {"limits": BLOCK}, "purchase", "bought before it is used"),
        ({**HELD, "reservation": "open"}, {"limits": BLOCK, **PINNED}, "purchase", "bought before it is used"),
        ({"reservation": "cr-0123456789abcdef0"}, PINNED, "reservation", "add provision.zone"),
        (HELD, {}, "reservation", "add pin.instance_type"),
        (HELD, {"limits": {"purchase": ["spot"]}, **PINNED}, "reservation", "drop one"),
        ({"reservation_end": "2026-12-01T11:30:00Z"}, {}, "reservation_end", "only a capacity block ends"),
        ({"existing": {"placement_group": "a"}}, {}, "placement_group", "made in one"),
        ({"target": POD}, {"inference": SERVED}, "target", "leave it out to serve"),
        ({"target": POD, **HELD}, PINNED, "reservation", "training plan"),
        ({"target": POD}, {"limits": {"purchase": ["spot"]}}, "purchase", "not spot"),
        ({"training_plan": PLAN, "zone": "use1-az6"}, PINNED, "training_plan", "only HyperPod"),
        ({"target": POD, "training_plan": PLAN}, {}, "training_plan", "provision.zone and pin.instance_type"),
        (
            {"target": POD, "training_plan": PLAN, "zone": "use2-az1"},
            {"limits": {"regions": ["us-east-2"]}, **PINNED},
            "training_plan",
            "limits.regions leaves out",
        ),
        ({"existing": {"subnet": SUBNET}}, {}, "subnet", "nothing is looked up"),
        (
            {"zone": "use1-az6", "cidr": "10.1.0.0/20", "existing": {"vpc": VPC, "subnet": SUBNET}},
            {},
            "subnet",
            "drop cidr",
        ),
        ({"existing": {"vpc": VPC}}, {}, "vpc", "existing.subnet"),
        ({"existing": {"route_table": ROUTES}}, {}, "route_table", "it stands in a VPC"),
        ({"existing": {"security_group": "sg-0123456789abcdef0"}}, {}, "security_group", "it stands in a VPC"),
        ({"existing": {"mount_name": "fsx"}}, {}, "mount_name", "come together"),
        (
            {"existing": {"file_system": "fs-0123456789abcdef0", "mount_name": "fsx"}},
            {},
            "file_system",
            "its own VPC",
        ),
        ({"existing": {"key": KEY}}, {}, "key", "limits.regions"),
        ({"zone": "use1-az6", "existing": CLUSTER}, {}, "eks_cluster", "set provision.target to it"),
        (
            {"target": EKS, "zone": "use1-az6", "existing": {**CLUSTER, "eks_cluster": None}},
            {},
            "target",
            "add existing.eks_cluster",
        ),
        (
            {"target": EKS, "existing": {"eks_cluster": "a"}},
            {},
            "target",
            "add existing.vpc and existing.security_group",
        ),
        (
            {"target": EKS, "zone": "use1-az6", "existing": {**CLUSTER, "security_group": None}},
            {},
            "target",
            "clusterSecurityGroupId",
        ),
        (
            {"target": EKS, "zone": "use1-az6", "existing": CLUSTER, "image": "ami-0123456789abcdef0"},
            {},
            "image",
            "EKS boots its own",
        ),
        ({"target": EKS, "zone": "use1-az6", "existing": CLUSTER, "mig": "1g.10gb"}, {}, "mig", "GPU operator"),
        (
            {"target": EKS, "zone": "use1-az6", "existing": {**CLUSTER, "file_system": FILES, "mount_name": "fsx"}},
            {},
            "file_system",
            "FSx CSI driver",
        ),
    ],
)
def test_what_excludes_itself_is_told(provision: dict[str, Any], more: dict[str, Any], field: str, words: str) -> None:
    """The finding stands at the field, and says what to change."""
    found = [*provision_faults(asked(provision, **more))]
    assert [path[-1] for path, _ in found] == [field]
    assert words in found[0][1]


@pytest.mark.parametrize(
    ("provision", "field", "words"),
    [
        (fleet_in({"balancer_subnets": BALANCED[:1]}), "balancer_subnets", "in two zones"),
        (fleet_in({"balancer_subnets": BALANCED[:1] * 2}), "balancer_subnets", "none of them twice"),
        (fleet_in({"balancer_subnets": None}), "balancer_subnets", "in two zones"),
        (fleet_in({"vpc": None, "subnet": None}), "balancer_subnets", "name that in existing.vpc"),
        (fleet_in(target="single-instance"), "balancer_subnets", "only a serving-fleet"),
        (fleet_in(serving={"clients": None}), "serving", "name the blocks that may reach"),
        (fleet_in(serving={"spare_zone": True}), "vpc", "ask for a spare node"),
    ],
)
def test_a_fleet_in_a_vpc_that_stands_is_told_all_of_it(provision: dict[str, Any], field: str, words: str) -> None:
    """Subnets of its load balancer and the blocks of its clients are named, since nothing is looked up."""
    (says,) = [says for path, says in provision_faults(asked(provision, inference=SERVED)) if path[-1] == field]
    assert words in says


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("reservation", "cr-123"),
        ("reservation", "closed"),
        ("reservation_end", "tomorrow"),
        ("reservation_end", "2026-12-01T11:30:00"),
        ("training_plan", "arn:aws:sagemaker:us-east-1:1:plan/x"),
        ("account", "12345"),
        ("cidr", "10.1.0.0"),
        ("cidr", "10.1.0.1/20"),
        ("cidr", "8.8.0.0/20"),
        ("existing", {"vpc": "vpc-1"}),
        ("existing", {"subnet": "subnet-x"}),
        ("existing", {"key": "alias/mine"}),
        ("existing", {"balancer_subnets": ["subnet-0123456789abcdef0", "subnet-x"]}),
        ("serving", {"api_key": "my-key"}),
        ("serving", {"api_key": "arn:aws:secretsmanager:us-east-1:111122223333:secret:my-key"}),
        ("serving", {"weights": "/fsx/../etc"}),
        ("serving", {"weights": "/mnt/llama"}),
        ("serving", {"image": "example.com/vllm@sha256:abc"}),
        ("existing", {"permissions_boundary": "boundary"}),
        ("existing", {"eks_cluster": "arn:aws:eks:us-east-1:111122223333:cluster/research"}),
        ("existing", {"eks_cluster": ""}),
    ],
)
def test_ids_of_the_wrong_form_are_refused(field: str, value: Any) -> None:
    """What AWS could not know is refused as it is read."""
    with pytest.raises(ValueError, match=field):
        asked({field: value})


@pytest.mark.parametrize(
    ("provision", "field"),
    [
        ({"account": "444455556666", "existing": {"permissions_boundary": BOUND}}, "permissions_boundary"),
        ({"serving": {"certificate": CERTIFICATE}, "existing": {"permissions_boundary": BOUND}}, "certificate"),
        ({"account": "111122223333", "serving": {"certificate": CERTIFICATE}}, "certificate"),
        ({"account": "444455556666", "training_plan": PLAN}, "training_plan"),
        ({"account": "444455556666", "serving": {"api_key": SECRET}}, "api_key"),
    ],
)
def test_what_stands_in_another_account_is_refused(provision: dict[str, Any], field: str) -> None:
    """A boundary, a certificate and a training plan are used in their own account alone."""
    (found,) = [each for each in provision_faults(asked(provision)) if "account" in each[1]]
    assert found[0][-1] == field
    assert "111122223333" in found[1]
    assert "444455556666" in found[1]
