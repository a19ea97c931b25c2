"""Signing how far the record has come, and holding the record against what was signed before."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from core.connectors.settings import SigningKey, read_signing_key, signature_valid
from core.domain.actors import Actor
from core.domain.chain import Checkpoint, key_id, signed_statement
from core.domain.commands import Command, make
from core.domain.errors import BadInput, Conflict, NotFound
from core.domain.facts import record as recorded
from core.domain.facts.recorded import entry_of
from core.lake.record.entries import digest_at, known_keys
from core.lake.record.verify import Break, Verification
from core.services.governance import Governance
from core.services.record.entries import clock_remark, verify_record

MOST_BYTES = 10_000


class SignCheckpoint(Command, may="sign_checkpoint"):
    """Sign how far the record has come. Keep it away from the store: 'verify --checkpoint' needs it."""


@dataclass(frozen=True)
class Verified:
    """A record that was verified, and the checkpoint that it was held against, if any."""

    record: Verification
    checkpoint: Checkpoint | None = None


def sign_checkpoint(governance: Governance, command: SignCheckpoint) -> Checkpoint:
    """Sign the record at its last entry. Kept outside the store, it shows later that nothing was taken away.

    The first signature of a store makes its key (Ed25519, in a file that only the owner reads, or from the
    settings) and puts the public half on record.

    Raises
    ------
    Forbidden
        The actor may not sign checkpoints.
    BadInput
        The key can be read by others, or is none.
    """
    governance.require(command)
    governance = governance.whole
    key = recorded_key(governance, command.actor, command.at)
    return signed_checkpoint(governance, key, governance.store.head(), command.at)


def recorded_key(governance: Governance, actor: Actor, at: datetime) -> SigningKey:
    """The store's key; its public half is put on record when it is used for the first time."""
    key = read_signing_key(governance.store.folder, governance.signing_key)
    if key.public not in known_keys(governance.store):
        public = recorded.SigningKey(key_id=key_id(key.public), public_key=key.public)
        entry = entry_of("signing_key_registered", public, first=True)
        try:
            governance.store.append([entry], actor=actor.id, at=at, credential=actor.credential)
        except Conflict:
            if key.public not in known_keys(governance.store):
                raise
    return key


def signed_checkpoint(governance: Governance, key: SigningKey, seq: int, at: datetime) -> Checkpoint:
    """Sign the record at entry `seq`."""
    store, digest = digest_at(governance.store, 1), digest_at(governance.store, seq)
    if store is None or digest is None:
        raise NotFound(f"the record has no entry {seq}", remedy="Found the store first.")
    signature = key.sign(signed_statement(store, seq, digest, at))
    return Checkpoint(store=store, seq=seq, digest=digest, at=at, public_key=key.public, signature=signature)


def read_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint as it was written to a file."""
    remedy = "Take the file as 'governance checkpoint' wrote it."
    try:
        given = json.loads(text) if len(text) <= MOST_BYTES else None
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise BadInput("the file is no checkpoint", where="checkpoint", remedy=remedy)
    found = make(Checkpoint, **{str(name): value for name, value in given.items()})
    if not signature_valid(found.public_key, found.signed, found.signature):
        raise BadInput("the checkpoint was changed after it was signed", where="checkpoint", remedy=remedy)
    return found


def checkpoint_text(file: str) -> str:
    """The text of a checkpoint's file."""
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        remedy = "Name the file that 'checkpoint' wrote."
        raise BadInput("the checkpoint cannot be read", where=file, remedy=remedy) from None


def verify_against(governance: Governance, checkpoint: str = "", clock: datetime | None = None) -> Verified:
    """Recompute the record and its files and, where a checkpoint is given, hold the record against it.

    Where a clock is given, it is noted if entries lie ahead of it.

    Notes
    -----
    A record whose end was cut off together with its rows and its head is whole in itself; only a checkpoint
    from outside shows that it was longer.
    """
    held = read_checkpoint(checkpoint) if checkpoint else None
    found = verify_record(governance)
    governance = governance.whole
    if clock is not None and found.first_break is None and (remark := clock_remark(governance, clock)):
        found = replace(found, notes=(*found.notes, remark))
    if held is None:
        return Verified(found)
    gap = _departure(governance, held)
    inside = found.first_break
    if gap is not None and (inside is None or (inside.seq or 0) > (gap.seq or 0)):
        found = replace(found, first_break=gap)
    return Verified(found, held)


def _departure(governance: Governance, checkpoint: Checkpoint) -> Break | None:
    """Where the record is not the one that was signed, or None."""
    store, signed = governance.store, f"the checkpoint of {checkpoint.at:%Y-%m-%d %H:%M} UTC"
    if digest_at(store, 1) not in (None, checkpoint.store):
        return Break(1, "record", f"{signed} is of a record with another first entry")
    head = store.head()
    if head < checkpoint.seq:
        missing = f"entry {head + 1} is missing: {signed} saw the record up to entry {checkpoint.seq:,}"
        return Break(head + 1, "record", missing)
    if digest_at(store, checkpoint.seq) != checkpoint.digest:
        rewritten = f"it, or an entry before it, was rewritten after {signed}"
        return Break(checkpoint.seq, "record", rewritten)
    if checkpoint.public_key not in known_keys(store):
        return Break(None, "record", f"{signed} was signed with a key that is not on record")
    return None
