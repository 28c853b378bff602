"""What does a YAML file say, and on which line does it say it?

Reads untrusted files: size and depth are bounded, aliases may not multiply (a YAML bomb), keys may not repeat,
and only the plain types of YAML 1.2's core schema are known (`no` and `on` stay text, `1e12` is a number).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from planner.errors import WorkloadError
from pricing.units import MIB, show_bytes

FieldPath = tuple[str | int, ...]
Fault = tuple[FieldPath, str]
"""A field of a file, and what is wrong with it and what to change."""

# A workload is a page of text; a megabyte is a hundred times the longest sensible one.
LARGEST_FILE_BYTES = 1 * MIB
# Aliases expand to copies; a workload has some hundred values, a bomb has billions.
LARGEST_NODE_COUNT = 20_000
DEEPEST_NESTING = 50
# Python refuses to read integers of more than some thousand digits; no figure of a workload has forty.
LONGEST_NUMBER = 40


_TAG = "tag:yaml.org,2002:"
# Each plain type with the form of its scalars, the characters they begin with, and what reads them.
_CORE: dict[str, tuple[re.Pattern[str], list[str], Callable[[str], Any]]] = {
    "null": (re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""], lambda text: None),
    "bool": (
        re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"),
        list("tTfF"),
        lambda text: text.lower() == "true",
    ),
    "int": (re.compile(r"^[-+]?[0-9]+$"), list("-+0123456789"), int),
    "float": (
        re.compile(r"^[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$"),
        list("-+.0123456789"),
        float,
    ),
}


class _Loader(yaml.CSafeLoader):
    """Safe loading with YAML 1.2's core scalars instead of YAML 1.1's surprises."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  PyYAML declares it on the instance, reads it from the class


for _name, (_pattern, _first, _) in _CORE.items():
    _Loader.add_implicit_resolver(_TAG + _name, _pattern, _first)


class Source(Struct, frozen=True, kw_only=True):
    """A parsed file: `data`, and the line (from 1) on which each value and key stands, by field path."""

    file: str
    data: Any
    lines: Mapping[FieldPath, int]

    def where(self, path: FieldPath) -> str:
        """`file:line` of the value at `path`, or of the nearest enclosing value that exists."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.file}:{self.lines.get(path, 1)}"


def read_source(file: Path) -> Source:
    """Reads one YAML document that holds a mapping.

    Raises WorkloadError for a file that cannot be read, is too large, is no YAML, repeats a key, expands
    beyond bounds, or holds no mapping.
    """
    node = _compose(file, _read_text(file))
    if node is None or (node.tag == f"{_TAG}null" and not node.value):
        raise WorkloadError(f"{file}:1: the file is empty; start from `berth init` or a file in workloads/")
    reader = _Reader(str(file))
    data = reader.read(node, ())
    if reader.findings:
        raise WorkloadError(reader.findings)
    if not isinstance(data, dict):
        raise WorkloadError(f"{file}:1: a workload is a mapping of keys such as `name:`, not a {_kind(data)}")
    return Source(file=str(file), data=data, lines=reader.lines)


def _read_text(file: Path) -> str:
    if file.is_fifo():
        raise WorkloadError(f"{file}: a pipe is no workload; give a file")
    try:
        with file.open("rb") as opened:
            # Pipes and devices do not tell their size before they are read.
            content = opened.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        raise WorkloadError(f"{file}: no such file") from None
    except OSError as error:
        raise WorkloadError(f"{file}: cannot be read: {error.strerror}") from None
    if len(content) > LARGEST_FILE_BYTES:
        raise WorkloadError(f"{file}: the file is larger than {show_bytes(LARGEST_FILE_BYTES)}; a workload is a page")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise WorkloadError(f"{file}:{line}: the file is not UTF-8 text (byte {error.start})") from None


def _compose(file: Path, text: str) -> yaml.Node | None:
    try:
        _refuse_deep(file, text)
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
        return node
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise WorkloadError(f"{file}:{line}: not valid YAML: {_problem(error, text, line)}") from None
    except yaml.reader.ReaderError as error:
        # libyaml counts bytes.
        line = text.encode().count(b"\n", 0, error.position) + 1
        raise WorkloadError(
            f"{file}:{line}: not valid YAML: the character U+{error.character:04X} is not allowed"
        ) from None


def _problem(error: yaml.MarkedYAMLError, text: str, line: int) -> str:
    """What the parser stumbled over; tabs by name, since nobody sees them."""
    lines = text.split("\n")
    if line <= len(lines) and lines[line - 1].lstrip(" ").startswith("\t"):
        return "a tab cannot indent; use spaces"
    return ", ".join(part for part in (error.context, error.problem) if part) or "it cannot be parsed"


def _refuse_deep(file: Path, text: str) -> None:
    """Counts nesting on the stream of events, since composing a deep document would overflow the C stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST_NESTING:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise WorkloadError(f"{file}:{line}: values are nested more than {DEEPEST_NESTING} levels deep")


class _Reader:
    """Turns nodes into plain data, noting lines and counting what aliases expand to."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[FieldPath, int] = {}
        self.findings: list[str] = []
        self._nodes = 0

    def read(self, node: yaml.Node, path: FieldPath) -> Any:
        self._nodes += 1
        line = node.start_mark.line + 1
        if self._nodes > LARGEST_NODE_COUNT:
            raise WorkloadError(
                f"{self.file}:{line}: the document expands to more than {LARGEST_NODE_COUNT:,} values; "
                "write it without nested aliases"
            )
        if len(path) > DEEPEST_NESTING:
            # Aliases can nest what the text does not, without end where one stands inside what it names.
            raise WorkloadError(f"{self.file}:{line}: aliases nest values more than {DEEPEST_NESTING} levels deep")
        self.lines.setdefault(path, line)
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, line)

    def _mapping(self, node: yaml.MappingNode, path: FieldPath) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.findings.append(f"{self.file}:{line}: a key must be plain text")
                continue
            key = str(key_node.value)
            if key in found:
                self.findings.append(f"{self.file}:{line}: `{key}` stands here a second time; keep one")
            self.lines[(*path, key)] = line
            found[key] = self.read(value_node, (*path, key))
        return found

    def _scalar(self, node: yaml.Node, line: int) -> Any:
        kind = node.tag.removeprefix(_TAG)
        if not isinstance(node, yaml.ScalarNode) or kind not in {"str", *_CORE}:
            self.findings.append(f"{self.file}:{line}: the YAML tag `{node.tag}` is not supported here")
            return None
        text = str(node.value)
        if kind == "str":
            return text
        form, _, read = _CORE[kind]
        if not form.fullmatch(text):
            self.findings.append(f"{self.file}:{line}: {text!r:.60} is not what its tag says, `!!{kind}`")
            return None
        if len(text) > LONGEST_NUMBER:
            self.findings.append(f"{self.file}:{line}: a number of {len(text):,} characters is beyond bounds")
            return None
        return read(text)


def _kind(data: Any) -> str:
    names = {list: "list", str: "piece of text", int: "number", float: "number", bool: "truth value"}
    return names.get(type(data), "null value")
