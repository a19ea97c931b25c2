"""YAML files read into frozen models; what pydantic finds wrong is said in plain words with the line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from core.connectors.yaml_lines import Document, Path, Problem

M = TypeVar("M", bound=BaseModel)

_KINDS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}
_PATTERNS = {
    r"^[a-z][a-z0-9_]*$": "Use lower-case letters, digits and underscores, beginning with a letter.",
    r"^[0-9A-Za-z][0-9A-Za-z.\-]*$": "Use letters, digits, dots and hyphens; begin with a letter or digit.",
}


def read_model(document: Document, model: type[M]) -> M:
    """Make a model of a document; types are taken strictly, so `"7"` is text and no number.

    Raises
    ------
    BadFile
        Every problem with its line, those found while the document was parsed included.
    """
    try:
        made = model.model_validate_json(json.dumps(document.value), strict=True)
    except ValidationError as error:
        for found in map(dict, error.errors(include_url=False)):
            if not _counts_good_items_only(found):
                document.problems.append(_problem(document, model, found))
        document.refuse()
        raise  # not reached: there was at least one problem
    document.refuse()
    return made


def _counts_good_items_only(found: Mapping[str, Any]) -> bool:
    """Whether a list is called too short only because its wrong items, named on their own, do not count."""
    return found["type"] == "too_short" and len(found["input"]) >= int(found["ctx"]["min_length"])


def _problem(document: Document, model: type[BaseModel], found: Mapping[str, Any]) -> Problem:
    context = found.get("ctx", {})
    path: Path = tuple(found["loc"])
    if found["type"] == "fault":
        path = (*path, *context["path"])
        return Problem(document.line(path), context["what"], context["remedy"])
    while path and path not in document.lines and path[-1] == "[key]":  # pydantic's mark for a mapping's key
        path = path[:-1]
    what, remedy = _words(document, model, path, found)
    return Problem(document.line(path), what, remedy)


def _words(
    document: Document, model: type[BaseModel], path: Path, found: Mapping[str, Any]
) -> tuple[str, str]:
    kind, context, name = found["type"], found.get("ctx", {}), _name(path)
    given = _quoted(found.get("input"))
    match kind:
        case "missing":
            return f"{name} is missing", f"Add '{path[-1]}: …' here."
        case "extra_forbidden":
            known = _known_keys(model.model_json_schema(), path[:-1])
            close = difflib.get_close_matches(str(path[-1]), known, n=1)
            hint = f"Did you mean '{close[0]}'? " if close else ""
            return f"'{path[-1]}' is not a known key", f"{hint}Known here: {', '.join(known)}."
        case "literal_error":
            return f"{name} is {given}", f"Use one of: {context['expected'].replace(' or ', ', ')}."
        case "string_pattern_mismatch":
            remedy = _PATTERNS.get(context["pattern"], f"Keep to the pattern {context['pattern']}.")
            return f"{name} is {given}, which is not in the right form", remedy
        case "string_too_short":
            return f"{name} is empty", "Write at least a word."
        case "string_too_long":
            return f"{name} is too long", f"Use at most {context['max_length']} characters."
        case "too_short":
            least = context["min_length"]
            return f"{name} has too few items", f"List at least {least}."
        case "greater_than_equal" | "greater_than" | "less_than_equal" | "less_than":
            return f"{name} is {given}, which is out of range", f"{_range(context)}."
        case _ if kind in _KINDS:
            return f"{name} is {given}", f"Write {_KINDS[kind]}."
        case _:
            return f"{name} is {given}", f"{str(found['msg']).rstrip('.')}."


def _name(path: Path) -> str:
    """What a value is called: its key, or its place in a list."""
    if not path:
        return "the file"
    last = path[-1]
    if isinstance(last, str):
        return f"'{last}'"
    around = next((part for part in reversed(path) if isinstance(part, str)), "list")
    return f"item {last + 1} of '{around}'"


def _quoted(given: Any) -> str:
    if isinstance(given, dict):
        return "a mapping"
    if isinstance(given, list):
        return "a list"
    if given is None:
        return "empty"
    if isinstance(given, bool):
        return str(given).lower()
    return f"'{str(given)[:60]}'"


def _range(context: Mapping[str, Any]) -> str:
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    limits = [f"{words[key]} {context[key]:g}" for key in words if key in context]
    return f"Use a number of {' and '.join(limits)}"


def _known_keys(schema: Mapping[str, Any], path: Path) -> list[str]:
    """Keys that a JSON Schema knows at a path of keys and list places."""
    here: Mapping[str, Any] = _resolved(schema, schema)
    for part in path:
        if isinstance(part, int):
            here = here.get("items", {})
        else:
            here = here.get("properties", {}).get(part) or here.get("additionalProperties") or {}
        here = _resolved(schema, here)
    return list(here.get("properties", {}))


def _resolved(schema: Mapping[str, Any], part: Any) -> Mapping[str, Any]:
    resolved: Mapping[str, Any] = part if isinstance(part, dict) else {}
    if "$ref" in resolved:
        resolved = schema["$defs"][str(resolved["$ref"]).rsplit("/", 1)[-1]]
    return resolved
