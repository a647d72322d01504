"""Turns a failed validation into faults for people: where (keys and indexes from the top) and what to do.

Which file and line that is, the reader of the file knows; what holds between fields, the models check.
"""

import types
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

Keys = tuple[str | int, ...]

_FORMS = {
    r"^[a-z][a-z0-9_]{0,39}$": "lower-case letters, digits and _, beginning with a letter, at most 40",
    r"^[a-z][a-z0-9_]*$": "lower-case letters, digits and _, beginning with a letter",
    r"^[a-z0-9][a-z0-9-]{0,59}$": "lower-case letters, digits and -, at most 60",
    r"^[A-Z]{2}$": "the two capital letters of ISO 3166",
}
_EXPECTED = {
    "string_type": "text", "int_type": "a whole number", "int_parsing": "a whole number",
    "int_from_float": "a whole number", "bool_type": "true or false", "bool_parsing": "true or false",
    "tuple_type": "a list", "list_type": "a list", "model_type": "a mapping of keys to values",
    "dict_type": "a mapping of keys to values", "model_attributes_type": "a mapping of keys to values",
    "decimal_type": "a number", "decimal_parsing": "a number", "date_parsing": "a date such as 2026-01-31",
    "date_from_datetime_parsing": "a date such as 2026-01-31", "date_type": "a date such as 2026-01-31",
}  # fmt: skip


def explain(error: ValidationError, model: type[BaseModel]) -> list[tuple[Keys, str]]:
    """The faults of a validation by `model`, each with the path as the writer of the input knows it."""
    found = []
    for detail in error.errors(include_url=False):
        if detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]:
            continue  # pydantic counts the items that were valid; the invalid ones are faults of their own
        path, known = _followed(model, detail["loc"])
        if detail["type"] == _WITHIN:
            found += [((*path, *inner), message) for inner, message in detail["ctx"]["faults"]]
        else:
            found.append((path, _message(detail, known)))
    return found


_WITHIN = "faults_within"


def faults_within(found: Iterable[tuple[Keys, str]]) -> PydanticCustomError:
    """The error a validator raises for faults between fields; each path begins at the validated value."""
    faults = list(found)
    summary = "; ".join(f"{'.'.join(map(str, path))}: {message}" for path, message in faults)
    return PydanticCustomError(_WITHIN, "{summary}", {"summary": summary, "faults": faults})


def shown(value: Any) -> str:
    """A value as an error names it: on one line, without control characters, not too long."""
    text = repr(value) if isinstance(value, str | int | float | bool | type(None)) else repr(str(value))
    return text if len(text) <= 60 else text[:56] + " ..."


def nearest(given: str, known: Iterable[str]) -> str:
    """A question that names the likeliest meaning of a mistyped word, or nothing."""
    close = get_close_matches(given, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _message(detail: ErrorDetails, known: list[str]) -> str:
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        key = str(detail["loc"][-1])
        return "unknown key" + (nearest(key, known) or f" (known here: {', '.join(known)})")
    if kind == "missing":
        return "is required"
    if kind == "literal_error":
        words = [w.strip("'") for w in context["expected"].replace(" or ", ", ").split(", ")]
        return f"{shown(given)} is not one of {', '.join(words)}{nearest(str(given), words)}"
    if kind == "string_pattern_mismatch":
        form = _FORMS.get(context["pattern"], f"the form {context['pattern']}")
        return f"{shown(given)} is not allowed here: write {form}"
    if kind == "too_short" or kind == "string_too_short":
        return "must not be empty"
    if kind == "greater_than_equal":
        return f"must be at least {context['ge']}"
    if kind in _EXPECTED:
        return f"{shown(given)} is not {_EXPECTED[kind]}"
    return detail["msg"].removeprefix("Value error, ")


Hint = tuple[str | None, Any]


def _followed(model: type[BaseModel], loc: Keys) -> tuple[Keys, list[str]]:
    """`loc` without the names pydantic gives to the members of unions, and the keys known beside the last."""
    path: list[str | int] = []
    known: list[str] = []
    hints = _members(model)
    for key in loc:
        if len(hints) > 1:
            hints = [hint for hint in hints if key in (hint[0], getattr(hint[1], "__name__", None))]
            continue
        path.append(key)
        hint = hints[0][1] if hints else None
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            known = list(hint.model_fields)
            inner = hint.model_fields.get(str(key))
            hints = _members(inner.annotation) if inner else []
        else:
            hints = _members(get_args(hint)[0]) if get_origin(hint) in (tuple, list) else []
    return tuple(path), known


def _members(hint: Any, tag: str | None = None) -> list[Hint]:
    """The types a hint stands for, with the tags that tell them apart."""
    if get_origin(hint) is Annotated:
        inner, *notes = get_args(hint)
        tags = [note.tag for note in notes if isinstance(note, Tag)]
        return _members(inner, tags[0] if tags else tag)
    if get_origin(hint) in (Union, types.UnionType):
        return [found for member in get_args(hint) if member is not type(None) for found in _members(member)]
    return [(tag, hint)]
