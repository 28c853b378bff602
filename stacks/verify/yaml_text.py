"""What does a template in YAML say, its short forms written out, and on which line does each value stand?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from msgspec import Struct, field

from stacks.errors import TemplateError
from stacks.verify.positions import Path

# Both far beyond what CloudFormation takes; a file of a few hundred bytes can expand to billions of values.
MOST_VALUES = 1_000_000
DEEPEST = 100

_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,30})")
_FLOAT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    form: truth
    for truth, words in ((True, ("true", "yes", "on")), (False, ("false", "no", "off")))
    for word in words
    for form in (word, word.title(), word.upper())
}


class _Reader(Struct):
    events: Iterator[Any]
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    values: int = 0

    def read(self, event: Any, path: Path) -> Any:
        """The value that an event begins. Raises TemplateError."""
        self.lines.setdefault(path, _line(event))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._count(1, event)
        if len(path) > DEEPEST:
            raise TemplateError(f"line {_line(event)}: nested more than {DEEPEST} levels deep.")
        tag = getattr(event, "tag", None) or ""
        short = tag[1:] if tag.startswith("!") and len(tag) > 1 else None
        value = self._value(event, path + ((_long(short),) if short else ()))
        if short:
            value = {_long(short): _argument(short, value)}
        if event.anchor:
            self.anchors[event.anchor] = (value, self.values - before + 1)
        return value

    def _value(self, event: Any, path: Path) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(item := next(self.events), yaml.SequenceEndEvent):
                items.append(self.read(item, (*path, len(items))))
            return items
        found: dict[str, Any] = {}
        while not isinstance(item := next(self.events), yaml.MappingEndEvent):
            line = _line(item)
            if not isinstance(item, yaml.ScalarEvent):
                raise TemplateError(f"line {line}: a key is not a text.")
            if item.value in found:
                raise TemplateError(f"line {line}: {item.value!r:.60} is written twice.")
            self.lines[*path, item.value] = line
            found[item.value] = self.read(next(self.events), (*path, item.value))
        return found

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self.anchors:
            raise TemplateError(f"line {_line(event)}: *{event.anchor} names no anchor before it.")
        value, size = self.anchors[event.anchor]
        self._count(size, event)
        return value

    def _count(self, more: int, event: Any) -> int:
        self.values += more
        if self.values > MOST_VALUES:
            raise TemplateError(f"line {_line(event)}: more than {MOST_VALUES:,} values, aliases followed.")
        return self.values


def read_yaml(text: str) -> tuple[Any, dict[Path, int]]:
    """The one document of a YAML text, and the line of each value by its path. Raises TemplateError."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        reader = _Reader(events=yaml.parse(text, Loader=loader))
        document: Any = None
        documents = 0
        for event in reader.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
            elif isinstance(event, yaml.NodeEvent):
                document = reader.read(event, ())
        if documents > 1:
            raise TemplateError("holds more than one YAML document.")
        return document, reader.lines
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise TemplateError(f"{where}is not YAML: {getattr(error, 'problem', None) or error}.") from None


def _line(event: Any) -> int:
    line: int = event.start_mark.line + 1
    return line


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.style or not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) and "." in text else text


def _long(short: str) -> str:
    """The long form of a short one: !Ref is Ref, !Sub is Fn::Sub."""
    return short if short in ("Ref", "Condition") else f"Fn::{short}"


def _argument(short: str, value: Any) -> Any:
    return value.split(".", 1) if short == "GetAtt" and isinstance(value, str) else value
