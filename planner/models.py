"""Which models does Berth know by name?

One file per family under data/models, one YAML document per model: its names, where its figures are from,
and its shape. A look-up parses only documents that hold the name: a plan does not pay for other models.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

from planner.errors import UnknownModel
from planner.fold_shape import FoldShape
from planner.inline_shape import InlineShape
from planner.shape import ModelShape
from pricing.wording import close_match

FAMILIES = Path(__file__).with_name("data") / "models"

_NAME = re.compile(r"^name: (\S+)$", re.MULTILINE)
_SEPARATORS = dict.fromkeys(map(ord, "-_ "))
# Beyond the longest name by far; comparing names costs the product of their lengths.
_LONGEST_NAME = 100


class Published(BaseModel):
    """What the model's makers say of its size; `rounded` figures are those of a card or paper."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    parameters: int
    source: str
    rounded: bool = False
    active_parameters: int | None = None


class Preset(BaseModel):
    """A model that Berth knows by name. `also` are further names; those with a slash are Hugging Face ids.

    `notes` are sentences on what a reader should know of the count.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str
    also: Annotated[tuple[str, ...], Field(strict=False)]
    source: str
    published: Published
    shape: InlineShape | FoldShape
    notes: Annotated[tuple[str, ...], Field(strict=False)] = ()

    def is_called(self, name: str) -> bool:
        """Whether this is one of the model's names, with or without the organisation.

        Case does not matter, nor do dashes, underscores and spaces.
        """
        known = {self.name, *self.also, *(other.rpartition("/")[2] for other in self.also)}
        return _plain(name) in {_plain(each) for each in known}


def load_preset(name: str) -> ModelShape:
    """The shape of the model that goes by `name` or has it as its Hugging Face id.

    Raises UnknownModel, naming the closest presets.
    """
    preset = find_preset(name)
    return preset.shape.to_shape(preset.name, preset.notes)


def find_preset(name: str) -> Preset:
    """The model that goes by `name`, with the sources of its figures; raises as `load_preset` does."""
    wanted = _plain(name)
    for document in _documents():
        if wanted in _plain(document):
            preset = Preset.model_validate(yaml.load(document, Loader=yaml.CSafeLoader))
            if preset.is_called(name):
                return preset
    raise UnknownModel(_unknown(name.strip()[:_LONGEST_NAME]))


def preset_names() -> tuple[str, ...]:
    """The names of all presets, by family and size."""
    return tuple(_NAME.findall("\n".join(_documents())))


def _documents() -> Iterator[str]:
    for family in sorted(FAMILIES.glob("*.yaml")):
        # What stands before the first separator is the family's comment.
        yield from family.read_text(encoding="utf-8").split("\n---\n")[1:]


def _plain(text: str) -> str:
    return text.lower().translate(_SEPARATORS)


def _unknown(name: str) -> str:
    hint = close_match(name.rpartition("/")[2], preset_names())
    return (
        f"no model is called {name!r}{hint} `berth models` lists those known; "
        "for any other, give the path of its config.json or write its shape into the workload"
    )
