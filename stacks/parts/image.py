"""Which machine image do the nodes boot, and which of its devices is the root?"""

from __future__ import annotations

from aws_cdk import Annotations, CfnParameter
from constructs import Construct

from planner.built import Image
from stacks.errors import StackError

UBUNTU_ROOT = "/dev/sda1"
AMAZON_LINUX_ROOT = "/dev/xvda"
# A wrong name makes a second, empty volume and leaves the root at the image's own size.
ROOT_DEVICES = {"ubuntu": UBUNTU_ROOT, "amazon-linux": AMAZON_LINUX_ROOT}


def image_id(scope: Construct, construct_id: str, *, image: Image, instance_type: str) -> str:
    """The pinned image, or else a parameter that CloudFormation looks up again at every deployment.

    Raises StackError where neither an image nor a parameter is named.
    """
    if image.id is not None:
        return image.id
    if not image.parameter:
        raise StackError(
            f"No public machine image is known to support {instance_type!r}. Name the id of one that does (ami-...)."
        )
    Annotations.of(scope).add_warning_v2(
        "berth:image-not-pinned",
        f"The image is not pinned: a new release of {image.parameter} would replace the nodes at the next "
        "deployment. Run `berth lock` with AWS credentials to pin it.",
    )
    parameter = CfnParameter(
        scope,
        construct_id,
        type="AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>",
        default=image.parameter,
        description="Public parameter that names the newest machine image",
    )
    return parameter.value_as_string


def root_device(image: Image) -> str:
    """The root device of the operating system that the image's parameter names.

    An image of the user's own, without a parameter, is taken for Ubuntu, as all public ones of Berth's are.
    """
    if not image.parameter:
        return UBUNTU_ROOT
    for system, device in ROOT_DEVICES.items():
        if system in image.parameter:
            return device
    raise StackError(
        f"The image {image.parameter!r} names neither of {' and '.join(ROOT_DEVICES)}, so its root device is "
        "unknown. Name an image of one of these."
    )
