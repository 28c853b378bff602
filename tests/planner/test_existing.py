"""What stands in the account already."""

from __future__ import annotations

from planner.existing import Existing


def test_it_tells_what_is_named() -> None:
    """A change of it reads as what is named, or as none."""
    assert str(Existing()) == "none"
    assert str(Existing(vpc="vpc-1", mount_name="fsx")) == "vpc vpc-1, mount name fsx"
