"""What of the record belongs to an audit pack: the entries, their rows, and the digests of all the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from core.domain.chain import GENESIS, Entry, KeptEntry, header_digest, linked_digest
from core.domain.facts.recorded import Recorded
from core.domain.facts.tables import TABLES
from core.lake.facts import select
from core.lake.query import fetch
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
_AT = "WHERE seq IN (SELECT unnest($seqs::BIGINT[]))"


@dataclass(frozen=True)
class PackedEntry:
    """An entry that a pack shows in full.

    Attributes
    ----------
    facts
        What it put on record.
    partly
        It also put facts there that belong to others, which are left out.
    """

    entry: KeptEntry
    facts: tuple[Recorded, ...]
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
    wanted = _entries(store, seq, _seqs(store, seq, initiative) if initiative else None)
    people = _named(store, seq, initiative, PEOPLE) if initiative else set()
    by_table: dict[str, list[int]] = {}
    for entry in wanted:
        by_table.setdefault(entry.fact_table, []).append(entry.seq)
    facts: dict[int, list[Recorded]] = {}
    for table, seqs in by_table.items():
        for fact in select(store, TABLES[table], _AT, seqs=seqs) if table in TABLES else ():
            facts.setdefault(fact.seq, []).append(fact)
    found = []
    for entry in wanted:
        held = facts.get(entry.seq, [])
        kept = tuple(fact for fact in held if not initiative or _belongs(fact, initiative, people))
        found.append(PackedEntry(entry, kept, partly=len(kept) < len(held)))
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


def _entries(store: Store, seq: int, seqs: set[int] | None) -> list[KeptEntry]:
    chosen = "true" if seqs is None else "seq IN (SELECT unnest($seqs::BIGINT[]))"
    query = (
        "SELECT seq, recorded_at, actor, action, subject, fact_table, content_digest, digest FROM record "
        f"WHERE seq <= $seq AND {chosen} ORDER BY seq"
    )
    values = {"seq": seq, "seqs": sorted(seqs or ())}
    return [KeptEntry(**row) for row in fetch(store.cursor(), query, values)]


def _seqs(store: Store, seq: int, initiative: str) -> set[int]:
    own = "SELECT seq FROM record WHERE seq <= $seq AND split_part(subject, '/', 1) = $initiative"
    for table, columns in store.columns.items():
        if "initiative" in columns:
            own += f" UNION SELECT seq FROM {table} WHERE seq <= $seq AND initiative = $initiative"
    found = {row["seq"] for row in fetch(store.cursor(), own, {"seq": seq, "initiative": initiative})}
    for table in (*WHOLE, *CITED, *OF_PEOPLE):
        if table in store.columns:
            found |= _chosen(store, table, seq, initiative)
    return found


def _chosen(store: Store, table: str, seq: int, initiative: str) -> set[int]:
    """Entries that brought rows of a table without an initiative on which one of an initiative rests."""
    key, citing = CITED.get(table, ("", PEOPLE))
    columns = (key,) if key else OF_PEOPLE.get(table, ())
    query = f"SELECT {', '.join(('seq', *columns))} FROM {table} WHERE seq <= $seq"
    rows = fetch(store.cursor(), query, {"seq": seq})
    if table in WHOLE:
        return {row["seq"] for row in rows}
    named = _named(store, seq, initiative, citing)
    found = {row["seq"] for row in rows if any(row[name] in named for name in columns)}
    if table in _IN_FORCE and rows:
        found.add(max(row["seq"] for row in rows))
    return found


def _named(store: Store, seq: int, initiative: str, columns: Sequence[str]) -> set[str]:
    """What stands in columns of these names in the initiative's own rows; who acted there stands in any."""
    found: set[str] = set()
    for table, known in store.columns.items():
        named = [name for name in columns if name in known or name == "actor"]
        if "initiative" in known and named:
            query = (
                f"SELECT DISTINCT {', '.join(named)} FROM {table} "
                "WHERE seq <= $seq AND initiative = $initiative"
            )
            rows = fetch(store.cursor(), query, {"seq": seq, "initiative": initiative})
            found |= {value for row in rows for value in row.values() if value}
    return found


def _belongs(fact: Recorded, initiative: str, people: set[str]) -> bool:
    if fact.table in OF_PEOPLE:
        return any(getattr(fact, name) in people for name in OF_PEOPLE[fact.table])
    return getattr(fact, "initiative", None) in (initiative, None)
