"""A public image parameter has a name that exists."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stacks.verify.images import parameter_of
from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

# The prefix, the form, and what is wrong with a name that has not got it.
_FORMS = (
    (
        "/aws/service/deeplearning/ami/",
        re.compile(r"/aws/service/deeplearning/ami/(x86_64|arm64)/[\w.-]+/latest/ami-id"),
        "Deep Learning AMIs are /aws/service/deeplearning/ami/x86_64|arm64/NAME/latest/ami-id",
    ),
    (
        "/aws/service/deeplearning/ami/",
        re.compile(r"(?!.*/base-oss-nvidia-driver-(ubuntu|amazon)).*"),
        "the base image's name has -gpu- in it: base-oss-nvidia-driver-gpu-...",
    ),
    (
        "/aws/service/neuron/dlami/",
        re.compile(r"/aws/service/neuron/dlami/[\w./-]+/image_id"),
        "Neuron images end in image_id, not ami-id",
    ),
    (
        "/aws/service/eks/optimized-ami/",
        re.compile(r"/aws/service/eks/optimized-ami/[\w./-]+/image_id"),
        "EKS images end in image_id",
    ),
)


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        named = parameter_of(body.data.at("ImageId"))
        for prefix, form, wrong in _FORMS:
            if named and "*" not in named and named.startswith(prefix) and not form.fullmatch(named):
                yield broken(body.data.at("ImageId"), f"{named}: {wrong}")


RULE = Rule(
    id="image-parameter-form",
    severity=Severity.ERROR,
    why="a parameter that does not exist fails the deployment; the guides themselves have wrong names",
    change="Correct the name (aws ssm get-parameters-by-path lists those that there are).",
    source="https://docs.aws.amazon.com/dlami/latest/devguide/find-dlami-id.html",
    check=_check,
)
