"""Life-cycle scripts come from a bucket of our own."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.hyperpod import CLUSTER, groups
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

# The script that sets a node up in the place of HyperPod's own, or the one that runs after those.
_SCRIPTS = ("OnCreate", "OnInitComplete")


def _check(template: Template) -> Iterator[Found]:
    for cluster in template.of(CLUSTER):
        for group in groups(cluster):
            config = group.at("LifeCycleConfig")
            place = config.at("SourceS3Uri")
            if place.text is not None and not place.text.startswith("s3://"):
                yield broken(place, f"{place.text!r} is not in S3")
            named = [key for key in _SCRIPTS if not config.at(key).missing]
            if len(named) > 1:
                yield broken(config, f"{' and '.join(named)} exclude each other")
            elif named and place.missing:
                yield broken(config, f"{named[0]} names a script, but SourceS3Uri no place")
            elif not named and not place.missing and not config.open:
                yield broken(config, f"SourceS3Uri names a place, but neither {' nor '.join(_SCRIPTS)} a script")


RULE = Rule(
    id="hyperpod-lifecycle-scripts",
    severity=Severity.ERROR,
    why="creation runs the scripts; where they cannot be fetched it fails, without a log",
    change="Put a pinned copy into your own bucket, and name it as s3://bucket/prefix.",
    source="https://github.com/awslabs/awsome-distributed-training/issues/186",
    check=_check,
)
