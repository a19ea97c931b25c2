"""Results as plain JSON values: the same for the command line and for HTTP."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import BaseModel

Result = Mapping[str, Any]
"""What a use case gives: a JSON object."""
T = TypeVar("T")
IN_PLACE = MappingProxyType({"in place": True})
"""Metadata of a field whose own fields are told in its place."""


def plain(value: object) -> Any:
    """Turn a result into JSON values: times in UTC, undefined numbers as null.

    Fields of a dataclass that its repr leaves out stay inside.

    Examples
    --------
    >>> plain({"at": datetime(2026, 3, 31, 12), "rate": float("nan"), "teams": ("Credit",)})
    {'at': '2026-03-31T12:00:00Z', 'rate': None, 'teams': ['Credit']}
    """
    match value:
        case None | bool() | int() | str() if not isinstance(value, Enum):
            return value
        case Enum():
            return plain(value.value)
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            in_utc = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
            return in_utc.isoformat().replace("+00:00", "Z")
        case date() | Path():
            return str(value)
        case BaseModel():
            return plain(value.model_dump())
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        told: dict[str, Any] = {}
        for field in dataclasses.fields(value):
            if field.repr:
                said = plain(getattr(value, field.name))
                told |= said if field.metadata == IN_PLACE else {field.name: said}
        return told
    raise TypeError(f"a {type(value).__name__} has no JSON form")


def read_back(kind: type[T], told: Mapping[str, Any]) -> T:
    """The dataclass that a result was told from; what stayed inside is as the class has it by itself.

    Examples
    --------
    >>> from core.analytics.intervals import Interval
    >>> read_back(Interval, plain(Interval(0.1, 0.3)))
    Interval(low=0.1, high=0.3, confidence=0.95)
    """
    given = {}
    for name, hint, in_place in _fields(kind):  # type: ignore[arg-type]
        if in_place:
            given[name] = read_back(hint, told)
        elif name in told:
            given[name] = _read_back(hint, told[name])
    return kind(**given)


def _read_back(hint: Any, told: Any) -> Any:
    if isinstance(told, list):
        return tuple(_read_back(get_args(hint)[0], item) for item in told)
    if isinstance(told, str) and hint is date:
        return date.fromisoformat(told)
    if not isinstance(told, Mapping):
        return told
    kinds = (each for each in (hint, *get_args(hint)) if dataclasses.is_dataclass(each))
    return read_back(next(kinds), told)  # type: ignore[arg-type]


@cache
def _fields(kind: Any) -> tuple[tuple[str, Any, bool], ...]:
    hints = get_type_hints(kind)
    return tuple((one.name, hints[one.name], one.metadata == IN_PLACE) for one in dataclasses.fields(kind))
