"""What may a new plan change of one that stands?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from planner.built import Engine, Existing, FileSystem, Fleet, Floor, Image, Mig
from planner.errors import LockError
from planner.lock import Lock
from planner.plan import Build, Decision
from pricing.records import replace

# Another name, region or account is another stack. In another zone the subnets would be made anew beside the old ones,
# with the same addresses, which EC2 refuses.
_MOVING = ("name", "region", "zone_id", "account")
# Change around running nodes; all else stands in create-only properties of the fleet, or in the launch template
# that it is replaced with (AWS::EC2::EC2Fleet, AWS::EC2::Instance in the CloudFormation reference).
_AROUND = ("lifecycle", "expires_at", "block_ends_at", "budget_usd", "budget_email")
# Of a fleet, what its load balancer and its scaling hold; its nodes are replaced one after the other.
_AROUND_FLEET = (
    *("nodes", "least_nodes", "most_nodes", "waiting_per_node", "running_per_node", "longest_answer_s"),
    *("certificate", "clients", "balancer_zone_ids", "balancer_subnets", "on_demand_nodes", "schedule", "time_zone"),
)
# Records in a build of which the fields are compared, where both builds have them.
_PARTS = (FileSystem, Fleet, Engine, Mig, Existing)

# What follows from the instance type, and is no news where that changes.
OF_TYPE = ("accelerators", "nvme_bytes", "efa_cards", "nic_slots")

Compare = Callable[[Build, Build], tuple[str, ...]]
"""Tells what CloudFormation would make anew, or take away, of the first build's stack for the second's."""


class Changes(Struct, frozen=True, kw_only=True):
    """What differs between two builds, in words: what makes another stack, what replaces every node, and the rest.

    `remade` is what CloudFormation would make anew, or take away, where both templates were compared.
    """

    moving: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()
    around: tuple[str, ...] = ()
    remade: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every difference, the gravest first."""
        return (*self.moving, *self.replacing, *self.around)


def changes(old: Build, new: Build) -> Changes:
    """What differs between the build of a stack and another."""
    words: dict[str, list[str]] = {"moving": [], "replacing": [], "around": []}
    around = (*_AROUND, *_AROUND_FLEET) if old.fleet and new.fleet else _AROUND
    told = OF_TYPE if old.instance_type != new.instance_type else ()
    for name, before, after in _differing(old, new):
        if name in told:
            continue
        kind = "moving" if name in _MOVING else "around" if name in around else "replacing"
        words[kind].append(f"{name.replace('_', ' ')}: {_shown(before)} -> {_shown(after)}")
    return Changes(**{kind: tuple(items) for kind, items in words.items()})


def _differing(old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """Fields that differ between two records of a kind, and those of the records in them."""
    for name in old.__struct_fields__:
        before, after = getattr(old, name), getattr(new, name)
        if isinstance(before, _PARTS) and isinstance(after, _PARTS):
            yield from _differing(before, after)
        elif before != after and not _pins(before, after):
            yield name, before, after


def permitted(path: Path, old: Build, new: Build, *, replace_nodes: bool, compare: Compare | None = None) -> Changes:
    """What changes, where nobody has to be warned of it. Raises LockError, with what to do, otherwise.

    `compare` tells what of the old build's template the new one would make anew, which says more than the fields that
    differ; without it each of those that may replace nodes is taken to do so.
    """
    changed = changes(old, new)
    if changed.moving:
        raise LockError(
            [
                f"{path}: the new plan stands elsewhere, and the stack that runs would be left behind, still billed:",
                *(f"  {item}" for item in changed.moving),
                f"Nothing was written; run `cdk destroy` first, then delete {path} and lock again.",
            ]
        )
    if compare and changed.all:
        changed = _compared(changed, compare(old, new))
    if (changed.replacing or changed.remade) and not replace_nodes:
        what = "what stands" if changed.remade else "every node of the stack"
        raise LockError(
            [
                f"{path}: the new plan would replace {what}:",
                *(f"  {item}" for item in changed.replacing or changed.around),
                *(f"  {item}" for item in changed.remade),
                "Nothing was written. What is made anew CloudFormation starts before it ends the old, so quota and "
                "capacity are needed twice; to go on, run `berth lock` with --replace.",
            ]
        )
    return changed


def _compared(changed: Changes, remade: tuple[str, ...]) -> Changes:
    """The changes in the light of what they make anew: where that is nothing, none of them replaces a node."""
    if remade:
        return replace(changed, remade=remade)
    return replace(changed, replacing=(), around=(*changed.replacing, *changed.around))


def drift(locked: Build, today: Decision) -> tuple[str, ...]:
    """What today's decision would change in the stack of a lock, in words; its end moves with the clock alone."""
    return changes(locked, replace(keeping(locked, today), expires_at=locked.expires_at)).all


def keeping(old: Build, decided: Decision | Lock) -> Build:
    """What was decided, in the zone and with the image of the old build, where they still answer the question."""
    new = decided.build
    if old.region != new.region:
        return new
    if decided.plan and old.zone_id in decided.plan.chosen.zone_ids:
        new = replace(new, zone_id=old.zone_id)
    if new.block_ends_at is None and old.reservation_id == new.reservation_id:
        # Not asked today, which ends no block.
        new = replace(new, block_ends_at=old.block_ends_at)
    # Without a parameter an image is the user's own, or that of a target which names none.
    same = new.image.parameter is not None and old.image.parameter == new.image.parameter
    return replace(new, image=old.image) if same and new.image.id is None else new


def _pins(before: object, after: object) -> bool:
    """Whether a change only pins what was open: the same image parameter, now with an id."""
    return (
        isinstance(before, Image)
        and isinstance(after, Image)
        and before.parameter == after.parameter
        and before.id is None
    )


def _shown(value: object) -> str:
    if isinstance(value, Image):
        return value.id or str(value.parameter)
    if isinstance(value, FileSystem):
        return f"{value.capacity_gib:,} GiB of Lustre"
    if isinstance(value, Fleet):
        return value.engine.name
    if isinstance(value, Mig):
        return value.profile
    if isinstance(value, tuple) and value and all(isinstance(each, Floor) for each in value):
        return ", ".join(f"{each.nodes} from {each.minute // 60:02}:{each.minute % 60:02}" for each in value)
    if isinstance(value, float):
        return f"{value:,.1f}"
    return "none" if value is None else str(value)
