"""Operations of auditors: verify, checkpoint, replay, pack, and forgetting evidence on purpose."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from core.domain.checkpoint import key_id
from core.domain.commands import make
from core.entrypoints.operations.operation import Call, Operation
from core.entrypoints.operations.parameters import AsOf, Nothing, Parameters
from core.services.plain import plain
from core.services.record.audit_pack import ExportAuditPack, export_audit_pack
from core.services.record.checkpoints import SignCheckpoint, sign_checkpoint, verify_against
from core.services.record.purge import PurgeEvidence, purge_evidence
from core.services.record.replay import replay_decision

OUTGOING = "outgoing"
"""Folder below the store where a server lays a pack for the command line to fetch."""


class RecordToVerify(Parameters):
    """The whole record, held against a checkpoint where one is given (its text)."""

    checkpoint: Annotated[str, Field(max_length=10_000)] = ""


class DecisionToReplay(Parameters):
    """The entry of a gate decision."""

    seq: Annotated[int, Field(ge=1)]
    as_of: AsOf = ""


class PackToExport(Parameters):
    """An initiative, or `all`, as it stood at a moment."""

    initiative: Annotated[str, Field(max_length=80)]
    zipped: bool = False
    as_of: AsOf = ""


class FileToForget(Parameters):
    """An evidence file of an initiative, by its digest, and why it is forgotten."""

    initiative: str
    sha256: str
    reason: str


def _verify_record(call: Call, asked: RecordToVerify) -> Any:
    found = verify_against(call.governance, asked.checkpoint, call.now)
    signed = found.checkpoint
    held = None if signed is None else {**signed.as_json(), "key_id": key_id(signed.public_key)}
    return {**plain(found.record), "checkpoint": held}


def _sign_checkpoint(call: Call, asked: Nothing) -> Any:
    return sign_checkpoint(call.governance, make(SignCheckpoint, **call.origin)).as_json()


def _replay_decision(call: Call, asked: DecisionToReplay) -> Any:
    found = replay_decision(call.governance, call.moment(asked.as_of), seq=asked.seq)
    return {**plain(found), "same": found.same}


def _export_audit_pack(call: Call, asked: PackToExport) -> Any:
    name = f"{secrets.token_hex(8)}.zip" if asked.zipped else secrets.token_hex(8)
    command = make(
        ExportAuditPack,
        **call.origin,
        initiative=asked.initiative,
        as_of=call.moment(asked.as_of),
        target=call.governance.store.folder / OUTGOING / name,
        zipped=asked.zipped,
    )
    return {**plain(export_audit_pack(call.governance, command)), "path": f"{OUTGOING}/{name}"}


def _purge_evidence(call: Call, asked: FileToForget) -> Any:
    removed = purge_evidence(call.governance, make(PurgeEvidence, **call.origin, **asked.model_dump()))
    return {**asked.model_dump(), "removed": removed}


OPERATIONS: Mapping[str, Operation] = {
    "verify_record": Operation(RecordToVerify, _verify_record),
    "sign_checkpoint": Operation(Nothing, _sign_checkpoint),
    "replay_decision": Operation(DecisionToReplay, _replay_decision),
    "export_audit_pack": Operation(PackToExport, _export_audit_pack),
    "purge_evidence": Operation(FileToForget, _purge_evidence),
}
