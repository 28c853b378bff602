"""The machine image."""

from __future__ import annotations

import pytest

from planner.built import Image
from pricing.records import replace
from stacks.errors import StackError
from tests.support.builds import GPU_IMAGE, P4D_CLUSTER
from tests.support.synthesis import document, launch_data, shown, stack

PINNED = replace(P4D_CLUSTER, image=replace(GPU_IMAGE, id="ami-00000000000000001"))


def test_a_pinned_image_is_used_as_it_is() -> None:
    """The id stands in the template, no parameter is read, and nothing is warned of."""
    assert launch_data(PINNED)["ImageId"] == "ami-00000000000000001"
    assert "Image" not in document(PINNED)["Parameters"]
    assert shown(PINNED) == []


def test_an_unpinned_image_is_read_from_its_parameter_with_a_warning() -> None:
    """CloudFormation resolves the public parameter, and the synthesis says that nodes may be replaced."""
    parameter = document(P4D_CLUSTER)["Parameters"]["Image"]
    assert parameter["Type"] == "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"
    assert parameter["Default"] == GPU_IMAGE.parameter
    assert launch_data(P4D_CLUSTER)["ImageId"] == {"Ref": "Image"}
    assert any("not pinned" in warning for warning in shown(P4D_CLUSTER))


def test_the_plans_warnings_are_shown() -> None:
    """What the plan warns of is a warning of every synthesis."""
    assert "The price is old." in "".join(shown(PINNED, ("The price is old.",)))


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (Image(parameter="", id=None), "No public machine image is known to support 'p4d.24xlarge'"),
        (Image(parameter="/aws/service/bottlerocket/latest/image_id", id=None), "its root device is unknown"),
    ],
)
def test_an_image_that_cannot_be_booted_is_refused(image: Image, words: str) -> None:
    """No image at all, and an image of an unknown system, are errors that say what to name."""
    with pytest.raises(StackError, match=words):
        stack(replace(P4D_CLUSTER, image=image))
