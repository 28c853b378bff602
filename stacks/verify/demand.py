"""How many addresses does what stands in each subnet take?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER, groups, subnets_of
from stacks.verify.launches import launches
from stacks.verify.places import subnets_named
from stacks.verify.template import Resource, Template


def demand(template: Template) -> Iterator[tuple[Resource, int]]:
    """Each subnet in which nodes are launched, and the addresses that everything known in it takes.

    Where a launch may use several subnets, each of them need not hold all of its nodes: it is left out.
    """
    taken: Counter[str] = Counter()
    for launch in launches(template):
        subnets = subnets_named(launch.subnets)
        if len(subnets) == 1 and launch.nodes:
            each = sum(nic.addressed for nic in launch.body.nics) or 1
            taken[subnets[0].name] += launch.nodes * each
    for cluster in template.of(CLUSTER):
        for group in groups(cluster):
            subnets = subnets_named(subnets_of(cluster, group))
            if len(subnets) == 1:
                taken[subnets[0].name] += group.at("InstanceCount").number or 0
    used = [*taken]
    for endpoint in template.of("AWS::EC2::VPCEndpoint"):
        taken.update(node.target for node in endpoint.at("SubnetIds").items if node.target)
    taken.update(target for nat in template.of("AWS::EC2::NatGateway") if (target := nat.at("SubnetId").target))
    for name in used:
        yield template.resources[name], taken[name]
