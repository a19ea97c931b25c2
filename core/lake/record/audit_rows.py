"""What of the record belongs to an audit pack: the entries, their rows, and the digests of all the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from core.domain.chain import GENESIS, Entry, KeptEntry, header_digest, linked_digest
from core.domain.facts.recorded import ORIGIN
from core.lake.query import Rows, fetch
from core.lake.store import Store

WHOLE = ("store_created", "signing_key")
"""Tables of the organisation that stand in every pack."""
CITED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "policy": ("version", ("policy_version",)),
    "ethics": ("version", ("ethics_version",)),
    "demand_set": ("sha256", ("demands_sha256",)),
    "data_source": ("source", ("source",)),
    "data_upstream": ("source", ("source",)),
    "data_mark": ("source", ("source",)),
}
"""Table without an initiative -> its key, and the columns of other tables that cite it."""
OF_PEOPLE: Mapping[str, tuple[str, ...]] = {
    "membership": ("person",),
    "delegation": ("actor", "delegate"),
    "training_attestation": ("person",),
}
"""Table without an initiative -> columns that name people; rows of those who acted on it are packed."""
NOT_OF_ONE = ("policy_draft",)
"""Tables that stand only in a pack of all: what decided nothing about any one initiative."""
PEOPLE = ("actor", "owner", "builder", "person", "on_behalf_of", "to_person", "delegate", "answered_by")
"""Columns that name people by id."""
_IN_FORCE = ("policy", "ethics")


@dataclass(frozen=True)
class PackedEntry:
    """An entry that a pack shows in full.

    Attributes
    ----------
    rows
        What it put on record, without the three columns that every row has.
    partly
        It also put rows there that belong to others, which are left out.
    """

    entry: KeptEntry
    rows: tuple[Mapping[str, Any], ...]
    partly: bool = False


def unsorted_tables(store: Store) -> list[str]:
    """Fact tables without an initiative that no rule above packs; a test wants none."""
    known = {*WHOLE, *CITED, *OF_PEOPLE, *NOT_OF_ONE}
    return [
        table
        for table, columns in store.columns.items()
        if "initiative" not in columns and table not in known
    ]


def packed_entries(store: Store, seq: int, initiative: str) -> list[PackedEntry]:
    """Entries of an initiative up to `seq`, with all that they rest on; of everything where none is named."""
    cursor = store.cursor()
    wanted = _entries(cursor, seq, _seqs(cursor, store, seq, initiative) if initiative else None)
    people = _people(cursor, store, seq, initiative) if initiative else set()
    by_table: dict[str, list[int]] = {}
    for entry in wanted:
        by_table.setdefault(entry.fact_table, []).append(entry.seq)
    rows = {table: _rows(cursor, table, seqs) for table, seqs in by_table.items() if table in store.columns}
    found = []
    for entry in wanted:
        table = entry.fact_table
        held = rows.get(table, {}).get(entry.seq, [])
        kept = [row for row in held if not initiative or _belongs(table, row, initiative, people)]
        bare = tuple({name: value for name, value in row.items() if name not in ORIGIN} for row in kept)
        found.append(PackedEntry(entry, bare, partly=len(kept) < len(held)))
    return found


def chain_links(store: Store, seq: int) -> Iterator[tuple[int, str, str]]:
    """For each entry up to `seq`: its number, the word `header`, and the digest of its header.

    An entry of an older store has none that the chain is made of; the word is `sealed` and its own digest
    stands there.
    """
    query = (
        "SELECT seq, recorded_at, actor, action, subject, content_digest, digest FROM record "
        "WHERE seq <= ? ORDER BY seq"
    )
    previous = GENESIS
    for *header, digest in store.cursor().execute(query, [seq]).fetchall():
        own = header_digest(Entry(*header))
        follows = linked_digest(previous, own) == digest
        yield (header[0], "header", own) if follows else (header[0], "sealed", digest)
        previous = digest


def evidence_names(store: Store, seq: int) -> dict[str, str]:
    """Digest of each evidence file up to `seq` -> the name under which it was submitted last."""
    query = "SELECT sha256, file_name FROM evidence WHERE file_name IS NOT NULL AND seq <= $seq ORDER BY seq"
    return {row["sha256"]: row["file_name"] for row in fetch(store.cursor(), query, {"seq": seq})}


def _entries(cursor: duckdb.DuckDBPyConnection, seq: int, seqs: set[int] | None) -> list[KeptEntry]:
    chosen = "true" if seqs is None else "seq IN (SELECT unnest($seqs::BIGINT[]))"
    query = (
        "SELECT seq, recorded_at, actor, action, subject, fact_table, content_digest, digest FROM record "
        f"WHERE seq <= $seq AND {chosen} ORDER BY seq"
    )
    return [KeptEntry(**row) for row in fetch(cursor, query, {"seq": seq, "seqs": sorted(seqs or ())})]


def _seqs(cursor: duckdb.DuckDBPyConnection, store: Store, seq: int, initiative: str) -> set[int]:
    values = {"seq": seq, "initiative": initiative}
    own = "SELECT seq FROM record WHERE seq <= $seq AND split_part(subject, '/', 1) = $initiative"
    for table, columns in store.columns.items():
        if "initiative" in columns:
            own += f" UNION SELECT seq FROM {table} WHERE seq <= $seq AND initiative = $initiative"
    found = _numbers(cursor, own, values)
    for table in (*WHOLE, *CITED, *OF_PEOPLE):
        if table in store.columns:
            query = f"SELECT seq, {', '.join(_keys(table))} FROM {table} WHERE seq <= $seq"
            found |= _chosen(table, fetch(cursor, query, values), cursor, store, values)
    return found


def _keys(table: str) -> Sequence[str]:
    if table in CITED:
        return (CITED[table][0],)
    return OF_PEOPLE.get(table, ("recorded_at",))


def _chosen(
    table: str, rows: Rows, cursor: duckdb.DuckDBPyConnection, store: Store, values: dict[str, Any]
) -> set[int]:
    if table in WHOLE:
        return {row["seq"] for row in rows}
    if table in OF_PEOPLE:
        people = _people(cursor, store, values["seq"], values["initiative"])
        return {row["seq"] for row in rows if any(row[name] in people for name in OF_PEOPLE[table])}
    key, citing = CITED[table]
    cited = _values(cursor, store, values, citing)
    found = {row["seq"] for row in rows if row[key] in cited}
    if table in _IN_FORCE and rows:
        found.add(max(row["seq"] for row in rows))
    return found


def _people(cursor: duckdb.DuckDBPyConnection, store: Store, seq: int, initiative: str) -> set[str]:
    """Ids of those who acted on an initiative, or were named by those who did."""
    values = {"seq": seq, "initiative": initiative}
    return _values(cursor, store, values, PEOPLE)


def _values(
    cursor: duckdb.DuckDBPyConnection, store: Store, values: dict[str, Any], columns: Sequence[str]
) -> set[str]:
    """What stands in columns of these names in the initiative's own rows."""
    found: set[str] = set()
    for table, known in store.columns.items():
        named = [name for name in columns if name in known or name == "actor"]
        if "initiative" in known and named:
            query = (
                f"SELECT DISTINCT {', '.join(named)} FROM {table} "
                "WHERE seq <= $seq AND initiative = $initiative"
            )
            found |= {value for row in fetch(cursor, query, values) for value in row.values() if value}
    return found


def _belongs(table: str, row: Mapping[str, Any], initiative: str, people: set[str]) -> bool:
    if "initiative" in row:
        return row["initiative"] in (initiative, None)
    if table in OF_PEOPLE:
        return any(row[name] in people for name in OF_PEOPLE[table])
    return True


def _rows(cursor: duckdb.DuckDBPyConnection, table: str, seqs: list[int]) -> dict[int, Rows]:
    """Rows of a table at these entries, by entry. The table's name was looked up among the store's."""
    query = f"SELECT * FROM {table} WHERE seq IN (SELECT unnest($seqs::BIGINT[]))"
    found: dict[int, Rows] = {}
    for row in fetch(cursor, query, {"seqs": seqs}):
        found.setdefault(row["seq"], []).append(row)
    return found


def _numbers(cursor: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any]) -> set[int]:
    return {row["seq"] for row in fetch(cursor, query, values)}
