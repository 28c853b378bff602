"""What does a key of a file mean? What the docstring beneath the field of its class says.

pydantic can read these docstrings too (use_attribute_docstrings), but does so whenever the classes are imported: a
twentieth of a plan's time, for texts that only schemas and some faults show.
"""

from __future__ import annotations

import ast
import inspect
from functools import cache
from itertools import pairwise
from textwrap import dedent

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


class Documented(BaseModel):
    """Base of sections of files: strict, frozen, no unknown keys, and validators built when first needed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The section's schema, every key with its meaning."""
        schema = handler(core_schema)
        for name, key in handler.resolve_ref_schema(schema).get("properties", {}).items():
            if told := meaning(cls, name):
                key["description"] = told
        return schema


def meaning(section: type[BaseModel], field: str) -> str:
    """What a field is for; empty where nobody has said it."""
    return section.model_fields[field].description or _docstrings(section).get(field, "")


@cache
def _docstrings(section: type[BaseModel]) -> dict[str, str]:
    """The docstrings of a class's own fields, by field."""
    (parsed,) = ast.parse(dedent(inspect.getsource(section))).body
    assert isinstance(parsed, ast.ClassDef)
    return {
        field.target.id: inspect.cleandoc(below.value.value)
        for field, below in pairwise(parsed.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }
