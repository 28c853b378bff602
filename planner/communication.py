"""How long do collectives take between devices of one node and between nodes?

Ring algorithms (Thakur et al. 2005; NCCL's default at large sizes): an all-reduce of S bytes over n ranks moves
2 (n - 1) / n S per rank, a reduce-scatter or all-gather half of that. An all-to-all has no ring: each rank sends
every other one its n-th of S, those on other nodes over its own device's part of the network.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import Struct

from planner.calibration import FabricFactors
from planner.machines import AnyMachine, of_machine
from pricing.instance_type import InstanceType, Link, LinkKind

# Cards without access to each other's memory hand data on through the host's: it crosses PCIe twice.
STAGED_SHARE = 0.5
# Over ENA without EFA, NCCL talks TCP: the kernel's copies cost bandwidth and time for each hop. Both are assumed: no
# training run over TCP was published with its layout.
TCP_SHARE, TCP_LATENCY_S = 0.8, 3e-5
# EFA without GPUDirect RDMA reads and writes host memory: a copy on either side, of some microseconds each with its
# hand-over. Assumed as well; PCIe is faster than any such card's part of the network.
STAGED_LATENCY_S = 1e-5


class Fabric(Struct, frozen=True, kw_only=True):
    """What carries traffic, at achieved rates. Bytes/s, seconds.

    A node is what the fast link joins: an instance, or the instances of an NVL72 rack. `link_bytes_per_s` is one
    device's rate to its neighbours in the node, one way; `node_bytes_per_s` a node's rate to other nodes, one way. A
    rate that no source states is NaN and makes every time that needs it NaN. Numbers, or one per layout.
    """

    devices_per_node: Any
    link_bytes_per_s: Any
    node_bytes_per_s: Any
    link_latency_s: Any
    network_latency_s: Any

    def rate(self, ranks: Any, stride: Any) -> Any:
        """Bytes/s of each rank of a group whose members stand `stride` devices apart.

        Inside a node the link carries it. Across nodes, each of the groups that share a node gets its part of
        the node's network cards: as many as it has members there (one member on a node has one device's
        share; a group of all devices has the whole). Members with neighbours on their node go no faster than
        the link between them.
        """
        per_node = np.clip(self.devices_per_node // np.maximum(stride, 1), 1, ranks)
        share = self.node_bytes_per_s * per_node / self.devices_per_node
        across = np.where(np.greater(per_node, 1), np.minimum(share, self.link_bytes_per_s), share)
        return np.where(self.inside(ranks, stride), self.link_bytes_per_s, across)

    def latency_s(self, ranks: Any, stride: Any) -> Any:
        """Seconds for one hop of the group's ring, on average: of a node's members one hands on to the next node."""
        per_node = np.clip(self.devices_per_node // np.maximum(stride, 1), 1, ranks)
        across = self.link_latency_s + (self.network_latency_s - self.link_latency_s) / per_node
        return np.where(self.inside(ranks, stride), self.link_latency_s, across)

    def inside(self, ranks: Any, stride: Any) -> Any:
        """Whether the group stands within one node."""
        return np.less_equal(np.multiply(ranks, stride), self.devices_per_node)

    def gather_s(self, size_bytes: Any, ranks: Any, stride: Any, pieces: int = 1) -> Any:
        """Seconds of all-gathers or reduce-scatters of `size_bytes` in all, done in so many pieces."""
        hops = ranks - 1
        moved = np.divide(hops, ranks) * size_bytes
        waits = pieces * hops * self.latency_s(ranks, stride)
        return np.where(np.equal(hops, 0), 0.0, moved / self.rate(ranks, stride) + waits)

    def reduce_s(self, size_bytes: Any, ranks: Any, stride: Any) -> Any:
        """Seconds of an all-reduce of `size_bytes`: a reduce-scatter and an all-gather."""
        return 2 * self.gather_s(size_bytes, ranks, stride)

    def exchange_s(self, size_bytes: Any, ranks: Any, stride: Any) -> Any:
        """Seconds of an all-to-all in which every rank hands out `size_bytes`; the slower of link and network."""
        near = np.clip(self.devices_per_node // np.maximum(stride, 1), 1, ranks)
        inside = np.where(np.greater(near, 1), (near - 1) / ranks * size_bytes / self.link_bytes_per_s, 0.0)
        far = (ranks - near) / ranks * size_bytes * self.devices_per_node / self.node_bytes_per_s
        across = np.where(np.greater(ranks, near), far, 0.0)
        return np.maximum(inside, across) + (ranks - 1) * self.latency_s(ranks, stride)

    def send_s(self, size_bytes: Any, ranks: Any, stride: Any) -> Any:
        """Seconds to hand `size_bytes` on along a chain of `ranks` devices, all sending at once: the slowest hop."""
        return size_bytes / self.rate(ranks, stride) + self.latency_s(ranks, stride)


def node_fabric(machine: AnyMachine, factors: FabricFactors) -> Fabric:
    """The achieved rates between the devices of such machines; NaN where no source states the peak,
    or where the layout of the network cards is unknown."""
    share = factors.network * of_machine(lambda one: TCP_SHARE if _talks_tcp(one) else 1.0, machine)
    return Fabric(
        devices_per_node=of_machine(lambda one: one.devices * _joined(one), machine),
        link_bytes_per_s=factors.link * of_machine(_link_bytes_per_s, machine),
        node_bytes_per_s=share * of_machine(_node_bytes_per_s, machine),
        link_latency_s=factors.link_latency_s,
        network_latency_s=factors.network_latency_s + of_machine(_late_s, machine),
    )


def _talks_tcp(machine: InstanceType) -> bool:
    return not machine.efa_cards and not machine.gpudirect_rdma


def _late_s(machine: InstanceType) -> float:
    """What a hop between nodes takes for want of EFA, or of a way from it to the devices' memory."""
    return TCP_LATENCY_S if _talks_tcp(machine) else 0.0 if machine.gpudirect_rdma else STAGED_LATENCY_S


def _link(machine: InstanceType) -> Link | None:
    """What joins the devices: NeuronCores share their chip's links, and reach each other inside at least as fast."""
    return machine.link or (machine.accelerator.link if machine.accelerators == 1 else None)


def _joined(machine: InstanceType) -> int:
    """Instances that the fast link joins."""
    link = _link(machine)
    return max((link.accelerators or 0) // machine.accelerators, 1) if link else 1


def _link_bytes_per_s(machine: InstanceType) -> float:
    """A device's rate to its neighbours at the peak, one way."""
    link = _link(machine)
    if link is None or link.bytes_per_s is None:
        return np.nan
    staged = link.kind is LinkKind.PCIE and not machine.gpudirect_rdma
    return link.bytes_per_s * (STAGED_SHARE if staged else 1.0) / machine.accelerator.ranks


def _node_bytes_per_s(machine: InstanceType) -> float:
    """A node's rate to others at the peak, one way."""
    rate = machine.network_bytes_per_s if machine.nic_slots else None
    return np.nan if rate is None else rate * _joined(machine)
