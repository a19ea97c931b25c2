"""What every fact has: its entry in the record, the table that keeps it, and what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import ClassVar, TypeVar

from core.domain.chain import Fact

ORIGIN = ("seq", "recorded_at", "actor")
"""Columns that the record itself fills in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A row of a fact table; a class a table, its fields named as the columns.

    Attributes
    ----------
    table
        The table of the migrations that keeps it.
    subject
        What its entry is about, made of its fields.
    key
        Fields that name it: of those alike in them, the newest holds.
    seq, recorded_at, actor
        The entry it came with; nothing while it is not on record. Times are UTC, without a zone.
    """

    table: ClassVar[str]
    subject: ClassVar[str] = "{initiative}"
    key: ClassVar[tuple[str, ...]] = ("initiative",)

    seq: int = 0
    recorded_at: datetime = datetime.min  # noqa: DTZ901 - the record keeps UTC without a zone
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfInitiative(Recorded):
    """A fact whose table begins with the initiative that it is of."""

    initiative: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfVersion(OfInitiative):
    """A fact whose table begins with the initiative and the model version that it is of."""

    subject: ClassVar[str] = "{initiative}/{version}"
    key: ClassVar[tuple[str, ...]] = ("initiative", "version")

    version: str


F = TypeVar("F", bound=Recorded)
V = TypeVar("V", bound=Recorded)


def columns_of(kind: type[Recorded]) -> tuple[str, ...]:
    """Columns of a fact's table, in their order; of a view, with what it adds behind them."""
    return tuple(field.name for field in fields(kind))


def values_of(fact: Recorded) -> dict[str, object]:
    """Every field of a fact, by name."""
    return {name: getattr(fact, name) for name in columns_of(type(fact))}


def but(fact: F, **changes: object) -> F:
    """A fact with other values in some fields; `dataclasses.replace` where the class is known."""
    return type(fact)(**{**values_of(fact), **changes})  # type: ignore[arg-type]


def says_the_same(fact: Recorded, other: Recorded) -> bool:
    """Whether two facts say the same, whoever said it when."""
    return fact == but(other, **{name: getattr(fact, name) for name in ORIGIN})


def subject_of(fact: Recorded) -> str:
    """What a fact is about, as its entry says it."""
    return fact.subject.format_map(values_of(fact))


def name_of(kind: type[Recorded], row: Mapping[str, object]) -> str:
    """What tells a row of a table from the others that came with it."""
    return "/".join(str(row[name]) for name in kind.key)


def row_of(fact: Recorded) -> dict[str, object]:
    """What a fact's table keeps of it, beside what the record itself fills in."""
    return {name: value for name, value in values_of(fact).items() if name not in ORIGIN}


def entry_of(action: str, *facts: Recorded, first: bool = False) -> Fact:
    """One entry of the record that brings facts of one table and one subject.

    Examples
    --------
    >>> from core.domain.facts.work import CommentsRead
    >>> entry_of("comments_read", CommentsRead(initiative="claims")).rows
    ({'initiative': 'claims'},)
    """
    return Fact(action, subject_of(facts[0]), facts[0].table, tuple(map(row_of, facts)), first)


@dataclass(frozen=True)
class Names:
    """Names as people read them: of people, and of initiatives with their team."""

    people: Mapping[str, str]
    initiatives: Mapping[str, tuple[str, str]]

    def __getitem__(self, person: str) -> str:
        return self.people.get(person, person)


@dataclass(frozen=True, kw_only=True)
class Signed:
    """What a view adds to its fact: who said it, by name."""

    actor_name: str


@dataclass(frozen=True, kw_only=True)
class Placed(Signed):
    """What a view adds to its fact: who said it, and of which initiative, by name."""

    initiative_name: str
    team: str


def named(view: type[V], fact: Recorded, names: Names, **more: object) -> V:
    """A fact as people read it: `view` is its class with fields of `Signed` or `Placed`, and `more`."""
    known, wanted = {**values_of(fact), **more}, columns_of(view)
    if "actor_name" in wanted:
        known["actor_name"] = names[fact.actor]
    if "initiative_name" in wanted:
        known["initiative_name"], known["team"] = names.initiatives[str(known["initiative"])]
    return view(**known)  # type: ignore[arg-type]
