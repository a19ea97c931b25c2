"""Audit packs: what the record holds of an initiative, in a folder that outsiders verify, and their jobs."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.connectors.pack_files import check_pack, write_pack, zip_pack
from core.connectors.pack_verifier import CHAIN, CHECKPOINT, ENTRIES, Wrong
from core.connectors.settings import SigningKey
from core.domain.chain import canonical, key_id
from core.domain.commands import Command
from core.domain.errors import BadInput, BrokenRecord, Forbidden
from core.domain.facts import record as recorded
from core.domain.facts.recorded import row_of
from core.domain.facts.rules import Published
from core.domain.moment import Moment
from core.lake.directory import names_today
from core.lake.record.entries import (
    PEOPLE,
    PackedEntry,
    chain_links,
    evidence_names,
    packed_entries,
    store_kind,
)
from core.lake.record.verify import KnownFile, known_files, problem_with
from core.lake.store import told
from core.services.case import begin, registered, seen_by
from core.services.governance import Governance
from core.services.jobs import JobControl, jobs_of, start_job
from core.services.record.audit_pages import PackStory, pack_pages
from core.services.record.checkpoints import recorded_key, signed_checkpoint

ALL = "all"
FORMAT = 1
_SHOWN_AS_THEY_ARE = frozenset(
    {".pdf", ".txt", ".md", ".csv", ".json", ".yaml", ".yml", ".png", ".jpg", ".xlsx", ".docx", ".parquet"}
)
_HEADER = ("seq", "recorded_at", "actor", "action", "subject")
Progress = Callable[[float, str], None]


class ExportAuditPack(Command, may="export_audit_pack", whose="any"):
    """Export an initiative, or `all`, as it stood at a moment, into a new folder or zip file."""

    initiative: str
    as_of: Moment
    target: Path
    zipped: bool = False

    @property
    def about(self) -> str:
        """The initiative; empty for all."""
        return "" if self.initiative == ALL else self.initiative


@dataclass(frozen=True)
class AuditPack:
    """A pack that was written.

    Attributes
    ----------
    path
        Folder or zip file.
    files, bytes
        Files in it, and how large they are together.
    manifest_sha256, key
        What to hand over by another way than the pack: digest of its manifest, short name of its key.
    verified
        What the pack's own verifier said.
    """

    path: Path
    files: int
    bytes: int
    manifest_sha256: str
    key: str
    seq: int
    verified: tuple[str, ...]


def _quiet(share: float, sentence: str) -> None:
    """Tell nobody how far it is."""


def export_audit_pack(
    governance: Governance, command: ExportAuditPack, *, progress: Progress = _quiet
) -> AuditPack:
    """Write an audit pack, verify it with its own verifier, and put on record that it was taken away.

    Nothing recorded after the moment goes into it, and of other initiatives only the digests that the chain
    needs. Prediction batches stay where they are: the pack has their digests.

    Parameters
    ----------
    progress
        Called with the share done (0.0 to 1.0) and what is at work; an error it raises stops the export.

    Raises
    ------
    Forbidden, NotFound
        The actor may not export packs; there was no such initiative at the moment.
    BadInput
        There is something at the target already.
    BrokenRecord
        The record or a file is not what was recorded; no pack is left behind.
    """
    case = begin(governance, command)
    governance = case.governance  # the chain of a pack is that of the whole record
    initiative = command.about
    if initiative:
        registered(governance, initiative, command.as_of)
    elif seen_by(governance, command.actor, case.moment).reader.hidden:
        raise Forbidden("all is packed by those who may read all", remedy="Name one initiative.")
    if command.target.exists():
        raise BadInput(
            "there is something of this name already",
            where=str(command.target),
            remedy="Name another place with --out, or move it away.",
        )
    key = recorded_key(governance, command.actor, command.at)
    command.target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".audit-pack-", dir=command.target.parent))
    try:
        folder = scratch / command.target.name.removesuffix(".zip")
        pack = _write(governance, command, initiative, key, folder, progress)
        if command.zipped:
            progress(0.95, "Writing the zip file.")
            zip_pack(folder, scratch / "pack.zip")
            check_pack(scratch / "pack.zip", key.public)
            folder = scratch / "pack.zip"
        case.put("audit_pack_exported", _recorded(initiative, pack))
        folder.rename(command.target)
    except Wrong as problem:
        raise BrokenRecord(
            f"the pack would not hold: {problem}", where="record", remedy="Run 'governance verify'."
        ) from problem
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return pack


def _write(
    governance: Governance,
    command: ExportAuditPack,
    initiative: str,
    key: SigningKey,
    folder: Path,
    progress: Progress,
) -> AuditPack:
    moment = command.as_of
    progress(0.05, "Reading the record.")
    entries = packed_entries(governance.store, moment.seq, initiative)
    held, gone = _evidence(governance, moment, initiative)
    progress(0.3, "Drawing the pages.")
    kind = store_kind(governance.store)
    story = PackStory(kind.store if kind else "governance", key_id(key.public), moment, held)
    files: dict[str, bytes | Path] = {**pack_pages(governance, entries, initiative, story)}
    files |= {name: governance.store.folder / "evidence" / sha256 for sha256, name in held.items()}
    files |= _rules(governance, moment, entries)
    progress(0.6, "Writing the chain.")
    files[CHAIN] = "".join(_chain_lines(governance, moment.seq)).encode()
    files[ENTRIES] = "".join(_entry_lines(entries)).encode()
    files["people.json"] = canonical(_people(governance, entries)).encode()
    signed = signed_checkpoint(governance, key, moment.seq, command.at)
    files[CHECKPOINT] = canonical(signed.as_json()).encode()
    facts = {
        "format": FORMAT,
        "scope": initiative or ALL,
        "as_of": moment.at,
        "made_at": command.at,
        "store": signed.store,
        "seq": moment.seq,
        "digest": signed.digest,
        "not_held": gone,
    }
    progress(0.75, "Writing and signing the files.")
    manifest_sha256, size = write_pack(folder, files, facts, key)
    progress(0.85, "Verifying the pack.")
    verified = tuple(check_pack(folder, key.public))
    count = len(files) + 3  # the verifier, the manifest and its signature
    return AuditPack(command.target, count, size, manifest_sha256, key_id(key.public), moment.seq, verified)


def _recorded(initiative: str, pack: AuditPack) -> recorded.AuditPack:
    return recorded.AuditPack(
        initiative=initiative or None,
        as_of_seq=pack.seq,
        manifest_sha256=pack.manifest_sha256,
        files=pack.files,
        bytes=pack.bytes,
    )


def _evidence(
    governance: Governance, moment: Moment, initiative: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Digest -> name in the pack of each evidence file, and digest -> why it is not in the pack."""
    held: dict[str, str] = {}
    gone: dict[str, str] = {}
    suffixes = _suffixes(governance, moment)
    for file in known_files(governance.store.cursor(), governance.store, moment.seq):
        if file.table == "evidence" and initiative in ("", file.initiative):
            if file.purged:
                gone.setdefault(file.sha256, "forgotten on purpose")
                continue
            _require_whole(governance, file)
            held[file.sha256] = f"evidence/{file.sha256}{suffixes.get(file.sha256, '')}"
    return held, {sha256: why for sha256, why in gone.items() if sha256 not in held}


def _suffixes(governance: Governance, moment: Moment) -> Mapping[str, str]:
    """Endings of file names that no program runs when the file is opened; others are left off."""
    named = evidence_names(governance.store, moment.seq)
    endings = ((sha256, Path(name).suffix.lower()) for sha256, name in named.items())
    return {sha256: ending for sha256, ending in endings if ending in _SHOWN_AS_THEY_ARE}


def _require_whole(governance: Governance, file: KnownFile) -> None:
    problem = problem_with(governance.store, file)
    if problem:
        raise BrokenRecord(
            f"evidence of entry {file.seq}: {problem}",
            where=file.initiative,
            remedy="Restore it from a backup, then verify.",
        )


def _rules(governance: Governance, moment: Moment, entries: Sequence[PackedEntry]) -> dict[str, bytes | Path]:
    """The texts of policy and ethical position, as they were published."""
    found: dict[str, bytes | Path] = {}
    for packed in entries:
        for fact in packed.facts:
            if isinstance(fact, Published):
                found[f"{fact.table}/entry-{fact.seq}.yaml"] = fact.text.encode()
    if not any(name.startswith("ethics/") for name in found):
        shipped = governance.position(moment).model_dump_json(indent=2)
        found["ethics/not-on-record.json"] = shipped.encode()
    return found


def _chain_lines(governance: Governance, seq: int) -> Iterator[str]:
    for number, kind, digest in chain_links(governance.store, seq):
        yield f"{number} {kind} {digest}\n"


def _entry_lines(entries: Sequence[PackedEntry]) -> Iterator[str]:
    for packed in entries:
        known = {name: getattr(packed.entry, name) for name in _HEADER}
        shown = {
            **known,
            **({"credential": packed.entry.credential} if packed.entry.credential else {}),
            "table": packed.entry.fact_table,
            "content_digest": packed.entry.content_digest,
            "partly": packed.partly,
            "rows": [told(fact.table, row_of(fact)) for fact in packed.facts],
        }
        yield canonical(shown) + "\n"


def _people(governance: Governance, entries: Sequence[PackedEntry]) -> dict[str, str]:
    """Id -> name of everybody whom the packed entries name and the directory still knows."""
    named = {packed.entry.actor for packed in entries}
    for packed in entries:
        named |= {getattr(fact, column, "") for fact in packed.facts for column in PEOPLE}
    known = names_today(governance.store)
    return {person: known[person] for person in known if person in named}


KIND = "export_audit_pack"
OUTGOING = "outgoing"
"""Folder below the store in which finished packs wait to be fetched."""
KEPT_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class PackJob:
    """A pack that is being made: the job, what it is about, and where the zip file will be."""

    id: str
    subject: str
    path: Path


def pack_subject(initiative: str) -> str:
    """What a job that packs an initiative, or `all`, is about."""
    return f"audit-pack/{initiative}"


def start_pack(governance: Governance, command: ExportAuditPack) -> PackJob:
    """Start an export; while one of the same initiative runs, that one is followed."""
    governance.require(command)
    _sweep(command.target.parent)

    def work(control: JobControl) -> str:
        def progress(share: float, sentence: str) -> None:
            control.raise_if_cancelled()
            control.report(share, sentence)

        made = export_audit_pack(governance, command, progress=progress)
        return (
            f"The pack is ready: {made.files:,} files up to entry {made.seq:,}, signed with key {made.key}."
        )

    subject = pack_subject(command.initiative)
    return PackJob(start_job(KIND, subject, work, command.actor), subject, command.target)


def finished_pack(job: PackJob) -> bool:
    """Whether a pack is there to be fetched."""
    ended = all(view.state != "running" for view in jobs_of(job.subject) if view.id == job.id)
    return ended and job.path.is_file()


def _sweep(folder: Path) -> None:
    """Remove packs that nobody fetched within a day."""
    oldest = time.time() - KEPT_SECONDS
    for file in folder.glob("*.zip"):
        if file.stat().st_mtime < oldest:
            file.unlink(missing_ok=True)
