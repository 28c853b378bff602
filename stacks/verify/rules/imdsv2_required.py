"""The metadata service answers only those who hold a token."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.launches import template_bodies
from stacks.verify.rule import Found, Rule, Severity, broken, cannot_know
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for body in template_bodies(template):
        options = body.data.at("MetadataOptions")
        tokens = options.at("HttpTokens")
        if tokens.open:
            yield cannot_know(tokens, "whether the metadata service asks for a token")
        elif tokens.text != "required" and options.at("HttpEndpoint").text != "disabled":
            said = "is optional" if tokens.text == "optional" else "is not said to be required"
            yield broken(body.data if tokens.missing else tokens, f"a token of the metadata service {said}")


RULE = Rule(
    id="imdsv2-required",
    severity=Severity.ERROR,
    why="without tokens (IMDSv2) one forged request through a job's web front end reads the node's credentials",
    change="Set MetadataOptions.HttpTokens to required.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-IMDS-new-instances.html",
    check=_check,
)
