"""How many addresses and network interfaces do the nodes take, and how large is the subnet that holds them?"""

from __future__ import annotations

from ipaddress import IPv4Network

from planner.hyperpod import CONTROL_NODES
from planner.plan import Build, Target
from planner.provisioning import SMALLEST_GIB

# Of each subnet, for itself, its router, its name server, the future and broadcasts (Amazon VPC user guide).
RESERVED_BY_AWS = 5
# A subnet cannot grow without being replaced, nodes and all; 251 addresses cost nothing.
USUAL_PREFIX = 24
HEADROOM = 2
ADDRESS_BITS = 32
# The file servers of Lustre, one for each smallest file system, and two for metadata.
METADATA_ADDRESSES = 2
# The default of every region (Amazon VPC quotas, L-DF5E4CA3).
INTERFACES_BY_DEFAULT = 5000


def file_system_addresses(capacity_gib: int) -> int:
    """Addresses that a Lustre file system takes beside the nodes, at most."""
    return METADATA_ADDRESSES + -(-capacity_gib // SMALLEST_GIB)


def beside_nodes(build: Build) -> int:
    """Addresses that the nodes' subnet holds for others."""
    return file_system_addresses(build.file_system.capacity_gib) if build.file_system else 0


def most_nodes(build: Build) -> int:
    """Nodes that may run at once, those that schedule a HyperPod cluster among them."""
    if build.fleet:
        return build.fleet.most_nodes
    return build.nodes + CONTROL_NODES * (build.target is Target.HYPERPOD_SLURM)


def interfaces(build: Build) -> tuple[int, int]:
    """Network interfaces of all nodes that may run at once, and of one that computes; of one card HyperPod's others."""
    cards = len(build.efa_cards) if build.target in (Target.EFA_CLUSTER, Target.HYPERPOD_SLURM) else 0
    return most_nodes(build) + build.nodes * cards, 1 + cards


def needed_prefix(taken: int) -> int:
    """Length of the prefix of the narrowest block with room for twice what is taken and what AWS reserves."""
    needed = HEADROOM * (taken + RESERVED_BY_AWS)
    return ADDRESS_BITS - (needed - 1).bit_length()


def subnet_prefix(taken: int) -> int:
    """Length of the prefix of a subnet with room for what is taken; /24 at the least."""
    return min(USUAL_PREFIX, needed_prefix(taken))


def network_sentence(build: Build, interfaces_allowed: int | None) -> str:
    """The arithmetic of addresses and interfaces, for a person; the account's quota where it is known."""
    nodes, others = most_nodes(build), beside_nodes(build)
    made, each = interfaces(build)
    if interfaces_allowed is None:
        allowed = f"{INTERFACES_BY_DEFAULT:,} that a region allows by default"
    else:
        allowed = f"{interfaces_allowed:,} that the account may have"
    taken = f"{made:,} network interfaces, {each} a node, of the {allowed}"
    if build.existing.subnet:
        return f"the addresses of {build.existing.subnet}, not looked up, for {nodes:,} nodes, one each; {taken}"
    shared = f" + {others} of the file system" if others else ""
    joined = build.existing.vpc is not None and build.cidr is not None
    prefix = IPv4Network(build.cidr).prefixlen if joined and build.cidr else subnet_prefix(nodes + others)
    return (
        f"a private /{prefix} of {2 ** (ADDRESS_BITS - prefix) - RESERVED_BY_AWS:,} addresses in {build.zone_id} for "
        f"{nodes:,} nodes, one each{shared}, and as many again; {taken}"
    )


def interface_warnings(build: Build, interfaces_allowed: int | None) -> tuple[str, ...]:
    """A sentence where the account's quota is below what the nodes take."""
    made, _ = interfaces(build)
    if interfaces_allowed is None or made <= interfaces_allowed:
        return ()
    return (
        f"The account's quota allows {interfaces_allowed:,} network interfaces in {build.region}; the nodes take "
        f"{made:,}.",
    )
