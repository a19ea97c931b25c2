"""YAML files read into frozen models with the line of every value, so that what is wrong is pointed at."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from core.domain.errors import BadInput

Path = tuple[str | int, ...]

MAX_BYTES = 1_000_000
MAX_DEPTH = 20

_INT = re.compile(r"[-+]?[0-9]{1,15}")
_FLOAT = re.compile(r"[-+]?([0-9]{1,15}\.[0-9]{0,15}|\.[0-9]{1,15})([eE][-+]?[0-9]{1,2})?")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file: `what` has no full stop, `remedy` is a whole sentence."""

    line: int
    what: str
    remedy: str


class BadFile(BadInput):
    """A file that cannot be used; `problems` in the order of their lines."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.file = name
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        lines = [f"{name}:{p.line}: {p.what}. {p.remedy}" for p in self.problems]
        super().__init__("\n".join(lines).removesuffix("."))


@dataclass
class Document:
    """A file's plain value, and the line where each key or list item stands."""

    name: str
    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Path) -> int:
        """Line of the value at `path`, or of the nearest thing around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def refuse(self) -> None:
        """Raise what has been found wrong, if anything."""
        if self.problems:
            raise BadFile(self.name, self.problems)


def read_text(path: FilePath, name: str, most_bytes: int = MAX_BYTES) -> str:
    """Read a small UTF-8 file."""
    try:
        with path.open("rb") as file:
            raw = file.read(most_bytes + 1)
    except FileNotFoundError as error:
        raise BadInput(f"there is no file '{path}'", remedy="Check the path.") from error
    except OSError as error:
        what = f"'{path}' cannot be read: {error.strerror}"
        raise BadInput(what, remedy="Give a file that you may read.") from error
    if len(raw) > most_bytes:
        raise BadFile(name, [_too_large(most_bytes)])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadFile(name, [Problem(line, "this is not UTF-8 text", "Save the file as UTF-8.")]) from error


def parse_lines(text: str, name: str) -> Document:
    """Parse one YAML document into plain values with their lines.

    Scalars follow YAML 1.2: only `true` and `false` are truth values, and a date is text. Anchors, aliases
    and tags are refused, so a file means what it shows. Where `problems` is not empty, `value` may lack
    what they name.

    Notes
    -----
    Built from the parser's events: composing nodes recurses in C and ends the process on deep nesting.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise BadFile(name, [_too_large()])
    document = Document(name)
    try:
        events = yaml.parse(text, Loader=yaml.CSafeLoader)
        _skip(events, yaml.StreamStartEvent)
        if isinstance(next(events), yaml.StreamEndEvent):
            raise BadFile(name, [Problem(1, "the file is empty", "Fill it, or take the shipped one.")])
        document.value = _value(next(events), (), events, document)
        _skip(events, yaml.DocumentEndEvent)
        if not isinstance(extra := next(events), yaml.StreamEndEvent):
            what = "a second document begins here"
            raise BadFile(name, [Problem(_line(extra), what, "Keep one document a file.")])
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise BadFile(name, [_unreadable(text, error)]) from error
    return document


def _too_large(most_bytes: int = MAX_BYTES) -> Problem:
    what = f"the file is larger than {most_bytes:,} bytes"
    return Problem(1, what, "Take out what is not needed.")


def _unreadable(text: str, error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it breaks off"
    if mark is not None:
        line = min(int(mark.line) + 1, text.rstrip("\n").count("\n") + 1)
    else:  # a character that YAML does not allow: only its place in the text is known
        place = getattr(error, "position", getattr(error, "start", 0))
        line = text.count("\n", 0, int(place)) + 1
    what = f"this is not readable as YAML: {said}"
    return Problem(line, what, "Look at indentation, quotes and colons on this line and the one above.")


def _skip(events: Iterator[yaml.Event], kind: type[yaml.Event]) -> None:
    event = next(events)
    assert isinstance(event, kind), event


def _line(event: yaml.Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 1


def _value(event: yaml.Event, path: Path, events: Iterator[yaml.Event], document: Document) -> Any:
    """Build the value that begins with `event`, and note its line where its key has not."""
    document.lines.setdefault(path, _line(event))
    _refuse_shorthand(event, document)
    if len(path) > MAX_DEPTH:
        problem = Problem(_line(event), f"nested more than {MAX_DEPTH} deep", "Take the nesting out.")
        raise BadFile(document.name, [problem])
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(path, events, document)
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Any] = []
        while not isinstance(item := next(events), yaml.SequenceEndEvent):
            items.append(_value(item, (*path, len(items)), events, document))
        return items
    return _scalar(event) if isinstance(event, yaml.ScalarEvent) else None


def _refuse_shorthand(event: yaml.Event, document: Document) -> None:
    anchor, tag = getattr(event, "anchor", None), getattr(event, "tag", None)
    if anchor is not None:
        sign = "alias *" if isinstance(event, yaml.AliasEvent) else "anchor &"
        problem = Problem(
            _line(event), f"{sign}{anchor} is not allowed", "Write the value out where it is used."
        )
        document.problems.append(problem)
    if tag is not None and tag != "!":
        problem = Problem(_line(event), f"tag {tag} is not allowed", "Write the plain value.")
        document.problems.append(problem)


def _mapping(path: Path, events: Iterator[yaml.Event], document: Document) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent):
            what = "something other than a word stands as a key"
            raise BadFile(document.name, [Problem(_line(event), what, "Use a plain word as key.")])
        _refuse_shorthand(event, document)
        key = str(event.value)
        if key in found:
            what = (
                f"key '{key}' stands here for the second time, first on line {document.lines[(*path, key)]}"
            )
            document.problems.append(Problem(_line(event), what, "Keep one of them."))
            _value(next(events), (*path, key), events, Document(document.name))
            continue
        document.lines[(*path, key)] = _line(event)
        found[key] = _value(next(events), (*path, key), events, document)
    return found


def _scalar(event: yaml.ScalarEvent) -> Any:
    value = str(event.value)
    if event.style:  # quoted or a block: text, whatever it looks like
        return value
    if value.lower() in _WORDS:
        return _WORDS[value.lower()]
    if _INT.fullmatch(value):
        return int(value)
    return float(value) if _FLOAT.fullmatch(value) else value


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
