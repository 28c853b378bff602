"""The root volume is described under the image's own root device."""

from __future__ import annotations

from collections.abc import Iterator

from stacks.verify.images import parameter_of
from stacks.verify.launches import bodies
from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Template

_ROOTS = {"ubuntu": "/dev/sda1", "amazon-linux": "/dev/xvda", "al2023": "/dev/xvda", "amzn2": "/dev/xvda"}


def _check(template: Template) -> Iterator[Found]:
    for body in bodies(template):
        named = parameter_of(body.data.at("ImageId")) or ""
        root = next((device for system, device in _ROOTS.items() if system in named), None)
        devices = [each.at("DeviceName") for each in body.data.at("BlockDeviceMappings").items]
        known = {node.text for node in devices}
        if root and devices and None not in known and root not in known:
            yield broken(devices[0], f"the image's root device is {root}, which is not described")


RULE = Rule(
    id="root-device-name",
    severity=Severity.ERROR,
    why="under another name EC2 makes a second, empty volume, and the root keeps the image's own small size, "
    "unencrypted",
    change="Name the image's root device: /dev/sda1 on Ubuntu, /dev/xvda on Amazon Linux.",
    source="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html",
    check=_check,
)
