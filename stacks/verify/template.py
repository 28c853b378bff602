"""What does a template say: its resources and their properties, whatever the types of what is written there?

Nothing here raises for a template that is wrong; a property that is absent or of another type answers None, and
one that only the deployment knows says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

from stacks.verify.intrinsics import Intrinsics
from stacks.verify.positions import Path
from stacks.verify.reading import Source
from stacks.verify.values import MISSING, OPEN, Encoded, Joined, Reference, Unknown, Value, key_of, scalar_text, whole


class Node(Struct, frozen=True):
    """A value of a template, its intrinsic function followed, and its place."""

    template: Template
    path: Path
    value: Value

    def at(self, *keys: str | int) -> Node:
        """What stands under the keys, one inside the other; missing where one of them is."""
        node = self
        for key in keys:
            inner = node.value
            if isinstance(inner, Unknown):
                return Node(node.template, (*node.path, key), inner)
            listed = isinstance(inner, list) and isinstance(key, int) and 0 <= key < len(inner)
            if not listed and not (isinstance(inner, dict) and key in inner):
                return Node(node.template, (*node.path, key), MISSING)
            node = node.template.node((*node.path, key), inner[key])
        return node

    @property
    def items(self) -> tuple[Node, ...]:
        """The items of a list that are there; of anything else none."""
        if not isinstance(self.value, list):
            return ()
        found = (self.at(index) for index in range(len(self.value)))
        return tuple(item for item in found if item.value is not MISSING)

    @property
    def entries(self) -> tuple[tuple[str, Node], ...]:
        """The entries of a map that are there; of anything else none."""
        if not isinstance(self.value, dict):
            return ()
        found = ((key, self.at(key)) for key in self.value if isinstance(key, str))
        return tuple((key, node) for key, node in found if node.value is not MISSING)

    @property
    def text(self) -> str | None:
        """The text, where it is known and a scalar."""
        found = scalar_text(self.value)
        return found if isinstance(found, str) else None

    @property
    def number(self) -> int | None:
        """The whole number, also where it is written as a text."""
        return whole(self.value)

    @property
    def flag(self) -> bool | None:
        """The truth value, also where it is written as a text."""
        if isinstance(self.value, bool):
            return self.value
        return {"true": True, "false": False}.get(self.value.lower()) if isinstance(self.value, str) else None

    @property
    def missing(self) -> bool:
        """Whether nothing is there."""
        return self.value is MISSING or self.value is None

    @property
    def open(self) -> bool:
        """Whether only the deployment knows the value, wholly or in part."""
        return isinstance(self.value, OPEN)

    @property
    def reason(self) -> str:
        """Why the value cannot be known."""
        if isinstance(self.value, Unknown):
            return self.value.reason
        if isinstance(self.value, Joined):
            inner = next((part for part in self.value.parts if isinstance(part, Unknown)), None)
            return inner.reason if inner else "a part of it is made at deployment"
        return "it is made at deployment" if isinstance(self.value, Reference) else "it is not spelled out"

    @property
    def key(self) -> str:
        """A text that is the same for the same value, whether it is known or not; of a security group its name."""
        return key_of(self.value)

    @property
    def target(self) -> str | None:
        """The logical id of the resource that the value is the id or an attribute of."""
        return self.value.name if isinstance(self.value, Reference) else None

    @property
    def resource(self) -> Resource | None:
        """The resource that the value is the id or an attribute of."""
        return self.template.resources.get(self.target) if self.target else None

    @property
    def known_text(self) -> str:
        """What is known of a text, with `*` for each part that is not; of anything else nothing."""
        value = self.value.content if isinstance(self.value, Encoded) else self.value
        if isinstance(value, Joined):
            return value.known
        found = scalar_text(value) if isinstance(value, str | int | float | bool) else "*"
        return found if isinstance(found, str) else "*"


class Resource(Struct, frozen=True):
    """A resource of a template. `certain` is False where a condition that only the deployment knows makes it."""

    template: Template
    name: str
    type: str
    body: Node
    certain: bool

    def at(self, *keys: str | int) -> Node:
        """What stands under the keys in the properties."""
        return self.body.at("Properties", *keys)

    @property
    def dependencies(self) -> frozenset[str]:
        """What DependsOn names."""
        named = self.body.at("DependsOn")
        return frozenset(filter(None, (node.text for node in named.items or (named,))))


class Template:
    """The resources of a template that its conditions leave."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.document = source.document
        self._intrinsics = Intrinsics(source.document)
        self.memo: dict[str, Any] = {}

    def node(self, path: Path, raw: Any) -> Node:
        """The value `raw` at `path`, its intrinsic function followed."""
        value, way = self._intrinsics.resolve(raw)
        return Node(self, (*path, *way), value)

    def section(self, name: str) -> Node:
        """A top-level section."""
        return self.node((name,), self.document.get(name))

    @cached_property
    def resources(self) -> Mapping[str, Resource]:
        """Every resource by logical id, but those whose condition is known not to hold."""
        found: dict[str, Resource] = {}
        for name, body in self.document["Resources"].items():
            if not isinstance(name, str) or not isinstance(body, dict):
                continue
            kind = body.get("Type")
            holds = self._intrinsics.condition(body["Condition"]) if "Condition" in body else True
            if holds is not False and isinstance(kind, str):
                node = Node(self, ("Resources", name), body)
                found[name] = Resource(self, name, kind, node, certain=holds is True)
        return found

    @cached_property
    def _by_type(self) -> Mapping[str, tuple[Resource, ...]]:
        kinds: dict[str, list[Resource]] = {}
        for resource in self.resources.values():
            kinds.setdefault(resource.type, []).append(resource)
        return {kind: tuple(found) for kind, found in kinds.items()}

    def of(self, *types: str) -> Iterator[Resource]:
        """The resources of some types."""
        for kind in types:
            yield from self._by_type.get(kind, ())
