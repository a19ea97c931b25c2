"""Facts as classes: read once, kept until more are recorded, and handed out as they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from operator import attrgetter
from typing import cast, get_type_hints

from core.domain.facts.recorded import F, but, columns_of, name_of, values_of
from core.domain.moment import Moment
from core.lake.query import fetch_as
from core.lake.store import TABLES, Store, beside_file

_SEQ = attrgetter("seq")


def history(store: Store, kind: type[F], moment: Moment, initiative: str = "") -> tuple[F, ...]:
    """Facts of a kind up to a moment, oldest first.

    Parameters
    ----------
    initiative
        Whose facts; left out for a kind whose facts belong to no initiative. Those of all initiatives are
        asked for with `newest`, or with a query: nothing keeps them in memory.
    """
    part = (kind.table, initiative)
    found = store.kept.find(part, moment.seq)
    if found is not None:
        return cast("tuple[F, ...]", found)
    # Asked before the rows are read: what is recorded meanwhile counts as unread.
    whole_to = moment.seq if store.kept.is_settled(moment.seq) else min(moment.seq, store.head())
    where = {"initiative": initiative} if "initiative" in columns_of(kind) else {}
    tail = "WHERE initiative = $initiative" if where else ""
    # Sorted here: in the query that takes as long as all the rest.
    facts = tuple(sorted(_read(store, kind, tail, where), key=_SEQ))
    store.kept.keep(part, whole_to, facts)
    return tuple(fact for fact in facts if fact.seq <= moment.seq)


def newest(store: Store, kind: type[F], moment: Moment, initiative: str = "") -> tuple[F, ...]:
    """The newest fact of each key, of one initiative or of all, in the order of their last change."""
    if initiative or "initiative" not in columns_of(kind):
        return tuple(sorted(newest_of(history(store, kind, moment, initiative)), key=_SEQ))
    tail = (
        "WHERE seq <= $seq "
        f"QUALIFY row_number() OVER (PARTITION BY {', '.join(kind.key)} ORDER BY seq DESC) = 1 ORDER BY seq"
    )
    return select(store, kind, tail, seq=moment.seq)


def select(store: Store, kind: type[F], tail: str, **values: object) -> tuple[F, ...]:
    """Facts of a kind that a query picks, of all initiatives: `tail` stands behind the table's name."""
    return tuple(_read(store, kind, tail, values))


def newest_of(facts: Iterable[F]) -> tuple[F, ...]:
    """Of facts in the order of the record, the newest of each key, in the order in which they came up."""
    return tuple({tuple(getattr(fact, name) for name in fact.key): fact for fact in facts}.values())


def latest(store: Store, kind: type[F], moment: Moment, initiative: str = "", **like: object) -> F | None:
    """The last fact of a kind that has these values; None where there is none."""
    facts = history(store, kind, moment, initiative)
    return next((fact for fact in reversed(facts) if _is_like(fact, like)), None)


def _is_like(fact: object, like: dict[str, object]) -> bool:
    return all(getattr(fact, name) == value for name, value in like.items())


def together(store: Store, kind: type[F], initiative: str, version: str, moment: Moment) -> tuple[F, ...]:
    """What the newest measurement of a version brought of a kind; nothing keeps it in memory."""
    tail = f"""WHERE seq = (SELECT max(seq) FROM {kind.table}
        WHERE initiative = $initiative AND version = $version AND seq <= $seq)"""
    return select(store, kind, tail, initiative=initiative, version=version, seq=moment.seq)


def in_full(store: Store, facts: Iterable[F]) -> tuple[F, ...]:
    """Facts with the values out of files that stand beside the record; without, once these were purged.

    Such values are personal data as soon as they are of few people: no entry has them. Who may see small
    groups may see them.
    """
    read: dict[str, Mapping[str, Mapping[str, object]]] = {}
    return tuple(_in_full(store, fact, read) for fact in facts)


def _in_full(store: Store, fact: F, read: dict[str, Mapping[str, Mapping[str, object]]]) -> F:
    row = values_of(fact)
    sha256 = str(row.get("beside") or "")
    if sha256 and sha256 not in read:
        file = beside_file(store.folder, str(row["initiative"]), sha256)
        read[sha256] = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.is_file() else {}
    left = read.get(sha256, {}).get(name_of(type(fact), row), {})
    return but(fact, **{name: tuple(v) if isinstance(v, list) else v for name, v in left.items()})


def _read(store: Store, kind: type[F], tail: str, values: Mapping[str, object]) -> list[F]:
    # Names of tables and columns come from the classes, never from a user.
    return fetch_as(store.cursor(), kind, f"SELECT {_selected(kind.table)} FROM {kind.table} {tail}", values)


@cache
def _selected(table: str) -> str:
    kind = TABLES[table]
    hints = get_type_hints(kind)
    return ", ".join(f"{name}::DATE AS {name}" if hints[name] is date else name for name in columns_of(kind))
