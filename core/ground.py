"""What rules and numbers say alike: verdict, task, what a figure is, checked values, results as JSON."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum, StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, StringConstraints

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


class Verdict(StrEnum):
    """Outcome of a check; *cannot tell* is an answer of its own and never counts as a pass."""

    PASS = "pass"
    FAIL = "fail"
    CANNOT_TELL = "cannot_tell"


Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=600, strip_whitespace=True)]
Task = Literal["binary", "regression", "multiclass"]
"""What a model predicts: one of two classes, a number, or one of several classes."""
LEARNED = "machine_learned_model"
"""The kind of what was registered before kinds were asked for, and of what names none."""
ProductionRole = Literal["production", "challenger", "shadow", "ab_test"]
"""What a version does in production."""
VerdictName = Literal["pass", "fail", "cannot_tell"]
Direction = Literal["higher", "lower", "zero"]
"""Which way is called better; zero: the value nearest to nought."""
WORST_FIRST: tuple[VerdictName, ...] = ("fail", "cannot_tell", "pass")
_BETTER = {"higher": "higher is", "lower": "lower is", "zero": "nearest to 0 is"}


def in_words(name: str) -> str:
    """The name of a column or of a value as people read it.

    Examples
    --------
    >>> in_words("age_band"), in_words("18-24")
    ('age band', '18-24')
    """
    return name.replace("_", " ")


def outcome_title(outcome: str, favourable: Iterable[str] = ()) -> str:
    """An outcome as people call it, and that it is good to get where it was declared so.

    Examples
    --------
    >>> outcome_title("prepaid_card"), outcome_title("1", ["1"])
    ('outcome Prepaid card', 'favourable outcome 1')
    """
    words = in_words(outcome)
    return f"{'favourable ' if outcome in favourable else ''}outcome {words[:1].upper()}{words[1:]}"


def worst(verdicts: Iterable[VerdictName]) -> VerdictName:
    """The worst of several verdicts; pass where there is none.

    Examples
    --------
    >>> worst(["pass", "cannot_tell", "fail"]), worst([])
    ('fail', 'pass')
    """
    return min(verdicts, key=WORST_FIRST.index, default="pass")


LEFT_OUT = "…"
"""What the record has in place of a value out of somebody's file."""
_ASIDE = re.compile("\ue000([^\ue000-\ue002]*)\ue001([^\ue000-\ue002]*)\ue002")


class NumberAside(float):
    """A number out of somebody's file, such as the greatest of a column: the record leaves it out."""


def aside(value: str, instead: str = LEFT_OUT) -> str:
    """Mark what stands in somebody's file, so that the record leaves it out; `instead` stands there.

    Examples
    --------
    >>> said = f"1 row holds '{aside('Ann')}'"
    >>> without_values(said), with_values(said)
    ("1 row holds '…'", "1 row holds 'Ann'")
    """
    plain = re.sub("[\ue000-\ue002]", "", value)
    return f"\ue000{plain}\ue001{instead}\ue002"


def without_values(text: str) -> str:
    """A text as the record keeps it."""
    return _ASIDE.sub(r"\2", text)


def with_values(text: str) -> str:
    """A text as it is told."""
    return _ASIDE.sub(r"\1", text)


class Explained:
    """Whatever has the words of a figure tells them as sentences."""

    formula: str
    direction: Direction
    zero_means: str
    leaves_out: str
    source: str

    @property
    def notes(self) -> tuple[str, ...]:
        """Formula, direction, what zero means, what it leaves out, and the source; one sentence each."""
        said = {
            "Formula": self.formula,
            "Direction": f"{_BETTER[self.direction]} called better",
            "Zero": self.zero_means,
            "Leaves out": self.leaves_out,
            "Source": self.source,
        }
        return tuple(f"{word}: {text.rstrip('.')}." for word, text in said.items())


@dataclass(frozen=True, slots=True)
class Figure(Explained):
    """A figure by its name and its words.

    Attributes
    ----------
    id, title
        Name in code and on screen.
    formula
        How it is counted, in words.
    direction
        Which way is called better.
    zero_means
        What a value of 0 says.
    leaves_out
        What it does not see.
    source
        Where it is defined.
    """

    id: str
    title: str
    formula: str
    direction: Direction
    zero_means: str
    leaves_out: str
    source: str


class Checked(BaseModel):
    """A value whose fields are checked when it is made; unknown ones are refused, and nothing changes it.

    What checks it is built when it is first made: a command makes few of all that are declared.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
