"""What runs in a container that serves, and how is it told the plan?

`data/containers.yaml` lists the engines with their images, ports and metrics, by their documentation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from planner.built import Engine

_KNOWN = Engine.__struct_fields__


def engine(name: str, *, image: str | None, facts: Mapping[str, str | int], techniques: Collection[str]) -> Engine:
    """The engine with its command filled in from `facts` of the plan, in `image` or the pinned one."""
    known = _engines()[name]
    told = [word for technique, words in known["with"].items() if technique in techniques for word in words]
    command = tuple(str(word).format(**facts) for word in (*known["command"], *told))
    return Engine(**{**_record(known), "image": image or known["image"], "command": command})


def pinned_image(name: str) -> str:
    """The image that is pinned for the engine; empty where there is none."""
    return str(_engines()[name]["image"])


def is_digested(image: str) -> bool:
    """Whether an image is named by what it holds, so that nobody can put another in its place."""
    return "@sha256:" in image


def is_keyed(name: str) -> bool:
    """Whether the engine checks API keys itself."""
    return bool(_engines()[name]["keyed"])


def _record(known: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in known.items() if key in _KNOWN}


@cache
def _engines() -> Mapping[str, Mapping[str, Any]]:
    text = files("planner").joinpath("data/containers.yaml").read_text(encoding="utf-8")
    return {each["name"]: each for each in yaml.load(text, Loader=yaml.CSafeLoader)}
