"""The hash chain of the record: one canonical encoding, one digest per entry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from core.domain.moment import require_utc
from core.ground import Checked

GENESIS = "0" * 64
"""Digest before the first entry."""

Row = Mapping[str, object]


@dataclass(frozen=True)
class Fact:
    """Something that happened, to be appended to the record.

    Attributes
    ----------
    action
        Past tense, as `gate_decided`.
    subject
        What it happened to: an initiative id, or `initiative/version`.
    table
        The typed table that keeps the rows.
    rows
        Column -> value; the record adds `seq`, `recorded_at` and `actor`.
    first
        Refuse the fact if this action was recorded for this subject before.
    """

    action: str
    subject: str
    table: str
    rows: tuple[Row, ...]
    first: bool = False


@dataclass(frozen=True)
class Entry:
    """One link of the chain.

    `credential` says by what the actor was known: a login, a token by name, the command line of the store's
    owner. Nothing in stores made before it was kept, and where the store is made.
    """

    seq: int
    recorded_at: datetime
    actor: str
    action: str
    subject: str
    content_digest: str
    credential: str = field(default="", kw_only=True)


@dataclass(frozen=True)
class KeptEntry(Entry):
    """An entry as it stands on record, with the table that keeps what it brought."""

    fact_table: str
    digest: str


@dataclass(frozen=True)
class EntryLine(KeptEntry):
    """An entry as people read it."""

    actor_name: str
    subject_name: str

    @property
    def what(self) -> str:
        """What was done, in words: `gate_decided` is `Gate decided`."""
        return in_words(self.action)

    @property
    def about(self) -> str:
        """What it is about, in words."""
        match self.action:
            case "store_created" | "signing_key_registered" | "signing_key_replaced" | "checkpoint_signed":
                return "This store"
            case "audit_pack_exported":
                return "An audit pack"
            case "policy_published":
                return f"Policy {self.subject.removeprefix('policy-')}"
            case "ethics_published":
                return f"Ethical position {self.subject.removeprefix('ethics-')}"
        return self.subject_name


@dataclass(frozen=True)
class OpenedEntry(EntryLine):
    """An entry with its place in the chain."""

    previous_digest: str


def in_words(identifier: str) -> str:
    """An identifier of the record in words.

    Examples
    --------
    >>> in_words("gate_decided")
    'Gate decided'
    """
    return identifier.replace("_", " ").capitalize()


def canonical(value: object) -> str:
    """Encode a value as JSON with sorted keys, no spaces, UTC times to the microsecond; NaN is refused.

    Examples
    --------
    >>> canonical({"b": 1.5, "a": [True, None]})
    '{"a":[true,null],"b":1.5}'
    """
    return _ENCODER.encode(value)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        # The store keeps UTC without a zone; both spellings of one moment encode alike.
        in_utc = value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        return in_utc.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} has no canonical encoding")


# One encoder for all: making one for every value takes longer than encoding does.
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
)


def content_digest(table: str, rows: Sequence[Row]) -> str:
    """Sha256 of a fact's rows, whatever their order."""
    return _sha256(canonical([table, sorted(canonical(row) for row in rows)]))


def header_digest(entry: Entry) -> str:
    """Sha256 of what an entry says of itself, without its place in the chain.

    The chain is recomputed from these alone, so that an outsider can follow it through entries that they
    may not read.
    """
    return _sha256(canonical(_header(entry)))


def entry_digest(previous: str, entry: Entry) -> str:
    """Sha256 that binds an entry to all entries before it."""
    return linked_digest(previous, header_digest(entry))


def linked_digest(previous: str, header: str) -> str:
    """Sha256 that follows the digest `previous` at an entry with this header digest."""
    return _sha256(f'["{previous}","{header}"]')  # the canonical form of two digests, without the way there


def single_step_digest(previous: str, entry: Entry) -> str:
    """The entry digest of stores made before headers had a digest of their own; it binds just as much."""
    return _sha256(canonical([previous, *_header(entry)]))


def _header(entry: Entry) -> list[object]:
    said = [entry.seq, entry.recorded_at, entry.actor, entry.action, entry.subject, entry.content_digest]
    return [*said, entry.credential] if entry.credential else said


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


SIGNED = b"governance record, checkpoint\n"
"""What a signed statement starts with, so that no signature over something else passes for one."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Checkpoint(Checked):
    """The record of a store at one entry, signed.

    Attributes
    ----------
    store
        Digest of the store's first entry: it names the store.
    seq, digest
        The last entry at the time, and its digest, which binds all entries before it.
    at
        When it was signed (UTC).
    public_key, signature
        Ed25519 (RFC 8032), in hexadecimal digits; the key's private half is not in the record.
    """

    store: Digest
    seq: Annotated[int, Field(ge=1)]
    digest: Digest
    at: Annotated[datetime, AfterValidator(require_utc)]
    public_key: Digest
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]

    @property
    def signed(self) -> bytes:
        """The bytes that the signature is over."""
        return signed_statement(self.store, self.seq, self.digest, self.at)

    def as_json(self) -> dict[str, object]:
        """Plain values, in which the time is written as it was signed."""
        return {**self.model_dump(), "at": canonical(self.at).strip('"')}


def signed_statement(store: str, seq: int, digest: str, at: datetime) -> bytes:
    """The bytes that a checkpoint signs."""
    return SIGNED + canonical({"store": store, "seq": seq, "digest": digest, "at": at}).encode()


def key_statement(store: str, public_key: str, replaces: str) -> bytes:
    """The bytes that the key `replaces` signs when another takes its place."""
    said = {"store": store, "public_key": public_key, "replaces": replaces}
    return b"governance record, signing key\n" + canonical(said).encode()


def key_id(public_key: str) -> str:
    """Short name of a public key (hexadecimal digits): the first half of its sha256.

    Examples
    --------
    >>> key_id("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    '21fe31dfa154a261626bf854046fd227'
    """
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:32]
