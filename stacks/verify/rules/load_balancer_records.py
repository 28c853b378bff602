"""A load balancer keeps a record, and drops what is malformed."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_WANTED = {
    "access_logs.s3.enabled": "no access log is kept",
    "routing.http.drop_invalid_header_fields.enabled": "malformed headers are passed on",
}


def _check(template: Template) -> Iterator[Found]:
    for balancer in template.of("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        if balancer.at("Type").text not in (None, "application") or balancer.at("LoadBalancerAttributes").open:
            continue
        stated = {each.at("Key").text: each.at("Value") for each in balancer.at("LoadBalancerAttributes").items}
        for key, lacking in _WANTED.items():
            if key not in stated or stated[key].flag is False:
                yield broken(balancer, f"{lacking} ({key})")


RULE = Rule(
    id="load-balancer-records",
    severity=Severity.WARNING,
    why="without access logs nobody can say who used the model; malformed headers smuggle requests past it",
    change="Set both LoadBalancerAttributes to true.",
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html",
    check=_check,
)
