"""Which public machine image drives an instance type?

`data/images.yaml` lists the families that each Deep Learning AMI supports, by its release notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import yaml

from pricing.instance_type import InstanceType


def image_parameter(machine: InstanceType) -> str | None:
    """The public SSM parameter that names the image for the type; None where no image supports it."""
    return _parameters().get(machine.family)


@cache
def _parameters() -> Mapping[str, str]:
    """The parameter of each supported family."""
    text = files("planner").joinpath("data/images.yaml").read_text(encoding="utf-8")
    images = yaml.load(text, Loader=yaml.CSafeLoader)
    return {family: image["parameter"] for image in images for family in image["families"]}
