"""One rule per file. The folder is the registry: a new file is a new rule, and its name the rule's id."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from stacks.verify.rule import Rule


@cache
def load_rules() -> dict[str, Rule]:
    """Every rule by id, in order of id."""
    modules = (import_module(f"{__name__}.{info.name}") for info in iter_modules(__path__))
    found: list[Rule] = [module.RULE for module in modules]
    return {rule.id: rule for rule in sorted(found, key=lambda rule: rule.id)}
