"""Submitting evidence, a link or a file kept by its digest, and handing files out again."""

from __future__ import annotations

from core.domain.commands import SubmitEvidence
from core.domain.errors import BadInput, Forbidden, NotFound
from core.domain.facts.process import Evidence
from core.domain.moment import Moment
from core.domain.policy.policy import Measure, Policy
from core.lake.facts import latest
from core.lake.record.evidence_files import read_evidence
from core.lake.record.files import StoredFile, keep_content
from core.services.case import begin
from core.services.governance import Governance
from core.services.lookups import registered

MAX_BYTES = 25 * 1024 * 1024


def submit_evidence(governance: Governance, command: SubmitEvidence) -> str:
    """Submit evidence for a measure, and return the digest of the file kept (empty for a link).

    Evidence of a step that belongs to a model version is bound to the current one. Independent measures
    take evidence only from somebody with the responsible role who neither owns nor builds the initiative.

    Raises
    ------
    Forbidden
        The actor may not submit evidence, or not this evidence.
    NotFound, BadInput
        No such initiative or measure; no version to bind it to; neither a link nor a file, or both;
        a file that is empty or too large. Nothing is stored.
    """
    case = begin(governance, command)
    known, measure = case.facts, _measure(case.policy, command.measure)
    if measure.independent:
        _require_responsible(governance, command, measure)
        case.require_independent("prove an independent measure of")
    version = None
    if case.policy.measure_is_per_version(measure.id):
        version = known.version
        if version is None:
            raise BadInput(
                f"'{measure.title}' belongs to a model version, and none is registered",
                where=command.initiative,
                remedy="Register a model version first.",
            )
    file = _kept_file(governance, command)
    kept = Evidence(
        initiative=known.initiative,
        version=version,
        measure=measure.id,
        title=command.title,
        link=command.link or None,
        file_name=command.file_name or None if file else None,
        sha256=file.sha256 if file else None,
        bytes=file.size if file else None,
    )
    return case.put("evidence_submitted", kept).sha256 or ""


def _measure(policy: Policy, measure_id: str) -> Measure:
    measure = policy.measures.get(measure_id)
    if measure is None:
        raise NotFound(
            f"'{measure_id[:60]}' is no measure of the policy",
            remedy="'governance show' lists what is required.",
        )
    if measure.evidence is None:
        proof = "signatures prove" if measure.sign_offs else "checks prove"
        raise BadInput(
            f"'{measure.title}' takes no evidence: {proof} it",
            remedy="Ask for the sign-off." if measure.sign_offs else "Run the checks of the initiative.",
        )
    return measure


def _require_responsible(governance: Governance, command: SubmitEvidence, measure: Measure) -> None:
    if measure.responsible not in command.actor.roles:
        title = governance.roles.title(measure.responsible)
        raise Forbidden(
            f"'{measure.title}' is proved by {title}, independent of the team",
            remedy=f"Ask somebody with the role {title}.",
        )


def _kept_file(governance: Governance, command: SubmitEvidence) -> StoredFile | None:
    if bool(command.link) == bool(command.file_name):
        raise BadInput("evidence is either a link or a file", remedy="Give one of the two.")
    if command.link:
        return None
    if not command.content:
        raise BadInput(f"the file '{command.file_name}' is empty", remedy="Choose the right file.")
    if len(command.content) > MAX_BYTES:
        raise BadInput(
            f"the file '{command.file_name}' is larger than {MAX_BYTES // 2**20} MiB",
            remedy="Put it where it belongs and submit a link.",
        )
    return keep_content(governance.store, command.content)


def evidence_file(governance: Governance, moment: Moment, *, initiative: str, sha256: str) -> bytes:
    """Read a file that was submitted as evidence of an initiative; its digest is checked on the way.

    Raises
    ------
    NotFound
        No such initiative, no evidence of it with this digest, or the file is gone.
    BrokenRecord
        The content is not what was submitted.
    """
    registered(governance, initiative, moment)
    if latest(governance.store, Evidence, moment, initiative, sha256=sha256) is None:
        raise NotFound("no such file was submitted", where=initiative, remedy="Look at its evidence.")
    return read_evidence(governance.store, sha256)
