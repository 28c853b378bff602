"""Whose AWS account is this, as far as can be told without asking anybody?

Reads the environment and small files only, so that a plan without credentials never loads the AWS SDK or waits for
an instance's metadata service.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

# Where botocore finds credentials and the account that they are for, beside its two files (botocore's
# credentials.py). The files are named by the first two.
_FILES = {"AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials", "AWS_CONFIG_FILE": "~/.aws/config"}
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_ACCOUNT = (*_CREDENTIALS, "AWS_ROLE_ARN", "AWS_ENDPOINT_URL")
# What firmware says on EC2: Nitro instances are Amazon's, Xen ones have its name in the BIOS version.
_FIRMWARE = ("sys_vendor", "bios_version")
# Enough that no two accounts of one user ever meet.
_DIGITS = 16


def may_have_credentials() -> bool:
    """Whether anything here could give credentials; False means that asking for any is in vain."""
    return any(os.environ.get(name) for name in _CREDENTIALS) or any(map(Path.is_file, _files())) or _on_ec2()


def account_key() -> str:
    """A name for the account in use that no other account has: a digest of all that decides it.

    It changes too where only a key was changed; what is filed under it is then asked for anew, never mixed.
    """
    parts = [f"{name}={os.environ.get(name, '')}".encode() for name in _ACCOUNT]
    parts += [_content(path) for path in _files()]
    # Each part's own digest, so that none can end where the next begins.
    return sha256(b"".join(sha256(part).digest() for part in parts)).hexdigest()[:_DIGITS]


def _files() -> Iterator[Path]:
    for variable, usual in _FILES.items():
        yield Path(os.path.expanduser(os.environ.get(variable) or usual))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _on_ec2() -> bool:
    """Whether this machine is an EC2 instance, whose metadata service may give credentials."""
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return False
    folder = Path("/sys/class/dmi/id")
    return any(b"amazon" in _content(folder / name).lower() for name in _FIRMWARE)
