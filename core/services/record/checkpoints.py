"""Signing how far the record has come, and holding the record against what was signed before."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import Field

from core.connectors.settings import KEY_FILE, SigningKey, read_signing_key, signature_valid
from core.domain.actors import Actor
from core.domain.chain import Checkpoint, Fact, key_id, key_statement, signed_statement
from core.domain.commands import Command, Digest, Words, make
from core.domain.errors import BadInput, Conflict, GovernanceError, NotFound
from core.domain.facts import record as recorded
from core.domain.facts.recorded import entry_of
from core.domain.facts.rules import Proposal
from core.lake import directory
from core.lake.record.entries import digest_at, keys_agreed, known_keys, last_checkpoint, last_entry
from core.lake.record.verify import Break, Verification
from core.services.case import Case, begin
from core.services.governance import Governance
from core.services.record.entries import clock_remark, verify_record

MOST_BYTES = 10_000
PORTAL = Actor(id="portal", name="The portal")
"""Who signs checkpoints that make themselves."""
_END = 2**62
_LOG = logging.getLogger(__name__)


class SignCheckpoint(Command, may="sign_checkpoint"):
    """Sign how far the record has come. Keep it away from the store: 'verify --checkpoint' needs it."""


class ReplaceSigningKey(Command, may="sign_checkpoint"):
    """Propose the key of the settings in the place of one that is lost; it signs once somebody else agrees.

    A key that is still there signs the change itself (GOVERNANCE_SIGNING_KEY_BEFORE), and nobody is asked.
    """

    note: Annotated[
        Words, Field(min_length=10, title="Why", description="How the key was lost; it stays on record.")
    ]
    public_key: Annotated[
        Digest, Field(description="Public half of the key; empty for the one of the settings.")
    ] = ""
    replaces: Annotated[
        str, Field(max_length=64, description="The lost key; empty for the one on record.")
    ] = ""


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
        The key can be read by others, is none, or is not the one on record.
    """
    governance.require(command)
    return _signed_now(governance.whole, command.actor, command.at, ("hand",))


def replace_signing_key(governance: Governance, command: ReplaceSigningKey) -> str:
    """Propose another key in the place of a lost one, and return the proposal's name.

    What the lost one signed stays valid, and `verify` says for good that two people vouch for the change.

    Raises
    ------
    BadInput
        No key is on record, none is given, or it is the one on record.
    """
    case = begin(governance, command)
    known = known_keys(governance.store)
    given = governance.signing.key
    public = command.public_key or (SigningKey(given).public if given else "")
    if not known or not public or public in {key.public_key for key in known}:
        raise BadInput(
            "there is no other key to take the place of the one on record",
            where="GOVERNANCE_SIGNING_KEY",
            remedy="Make one (openssl rand -hex 32), keep it outside the store, and give it to the portal.",
        )
    old = known[-1].key_id
    meant = replace(case, command=command.model_copy(update={"public_key": public, "replaces": old}))
    said = f"The signing key {key_id(public)} takes the place of {old}, which is lost: {command.note}"
    reviewers = case.rules.roles.allowed_roles("review_policy")
    return meant.propose("replace_signing_key", "signing-key", [said], reviewers)


def key_of_two(case: Case, asked: ReplaceSigningKey) -> Fact:
    """The entry of a key that two people put in the place of a lost one."""
    public, replaces = asked.public_key, known_keys(case.governance.whole.store)[-1].key_id
    if replaces != asked.replaces:
        raise Conflict(
            f"another key than {asked.replaces} is on record by now",
            where="signing key",
            remedy="Decline it, and propose it again if that one is lost too.",
        )
    key = recorded.SigningKey(key_id=key_id(public), public_key=public, replaces=replaces)
    return entry_of("signing_key_replaced", key, first=True)


def checkpoint_due(governance: Governance, clock: datetime, *, at_once: bool = False) -> bool:
    """Whether so many entries or hours went by since the last one; `at_once`: any new entry will do."""
    last, head = last_checkpoint(governance.store), governance.store.head()
    new = head - (last.seq if last else 0)
    if not governance.signing.places or not new or not governance.founded:
        return False
    since = governance.present(clock).at - last.recorded_at.replace(tzinfo=UTC) if last else None
    old = since is None or since >= timedelta(hours=governance.signing.hours)
    return at_once or old or new >= governance.signing.entries


def keep_checkpoint(governance: Governance, clock: datetime) -> Checkpoint:
    """Sign the record at its last entry, and keep that in every place that the settings name.

    Raises
    ------
    GovernanceError
        No place takes it, or the key may not sign; what is said of the other places stands in the log.
    """
    kinds = tuple(place.kind for place in governance.signing.places)
    return _signed_now(governance, PORTAL, clock, kinds)


def _signed_now(governance: Governance, actor: Actor, at: datetime, places: tuple[str, ...]) -> Checkpoint:
    key = recorded_key(governance, actor, at)
    made = signed_checkpoint(governance, key, governance.store.head(), at)
    if places != ("hand",):
        places = _kept(governance, made)
    said = recorded.CheckpointSigned(
        signed_seq=made.seq, digest=made.digest, key_id=key_id(key.public), places=places
    )
    entry = entry_of("checkpoint_signed", said)
    governance.store.append([entry], actor=actor.id, at=at, credential=actor.credential)
    return made


def _kept(governance: Governance, made: Checkpoint) -> tuple[str, ...]:
    """Kinds of the places that took a checkpoint."""
    name, text = file_name(made.seq, made.at), json.dumps(made.as_json(), indent=2) + "\n"
    problems: list[GovernanceError] = []
    took = []
    for place in governance.signing.places:
        try:
            place.keep(name, text)
            took.append(place.kind)
        except GovernanceError as problem:
            problems.append(problem)
            _LOG.warning("%s", problem)
    if problems and not took:
        raise problems[0]
    return tuple(took)


def file_name(seq: int, at: datetime) -> str:
    """What the file of a checkpoint is called.

    Examples
    --------
    >>> file_name(7365, datetime(2026, 6, 30, 18, 5, tzinfo=UTC))
    'checkpoint-0000007365-20260630T180500.json'
    """
    return f"checkpoint-{seq:010}-{at:%Y%m%dT%H%M%S}.json"


def recorded_key(governance: Governance, actor: Actor, at: datetime) -> SigningKey:
    """The store's key; its public half is put on record when it is used for the first time.

    Another key takes its place only with its signature.

    Raises
    ------
    BadInput
        The key is not the one on record, and nothing signed the change.
    """
    known = known_keys(governance.store)
    newest = known[-1] if known else None
    given = governance.signing
    key = read_signing_key(governance.store.folder, given.key, known=newest.key_id if newest else "")
    if newest is not None and newest.public_key == key.public:
        return key
    if newest is None:
        public = recorded.SigningKey(key_id=key_id(key.public), public_key=key.public)
        entry = entry_of("signing_key_registered", public, first=True)
    else:
        entry = entry_of("signing_key_replaced", _replacing(governance, newest, key), first=True)
    try:
        governance.store.append([entry], actor=actor.id, at=at, credential=actor.credential)
    except Conflict:
        if key.public != known_keys(governance.store)[-1].public_key:
            raise
    return key


def _replacing(governance: Governance, newest: recorded.SigningKey, key: SigningKey) -> recorded.SigningKey:
    """The key with the signature of the one that it takes the place of."""
    before = SigningKey(governance.signing.key_before) if governance.signing.key_before else None
    if before is None or before.public != newest.public_key:
        raise BadInput(
            f"the signing key {key_id(key.public)} is not the one on record, {newest.key_id}",
            where="GOVERNANCE_SIGNING_KEY",
            remedy="Put that one back; to change it on purpose, give it as GOVERNANCE_SIGNING_KEY_BEFORE "
            "once: it signs the change; if it is lost, two people replace it (governance key replace).",
        )
    store = digest_at(governance.store, 1) or ""
    statement = key_statement(store, key.public, newest.key_id)
    return recorded.SigningKey(
        key_id=key_id(key.public),
        public_key=key.public,
        replaces=newest.key_id,
        signature=before.sign(statement),
    )


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
    """Recompute the record and its files, and hold the record against every checkpoint that is kept.

    These are the one given and those in the folders that the settings name. Where a clock is given, it is
    noted if entries lie ahead of it. Whoever asks while it is being done gets the same answer.

    Notes
    -----
    A record whose end was cut off together with its rows and its head is whole in itself, and so is one that
    was written anew; only a checkpoint from outside shows that it was another.
    """
    held = read_checkpoint(checkpoint) if checkpoint else None
    found = verify_record(governance)
    governance = governance.whole
    if not found.entries:  # it is empty, or cannot be read
        return Verified(found, held)
    kept, unread = _kept_outside(governance)
    breaks = [found.first_break, *(_departure(governance, one) for one in ((held,) if held else ()) + kept)]
    whole = found.first_break is None
    first = min(
        (one for one in (*breaks, _forged_key(governance) if whole else None) if one),
        key=lambda one: one.seq or _END,
        default=None,
    )
    notes = (*found.notes, *unread, *(_remarks(governance, kept, clock) if whole else ()))
    return Verified(replace(found, first_break=first, notes=notes), held)


def _kept_outside(governance: Governance) -> tuple[tuple[Checkpoint, ...], tuple[str, ...]]:
    """Checkpoints in the folders that the settings name, and what is said of files that are none."""
    found, unread = [], []
    for place in governance.signing.places:
        for name, text in place.kept():
            try:
                found.append(read_checkpoint(text))
            except BadInput as problem:
                unread.append(f"{name} in {place.named}: {problem.what}")
    return tuple(found), tuple(unread)


def _forged_key(governance: Governance) -> Break | None:
    """The first key that took another's place without its signature, or a key beside the record that does."""
    store, known = digest_at(governance.store, 1) or "", known_keys(governance.store)
    lies = governance.store.folder / KEY_FILE
    if known and lies.is_file() and not governance.signing.key:
        beside = read_signing_key(governance.store.folder).public
        if beside != known[-1].public_key:
            return Break(None, "signing key", f"{lies.name} is not the key on record, {known[-1].key_id}")
    for before, key in pairwise(known):
        signed = signature_valid(before.public_key, _statement(store, before, key), key.signature)
        if key.replaces != before.key_id or not (signed or _agreed(governance, key)):
            return Break(
                key.seq, "signing key", f"key {key.key_id} replaces {before.key_id} without its signature"
            )
    return None


def _statement(store: str, before: recorded.SigningKey, key: recorded.SigningKey) -> bytes:
    return key_statement(store, key.public_key, before.key_id)


def _agreed(governance: Governance, key: recorded.SigningKey) -> Proposal | None:
    """The proposal by which two people put a key in the place of one that was lost."""
    for one in keys_agreed(governance.store):
        apart = one.actor != one.proposed_by
        if apart and one.seq + 1 == key.seq and json.loads(one.given)["public_key"] == key.public_key:
            return one
    return None


def _without_the_old(governance: Governance) -> Iterator[str]:
    """Keys that took the place of a lost one, with who vouches for that."""
    names = directory.names_today(governance.store)
    for before, key in pairwise(known_keys(governance.store)):
        agreed = None if key.signature else _agreed(governance, key)
        if agreed is not None:
            who = " and ".join(names.get(one, one) for one in (agreed.proposed_by, agreed.actor))
            yield (
                f"key {before.key_id} was replaced by {key.key_id} without its signature on "
                f"{key.recorded_at:%Y-%m-%d}, by {who}"
            )


def _remarks(governance: Governance, kept: tuple[Checkpoint, ...], clock: datetime | None) -> Iterator[str]:
    """What makes the proof weaker than it could be: where key and checkpoints lie, how old the last is."""
    signing, store, last = governance.signing, governance.store, last_checkpoint(governance.store)
    if clock is not None and (remark := clock_remark(governance, clock)):
        yield remark
    yield from _without_the_old(governance)
    if (store.folder / KEY_FILE).exists():
        yield (
            f"the signing key lies beside the record ({KEY_FILE}), where whoever rewrites one can use the "
            "other: move it into the file governance_signing_key of a folder elsewhere, and name that folder "
            "by GOVERNANCE_SECRETS"
        )
    if not signing.places:
        yield (
            "checkpoints are kept nowhere by themselves, and a store that is rewritten as a whole shows it "
            "by nothing else: set GOVERNANCE_CHECKPOINTS"
        )
        return
    for place in signing.places:
        if place.kind == "folder" and Path(place.named).resolve().is_relative_to(
            store.folder.resolve().parent
        ):
            yield f"checkpoints are kept beside the store ({place.named}): choose a folder elsewhere"
    if last is None:
        yield "no checkpoint is on record yet: the server makes them while it runs"
        return
    if "folder" in last.places and last.digest not in {one.digest for one in kept}:
        yield f"the checkpoint of entry {last.signed_seq:,} is missing where it was kept"
    now = clock or governance.present(last.recorded_at.replace(tzinfo=UTC)).at
    age, new = now - last.recorded_at.replace(tzinfo=UTC), store.head() - last.seq
    if new and (age > 2 * timedelta(hours=signing.hours) or new > 2 * signing.entries):
        day = f"{last.recorded_at:%Y-%m-%d %H:%M}"
        yield f"the last checkpoint is of {day} UTC, and {new:,} entries came since"


def _departure(governance: Governance, checkpoint: Checkpoint) -> Break | None:
    """Where the record is not the one that was signed, or None."""
    store, signed = governance.store, f"the checkpoint of {checkpoint.at:%Y-%m-%d %H:%M} UTC"
    if digest_at(store, 1) not in (None, checkpoint.store):
        return Break(1, "record", f"{signed} is of a record with another first entry")
    head = last_entry(store)
    if head < checkpoint.seq:
        missing = f"entry {head + 1} is missing: {signed} saw the record up to entry {checkpoint.seq:,}"
        return Break(head + 1, "record", missing)
    if digest_at(store, checkpoint.seq) != checkpoint.digest:
        rewritten = f"it, or an entry before it, was rewritten after {signed}"
        return Break(checkpoint.seq, "record", rewritten)
    if checkpoint.public_key not in {key.public_key for key in known_keys(store)}:
        return Break(None, "record", f"{signed} was signed with a key that is not on record")
    return None
