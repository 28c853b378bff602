"""On which line of a JSON text does each value stand?

Asked only where something was found, since it costs a walk over every token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:\n]')


def json_lines(text: str) -> Mapping[Path, int]:
    """The line (from 1) on which each value of a JSON text begins, or its key where it has one, by its path."""
    found: dict[Path, int] = {(): 1}
    stack: list[list[str | int | None]] = []
    for line, token in _tokens(text):
        here = stack[-1] if stack else None
        if token in "{[":
            stack.append([None if token == "{" else 0])
            if token == "[":
                found.setdefault(_path(stack), line)
        elif token in "}]":
            stack.pop()
        elif token == "," and here:
            here[0] = here[0] + 1 if isinstance(here[0], int) else None
            if isinstance(here[0], int):
                found.setdefault(_path(stack), line)
        elif token.startswith('"') and here and here[0] is None:
            # Hardly a key has an escape, and a decoder for each of thousands costs as much as all the rest here.
            here[0] = json.loads(token, strict=False) if "\\" in token else token[1:-1]
            found[_path(stack)] = line
    return found


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    line = 1
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == "\n":
            line += 1
        else:
            yield line, token


def _path(stack: list[list[str | int | None]]) -> Path:
    return tuple(entry[0] for entry in stack if entry[0] is not None)
