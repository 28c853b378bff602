"""What does a fault that pydantic finds in a workload mean for the person who wrote it?"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from planner.documented import meaning
from planner.source import FieldPath, Source
from planner.workload import Workload

# Beyond this a value or a key is quoted in part.
_LONGEST_QUOTE = 60


def fault_sentences(source: Source, error: ValidationError, root: type[BaseModel] = Workload) -> tuple[str, ...]:
    """One sentence for each fault: file, line and field, what was given, what is wrong, what to change.

    `root` is what the file as a whole should have been.
    """
    return tuple(dict.fromkeys(_sentences(source, error, root)))


def dotted(path: FieldPath) -> str:
    """A field's path as the start of a sentence; empty for the file as a whole."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part:.{_LONGEST_QUOTE}}" for part in path)
    return f"{text.removeprefix('.')}: " if text else ""


def _sentences(source: Source, error: ValidationError, root: type[BaseModel]) -> Iterator[str]:
    for detail in error.errors(include_url=False):
        path, branch = _place(detail["loc"], root)
        # Of a union only the branch that the user wrote: a section, or a word.
        section = branch is not None and branch == getattr(_either(path, root), "__name__", None)
        wrong_branch = branch is not None and section != isinstance(source.data[path[0]], dict)
        # Items that are wrong do not count; they are told of already.
        emptied = detail["type"] == "too_short" and detail["ctx"]["actual_length"] < len(detail["input"])
        if not wrong_branch and not emptied:
            yield f"{source.where(path)}: {dotted(path)}{_says(path, detail, root)}"


def _either(path: FieldPath, root: type[BaseModel]) -> type[BaseModel] | None:
    """The section of a field of the file that is either a word or a section."""
    field = root.model_fields.get(str(path[0])) if path else None
    options = [item for item in get_args(field.annotation) if item is not type(None)] if field else []
    return next(filter(_is_section, options), None) if len(options) > 1 else None


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _place(loc: FieldPath, root: type[BaseModel]) -> tuple[FieldPath, str | None]:
    """The field that an error is about, and the branch of a union in which pydantic found it."""
    # Behind a key that a table does not know, pydantic says that the key is meant.
    loc = loc[:-1] if loc and loc[-1] == "[key]" else loc
    # Of a union it puts the branch that it tried behind the field.
    if len(loc) > 1 and _either(loc, root):
        return (loc[0], *loc[2:]), str(loc[1])
    return loc, None


def _says(path: FieldPath, detail: ErrorDetails, root: type[BaseModel]) -> str:
    """A sentence for one pydantic error: what was given, what is wrong, what to change."""
    context: dict[str, Any] = detail.get("ctx", {})
    given = _shown(detail["input"])
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key{_close_key(path, root)}"
        case "missing":
            return "is missing"
        case "literal_error" | "enum":
            many = isinstance(detail["input"], list | tuple)
            says = "stands where a single word belongs, and no list: one of" if many else "is not one of"
            return f"{given} {says} {context['expected']}"
        case "value_error":
            return str(context["error"])
        case "string_pattern_mismatch":
            return f"{given} has the wrong form; wanted: {_gist(path, root)}"
        case "string_type":
            return f"{given} stands where text belongs"
        case "int_type" | "int_parsing" | "int_from_float":
            return f"{given} is not a whole number"
        case "float_type" | "float_parsing" | "decimal_type" | "decimal_parsing":
            return f"{given} is not a number"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{given} stands where a section of keys belongs"
        case "tuple_type":
            listed = f"; write [{detail['input']:.{_LONGEST_QUOTE}}]" if isinstance(detail["input"], str) else ""
            return f"{given} stands where a list belongs{listed}"
        case "string_too_long":
            return f"{given} has more than {context['max_length']} characters"
        case "too_short" | "too_long":
            return _count(path, detail, root)
        case _:
            return f"{given}: {detail['msg'].replace('Input should', 'it should')}"


def _count(path: FieldPath, detail: ErrorDetails, root: type[BaseModel]) -> str:
    """What to say of a list with too few or too many items."""
    given, context = len(detail["input"]), detail["ctx"]
    if not given and context.get("min_length") == 1:
        return "the list is empty; name one or more, or leave the key out"
    wanted = f"at least {context['min_length']}" if "min_length" in context else f"at most {context['max_length']:,}"
    values = f"{given:,} value{'' if given == 1 else 's'}"
    return f"{values}, where {wanted} belong{'s' if wanted.endswith(' 1') else ''}; wanted: {_gist(path, root)}"


def _shown(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= _LONGEST_QUOTE else f"{text[: _LONGEST_QUOTE - 3]}..."


def _gist(path: FieldPath, root: type[BaseModel]) -> str:
    """The first sentence of a field's documentation."""
    # Of an item of a list, what its list is for.
    names = [part for part in path if isinstance(part, str)]
    told = meaning(_section(tuple(names[:-1]), root), names[-1]) or "another form"
    first = told.partition(" ")[0]
    # VPC, FSx and SageMaker keep their capitals.
    begin = first.lower() if first.capitalize() == first else first
    return f"{begin}{told[len(first) :]}".partition(". ")[0].rstrip(".")


def _close_key(path: FieldPath, root: type[BaseModel]) -> str:
    """The keys that a misspelt one may stand for."""
    known = list(_section(path[:-1], root).model_fields)
    close = difflib.get_close_matches(str(path[-1]), known, n=2)
    return f"; did you mean {' or '.join(close)}?" if close else f"; known here are {', '.join(known)}"


def _section(path: FieldPath, root: type[BaseModel]) -> type[BaseModel]:
    """The model that stands at a path of the file."""
    either = _either(path, root)
    if either:
        return either
    section = root
    for part in (each for each in path if isinstance(each, str)):
        annotation = section.model_fields[part].annotation
        section = next(filter(_is_section, get_args(annotation) or (annotation,)))
    return section
