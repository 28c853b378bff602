"""Which accelerators and instance types does Berth know?

Loads `data/accelerators`, one file per accelerator. Files are read once, when first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from pricing.bundle_hardware import read_hardware
from pricing.errors import CatalogError
from pricing.instance_type import Accelerator, InstanceType
from pricing.wording import close_match

Known = TypeVar("Known")
DATA = Path(__file__).parent / "data"


def load_accelerators(folder: Path = DATA) -> Mapping[str, Accelerator]:
    """Every accelerator by name, those included that AWS does not sell. Raises CatalogError."""
    return _hardware(folder)[0]


def load_instance_types(folder: Path = DATA) -> Mapping[str, InstanceType]:
    """Every instance type by name, retired ones included. Raises CatalogError."""
    return _hardware(folder)[1]


def find_accelerator(name: str) -> Accelerator:
    """The accelerator of that name. Raises CatalogError, with the closest names, where there is none."""
    return _find("accelerator", name, load_accelerators())


def find_instance_type(name: str) -> InstanceType:
    """The instance type of that name. Raises CatalogError, with the closest names, where there is none."""
    return _find("instance type", name, load_instance_types())


@cache
def _hardware(folder: Path) -> tuple[Mapping[str, Accelerator], Mapping[str, InstanceType]]:
    chips: dict[str, Accelerator] = {}
    types: dict[str, InstanceType] = {}
    for path in sorted((folder / "accelerators").glob("*.yaml")):
        chip, carried = read_hardware(path)
        names = [chip.name] * (chip.name in chips) + [each.name for each in carried if each.name in types]
        if names:
            raise CatalogError(f"{path.name}: {', '.join(names)} is described by another file already.")
        chips[chip.name] = chip
        types.update({each.name: each for each in carried})
    return MappingProxyType(chips), MappingProxyType(types)


def _find(kind: str, name: str, known: Mapping[str, Known]) -> Known:
    found = known.get(name)
    if found is None:
        raise CatalogError(f"{name} is not a known {kind}{close_match(name, known)}")
    return found
