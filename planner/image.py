"""Which public machine image drives an instance type?

`data/images.yaml` lists the families that each Deep Learning AMI supports, by its release notes, `data/eks.yaml` those
of the images that EKS itself keeps for its nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from pricing.instance_type import InstanceType


def image_parameter(machine: InstanceType) -> str | None:
    """The public SSM parameter that names the image for the type; None where no image supports it."""
    return _parameters().get(machine.family)


def eks_image(instance_type: str) -> str | None:
    """The kind of image that EKS boots the type with in a managed node group, by its name; None where it has none."""
    return _eks_images().get(instance_type.partition(".")[0])


def own_image(instance_type: str) -> str | None:
    """What an image of the user's own must bring, and where there is one, for a type that no public one drives; None
    where nobody says."""
    return _own_images().get(instance_type.partition(".")[0])


@cache
def _parameters() -> Mapping[str, str]:
    """The parameter of each supported family."""
    return {family: image["parameter"] for image in _images("parameter") for family in image["families"]}


@cache
def _own_images() -> Mapping[str, str]:
    """Driver and place by family, in words."""
    return {
        family: f"{image['driver']} ({image['where']})" for image in _images("driver") for family in image["families"]
    }


def _images(key: str) -> list[dict[str, Any]]:
    """The entries that say so."""
    return [image for image in _data("images.yaml") if key in image]


@cache
def _eks_images() -> Mapping[str, str]:
    """The kind of image of each family that EKS supports."""
    return {family: kind for kind, families in _data("eks.yaml").items() for family in families}


def _data(name: str) -> Any:
    text = files("planner").joinpath("data", name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.CSafeLoader)
