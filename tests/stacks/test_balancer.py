"""Who reaches the model, and how."""

from __future__ import annotations

from typing import Any

import pytest

from pricing.records import replace
from tests.stacks.test_serving_fleet import TOKENS, TRITON
from tests.support.builds import G5_FLEET
from tests.support.fleets import CERTIFICATE, FLEET
from tests.support.synthesis import document, only, properties

ELB = "AWS::ElasticLoadBalancingV2::"


def attributes(resource: dict[str, Any], key: str) -> dict[str, Any]:
    """Attributes written as pairs."""
    return {each["Key"]: each["Value"] for each in resource[key]}


def test_the_balancer_is_private_and_in_two_zones() -> None:
    """It has no public address, and stands in the nodes' zone and one more, in subnets of its own."""
    balancer = only(G5_FLEET, f"{ELB}LoadBalancer")
    assert balancer["Scheme"] == "internal"
    resources = document(G5_FLEET)["Resources"]
    zones = [resources[each["Ref"]]["Properties"]["AvailabilityZoneId"] for each in balancer["Subnets"]]
    assert zones == ["use1-az6", "use1-az1"]
    routed = {each["SubnetId"]["Ref"] for each in properties(G5_FLEET, "AWS::EC2::SubnetRouteTableAssociation")}
    assert {each["Ref"] for each in balancer["Subnets"]} <= routed


def test_the_balancer_keeps_records_drops_malformed_headers_and_waits_for_the_longest_answer() -> None:
    """Attributes that Elastic Load Balancing leaves off, and an idle timeout above the longest generation."""
    found = attributes(only(G5_FLEET, f"{ELB}LoadBalancer"), "LoadBalancerAttributes")
    assert found["access_logs.s3.enabled"] == "true"
    assert found["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert found["idle_timeout.timeout_seconds"] == "91"


def test_records_may_be_written_by_the_service_alone_and_end_by_themselves() -> None:
    """The log delivery service writes below its prefix; objects expire; bucket and policy stay when the stack goes."""
    resources = document(G5_FLEET)["Resources"]
    (name,) = (each for each in resources if each.startswith("BalancerRecords") and "Policy" not in each)
    assert resources[name]["DeletionPolicy"] == "Retain"
    assert resources[name]["Properties"]["LifecycleConfiguration"]["Rules"] == [
        {"ExpirationInDays": 30, "Status": "Enabled"}
    ]
    (policy,) = (each for each in resources.values() if each.get("Properties", {}).get("Bucket") == {"Ref": name})
    assert policy["DeletionPolicy"] == "Retain"
    (allowed,) = (each for each in policy["Properties"]["PolicyDocument"]["Statement"] if each["Effect"] == "Allow")
    assert allowed["Action"] == "s3:PutObject"
    assert allowed["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}


def test_plain_http_is_only_sent_to_https() -> None:
    """Port 80 redirects, and port 443 has the user's certificate and TLS 1.2 at least."""
    listeners = {each["Port"]: each for each in properties(G5_FLEET, f"{ELB}Listener")}
    assert listeners.keys() == {80, 443}
    (redirect,) = listeners[80]["DefaultActions"]
    assert (redirect["Type"], redirect["RedirectConfig"]["Protocol"]) == ("redirect", "HTTPS")
    assert listeners[443]["Protocol"] == "HTTPS"
    assert listeners[443]["Certificates"] == [{"CertificateArn": CERTIFICATE}]
    assert listeners[443]["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2-")


def test_only_the_engines_own_paths_are_passed_on() -> None:
    """Whatever else is asked for, metrics and administration among it, is answered 404 by the load balancer."""
    (default,) = next(each for each in properties(G5_FLEET, f"{ELB}Listener") if each["Port"] == 443)["DefaultActions"]
    assert (default["Type"], default["FixedResponseConfig"]["StatusCode"]) == ("fixed-response", "404")
    rule = only(G5_FLEET, f"{ELB}ListenerRule")
    (condition,) = rule["Conditions"]
    assert condition["PathPatternConfig"]["Values"] == ["/v1/*"]
    assert [action["Type"] for action in rule["Actions"]] == ["forward"]


@pytest.mark.parametrize("build", [TOKENS, TRITON], ids=["vllm", "triton"])
def test_tokens_are_checked_before_anything_is_passed_on(build: Any) -> None:
    """With an issuer the first action validates the token, against the issuer's published keys."""
    actions = sorted(only(build, f"{ELB}ListenerRule")["Actions"], key=lambda each: int(each["Order"]))
    assert [action["Type"] for action in actions] == ["jwt-validation", "forward"]
    assert actions[0]["JwtValidationConfig"] == {
        "Issuer": "https://issuer.example.com",
        "JwksEndpoint": "https://issuer.example.com/jwks.json",
    }


def test_requests_go_to_the_node_that_has_fewest() -> None:
    """Least outstanding requests; a node that goes may finish its longest answer; health by the engine's own path."""
    target = only(G5_FLEET, f"{ELB}TargetGroup")
    found = attributes(target, "TargetGroupAttributes")
    assert found["load_balancing.algorithm.type"] == "least_outstanding_requests"
    assert int(found["deregistration_delay.timeout_seconds"]) >= FLEET.longest_answer_s
    assert (target["HealthCheckPath"], target["Port"]) == ("/health", 8000)


def test_clients_reach_the_balancer_and_the_balancer_reaches_one_port() -> None:
    """VPC and named clients come in by 80 and 443; nodes let the engine's port in from the balancer alone."""
    groups = properties(G5_FLEET, "AWS::EC2::SecurityGroup")
    (balancer,) = (each for each in groups if "SecurityGroupIngress" in each)
    assert {(rule["CidrIp"], rule["FromPort"]) for rule in balancer["SecurityGroupIngress"]} == {
        (block, port) for block in ("10.0.0.0/16", "10.20.0.0/16") for port in (80, 443)
    }
    assert [rule["CidrIp"] for rule in balancer["SecurityGroupEgress"]] == ["255.255.255.255/32"]
    (into,) = properties(G5_FLEET, "AWS::EC2::SecurityGroupIngress")
    assert (into["FromPort"], into["ToPort"], "CidrIp" in into) == (8000, 8000, False)
    (out,) = properties(G5_FLEET, "AWS::EC2::SecurityGroupEgress")
    assert out["DestinationSecurityGroupId"] == into["GroupId"]


def test_the_issuers_keys_are_fetched_by_the_balancer() -> None:
    """A balancer that checks tokens may go out by HTTPS, and by nothing else."""
    (balancer,) = (each for each in properties(TOKENS, "AWS::EC2::SecurityGroup") if "SecurityGroupIngress" in each)
    assert [(rule["FromPort"], rule["ToPort"]) for rule in balancer["SecurityGroupEgress"]] == [(443, 443)]


@pytest.mark.parametrize(("answer_s", "timeout"), [(0.5, "60"), (60.1, "61"), (4000.0, "4000")])
def test_the_idle_timeout_covers_the_longest_answer(answer_s: float, timeout: str) -> None:
    """An answer that is not streamed sends nothing before its end; a minute is the least."""
    build = replace(G5_FLEET, fleet=replace(FLEET, longest_answer_s=answer_s))
    found = attributes(only(build, f"{ELB}LoadBalancer"), "LoadBalancerAttributes")
    assert found["idle_timeout.timeout_seconds"] == timeout
