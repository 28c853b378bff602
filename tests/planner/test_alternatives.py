"""Is what another way to build would add counted by its own units, and only where there is such a way?"""

from __future__ import annotations

import pytest

from planner.alternatives import other_uses
from planner.surroundings import Use
from planner.workload import Workload
from pricing.price import Component
from tests.planner.market_builders import inference, workload

TRAIN = workload()
SERVE = workload(inference=inference(requests_per_second=50, input_tokens=1000, output_tokens=100))
SMALL, MEDIUM, LARGE = (
    Component.PCS_SMALL_CONTROLLER_HOUR,
    Component.PCS_MEDIUM_CONTROLLER_HOUR,
    Component.PCS_LARGE_CONTROLLER_HOUR,
)
ANYWHERE = {"interface endpoints"}


def by_name(asked: Workload, nodes: int) -> dict[str, Use]:
    """What would be used on top."""
    found = other_uses(asked, nodes)
    assert len({each.name for each in found}) == len(found)
    return {each.name: each for each in found}


@pytest.mark.parametrize(
    ("nodes", "size"),
    [
        (2, SMALL),
        (32, SMALL),
        (33, MEDIUM),
        (512, MEDIUM),
        (513, LARGE),
        (2048, LARGE),
        # No controller of PCS holds so many.
        (2049, None),
        (4096, None),
    ],
)
def test_a_cluster_could_have_the_control_plane_of_its_size(nodes: int, size: Component | None) -> None:
    """A cluster could stand on Kubernetes, or on Slurm with the smallest controller that holds it, and share files."""
    found = by_name(TRAIN, nodes)
    assert found["EKS"].fixed == 1
    assert [each.component for name, each in found.items() if name == "AWS PCS"] == ([size] if size else [])
    assert (found["FSx for Lustre"].fixed, found["FSx for Lustre"].per_node) == (1200, 0)


def test_one_node_needs_no_control_plane() -> None:
    """A single instance that trains has neither a cluster's controller nor its file system."""
    assert set(by_name(TRAIN, 1)) == ANYWHERE


@pytest.mark.parametrize("nodes", [1, 2, 4096])
def test_a_service_could_have_a_load_balancer(nodes: int) -> None:
    """Before a service a load balancer could stand, and it could run on Kubernetes, on however many nodes."""
    found = by_name(SERVE, nodes)
    assert set(found) == {"load balancer", "balancer capacity", "transfer out", "EKS"} | ANYWHERE
    assert found["load balancer"].fixed == found["EKS"].fixed == 1


def test_what_a_balancer_carries_by_hand() -> None:
    """50 requests/s: 3.6 GB of answers and 0.9 GB of prompts an hour are 4.5 units, more than two of connections."""
    found = by_name(SERVE, 2)
    assert found["balancer capacity"].fixed == pytest.approx(4.5)
    assert found["transfer out"].fixed == pytest.approx(3.6e9 / 2**30)
    short = workload(inference=inference(requests_per_second=50, input_tokens=1, output_tokens=1))
    assert by_name(short, 2)["balancer capacity"].fixed == pytest.approx(2)


def test_requests_in_flight_say_nothing_of_traffic() -> None:
    """Where no rate is asked for, capacity and transfer are named and not counted."""
    found = by_name(workload(inference=inference(requests_per_second=None, concurrency=8)), 2)
    assert set(found) == {"load balancer", "EKS"} | ANYWHERE
    assert "by traffic" in found["load balancer"].basis


def test_what_is_built_is_no_alternative() -> None:
    """A file system or a load balancer that the workload asks for is in the sum, and not on top of it."""
    shared = workload(provision={"storage": {"file_system": {"capacity": "1200GiB"}}})
    assert "FSx for Lustre" not in by_name(shared, 2)
    fleet = workload(inference=inference(requests_per_second=50), provision={"target": "serving-fleet"})
    assert set(by_name(fleet, 2)) == {"transfer out", "EKS"} | ANYWHERE
