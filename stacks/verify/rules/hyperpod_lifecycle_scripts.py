"""Life-cycle scripts come from a bucket of our own."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER, groups
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template


def _check(template: Template) -> Iterator[Found]:
    for cluster in template.of(CLUSTER):
        for group in groups(cluster):
            config = group.at("LifeCycleConfig")
            place = config.at("SourceS3Uri")
            if place.text is not None and not place.text.startswith("s3://"):
                yield broken(place, f"{place.text!r} is not in S3")
            elif not config.missing and not config.at("OnCreate").missing and place.missing:
                yield broken(config, "OnCreate names a script, but SourceS3Uri no place")


RULE = Rule(
    id="hyperpod-lifecycle-scripts",
    severity=Severity.ERROR,
    why="creation runs the scripts; where they cannot be fetched it fails, without a log",
    change="Put a pinned copy into your own bucket, and name it as s3://bucket/prefix.",
    source="https://github.com/awslabs/awsome-distributed-training/issues/186",
    check=_check,
)
