"""How many addresses and network interfaces do the nodes take, and how large is the subnet that holds them?"""

from __future__ import annotations

from ipaddress import IPv4Network

from planner.hyperpod import CONTROL_NODES
from planner.lustre import SMALLEST_GIB
from planner.plan import Build, Target
from planner.subnets import RESERVED_BY_AWS, VPC, balancer_blocks, compute_block, joined_block, spare_block

# The file servers of Lustre, one for each smallest file system, and two for metadata.
METADATA_ADDRESSES = 2
# The VPC CNI gives pods addresses of the nodes' subnet: those of one interface, of 50 at most, and of another that it
# keeps in hand (Amazon VPC CNI, WARM_ENI_TARGET).
POD_ADDRESSES_PER_NODE, POD_INTERFACES_PER_NODE = 100, 1
# The default of every region (Amazon VPC quotas, L-DF5E4CA3).
INTERFACES_BY_DEFAULT = 5000


def file_system_addresses(capacity_gib: int) -> int:
    """Addresses that a Lustre file system takes beside the nodes, at most."""
    return METADATA_ADDRESSES + -(-capacity_gib // SMALLEST_GIB)


def beside_nodes(build: Build) -> int:
    """Addresses that the nodes' subnet holds for others: the servers of a file system, or pods."""
    pods = POD_ADDRESSES_PER_NODE * build.nodes if build.target is Target.EKS_NODES else 0
    return pods + (file_system_addresses(build.file_system.capacity_gib) if build.file_system else 0)


def most_nodes(build: Build) -> int:
    """Nodes that may run at once, those that schedule a HyperPod cluster among them."""
    if build.fleet:
        return build.fleet.most_nodes
    return build.nodes + CONTROL_NODES * (build.target is Target.HYPERPOD_SLURM)


def interfaces(build: Build) -> tuple[int, int]:
    """Network interfaces of all nodes that may run at once, and of one that computes; of one card HyperPod's others."""
    lone = build.target in (Target.SINGLE_INSTANCE, Target.SERVING_FLEET)
    joined = build.target is Target.EKS_NODES
    more = 0 if lone or (joined and build.nodes == 1) else len(build.efa_cards)
    more += POD_INTERFACES_PER_NODE if joined else 0
    return most_nodes(build) + build.nodes * more, 1 + more


def nodes_block(build: Build) -> IPv4Network | None:
    """The block of the nodes' subnet, None for one that stands already.

    Raises NoFeasiblePlan where it, or another subnet of the stack, has no room in the block that is asked for.
    """
    nodes, others, given = most_nodes(build), beside_nodes(build), build.existing
    if given.vpc:
        asked = None if given.subnet else build.cidr
        return joined_block(IPv4Network(asked), nodes=nodes, others=others) if asked else None
    vpc = IPv4Network(build.cidr) if build.cidr else VPC
    if build.fleet:
        balancer_blocks(vpc=vpc)
        if len(build.fleet.zone_ids) > 1:
            spare_block(nodes=nodes, vpc=vpc)
    return compute_block(nodes=nodes, others=others, vpc=vpc)


def network_sentence(build: Build, interfaces_allowed: int | None) -> str:
    """The arithmetic of addresses and interfaces, for a person; the account's quota where it is known.

    Raises NoFeasiblePlan as `nodes_block` does.
    """
    nodes, others = most_nodes(build), beside_nodes(build)
    made, each = interfaces(build)
    if interfaces_allowed is None:
        allowed = f"{INTERFACES_BY_DEFAULT:,} that a region allows by default"
    else:
        allowed = f"{interfaces_allowed:,} that the account may have"
    taken = f"{made:,} network interface{'s' * (made != 1)}, {each} a node, of the {allowed}"
    holders = "one node" if nodes == 1 else f"{nodes:,} nodes, one each"
    block = nodes_block(build)
    if block is None:
        return f"the addresses of {build.existing.subnet}, not looked up, for {holders}; {taken}"
    whose = "pods" if build.target is Target.EKS_NODES else "the file system"
    shared = f" + {others:,} of {whose}" if others else ""
    return (
        f"a private /{block.prefixlen} of {block.num_addresses - RESERVED_BY_AWS:,} addresses in {build.zone_id} for "
        f"{holders}{shared}, and as many again; {taken}"
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
