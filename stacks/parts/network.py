"""Which network do the nodes stand in, and who may talk to them?

One zone, named by its id: EFA crosses neither zones nor VPCs, and a zone's name means another zone in another
account. Nodes have no public address; they reach out through one NAT gateway, and S3 through a free endpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from planner.addresses import subnet_prefix
from stacks.errors import StackError

VPC = IPv4Network("10.0.0.0/16")
# Nothing but the NAT gateway lives here; /28 is the smallest subnet that EC2 makes.
PUBLIC = IPv4Network("10.0.0.0/28")
COMPUTE_START = "10.0.128.0"
LARGEST_PREFIX = 17
# Nodes of a second zone start here, as many as in the first but in a quarter of the network at most.
SPARE_START, LARGEST_SPARE_PREFIX = "10.0.64.0", 18
# A load balancer asks for a /27 in each zone with 8 free addresses; it grows with the traffic.
BALANCER = (IPv4Network("10.0.1.0/26"), IPv4Network("10.0.1.64/26"))
LOG_RETENTION_DAYS = 30


def compute_cidr(
    *, nodes: int, others: int = 0, start: str = COMPUTE_START, largest_prefix: int = LARGEST_PREFIX
) -> str:
    """The block of the nodes' subnet: the addresses that they and `others` need, doubled, and never below /24.

    Only card 0's first interface takes an address; EFA-only interfaces and S3's gateway endpoint take none.
    """
    prefix = subnet_prefix(nodes + others)
    if prefix < largest_prefix:
        raise StackError(
            f"{nodes:,} nodes need a /{prefix} subnet, but the nodes' subnet is at most a /{largest_prefix}. "
            "Plan fewer nodes."
        )
    return f"{start}/{prefix}"


class Network(Construct):
    """A VPC with a private subnet for the nodes in the zone `zone_id`, and its way out.

    `ways` are the resources that must stand, besides the subnet, for a node to come up and to be watched.
    """

    def __init__(self, scope: Construct, construct_id: str, *, zone_id: str, nodes: int, others: int = 0) -> None:
        super().__init__(scope, construct_id)
        self._nodes = nodes
        self.vpc = ec2.CfnVPC(self, "Vpc", cidr_block=str(VPC), enable_dns_hostnames=True, enable_dns_support=True)
        self.subnet = self._subnet("Compute", cidr=compute_cidr(nodes=nodes, others=others), zone_id=zone_id)
        public = self._subnet("Public", cidr=str(PUBLIC), zone_id=zone_id)
        public_routes = ec2.CfnRouteTable(self, "PublicRoutes", vpc_id=self.vpc.ref)
        self._private_routes = private_routes = ec2.CfnRouteTable(self, "ComputeRoutes", vpc_id=self.vpc.ref)
        self.ways: tuple[
            ec2.CfnSubnetRouteTableAssociation | ec2.CfnRoute | ec2.CfnVPCEndpoint | ec2.CfnFlowLog, ...
        ] = (
            self._use("PublicRoutesUse", routes=public_routes, subnet=public),
            self._use("ComputeRoutesUse", routes=private_routes, subnet=self.subnet),
            self._way_out(public=public, public_routes=public_routes, private_routes=private_routes),
            self._s3(private_routes=private_routes),
            self._flow_logs(),
        )

    def spare(self, zone_id: str) -> ec2.CfnSubnet:
        """A second subnet for nodes, in another zone; what they send out crosses zones to the one NAT gateway."""
        cidr = compute_cidr(nodes=self._nodes, start=SPARE_START, largest_prefix=LARGEST_SPARE_PREFIX)
        subnet = self._subnet("Spare", cidr=cidr, zone_id=zone_id)
        self.ways += (self._use("SpareRoutesUse", routes=self._private_routes, subnet=subnet),)
        return subnet

    def balancer(self, zone_ids: Sequence[str]) -> list[ec2.CfnSubnet]:
        """Private subnets for a load balancer, one in each of the zones."""
        named = enumerate(zip(BALANCER, zone_ids, strict=True), start=1)
        return [self._subnet(f"Balancer{place}", cidr=str(block), zone_id=zone) for place, (block, zone) in named]

    def _subnet(self, name: str, *, cidr: str, zone_id: str) -> ec2.CfnSubnet:
        # EC2 refuses to launch several interfaces where addresses are made public by themselves.
        return ec2.CfnSubnet(
            self,
            name,
            vpc_id=self.vpc.ref,
            availability_zone_id=zone_id,
            cidr_block=cidr,
            map_public_ip_on_launch=False,
        )

    def _use(
        self, name: str, *, routes: ec2.CfnRouteTable, subnet: ec2.CfnSubnet
    ) -> ec2.CfnSubnetRouteTableAssociation:
        return ec2.CfnSubnetRouteTableAssociation(self, name, route_table_id=routes.ref, subnet_id=subnet.ref)

    def _s3(self, *, private_routes: ec2.CfnRouteTable) -> ec2.CfnVPCEndpoint:
        return ec2.CfnVPCEndpoint(
            self,
            "S3",
            vpc_id=self.vpc.ref,
            service_name=f"com.amazonaws.{Stack.of(self).region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[private_routes.ref],
        )

    def _way_out(
        self, *, public: ec2.CfnSubnet, public_routes: ec2.CfnRouteTable, private_routes: ec2.CfnRouteTable
    ) -> ec2.CfnRoute:
        gateway = ec2.CfnInternetGateway(self, "Internet")
        attachment = ec2.CfnVPCGatewayAttachment(
            self, "InternetAttachment", vpc_id=self.vpc.ref, internet_gateway_id=gateway.ref
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
        group = logs.CfnLogGroup(self, "FlowLogGroup", retention_in_days=LOG_RETENTION_DAYS)
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        write = iam.PolicyStatement(
            actions=["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            resources=[group.attr_arn],
        )
        role = iam.Role(
            self,
            "FlowLogRole",
            assumed_by=iam.ServicePrincipal("vpc-flow-logs.amazonaws.com"),
            inline_policies={"Write": iam.PolicyDocument(statements=[write])},
        )
        return ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_type="VPC",
            resource_id=self.vpc.ref,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_group_name=group.ref,
            deliver_logs_permission_arn=role.role_arn,
        )


class NodeGroup(Construct):
    """The nodes' security group: everything out, nothing in.

    With `cluster`, also everything to and from the group itself, by its id, both ways: a rule with an address
    block, such as everything out, does not let EFA traffic pass.
    """

    def __init__(self, scope: Construct, construct_id: str, *, vpc_id: str, cluster: bool) -> None:
        super().__init__(scope, construct_id)
        group = ec2.CfnSecurityGroup(
            self,
            "Group",
            vpc_id=vpc_id,
            group_description="Nodes: all out" + (", all among themselves" if cluster else ", nothing in"),
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(ip_protocol="-1", cidr_ip="0.0.0.0/0", description="IP traffic out")
            ],
        )
        self.group_id = group.attr_group_id
        if cluster:
            ec2.CfnSecurityGroupIngress(
                self,
                "FromItself",
                group_id=self.group_id,
                ip_protocol="-1",
                source_security_group_id=self.group_id,
                description="EFA and everything else between nodes",
            )
            ec2.CfnSecurityGroupEgress(
                self,
                "ToItself",
                group_id=self.group_id,
                ip_protocol="-1",
                destination_security_group_id=self.group_id,
                description="EFA and everything else between nodes",
            )
