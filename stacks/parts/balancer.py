"""Who may ask the model, and how do requests reach the nodes?

A private Application Load Balancer, in two zones as it must be: HTTPS with the user's certificate, plain HTTP only to
be sent there. It passes on the engine's own paths and nothing else, so that its metrics and administration stay
inside, and either checks signed tokens itself or leaves the check of API keys to the engine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from aws_cdk import Aws, CfnResource, Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from planner.built import Fleet
from stacks.errors import StackError

Pair = TypeVar("Pair")
Rule = elb.CfnListenerRule
Target = elb.CfnTargetGroup

HTTP, HTTPS = 80, 443
# TLS 1.3 with post-quantum key exchange, and 1.2 (Elastic Load Balancing user guide, security policies).
TLS = "ELBSecurityPolicy-TLS13-1-2-PQ-2025-09"
# Elastic Load Balancing's own bounds on its idle timeout and deregistration delay.
SHORTEST_IDLE_S, LONGEST_IDLE_S, LONGEST_DELAY_S = 60, 4000, 3600
LOGS_DAYS = 30
LOG_PREFIX = "balancer"
# Two failed checks in a row, half a minute: an engine that hangs keeps its connections until then.
CHECK_S, CHECKS = 15, 2


class Balancer(Construct):
    """The load balancer and `target_arn`, to which nodes are to be added. Its records stay when the stack goes."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        fleet: Fleet,
        vpc_id: str,
        blocks: Sequence[str],
        subnet_ids: Sequence[str],
        nodes_group_id: str,
    ) -> None:
        super().__init__(scope, construct_id)
        if not blocks:
            raise StackError(
                f"Nobody may reach the load balancer: the addresses of {vpc_id} are not known. Name the blocks of its "
                "clients in provision.serving.clients."
            )
        if fleet.longest_answer_s > LONGEST_IDLE_S:
            raise StackError(
                f"The longest answer takes {fleet.longest_answer_s:,.0f} s, and a load balancer cuts a connection "
                f"without traffic off after {LONGEST_IDLE_S:,} s at most. Lower inference.context_length."
            )
        group = self._group(vpc_id, blocks, fleet, nodes_group_id)
        records, policy = self._records()
        balancer = elb.CfnLoadBalancer(
            self,
            "Balancer",
            type="application",
            scheme="internal",
            subnets=list(subnet_ids),
            security_groups=[group.attr_group_id],
            load_balancer_attributes=_attributes(
                elb.CfnLoadBalancer.LoadBalancerAttributeProperty,
                {
                    "idle_timeout.timeout_seconds": max(SHORTEST_IDLE_S, math.ceil(fleet.longest_answer_s)),
                    "routing.http.drop_invalid_header_fields.enabled": "true",
                    "routing.http.desync_mitigation_mode": "strictest",
                    "access_logs.s3.enabled": "true",
                    "access_logs.s3.bucket": records.bucket_name,
                    "access_logs.s3.prefix": LOG_PREFIX,
                },
            ),
        )
        balancer.node.add_dependency(policy)
        self.target = self._target(vpc_id, fleet)
        self.target_arn = self.target.ref
        self.ways = self._listeners(balancer, fleet)
        self.address = balancer.attr_dns_name
        self.records = records.bucket_name

    def _group(self, vpc_id: str, blocks: Sequence[str], fleet: Fleet, nodes_group_id: str) -> ec2.CfnSecurityGroup:
        """In from clients by HTTP and HTTPS, out to the engine's port of the nodes, and nothing else."""
        group = ec2.CfnSecurityGroup(
            self,
            "Group",
            vpc_id=vpc_id,
            group_description="Load balancer: clients in, the engine out",
            security_group_ingress=[
                ec2.CfnSecurityGroup.IngressProperty(
                    ip_protocol="tcp", from_port=port, to_port=port, cidr_ip=clients, description="Clients"
                )
                for clients in blocks
                for port in (HTTP, HTTPS)
            ],
            # Replaces the rule that would let everything out; the one to the nodes is named below, by their group.
            security_group_egress=[self._keys_out()] if fleet.keys else [NOWHERE],
        )
        ec2.CfnSecurityGroupEgress(
            self,
            "ToNodes",
            group_id=group.attr_group_id,
            ip_protocol="tcp",
            from_port=fleet.engine.port,
            to_port=fleet.engine.port,
            destination_security_group_id=nodes_group_id,
            description="The engine",
        )
        ec2.CfnSecurityGroupIngress(
            self,
            "NodesFrom",
            group_id=nodes_group_id,
            ip_protocol="tcp",
            from_port=fleet.engine.port,
            to_port=fleet.engine.port,
            source_security_group_id=group.attr_group_id,
            description="The engine, from the load balancer",
        )
        return group

    @staticmethod
    def _keys_out() -> ec2.CfnSecurityGroup.EgressProperty:
        """The load balancer fetches the issuer's keys itself, over HTTPS."""
        return ec2.CfnSecurityGroup.EgressProperty(
            ip_protocol="tcp", from_port=HTTPS, to_port=HTTPS, cidr_ip="0.0.0.0/0", description="The issuer's keys"
        )

    def _records(self) -> tuple[s3.Bucket, CfnResource]:
        """A bucket for access logs, which only the service's own encryption lets it write to."""
        bucket = s3.Bucket(
            self,
            "Records",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(LOGS_DAYS))],
            # Who used the model is asked when it is gone, too; the records end by themselves.
            removal_policy=RemovalPolicy.RETAIN,
        )
        bucket.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["s3:PutObject"],
                principals=[iam.ServicePrincipal("logdelivery.elasticloadbalancing.amazonaws.com")],
                resources=[bucket.arn_for_objects(f"{LOG_PREFIX}/AWSLogs/{Aws.ACCOUNT_ID}/*")],
            )
        )
        policy = bucket.policy
        assert policy is not None
        # A policy that goes while its bucket stays would open what it closes.
        policy.apply_removal_policy(RemovalPolicy.RETAIN)
        resource = policy.node.default_child
        assert isinstance(resource, CfnResource)
        return bucket, resource

    def _target(self, vpc_id: str, fleet: Fleet) -> Target:
        delay = min(LONGEST_DELAY_S, max(SHORTEST_IDLE_S, math.ceil(fleet.longest_answer_s)))
        return Target(
            self,
            "Nodes",
            vpc_id=vpc_id,
            target_type="instance",
            protocol="HTTP",
            port=fleet.engine.port,
            health_check_protocol="HTTP",
            health_check_path=fleet.engine.health_path,
            health_check_interval_seconds=CHECK_S,
            healthy_threshold_count=CHECKS,
            unhealthy_threshold_count=CHECKS,
            matcher=Target.MatcherProperty(http_code="200"),
            target_group_attributes=_attributes(
                Target.TargetGroupAttributeProperty,
                {
                    # Answers differ in length a hundredfold, so that turns would pile them up on one node.
                    "load_balancing.algorithm.type": "least_outstanding_requests",
                    "deregistration_delay.timeout_seconds": delay,
                },
            ),
        )

    def _listeners(self, balancer: elb.CfnLoadBalancer, fleet: Fleet) -> list[CfnResource]:
        listener = elb.CfnListener
        to_https = listener(
            self,
            "ToHttps",
            load_balancer_arn=balancer.ref,
            protocol="HTTP",
            port=HTTP,
            default_actions=[
                listener.ActionProperty(
                    type="redirect",
                    redirect_config=listener.RedirectConfigProperty(
                        protocol="HTTPS", port=str(HTTPS), status_code="HTTP_301"
                    ),
                )
            ],
        )
        https = listener(
            self,
            "Https",
            load_balancer_arn=balancer.ref,
            protocol="HTTPS",
            port=HTTPS,
            ssl_policy=TLS,
            certificates=[listener.CertificateProperty(certificate_arn=fleet.certificate)],
            default_actions=[
                listener.ActionProperty(
                    type="fixed-response",
                    fixed_response_config=listener.FixedResponseConfigProperty(status_code="404"),
                )
            ],
        )
        rule = Rule(
            self,
            "Engine",
            listener_arn=https.ref,
            priority=1,
            conditions=[
                Rule.RuleConditionProperty(
                    field="path-pattern",
                    path_pattern_config=Rule.PathPatternConfigProperty(values=list(fleet.engine.paths)),
                )
            ],
            actions=self._actions(fleet),
        )
        return [to_https, https, rule]

    def _actions(self, fleet: Fleet) -> list[Rule.ActionProperty]:
        forward = Rule.ActionProperty(type="forward", target_group_arn=self.target_arn, order=2)
        if fleet.issuer is None or fleet.keys is None:
            if not fleet.engine.keyed:
                raise StackError(f"{fleet.engine.name} checks no API key: give provision.serving.jwt.")
            return [forward]
        check = Rule.ActionProperty(
            type="jwt-validation",
            order=1,
            jwt_validation_config=Rule.JwtValidationConfigProperty(issuer=fleet.issuer, jwks_endpoint=fleet.keys),
        )
        return [check, forward]


# A rule that lets nothing out: without any, EC2 lets everything out.
NOWHERE = ec2.CfnSecurityGroup.EgressProperty(
    ip_protocol="icmp", from_port=252, to_port=86, cidr_ip="255.255.255.255/32", description="Nothing out"
)


def _attributes(make: Callable[..., Pair], values: Mapping[str, str | int]) -> list[Pair]:
    return [make(key=key, value=str(value)) for key, value in values.items()]
