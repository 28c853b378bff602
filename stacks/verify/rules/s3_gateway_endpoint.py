"""Data in S3 does not pass the NAT gateway."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    routed = {
        node.target
        for each in template.of("AWS::EC2::VPCEndpoint")
        if each.at("ServiceName").known_text.endswith(".s3") and each.at("VpcEndpointType").text in (None, "Gateway")
        for node in each.at("RouteTableIds").items
    }
    for route in template.of("AWS::EC2::Route"):
        table = route.at("RouteTableId").target
        if table and not route.at("NatGatewayId").missing and table not in routed:
            yield broken(route, f"{table} leads to a NAT gateway, and has no S3 gateway endpoint")


RULE = Rule(
    id="s3-gateway-endpoint",
    severity=Severity.WARNING,
    why="NAT bills every byte of data sets and checkpoints, and slows them; a gateway endpoint is free",
    change="Add an AWS::EC2::VPCEndpoint of type Gateway for S3 with this route table.",
    source="https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html",
    check=_check,
)
