"""What would CloudFormation make anew if one template took the place of another?

A replacement is made before the old resource is deleted, so that nodes need their quota and capacity twice, and a
fixed name is taken. A resource is replaced when a create-only property changes, and then whatever is told its id in
a create-only property of its own. Logical ids name what is the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from pricing.table import read_table
from stacks.verify.template import Node, Resource, Template
from stacks.verify.values import Encoded, Joined, Reference, Value

TABLE = Path(__file__).parent / "data" / "create_only.csv"


class Fate(StrEnum):
    """What becomes of a resource, the gravest first."""

    REFUSED = "refused"
    REMOVED = "removed"
    REPLACED = "replaces"
    ROLLED = "rolls"
    THINNED = "loses nodes"
    PERHAPS = "may replace"


class Kind(StrEnum):
    """What a resource is to its user, the dearest first."""

    NODES = "nodes"
    FILES = "files"
    CLUSTER = "cluster"
    OTHER = "other"


_KINDS = {
    "AWS::AutoScaling::AutoScalingGroup": Kind.NODES,
    "AWS::Batch::ComputeEnvironment": Kind.NODES,
    "AWS::EC2::EC2Fleet": Kind.NODES,
    "AWS::EC2::Instance": Kind.NODES,
    "AWS::EKS::Nodegroup": Kind.NODES,
    "AWS::PCS::ComputeNodeGroup": Kind.NODES,
    "AWS::EC2::Volume": Kind.FILES,
    "AWS::EFS::FileSystem": Kind.FILES,
    "AWS::FSx::FileSystem": Kind.FILES,
    "AWS::S3::Bucket": Kind.FILES,
    "AWS::EKS::Cluster": Kind.CLUSTER,
    "AWS::PCS::Cluster": Kind.CLUSTER,
    "AWS::SageMaker::Cluster": Kind.CLUSTER,
}
_NAMES = frozenset({"ClusterName", "GroupName", "RoleName", "BucketName", "AutoScalingGroupName", "Name"})
_VERSIONED = "AWS::EC2::LaunchTemplate"
# What changes in place and yet replaces nodes: EKS rolls a group to its new template or image. Groups of Auto Scaling
# that roll are told to by a policy of their own, which keeps the service up.
_ROLLING = {"AWS::EKS::Nodegroup": ("LaunchTemplate", "ReleaseVersion", "Version")}
# A resource whose id changes, or an attribute of one that does.
_Moved = tuple[str, str | None]
_ORDER = {fate: rank for rank, fate in enumerate(Fate)}


class Replacement(Struct, frozen=True, kw_only=True):
    """One resource that the new template makes anew, or takes away; `because` says why, one sentence each."""

    name: str
    type: str
    fate: Fate
    because: tuple[str, ...]
    kept: bool = False
    collides: str | None = None

    @property
    def kind(self) -> Kind:
        """What the resource is to its user."""
        return _KINDS.get(self.type, Kind.OTHER)

    @property
    def words(self) -> str:
        """What happens, in one sentence."""
        what = f"{self.name} ({self.type})"
        happens = {
            Fate.REFUSED: "cannot be changed so: CloudFormation refuses the update",
            Fate.REMOVED: "is deleted",
            Fate.REPLACED: "is made anew, and the old one deleted",
            Fate.ROLLED: "replaces its nodes one after the other, and ends what runs on them",
            Fate.THINNED: "loses nodes",
            Fate.PERHAPS: "may be made anew, depending on what else it is",
        }[self.fate]
        if self.kept and self.fate is not Fate.REFUSED:
            happens += "; the old one is kept, and billed"
        elif self.kind is Kind.FILES and self.fate is not Fate.REFUSED:
            happens += ", with the data in it"
        name = f" Its fixed name {self.collides} is taken, so that the update fails." if self.collides else ""
        return f"{what} {happens}: {'; '.join(self.because)}.{name}"


@cache
def create_only(table: Path = TABLE) -> Mapping[str, Mapping[str, Fate]]:
    """The properties of each type that cannot change in place, and what a change does. Raises CatalogError."""
    found: dict[str, dict[str, Fate]] = {}
    for kind, path, fate in read_table(table, lambda row: (row["type"], row["property"], Fate(row["update"]))):
        found.setdefault(kind, {})[path] = fate
    return found


def replacements(old: Template, new: Template) -> tuple[Replacement, ...]:
    """What `new` would make anew or take away of what `old` made: nodes first, then files, clusters and the rest."""
    found: dict[str, Replacement] = {}
    for name, before in old.resources.items():
        each = _compared(before, new.resources.get(name))
        if each:
            found[name] = each
    _spread(old, new, found)
    found.update((each.name, each) for each in _rolled(old, new, found))
    kinds = list(Kind)
    return tuple(sorted(found.values(), key=lambda each: (kinds.index(each.kind), _ORDER[each.fate], each.name)))


def _compared(before: Resource, after: Resource | None) -> Replacement | None:
    if after is None:
        if before.type not in _KINDS:
            return None
        kept = before.body.at("DeletionPolicy").text == "Retain"
        because = ("it is not in the new template",)
        return Replacement(name=before.name, type=before.type, fate=Fate.REMOVED, because=because, kept=kept)
    if after.type != before.type:
        because = (f"its type changes to {after.type}",)
        return Replacement(name=before.name, type=before.type, fate=Fate.REFUSED, because=because)
    changes = {path: fate for path, fate in create_only().get(before.type, {}).items() if _differs(before, after, path)}
    if not changes:
        return _thinned(before, after)
    said = tuple(_change(before, after, path) for path in changes)
    return _made_anew(after, min(changes.values(), key=_ORDER.__getitem__), said, set(changes))


def _thinned(before: Resource, after: Resource) -> Replacement | None:
    """Instance groups that a cluster loses, with their nodes, while it stays itself."""
    groups = [_by_name(each.at("InstanceGroups")) for each in (before, after)]
    lost = sorted(groups[0].keys() - groups[1].keys())
    if not lost:
        return None
    because = tuple(f"its instance group {name} is not in the new template" for name in lost)
    return Replacement(name=before.name, type=before.type, fate=Fate.THINNED, because=because)


def _made_anew(after: Resource, fate: Fate, because: tuple[str, ...], changed: set[str]) -> Replacement:
    fixed = next((after.at(key).text for key in _NAMES if key not in changed and after.at(key).text), None)
    return Replacement(
        name=after.name,
        type=after.type,
        fate=fate,
        because=because,
        kept=after.body.at("UpdateReplacePolicy").text == "Retain",
        collides=fixed if fate is Fate.REPLACED else None,
    )


def _spread(old: Template, new: Template, found: dict[str, Replacement]) -> None:
    """Adds what is told the id of a replaced resource, or the new version of a launch template, as create-only."""
    while True:
        more = {each.name: each for each in _told(old, new, _moved(old, new, found), found)}
        if not more:
            return
        found.update(more)


def _moved(old: Template, new: Template, found: Mapping[str, Replacement]) -> set[_Moved]:
    """The resources that are made anew, and the launch templates that get a new version."""
    moved: set[_Moved] = {(each.name, None) for each in found.values() if each.fate is Fate.REPLACED}
    for each in new.of(_VERSIONED):
        before = old.resources.get(each.name)
        if before and (_written(before.at()) != _written(each.at()) or _moved_inside(each.at(), moved)):
            moved.add((each.name, "LatestVersionNumber"))
    return moved


def _rolled(old: Template, new: Template, found: Mapping[str, Replacement]) -> Iterator[Replacement]:
    """Groups that stay, and whose nodes are replaced."""
    moved = _moved(old, new, found)
    for name in new.resources.keys() & old.resources.keys() - found.keys():
        before, after = old.resources[name], new.resources[name]
        because = []
        for path in _ROLLING.get(after.type, ()):
            cause = _moved_inside(after.at(path), moved)
            if cause or _differs(before, after, path):
                because.append(f"{path} names {cause}" if cause else _change(before, after, path))
        if because:
            yield Replacement(name=name, type=after.type, fate=Fate.ROLLED, because=tuple(because))


def _told(old: Template, new: Template, moved: set[_Moved], found: Mapping[str, Replacement]) -> Iterator[Replacement]:
    for name in new.resources.keys() & old.resources.keys():
        resource, earlier = new.resources[name], found.get(name)
        for path, fate in create_only().get(resource.type, {}).items():
            if earlier and _ORDER[fate] >= _ORDER[earlier.fate]:
                continue
            cause = next(
                filter(None, (_moved_inside(node, moved) for node in _nodes(resource.at(), path.split("/")))), None
            )
            if cause:
                because = (*(earlier.because if earlier else ()), f"{path} names {cause}")
                earlier = _made_anew(resource, fate, because, set())
                yield earlier


def _moved_inside(top: Node, moved: set[_Moved]) -> str | None:
    """What a value refers to of what has moved: a resource made anew, or a launch template's new version."""
    stack = [top]
    while stack:
        node = stack.pop()
        for reference in _references(node.value):
            if (reference.name, None) in moved:
                return f"{reference.name}, which is made anew"
            if (reference.name, reference.attribute) in moved:
                return f"the version of {reference.name}, which changes"
        stack += [*node.items, *(inner for _, inner in node.entries)]
    return None


def _references(value: Value) -> Iterator[Reference]:
    if isinstance(value, Reference):
        yield value
    elif isinstance(value, Joined):
        for part in value.parts:
            yield from _references(part)
    elif isinstance(value, Encoded):
        yield from _references(value.content)


def _differs(before: Resource, after: Resource, path: str) -> bool:
    keys = path.split("/")
    if "*" not in keys:
        return _values(before, keys) != _values(after, keys)
    # Of groups in a list those of one name are the same group; new ones and old ones are no change of any.
    place = keys.index("*")
    groups = [_by_name(each.at(*keys[:place])) for each in (before, after)]
    return any(
        _written(groups[0][name].at(*keys[place + 1 :])) != _written(groups[1][name].at(*keys[place + 1 :]))
        for name in groups[0].keys() & groups[1].keys()
    )


def _by_name(node: Node) -> dict[str, Node]:
    return {each.at("InstanceGroupName").key: each for each in node.items}


def _nodes(top: Node, keys: list[str]) -> Iterator[Node]:
    if "*" in keys:
        place = keys.index("*")
        for each in top.at(*keys[:place]).items:
            yield from _nodes(each, keys[place + 1 :])
    elif not top.at(*keys).missing:
        yield top.at(*keys)


def _values(resource: Resource, keys: list[str]) -> list[str]:
    return [_written(node) for node in _nodes(resource.at(), keys)]


def _written(node: Node) -> str:
    """A value as one text, with what is known filled in, so that two ways to write it are the same."""
    return json.dumps(_plain(node), sort_keys=True, default=str)


def _plain(node: Node) -> Any:
    if isinstance(node.value, list):
        return [_plain(each) for each in node.items]
    if isinstance(node.value, dict):
        return {key: _plain(each) for key, each in node.entries}
    return None if node.missing else node.key


def _change(before: Resource, after: Resource, path: str) -> str:
    keys = path.split("/")
    shown = [", ".join(_shown(each) for each in _nodes(side.at(), keys)) or "none" for side in (before, after)]
    return f"{path} changes" if max(map(len, shown)) > 60 else f"{path}: {shown[0]} -> {shown[1]}"


def _shown(node: Node) -> str:
    return _written(node).strip('"')
