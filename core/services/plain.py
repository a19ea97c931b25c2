"""Results as plain JSON values: the same for the command line and for HTTP."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel


def plain(value: Any) -> Any:
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
        said = (field.name for field in dataclasses.fields(value) if field.repr)
        return {name: plain(getattr(value, name)) for name in said}
    raise TypeError(f"a {type(value).__name__} has no JSON form")
