"""What does a file say that should be a CloudFormation template?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec import Struct

from pricing.units import MIB
from stacks.errors import TemplateError
from stacks.verify import positions, yaml_text

# CloudFormation's limit for a template in S3 is 1 MB; what is twenty times that is no template.
MOST_BYTES = 20 * MIB
# How the names of AWS::LanguageExtensions' loops begin, which become resources at deployment.
LOOP = "Fn::ForEach::"


class Source(Struct, frozen=True, dict=True):
    """A template as it was written: its name, its document, and where each part of it stands."""

    name: str
    document: Mapping[str, Any]
    size_bytes: int
    find_lines: Callable[[], Mapping[positions.Path, int]]

    @cached_property
    def _lines(self) -> Mapping[positions.Path, int]:
        return self.find_lines()

    def line(self, path: positions.Path) -> int | None:
        """The line of the value at `path`, or of the nearest one around it; None for what is in no file."""
        for end in range(len(path), -1, -1):
            if path[:end] in self._lines:
                return self._lines[path[:end]]
        return None


def read_file(path: Path) -> Source:
    """The template in a file. Raises TemplateError, which names the file, where there is none to be read."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise TemplateError(f"{path}: is larger than {MOST_BYTES:,} bytes; CloudFormation takes 1 MB.")
        content = path.read_bytes()
    except OSError as error:
        raise TemplateError(f"{path}: {(error.strerror or 'cannot be read').lower()}.") from None
    except ValueError:
        raise TemplateError(f"{str(path)!r}: is no name of a file.") from None
    return read_text(str(path), content)


def read_text(name: str, content: bytes) -> Source:
    """The template in the content of a file. Raises TemplateError."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TemplateError(f"{name}: is not text in UTF-8, so it is no template.") from None
    if not text.strip():
        raise TemplateError(f"{name}: is empty.")
    try:
        document, find_lines = _parsed(text)
    except TemplateError as error:
        raise TemplateError([f"{name}: {finding}" for finding in error.findings]) from None
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise TemplateError(f"{name}: is no CloudFormation template, for it has no Resources by name.")
    if untyped := [*_untyped(document["Resources"])]:
        raise TemplateError([f"{name}: the resource {each} has no Type that is a text." for each in untyped])
    return Source(name=name, document=document, size_bytes=len(content), find_lines=find_lines)


def _untyped(resources: Mapping[str, Any]) -> Iterator[str]:
    """The resources that cannot be judged, since nothing says what they are; a loop of a macro is none as yet."""
    for name, body in resources.items():
        if not name.startswith(LOOP) and not (isinstance(body, dict) and isinstance(body.get("Type"), str)):
            yield repr(name)


def _parsed(text: str) -> tuple[Any, Callable[[], Mapping[positions.Path, int]]]:
    if not text.lstrip().startswith(("{", "[")):
        document, lines = yaml_text.read_yaml(text)
        return document, lambda: lines
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise TemplateError(f"line {error.lineno}: is not JSON: {error.msg.lower()}.") from None
    except (RecursionError, ValueError):
        raise TemplateError("is not JSON that can be read: it is nested too deep, or a number is too long.") from None
    if _too_deep(document):
        raise TemplateError(f"nested more than {yaml_text.DEEPEST} levels deep.")
    return document, lambda: positions.json_lines(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; CloudFormation would take the last of what is written twice, and lose the others unsaid."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise TemplateError(f"{next(name for name in names if names.count(name) > 1)!r:.60} is written twice.")
    return found


def _constant(word: str) -> Any:
    raise TemplateError(f"is not JSON: it has no {word}.")


def _too_deep(document: Any) -> bool:
    level = [document]
    for _ in range(yaml_text.DEEPEST + 1):
        level = (
            [
                child
                for value in level
                for child in (value.values() if isinstance(value, dict) else value)
                if isinstance(child, dict | list)
            ]
            if level and isinstance(level[0], dict | list)
            else []
        )
        if not level:
            return False
    return True
