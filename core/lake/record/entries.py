"""The record itself: its entries page by page, digests, keys and files, and what belongs to an audit pack."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from core.domain.chain import GENESIS, Entry, EntryLine, KeptEntry, OpenedEntry, header_digest, linked_digest
from core.domain.errors import BadInput, BrokenRecord, NotFound
from core.domain.facts.record import CheckpointSigned, SigningKey, StoreCreated
from core.domain.facts.recorded import Recorded
from core.domain.facts.rules import Proposal
from core.domain.moment import Moment
from core.domain.policy.policy import LiveGates
from core.domain.process.facts import InitiativeChoice
from core.lake.facts import select
from core.lake.query import asking, fetch, fetch_as, moment_values
from core.lake.store import TABLES, Store


class StoredFile(NamedTuple):
    """A file in the store: path below the store's folder, digest, size in bytes."""

    path: str
    sha256: str
    size: int


def keep_content(store: Store, content: bytes, folder: str = "evidence", ending: str = "") -> StoredFile:
    """Keep content under its own digest; the same content twice is one file."""
    sha256 = hashlib.sha256(content).hexdigest()
    path = f"{folder}/{sha256}{ending}"
    target = store.folder / path
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    return StoredFile(path, sha256, len(content))


def digest_of(file: Path) -> str:
    """The sha256 of a file's content."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def keep_batch(store: Store, source: Path, initiative: str, version: str, part: str) -> StoredFile:
    """Copy a Parquet batch under its model version, named by its digest."""
    sha256 = digest_of(source)
    path = f"predictions/{initiative}/version={version}/{part}-{sha256[:16]}.parquet"
    return _copied(store, source, path, sha256)


def keep_file(store: Store, source: Path, folder: str, ending: str = "") -> StoredFile:
    """Copy a file into a folder of the store, named by its digest; the same content twice is one file."""
    sha256 = digest_of(source)
    return _copied(store, source, f"{folder}/{sha256}{ending}", sha256)


def _copied(store: Store, source: Path, path: str, sha256: str) -> StoredFile:
    target = store.folder / path
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".part")
        shutil.copyfile(source, partial)
        partial.replace(target)
    return StoredFile(path, sha256, target.stat().st_size)


_DIGEST = re.compile(r"[0-9a-f]{64}")


def read_evidence(store: Store, sha256: str) -> bytes:
    """Read an evidence file.

    Raises
    ------
    BadInput
        The digest is none: it would be a path into somewhere else.
    NotFound
        The store does not hold the file any more.
    BrokenRecord
        The content is not what was submitted.
    """
    if not _DIGEST.fullmatch(sha256):
        raise BadInput(f"'{sha256[:70]}' is no digest", remedy="Give 64 hexadecimal digits.")
    path = store.folder / "evidence" / sha256
    if not path.is_file():
        raise NotFound(
            "the store does not hold this file any more",
            where=sha256[:16],
            remedy="Restore it from a backup.",
        )
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BrokenRecord(
            "the file is not what was submitted", where=sha256[:16], remedy="Restore it from a backup."
        )
    return content


_NAMED = """
    SELECT r.seq, r.recorded_at, r.actor, coalesce(d.name, r.actor) AS actor_name, r.action, r.subject,
        coalesce(i.name, r.subject) AS subject_name, r.fact_table, r.content_digest, r.digest,
        r.credential{more}
    FROM ({chosen}) r
    LEFT JOIN directory d ON d.actor = r.actor
    LEFT JOIN (SELECT initiative, arg_max(name, seq) AS name FROM initiative GROUP BY initiative) i
        ON i.initiative = split_part(r.subject, '/', 1)
    ORDER BY r.seq DESC
"""
_ENTRIES = _NAMED.format(
    more="",
    chosen="""
        SELECT * FROM record
        WHERE seq <= $seq
            AND ($initiative = '' OR split_part(subject, '/', 1) = $initiative)
            AND ($action = '' OR action = $action)
            AND ($actor = '' OR actor = $actor)
        ORDER BY seq DESC LIMIT $most OFFSET $skip
    """,
)
_ENTRY = _NAMED.format(more=", r.previous_digest", chosen="SELECT * FROM record WHERE seq = $seq")


def entries(
    store: Store,
    moment: Moment,
    *,
    initiative: str = "",
    action: str = "",
    actor: str = "",
    most: int = 200,
    skip: int = 0,
) -> list[EntryLine]:
    """Entries up to the moment, newest first; empty filters let all through."""
    values = {"initiative": initiative, "action": action, "actor": actor, "most": most, "skip": skip}
    return [EntryLine(**row) for row in fetch(store.cursor(), _ENTRIES, {"seq": moment.seq, **values})]


def opened_entry(store: Store, seq: int) -> tuple[OpenedEntry, tuple[Recorded, ...]] | None:
    """An entry and the facts that it recorded, or None."""
    found = fetch(store.cursor(), _ENTRY, {"seq": seq})
    if not found:
        return None
    entry = OpenedEntry(**found[0])
    kind = TABLES.get(entry.fact_table)
    return entry, select(store, kind, "WHERE seq = $seq", seq=seq) if kind else ()


def entries_ahead(store: Store, clock: datetime) -> tuple[int, int] | None:
    """The first entry whose time lies ahead of a clock, and how many do; None where none does."""
    query = "SELECT min(seq) AS first_seq, count(*) AS entries FROM record WHERE recorded_at > $clock"
    found = fetch(store.cursor(), query, {"clock": clock.replace(tzinfo=None)})[0]
    return (found["first_seq"], found["entries"]) if found["entries"] else None


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What is known of a request that came with a key: the digest of what was asked, and the answer."""

    asked: str
    seq: int
    answer: str | None


_ANSWER_DAYS = 7
"""How long a key is known."""


def answer_kept(store: Store, key: str) -> KeptAnswer | None:
    """What was answered to a key; None where nothing was put on record with it."""
    query = "SELECT asked, seq, answer FROM answered WHERE key = $key"
    return next(iter(fetch_as(store.cursor(), KeptAnswer, query, {"key": key})), None)


def keep_answer(store: Store, key: str, answer: str, at: datetime) -> None:
    """Keep the answer to a key that is known, and forget keys of old."""
    cursor = store.cursor()
    cursor.execute("UPDATE answered SET answer = ? WHERE key = ?", [answer, key])
    old = at.replace(tzinfo=None) - timedelta(days=_ANSWER_DAYS)
    cursor.execute("DELETE FROM answered WHERE answered_at < ?", [old])


def store_kind(store: Store) -> StoreCreated | None:
    """How the store was made, or None while it is empty."""
    return next(iter(select(store, StoreCreated, "ORDER BY seq LIMIT 1")), None)


def digest_at(store: Store, seq: int) -> str | None:
    """Digest of an entry, or None where the record has no such entry."""
    rows = fetch(store.cursor(), "SELECT digest FROM record WHERE seq = $seq", {"seq": seq})
    return str(rows[0]["digest"]) if rows else None


def last_entry(store: Store) -> int:
    """The greatest number of an entry, whatever the head says; 0 where there is none."""
    rows = fetch(store.cursor(), "SELECT coalesce(max(seq), 0) AS seq FROM record", {})
    return int(rows[0]["seq"])


def known_keys(store: Store) -> tuple[SigningKey, ...]:
    """Signing keys on record, oldest first."""
    return select(store, SigningKey, "ORDER BY seq")


def keys_agreed(store: Store) -> tuple[Proposal, ...]:
    """Proposals agreed to of keys in the place of lost ones, as they lie, oldest first."""
    return select(store, Proposal, "WHERE act = 'replace_signing_key' AND state = 'agreed' ORDER BY seq")


def last_checkpoint(store: Store) -> CheckpointSigned | None:
    """What is on record of the newest checkpoint."""
    return next(iter(select(store, CheckpointSigned, "ORDER BY seq DESC LIMIT 1")), None)


_COUNT = """
    SELECT count(*) AS entries FROM record
    WHERE seq <= $seq
        AND ($initiative = '' OR split_part(subject, '/', 1) = $initiative)
        AND ($action = '' OR action = $action)
        AND ($actor = '' OR actor = $actor)
"""
_INITIATIVES = (
    "SELECT initiative AS id, arg_max(name, seq) AS name FROM initiative WHERE seq <= $seq "
    "GROUP BY initiative ORDER BY name, id"
)
_CHOICES = asking(
    """
    SELECT i.initiative, i.name, i.team, coalesce(l.live, false)
        AND i.initiative IN (SELECT initiative FROM model_version WHERE seq <= $seq) AS live
    FROM (
        SELECT initiative, arg_max(name, seq) AS name, arg_max(team, seq) AS team FROM initiative
        WHERE seq <= $seq GROUP BY initiative
    ) i
    LEFT JOIN current_live l USING (initiative)
    ORDER BY i.name, i.initiative
    """,
    "live",
)
_PEOPLE = (
    "SELECT DISTINCT r.actor AS id, coalesce(d.name, r.actor) AS name FROM record r "
    "LEFT JOIN directory d ON d.actor = r.actor WHERE r.seq <= $seq ORDER BY name, id"
)
_TEAMS = (
    "SELECT DISTINCT team FROM (SELECT arg_max(team, seq) AS team FROM initiative WHERE seq <= $seq "
    "GROUP BY initiative) ORDER BY team"
)
_ACTIONS = "SELECT DISTINCT action AS id FROM record WHERE seq <= $seq ORDER BY id"


def entry_count(
    store: Store, moment: Moment, *, initiative: str = "", action: str = "", actor: str = ""
) -> int:
    """Number of entries up to the moment; empty filters let all through."""
    values = {"seq": moment.seq, "initiative": initiative, "action": action, "actor": actor}
    return int(fetch(store.cursor(), _COUNT, values)[0]["entries"])


def named_initiatives(store: Store, moment: Moment) -> dict[str, str]:
    """Newest names of the initiatives on record, by id."""
    rows = fetch(store.cursor(), _INITIATIVES, {"seq": moment.seq})
    return {row["id"]: row["name"] for row in rows}


def initiative_choices(store: Store, moment: Moment, live_gates: LiveGates) -> list[InitiativeChoice]:
    """Initiatives to choose from, by name."""
    values = {**moment_values(moment), "live_gates": live_gates}
    return fetch_as(store.cursor(), InitiativeChoice, _CHOICES, values)


def owning_teams(store: Store, moment: Moment) -> list[str]:
    """Teams that have initiatives, by name."""
    return [row["team"] for row in fetch(store.cursor(), _TEAMS, {"seq": moment.seq})]


def acting_people(store: Store, moment: Moment) -> dict[str, str]:
    """Names of those who acted, by id; the id where the directory no longer knows them."""
    return {row["id"]: row["name"] for row in fetch(store.cursor(), _PEOPLE, {"seq": moment.seq})}


def recorded_actions(store: Store, moment: Moment) -> list[str]:
    """Kinds of entry up to the moment."""
    return [row["id"] for row in fetch(store.cursor(), _ACTIONS, {"seq": moment.seq})]


WHOLE = ("store_created", "signing_key", "checkpoint", "configuration")
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
    "login": ("person",),
    "logout": ("person",),
    "token": ("person",),
    "delegation": ("actor", "delegate"),
    "deputy": ("person", "deputy"),
    "training_attestation": ("person",),
}
"""Table without an initiative -> columns that name people; rows of those who acted on it are packed."""
NOT_OF_ONE = ("policy_draft", "policy_preview", "proposal")
"""Tables of which a pack of one initiative holds only what is about it by the subject of its entry."""
PEOPLE = (
    *("actor", "owner", "builder", "person", "on_behalf_of", "to_person", "delegate", "answered_by"),
    *("deputy", "heir"),
)
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
        "SELECT seq, recorded_at, actor, action, subject, content_digest, digest, credential FROM record "
        "WHERE seq <= ? ORDER BY seq"
    )
    previous = GENESIS
    for *header, digest, by in store.cursor().execute(query, [seq]).fetchall():
        own = header_digest(Entry(*header, credential=by))
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
        "SELECT seq, recorded_at, actor, action, subject, fact_table, content_digest, digest, credential "
        f"FROM record WHERE seq <= $seq AND {chosen} ORDER BY seq"
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
