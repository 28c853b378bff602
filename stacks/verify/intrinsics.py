"""What do a template's intrinsic functions answer, as far as it tells?

Parameters count with their defaults. What depends on the deployment (the region, an import, a parameter without
a default) stays Unknown, with the reason, and whatever is made of it too: nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from stacks.verify.addresses import cidr_blocks
from stacks.verify.values import (
    MISSING,
    OPEN,
    Encoded,
    Joined,
    Reference,
    Unknown,
    Value,
    joined,
    key_of,
    scalar_text,
    whole,
)

_VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")
_DYNAMIC = re.compile(r"\{\{resolve:[^}]*\}\}")
# How many conditions may stand on one another; CloudFormation's own would be absurd long before.
DEEPEST_CONDITION = 40


class Intrinsics:
    """Follows the intrinsic functions of one template."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._parameters = _section(document, "Parameters")
        self._mappings = _section(document, "Mappings")
        self._conditions = _section(document, "Conditions")
        self._resources = _section(document, "Resources")
        self._known: dict[str, bool | None] = {}
        self._open: list[str] = []
        self._depth = 0

    def resolve(self, raw: Any) -> tuple[Value, tuple[str | int, ...]]:
        """What `raw` stands for, itself followed but not what is inside it, and the way to it from `raw`.

        The way is not empty where Fn::If chose a branch.
        """
        if isinstance(raw, str):
            return (_dynamic(raw), ()) if "{{resolve:" in raw else (raw, ())
        if not isinstance(raw, dict) or len(raw) != 1:
            return raw, ()
        ((name, argument),) = raw.items()
        if name == "Fn::If":
            return self._if(argument)
        function = _FUNCTIONS.get(name)
        return (raw if function is None else function(self, argument)), ()

    def value(self, raw: Any) -> Value:
        """What `raw` stands for, itself followed."""
        return self.resolve(raw)[0]

    def condition(self, name: Any) -> bool | None:
        """Whether a condition holds; None where that is known only at deployment."""
        if not isinstance(name, str) or name not in self._conditions:
            return None
        if name not in self._known:
            if name in self._open or len(self._open) > DEEPEST_CONDITION:
                return None
            self._open.append(name)
            self._known[name] = self._truth(self._conditions[name])
            self._open.pop()
        return self._known[name]

    def _truth(self, raw: Any) -> bool | None:
        if not isinstance(raw, dict) or len(raw) != 1:
            return raw if isinstance(raw, bool) else None
        if self._depth > DEEPEST_CONDITION:
            return None
        self._depth += 1
        try:
            return self._decided(raw)
        finally:
            self._depth -= 1

    def _decided(self, raw: dict[str, Any]) -> bool | None:
        ((name, argument),) = raw.items()
        if name == "Condition":
            return self.condition(argument)
        if not isinstance(argument, list):
            return None
        if name == "Fn::Equals" and len(argument) == 2:
            return _equal(*(self.value(each) for each in argument))
        truths = [self._truth(each) for each in argument]
        if name == "Fn::Not" and len(truths) == 1:
            return None if truths[0] is None else not truths[0]
        for function, decisive in (("Fn::And", False), ("Fn::Or", True)):
            if name == function and truths:
                return decisive if decisive in truths else None if None in truths else not decisive
        return None

    def _if(self, argument: Any) -> tuple[Value, tuple[str | int, ...]]:
        if not isinstance(argument, list) or len(argument) != 3:
            return Unknown("Fn::If takes a condition and two values", key_of(argument)), ()
        truth = self.condition(argument[0])
        if truth is None:
            reason = f"it depends on condition {argument[0]}, which is known only at deployment"
            return Unknown(reason, f"If({key_of(argument)})"), ()
        branch = 1 if truth else 2
        value, way = self.resolve(argument[branch])
        return value, ("Fn::If", branch, *way)

    def _ref(self, name: Any) -> Value:
        if not isinstance(name, str):
            return Unknown("Ref names nothing", key_of(name))
        if name == "AWS::NoValue":
            return MISSING
        if name in self._resources:
            return Reference(name)
        if name in self._parameters:
            return self._parameter(name)
        what = "is known only at deployment" if name.startswith("AWS::") else "is not in this template"
        return Unknown(f"{name} {what}", name)

    def _parameter(self, name: str) -> Value:
        parameter = self._parameters[name]
        kind = str(parameter.get("Type")) if isinstance(parameter, dict) else ""
        default = parameter.get("Default") if isinstance(parameter, dict) else None
        if kind.startswith("AWS::SSM::Parameter::Value"):
            named = default if isinstance(default, str) else "?"
            return Unknown(f"parameter {name} is looked up in SSM at deployment", f"ssm:{named}")
        if default is None:
            return Unknown(f"parameter {name} has no default", name)
        if kind == "CommaDelimitedList" or kind.startswith("List<"):
            return [each.strip() for each in str(default).split(",")]
        return default

    def _attribute(self, argument: Any) -> Value:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if not isinstance(parts, list) or len(parts) != 2 or not all(isinstance(each, str) for each in parts):
            return Unknown("Fn::GetAtt names nothing that can be read", key_of(argument))
        name, attribute = parts
        if name not in self._resources:
            return Unknown(f"{name} is not in this template", f"{name}.{attribute}")
        if attribute in _STATED:
            resource = self._resources[name]
            properties = resource.get("Properties") if isinstance(resource, dict) else None
            if isinstance(properties, dict) and isinstance(properties.get(attribute), str):
                return properties[attribute]
        return Reference(name, attribute)

    def _sub(self, argument: Any) -> Value:
        text, own = argument, {}
        if isinstance(argument, list) and len(argument) == 2:
            text, own = argument
        if not isinstance(text, str) or not isinstance(own, dict):
            return Unknown("Fn::Sub has no text", key_of(argument))
        parts: list[Value] = []
        last = 0
        for match in _VARIABLE.finditer(text):
            parts.append(text[last : match.start()])
            last = match.end()
            name = match[2].strip()
            if match[1]:
                parts.append(f"${{{match[2]}}}")
            elif name in own:
                parts.append(self.value(own[name]))
            else:
                parts.append(self._attribute(name) if "." in name else self._ref(name))
        return joined([*parts, text[last:]])

    def _join(self, argument: Any) -> Value:
        if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
            return Unknown("Fn::Join has no list", key_of(argument))
        items = self.value(argument[1])
        if not isinstance(items, list):
            return Unknown("what Fn::Join joins is known only at deployment", f"Join({key_of(argument)})")
        parts: list[Value] = []
        for item in items:
            value = self.value(item)
            if value is not MISSING:
                parts += [argument[0]] * bool(parts) + [value]
        return joined(parts) if parts else ""

    def _select(self, argument: Any) -> Value:
        if not isinstance(argument, list) or len(argument) != 2:
            return Unknown("Fn::Select has no list", key_of(argument))
        index, items = self.value(argument[0]), self.value(argument[1])
        position = whole(index)
        if isinstance(items, list) and position is not None and 0 <= position < len(items):
            return self.value(items[position])
        reason = items.reason if isinstance(items, Unknown) else "an item is selected that is known only at deployment"
        return Unknown(reason, f"Select({key_of(index)},{key_of(items)})")

    def _split(self, argument: Any) -> Value:
        if isinstance(argument, list) and len(argument) == 2:
            separator, text = self.value(argument[0]), self.value(argument[1])
            if isinstance(separator, str) and separator and isinstance(text, str):
                return text.split(separator)
        return Unknown("what Fn::Split splits is known only at deployment", f"Split({key_of(argument)})")

    def _find(self, argument: Any) -> Value:
        if not isinstance(argument, list) or len(argument) not in (3, 4):
            return Unknown("Fn::FindInMap takes a map and two keys", key_of(argument))
        found: Any = self._mappings
        for raw in argument[:3]:
            key = scalar_text(self.value(raw))
            if isinstance(key, OPEN):
                return Unknown("Fn::FindInMap's key is known only at deployment", f"Find({key_of(argument)})")
            found = found.get(key, MISSING) if isinstance(found, dict) else MISSING
        if found is MISSING:
            return Unknown("Fn::FindInMap finds nothing", f"Find({key_of(argument)})")
        return found

    def _base64(self, argument: Any) -> Value:
        return Encoded(self.value(argument))

    def _zones(self, argument: Any) -> Value:
        return Unknown("the order of Fn::GetAZs is not fixed", f"GetAZs({key_of(self.value(argument))})")

    def _imported(self, argument: Any) -> Value:
        return Unknown("it is imported from another stack", f"Import({key_of(self.value(argument))})")

    def _cidr(self, argument: Any) -> Value:
        if isinstance(argument, list) and len(argument) in (2, 3):
            found = cidr_blocks(*(self.value(each) for each in argument))
            if found is not None:
                return found
        return Unknown("Fn::Cidr's block is known only at deployment", f"Cidr({key_of(argument)})")

    def _transformed(self, argument: Any) -> Value:
        return Unknown("a macro writes it at deployment", f"Transform({key_of(argument)})")

    def _counted(self, argument: Any) -> Value:
        items = self.value(argument)
        return len(items) if isinstance(items, list) else Unknown("a list is known only at deployment", key_of(items))

    def _as_text(self, argument: Any) -> Value:
        return Unknown("Fn::ToJsonString writes it at deployment", f"Json({key_of(argument)})")


# Attributes that answer the property of the same name.
_STATED = frozenset({"CidrBlock", "AvailabilityZone", "AvailabilityZoneId"})
_FUNCTIONS: Mapping[str, Callable[[Intrinsics, Any], Value]] = {
    "Ref": Intrinsics._ref,
    "Fn::GetAtt": Intrinsics._attribute,
    "Fn::Sub": Intrinsics._sub,
    "Fn::Join": Intrinsics._join,
    "Fn::Select": Intrinsics._select,
    "Fn::Split": Intrinsics._split,
    "Fn::FindInMap": Intrinsics._find,
    "Fn::Base64": Intrinsics._base64,
    "Fn::GetAZs": Intrinsics._zones,
    "Fn::ImportValue": Intrinsics._imported,
    "Fn::Cidr": Intrinsics._cidr,
    "Fn::Transform": Intrinsics._transformed,
    "Fn::Length": Intrinsics._counted,
    "Fn::ToJsonString": Intrinsics._as_text,
}


def _section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _dynamic(text: str) -> Value:
    parts: list[Value] = []
    last = 0
    for match in _DYNAMIC.finditer(text):
        parts += [text[last : match.start()], Unknown("it is looked up at deployment", match[0])]
        last = match.end()
    whole = [part for part in (*parts, text[last:]) if part != ""]
    return whole[0] if len(whole) == 1 else Joined(tuple(whole))


def _equal(left: Value, right: Value) -> bool | None:
    texts = scalar_text(left), scalar_text(right)
    if all(isinstance(each, str) for each in texts):
        return bool(texts[0] == texts[1])
    return None
