"""Containers on accelerated nodes reach the role's credentials."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import launches
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for launch in launches(template):
        limit = launch.body.data.at("MetadataOptions", "HttpPutResponseHopLimit")
        if launch.accelerated and not limit.open and (limit.number or 1) < 2:
            said = "is 1" if limit.number else "is not set, which is 1"
            yield broken(launch.body.data if limit.missing else limit, f"the metadata service's hop limit {said}")


RULE = Rule(
    id="imds-hop-limit",
    severity=Severity.WARNING,
    why="at 1 hop a token does not reach containers, so that jobs in them have no credentials for data and checkpoints",
    change="Set MetadataOptions.HttpPutResponseHopLimit to 2.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html",
    check=_check,
)
