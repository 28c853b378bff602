"""Which network do the nodes stand in, and who may talk to them?

One zone, named by its id: EFA crosses neither zones nor VPCs, and a zone's name means another zone in another
account. Nodes have no public address; they reach out through one NAT gateway, and S3 through a free endpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network

from aws_cdk import CfnResource, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from planner.built import Existing
from planner.subnets import (
    BALANCER_ZONES,
    PUBLIC_PREFIX,
    VPC,
    balancer_blocks,
    compute_block,
    joined_block,
    spare_block,
)
from stacks.errors import StackError
from stacks.parts.logs import log_group
from stacks.parts.trust import for_this_account


class Network(Construct):
    """A private subnet for the nodes in the zone `zone_id`, its VPC and its way out, as far as they do not stand yet.

    `ways` are the resources that must stand, besides the subnet, for a node to come up and to be watched; `made` are
    the VPC and the nodes' subnet, where they are the stack's own. `others` are addresses in the subnet beside nodes'.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        zone_id: str,
        nodes: int,
        others: int = 0,
        cidr: str | None,
        existing: Existing,
    ) -> None:
        super().__init__(scope, construct_id)
        self._zone_id, self._nodes, self._others, self._given = zone_id, nodes, others, existing
        self.block = IPv4Network(cidr) if cidr else VPC
        self.ways: list[Construct] = []
        self.made: list[CfnResource] = []
        if existing.vpc is None:
            self._own()
            return
        self.vpc_id = existing.vpc
        if existing.subnet:
            self.subnet_id = existing.subnet
        elif cidr and existing.route_table:
            self._join(existing.route_table)
        else:
            raise StackError(
                f"{existing.vpc} is to be used, but neither a subnet of it, nor a block and a route table for a new "
                "one. Name provision.existing.subnet, or provision.cidr and provision.existing.route_table."
            )

    def spare(self, zone_id: str) -> str:
        """A second subnet for nodes, in another zone; what they send out crosses zones to the one NAT gateway.

        Raises StackError in a VPC that stands.
        """
        if self._given.vpc:
            raise StackError(f"Nodes in {self._given.vpc} have one subnet. Leave the spare zone out.")
        subnet = self._subnet("Spare", block=spare_block(nodes=self._nodes, vpc=self.block), zone_id=zone_id)
        self.ways.append(self._use("SpareRoutesUse", routes=self._private_routes.ref, subnet=subnet))
        return subnet.ref

    def balancer(self, zone_ids: Sequence[str]) -> list[str]:
        """Private subnets for a load balancer, one in each of the zones; in a VPC that stands, those that are named.

        Raises StackError where fewer than two are.
        """
        if self._given.vpc:
            if len(set(self._given.balancer_subnets)) < BALANCER_ZONES:
                raise StackError(
                    f"A load balancer in {self._given.vpc} stands in two of its subnets. Name them, each in a zone of "
                    "its own, in provision.existing.balancer_subnets."
                )
            return list(self._given.balancer_subnets)
        refs = []
        for place, (block, zone) in enumerate(zip(balancer_blocks(vpc=self.block), zone_ids, strict=True), start=1):
            subnet = self._subnet(f"Balancer{place}", block=block, zone_id=zone)
            # It fetches the keys of whoever signs its clients' tokens.
            self.ways.append(self._use(f"Balancer{place}RoutesUse", routes=self._private_routes.ref, subnet=subnet))
            refs.append(subnet.ref)
        return refs

    def _own(self) -> None:
        """A VPC of the stack's own."""
        compute = compute_block(nodes=self._nodes, others=self._others, vpc=self.block)
        vpc = ec2.CfnVPC(self, "Vpc", cidr_block=str(self.block), enable_dns_hostnames=True, enable_dns_support=True)
        self.vpc_id = vpc.ref
        subnet = self._subnet("Compute", block=compute)
        self.subnet_id = subnet.ref
        self.made += [vpc, subnet]
        public = self._subnet("Public", block=IPv4Network((self.block.network_address, PUBLIC_PREFIX)))
        public_routes = ec2.CfnRouteTable(self, "PublicRoutes", vpc_id=vpc.ref)
        self._private_routes = private_routes = ec2.CfnRouteTable(self, "ComputeRoutes", vpc_id=vpc.ref)
        self.ways += [
            self._use("PublicRoutesUse", routes=public_routes.ref, subnet=public),
            self._use("ComputeRoutesUse", routes=private_routes.ref, subnet=subnet),
            self._way_out(public=public, public_routes=public_routes, private_routes=private_routes),
            self._s3(private_routes=private_routes),
            self._flow_logs(),
        ]

    def _join(self, routes: str) -> None:
        """A subnet of the stack's own in a VPC that stands, with routes that lead out already."""
        block = joined_block(self.block, nodes=self._nodes, others=self._others)
        subnet = self._subnet("Compute", block=block)
        self.subnet_id = subnet.ref
        self.made.append(subnet)
        self.ways.append(self._use("ComputeRoutesUse", routes=routes, subnet=subnet))

    def _subnet(self, name: str, *, block: IPv4Network, zone_id: str | None = None) -> ec2.CfnSubnet:
        # EC2 refuses to launch several interfaces where addresses are made public by themselves.
        return ec2.CfnSubnet(
            self,
            name,
            vpc_id=self.vpc_id,
            availability_zone_id=zone_id or self._zone_id,
            cidr_block=str(block),
            map_public_ip_on_launch=False,
        )

    def _use(self, name: str, *, routes: str, subnet: ec2.CfnSubnet) -> ec2.CfnSubnetRouteTableAssociation:
        return ec2.CfnSubnetRouteTableAssociation(self, name, route_table_id=routes, subnet_id=subnet.ref)

    def _s3(self, *, private_routes: ec2.CfnRouteTable) -> ec2.CfnVPCEndpoint:
        return ec2.CfnVPCEndpoint(
            self,
            "S3",
            vpc_id=self.vpc_id,
            service_name=f"com.amazonaws.{Stack.of(self).region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[private_routes.ref],
        )

    def _way_out(
        self, *, public: ec2.CfnSubnet, public_routes: ec2.CfnRouteTable, private_routes: ec2.CfnRouteTable
    ) -> ec2.CfnRoute:
        gateway = ec2.CfnInternetGateway(self, "Internet")
        attachment = ec2.CfnVPCGatewayAttachment(
            self, "InternetAttachment", vpc_id=self.vpc_id, internet_gateway_id=gateway.ref
        )
        to_internet = ec2.CfnRoute(
            self,
            "ToInternet",
            route_table_id=public_routes.ref,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.ref,
        )
        to_internet.add_resource_dependency(attachment)
        address = ec2.CfnEIP(self, "NatAddress", domain="vpc")
        address.add_resource_dependency(attachment)
        nat = ec2.CfnNatGateway(self, "Nat", subnet_id=public.ref, allocation_id=address.attr_allocation_id)
        nat.add_resource_dependency(to_internet)
        return ec2.CfnRoute(
            self,
            "ToNat",
            route_table_id=private_routes.ref,
            destination_cidr_block="0.0.0.0/0",
            nat_gateway_id=nat.ref,
        )

    def _flow_logs(self) -> ec2.CfnFlowLog:
        group = log_group(self, "FlowLogGroup")
        write = iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resources=[group.attr_arn],
        )
        role = iam.Role(
            self,
            "FlowLogRole",
            assumed_by=for_this_account("vpc-flow-logs.amazonaws.com"),
            inline_policies={"Write": iam.PolicyDocument(statements=[write])},
        )
        return ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_type="VPC",
            resource_id=self.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_group_name=group.ref,
            deliver_logs_permission_arn=role.role_arn,
        )


class NodeGroup(Construct):
    """The nodes' security group: everything out, and in only what a rule lets in that names the group.

    With `cluster`, also everything to and from the group itself, by its id, both ways: a rule with an address
    block, such as everything out, does not let EFA traffic pass.
    """

    def __init__(self, scope: Construct, construct_id: str, *, vpc_id: str, cluster: bool) -> None:
        super().__init__(scope, construct_id)
        group = ec2.CfnSecurityGroup(
            self,
            "Group",
            vpc_id=vpc_id,
            group_description="Nodes: all out" + (", all among themselves" if cluster else ", in by name alone"),
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(ip_protocol="-1", cidr_ip="0.0.0.0/0", description="IP traffic out")
            ],
        )
        self.group_id = group.attr_group_id
        # What must stand, besides the group that nodes name, before they talk.
        self.rules: list[CfnResource] = []
        if cluster:
            inward = ec2.CfnSecurityGroupIngress(
                self,
                "FromItself",
                group_id=self.group_id,
                ip_protocol="-1",
                source_security_group_id=self.group_id,
                description="EFA and everything else between nodes",
            )
            outward = ec2.CfnSecurityGroupEgress(
                self,
                "ToItself",
                group_id=self.group_id,
                ip_protocol="-1",
                destination_security_group_id=self.group_id,
                description="EFA and everything else between nodes",
            )
            self.rules += [inward, outward]
