"""What stands in the account already, and is used instead of made?"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """What stands in the account already and is used instead of made, each by its id; None for what the stack makes.

    A `subnet` stands in `vpc`; without one the stack makes its own there, with the routes of `route_table`. Nodes join
    `security_group` beside their own. `file_system` is FSx for Lustre, which its `mount_name` mounts.
    """

    vpc: str | None = None
    subnet: str | None = None
    route_table: str | None = None
    security_group: str | None = None
    file_system: str | None = None
    mount_name: str | None = None
    key: str | None = None
    permissions_boundary: str | None = None
    placement_group: str | None = None

    def __str__(self) -> str:
        """What is named, in words."""
        named = {field.name.replace("_", " "): getattr(self, field.name) for field in fields(self)}
        return ", ".join(f"{name} {value}" for name, value in named.items() if value) or "none"


NOTHING = Existing()
