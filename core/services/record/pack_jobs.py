"""Making an audit pack beside the pages: started, followed, and fetched when it is done."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from core.services.governance import Governance
from core.services.jobs import JobControl, jobs_of, start_job
from core.services.record.audit_pack import ExportAuditPack, export_audit_pack

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
    """Start an export; while one of the same initiative runs, that one is followed.

    Raises
    ------
    Forbidden
        The actor may not export packs.
    """
    governance.roles.require(command.actor, command.may)
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
