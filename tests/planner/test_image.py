"""Does every type that can be planned boot an image that AWS publishes for it?"""

from __future__ import annotations

import pytest

from planner.image import eks_image, image_parameter, own_image
from pricing.catalog import find_instance_type, load_instance_types


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("p5.48xlarge", "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"),
        ("g6e.xlarge", "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"),
        ("g5g.xlarge", "/aws/service/deeplearning/ami/arm64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"),
        ("trn1.32xlarge", "/aws/service/neuron/dlami/multi-framework/ubuntu-24.04/latest/image_id"),
        ("inf2.xlarge", "/aws/service/neuron/dlami/multi-framework/ubuntu-24.04/latest/image_id"),
        # A slice of a GPU, an old GPU, a retired chip and other vendors have none.
        ("g6f.large", None),
        ("p3.2xlarge", None),
        ("inf1.xlarge", None),
        ("g4ad.xlarge", None),
        ("dl1.24xlarge", None),
    ],
)
def test_the_image_is_the_one_that_lists_the_family(name: str, parameter: str | None) -> None:
    """GPUs of Turing and later boot the open driver, Neuron chips of today the Neuron image, others none."""
    assert image_parameter(find_instance_type(name)) == parameter


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("p5.48xlarge", "AL2023_x86_64_NVIDIA"),
        ("g5g.xlarge", "AL2023_ARM_64_NVIDIA"),
        ("trn2.48xlarge", "AL2023_x86_64_NEURON"),
        ("g7.xlarge", None),
        ("dl1.24xlarge", None),
    ],
)
def test_eks_has_an_image_of_its_own(name: str, kind: str | None) -> None:
    """By the families that its guide lists, and none for others."""
    assert eks_image(name) == kind


def test_images_of_eks_fit_processor_and_chip() -> None:
    """No type gets an image of another architecture or of another vendor's driver."""
    for machine in load_instance_types().values():
        kind = eks_image(machine.name)
        if kind is not None:
            assert kind.endswith("NEURON") == (machine.accelerator.vendor == "AWS")
            assert ("ARM_64" in kind) == (machine.architecture == "arm64")


def test_images_fit_processor_and_chip() -> None:
    """No type gets an image of another architecture or of another vendor's driver."""
    for kind in load_instance_types().values():
        parameter = image_parameter(kind)
        if parameter is not None:
            assert ("neuron" in parameter) == (kind.accelerator.vendor == "AWS")
            assert ("nvidia" in parameter) == (kind.accelerator.vendor == "NVIDIA")
            assert f"/{kind.architecture}/" in parameter or kind.accelerator.vendor == "AWS"


@pytest.mark.parametrize(("name", "told"), [("g6f.large", True), ("gr6f.4xlarge", True), ("p3.2xlarge", False)])
def test_a_slice_needs_an_image_of_the_users_own(name: str, told: bool) -> None:
    """Its driver is named, and where there is one; of old GPUs nobody says."""
    assert bool(own_image(name)) is told
    assert not told or "GRID driver 18.4" in str(own_image(name))
    assert image_parameter(find_instance_type(name)) is None
