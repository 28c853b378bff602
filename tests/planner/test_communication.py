"""Do collectives take the time that their messages need, hop by hop?"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.calibration import load_calibration
from planner.communication import node_fabric
from pricing.catalog import load_instance_types
from pricing.instance_type import Link, LinkKind
from tests.planner.builders import IDEAL, changed, examples, fabric, machine


def ring_all_reduce_s(values: list[list[float]], bytes_per_s: float, latency_s: float) -> float:
    """Seconds of a ring all-reduce, played step by step; asserts that every rank ends with the sums.

    `values[rank][chunk]` are chunks of one byte each.
    """
    ranks = len(values)
    sums = [sum(rank[chunk] for rank in values) for chunk in range(ranks)]
    state = [list(rank) for rank in values]
    seconds = 0.0
    for step in range(ranks - 1):
        moves = [(rank, (rank - step) % ranks) for rank in range(ranks)]
        sent = {(rank + 1) % ranks: (chunk, state[rank][chunk]) for rank, chunk in moves}
        for rank, (chunk, value) in sent.items():
            state[rank][chunk] += value
        seconds += 1 / bytes_per_s + latency_s
    for step in range(ranks - 1):
        moves = [(rank, (rank + 1 - step) % ranks) for rank in range(ranks)]
        sent = {(rank + 1) % ranks: (chunk, state[rank][chunk]) for rank, chunk in moves}
        for rank, (chunk, value) in sent.items():
            state[rank][chunk] = value
        seconds += 1 / bytes_per_s + latency_s
    assert all(rank == pytest.approx(sums) for rank in state)
    return seconds


@pytest.mark.parametrize("ranks", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("latency_s", [0.0, 0.25])
def test_all_reduce_is_a_ring(ranks: int, latency_s: float) -> None:
    """An all-reduce of one byte per rank lasts as long as its ring, played step by step."""
    net = fabric(link_latency_s=latency_s)
    played = ring_all_reduce_s(
        [[float(rank * 7 + chunk) for chunk in range(ranks)] for rank in range(ranks)], 100.0, latency_s
    )
    assert float(net.reduce_s(ranks, ranks, 1)) == pytest.approx(played)


@pytest.mark.parametrize("ranks", [1, 2, 8])
def test_an_all_reduce_is_a_scatter_and_a_gather(ranks: int) -> None:
    """Reduce-scatter and all-gather move (n - 1) / n of the message each, an all-reduce as much as both."""
    net = fabric()
    assert float(net.gather_s(400.0, ranks, 1)) == pytest.approx((ranks - 1) / ranks * 4.0)
    assert float(net.reduce_s(400.0, ranks, 1)) == 2 * float(net.gather_s(400.0, ranks, 1))


@pytest.mark.parametrize(
    ("ranks", "stride", "bytes_per_s"),
    [
        # Within the node the link carries it, next to each other or apart.
        (8, 1, 100.0),
        (2, 4, 100.0),
        # One member on each node: one device's share of 16 bytes/s.
        (2, 8, 2.0),
        (4, 16, 2.0),
        # Two or four members on each node.
        (4, 4, 4.0),
        (8, 2, 8.0),
        # All devices of two nodes: the whole network rate.
        (16, 1, 16.0),
        (64, 1, 16.0),
    ],
)
def test_a_group_has_the_part_of_the_network_that_its_members_have(ranks: int, stride: int, bytes_per_s: float) -> None:
    """Groups that share a node share its network cards by their members there."""
    assert float(fabric().rate(ranks, stride)) == bytes_per_s


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_groups_of_a_node_use_its_network_up(stride: int) -> None:
    """As many groups as stand side by side on a node together reach its network rate, never more."""
    assert stride * float(fabric().rate(32, stride)) == pytest.approx(16.0)


def exchanged_bytes(ranks: int, stride: int, devices_per_node: int) -> tuple[float, float]:
    """Bytes that a rank sends over its link, and that all ranks of a node's devices send out of it, in an all-to-all
    of one byte per rank; as many groups stand side by side as there are places between members.
    """
    node = [place * stride // devices_per_node for place in range(ranks)]
    near = sum(node[other] == node[0] for other in range(1, ranks)) / ranks
    pairs = sum(node[one] == 0 != node[other] for one in range(ranks) for other in range(ranks))
    return near, pairs * min(stride, devices_per_node) / ranks


@pytest.mark.parametrize("ranks", [1, 2, 4, 8, 16, 32])
@pytest.mark.parametrize("stride", [1, 2, 8])
@pytest.mark.parametrize(("link", "node"), [(100.0, 16.0), (0.1, 16.0)])
def test_an_all_to_all_sends_every_pair_its_part(ranks: int, stride: int, link: float, node: float) -> None:
    """An all-to-all lasts until the slower of a rank's link and its node's cards has sent all pairs' parts."""
    net = fabric(link_bytes_per_s=link, node_bytes_per_s=node)
    near, out = exchanged_bytes(ranks, stride, 8)
    assert float(net.exchange_s(1.0, ranks, stride)) == pytest.approx(max(near / link, out / node))


@pytest.mark.parametrize(
    ("unknown", "ranks", "stride", "known"),
    [
        ("link_bytes_per_s", 2, 8, True),
        ("link_bytes_per_s", 16, 1, False),
        ("node_bytes_per_s", 8, 1, True),
        ("node_bytes_per_s", 16, 1, False),
        ("node_bytes_per_s", 1, 8, True),
    ],
)
def test_an_all_to_all_needs_the_rates_of_its_hops(unknown: str, ranks: int, stride: int, known: bool) -> None:
    """An all-to-all is NaN where some pair's path has no rate, and known where no pair takes that path."""
    net = fabric(**{unknown: np.nan})
    assert bool(np.isfinite(net.exchange_s(100.0, ranks, stride))) is known


def test_a_ring_is_as_slow_as_its_slowest_hop() -> None:
    """A fast network does not speed up a ring that also has hops over a slow link."""
    slow_link = fabric(link_bytes_per_s=5.0)
    assert float(slow_link.rate(16, 1)) == 5.0
    # One member on each node has no hop over the link.
    assert float(slow_link.rate(2, 8)) == 2.0


@pytest.mark.parametrize(
    ("ranks", "stride", "seconds"),
    [
        # Four stages of two devices stand on one node; eight of them take two, with a hop between.
        (4, 2, 0.01),
        (8, 2, 1 / 8),
        # Stages of whole nodes: every device sends over its own share.
        (2, 8, 1 / 2),
        (2, 32, 1 / 2),
    ],
)
def test_a_chain_waits_for_its_slowest_hop(ranks: int, stride: int, seconds: float) -> None:
    """Stages hand on over the link while all stand on one node, else over what a device has of the network."""
    assert float(fabric().send_s(1.0, ranks, stride)) == pytest.approx(seconds)


def test_latency_is_paid_per_hop() -> None:
    """Every hop of a ring costs its latency: of the link, and where it leaves a node of the network."""
    net = fabric(link_latency_s=0.5, network_latency_s=3.0)
    assert float(net.gather_s(0.0, 4, 1)) == 3 * 0.5
    assert float(net.gather_s(0.0, 2, 8)) == 3.0
    # Of the sixteen hops of the whole ring two leave a node.
    assert float(net.gather_s(0.0, 16, 1)) == pytest.approx(15 * (14 * 0.5 + 2 * 3.0) / 16)
    assert float(net.gather_s(0.0, 4, 1, pieces=5)) == 5 * 3 * 0.5


@pytest.mark.parametrize(
    ("unknown", "ranks", "stride", "known"),
    [
        ("link_bytes_per_s", 8, 1, False),
        ("link_bytes_per_s", 2, 8, True),
        ("link_bytes_per_s", 16, 1, False),
        ("node_bytes_per_s", 8, 1, True),
        ("node_bytes_per_s", 2, 8, False),
        ("node_bytes_per_s", 1, 8, True),
        ("link_bytes_per_s", 1, 1, True),
    ],
)
def test_what_needs_an_unknown_rate_is_unknown(unknown: str, ranks: int, stride: int, known: bool) -> None:
    """A collective is NaN where a hop of it has no rate, and has a time where none of its hops needs that rate."""
    net = fabric(**{unknown: np.nan})
    assert bool(np.isfinite(net.gather_s(100.0, ranks, stride))) is known


@examples
@given(
    st.lists(
        st.tuples(st.integers(1, 64), st.sampled_from([1, 2, 4, 8, 16]), st.floats(0, 1e6)), min_size=1, max_size=6
    )
)
def test_arrays_agree_with_numbers(rows: list[tuple[int, int, float]]) -> None:
    """Arrays of groups take the same seconds as each group alone."""
    net = fabric(link_latency_s=0.5, network_latency_s=2.0)
    ranks, strides, sizes = (np.array(column) for column in zip(*rows, strict=True))
    assert net.gather_s(sizes, ranks, strides).tolist() == [
        float(net.gather_s(size, rank, stride)) for rank, stride, size in rows
    ]


@examples
@given(st.integers(2, 64), st.sampled_from([1, 2, 4, 8]), st.floats(1, 1e3), st.floats(1, 4))
def test_faster_wires_are_never_slower(ranks: int, stride: int, rate: float, factor: float) -> None:
    """Neither a faster link nor a faster network makes a collective last longer."""
    slow = fabric(link_bytes_per_s=rate, node_bytes_per_s=rate)
    for name in ("link_bytes_per_s", "node_bytes_per_s"):
        fast = changed(slow, **{name: rate * factor})
        assert float(fast.reduce_s(1e3, ranks, stride)) <= float(slow.reduce_s(1e3, ranks, stride))


def test_rates_are_achieved_shares_of_a_devices_peak() -> None:
    """A device has its part of its chip's link, and reaches the calibrated share of link and network."""
    net = node_fabric(machine(accelerators=16, ranks=2), changed(IDEAL, link=0.5, network=0.25))
    assert (net.devices_per_node, net.link_bytes_per_s, net.node_bytes_per_s) == (32, 1e11, 0.25e11)


def test_cores_of_one_chip_have_its_link() -> None:
    """A node of one chip with several cores joins them by the chip's own link; a single device needs none."""
    assert node_fabric(machine(accelerators=1, ranks=2), IDEAL).link_bytes_per_s == 2e11
    assert float(node_fabric(machine(accelerators=1, link_bytes_per_s=None), IDEAL).reduce_s(1e9, 1, 1)) == 0.0


def test_chips_that_nobody_joined_are_not_joined() -> None:
    """Several chips of which no source says how they are joined have no rate, whatever link the chip could have."""
    assert np.isnan(node_fabric(changed(machine(accelerators=2), link=None), IDEAL).link_bytes_per_s)


def test_a_rack_is_one_node_where_its_link_spans_it() -> None:
    """An NVL72 rack's instances are joined by NVLink: 18 of four, with the network cards of all."""
    net = node_fabric(load_instance_types()["p6e-gb200.36xlarge"], IDEAL)
    assert net.devices_per_node == 72
    assert float(net.rate(64, 1)) == 900e9
    assert net.node_bytes_per_s == 18 * 200e9


def test_cards_of_unknown_layout_reject_clusters() -> None:
    """Where no source says how the network cards are laid out, what crosses nodes has no time."""
    net = node_fabric(changed(machine(), nic_slots=()), IDEAL)
    assert np.isnan(net.rate(2, 8)) and np.isfinite(net.rate(8, 1))


def test_a_p5_reaches_what_its_links_allow() -> None:
    """Eight H100 share 3,200 Gbit/s and have 450 GB/s each way between them, derated by the calibration."""
    factors = load_calibration().time_factors("megatron-core", "H100-80GB")
    net = node_fabric(load_instance_types()["p5.48xlarge"], factors)
    assert float(net.rate(16, 1)) == pytest.approx(400e9 * factors.network)
    assert float(net.rate(2, 8)) == pytest.approx(50e9 * factors.network)
    assert float(net.rate(8, 1)) == pytest.approx(450e9 * factors.link)


def test_cards_without_peer_access_pass_data_through_the_host() -> None:
    """PCIe cards that cannot reach each other's memory have half of the rate of those that can."""
    pcie = Link(kind=LinkKind.PCIE, bytes_per_s=32e9)
    staged = changed(machine(), link=pcie, gpudirect_rdma=False)
    assert node_fabric(staged, IDEAL).link_bytes_per_s == 16e9
    assert node_fabric(changed(staged, gpudirect_rdma=True), IDEAL).link_bytes_per_s == 32e9
    assert node_fabric(changed(machine(), gpudirect_rdma=False), IDEAL).link_bytes_per_s == 4e11


def test_tcp_is_slower_than_efa() -> None:
    """Without EFA a part of the network's rate is lost to the kernel, and every hop waits for it."""
    efa, tcp = (node_fabric(changed(machine(), efa_cards=cards, gpudirect_rdma=None), IDEAL) for cards in ((0,), ()))
    assert tcp.node_bytes_per_s == pytest.approx(0.8 * efa.node_bytes_per_s)
    assert tcp.network_latency_s > efa.network_latency_s


def test_efa_without_gpudirect_waits_for_the_host() -> None:
    """Where EFA cannot reach the devices' memory, copies through the host's come on top of each hop."""
    direct, staged = (node_fabric(changed(machine(), gpudirect_rdma=can), IDEAL) for can in (True, False))
    assert staged.network_latency_s > direct.network_latency_s
    assert staged.node_bytes_per_s == direct.node_bytes_per_s
