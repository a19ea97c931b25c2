"""Evidence: submitted as a link or a file kept by its digest, graded by ALCOA, handed out, forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from core.domain.actors import Actor, Roles
from core.domain.commands import Command, SubmitEvidence, Words
from core.domain.errors import BadInput, BrokenRecord, Forbidden, NotFound
from core.domain.facts.models import ModelVersion
from core.domain.facts.process import CheckRun, Evidence
from core.domain.facts.record import EvidencePurged, Membership
from core.domain.given import InitiativeId, argument
from core.domain.moment import Moment
from core.domain.policy.policy import Measure, Policy
from core.domain.process.alcoa import (
    LETTERS,
    EvidenceFacts,
    Grade,
    Letter,
    LetterGrade,
    alcoa_grades,
    overall_grade,
)
from core.domain.process.facts import EvidenceLine, Registration, SignOffAct
from core.lake.directory import people as everybody
from core.lake.directory import signed
from core.lake.facts import history, latest
from core.lake.record.entries import StoredFile, keep_content, read_evidence
from core.lake.record.verify import drop_if_purged, known_files
from core.services.case import begin, facts_of, registered
from core.services.governance import Governance

MAX_BYTES = 25 * 1024 * 1024


def submit_evidence(governance: Governance, command: SubmitEvidence) -> str:
    """Submit evidence for a measure, and return the digest of the file kept (empty for a link).

    Evidence of a step that belongs to a model version is bound to the current one. Independent measures
    take evidence only from somebody with the responsible role who neither owns nor builds the initiative.
    The same sent again on the same day by the same person is on record already.

    Raises
    ------
    Forbidden
        The actor may not submit evidence, or not this evidence.
    NotFound, BadInput
        No such initiative or measure; no version to bind it to; neither a link nor a file, or both;
        a file that is empty or too large; a day to come. Nothing is stored.
    """
    case = begin(governance, command)
    if command.stands_for is not None and command.stands_for > case.moment.day:
        raise BadInput(
            f"evidence received on {case.moment.day} cannot stand for {command.stands_for}",
            where="stands for",
            remedy="Give the day of what it tells of, today at the latest.",
        )
    known, measure = case.facts, _measure(case.policy, command.measure)
    if measure.independent:
        _require_responsible(case.rules.roles, command, measure)
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
        stands_for=command.stands_for,
    )
    forgotten = any(one.sha256 == kept.sha256 for one in case.history(EvidencePurged))
    put = case.put if forgotten else case.put_once
    put("evidence_submitted", kept)
    return kept.sha256 or ""


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


def _require_responsible(roles: Roles, command: SubmitEvidence, measure: Measure) -> None:
    if measure.responsible not in command.actor.roles:
        title = roles.title(measure.responsible)
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


@dataclass(frozen=True)
class GradedEvidence:
    """A piece of evidence with its five grades; `counts` is False where a newer version made it lapse."""

    seq: int
    title: str
    measure: str
    version: str | None
    counts: bool
    recorded_at: datetime
    actor_name: str
    grades: tuple[LetterGrade, ...]

    @property
    def overall(self) -> Grade:
        """The worst of the five."""
        return overall_grade(self.grades)


@dataclass(frozen=True)
class AlcoaSheet:
    """All evidence of an initiative, newest first, with the grades per letter of what counts."""

    initiative: str
    name: str
    evidence: tuple[GradedEvidence, ...]

    @property
    def by_letter(self) -> dict[Letter, dict[Grade, int]]:
        """Letter -> grade -> pieces of evidence that count."""
        counted = Counter((one.letter, one.grade) for e in self.evidence if e.counts for one in e.grades)
        return {letter: {grade: counted[letter, grade] for grade in Grade} for letter in LETTERS}


@dataclass(frozen=True)
class _Known:
    """What all pieces of evidence of an initiative are graded with."""

    governance: Governance
    roles: Roles
    policy: Policy
    initiative: Registration
    version: str | None
    evidence: tuple[EvidenceLine, ...]
    versions: Mapping[str, date]
    runs: tuple[CheckRun, ...]
    people: Mapping[str, Actor]
    memberships: tuple[Membership, ...]
    purged: frozenset[str]
    signed: tuple[SignOffAct, ...]


def alcoa_sheet(governance: Governance, moment: Moment, *, initiative: InitiativeId) -> AlcoaSheet:
    """Grade the evidence of an initiative: attributable, legible, contemporaneous, original, accurate.

    Notes
    -----
    Files are read and hashed on the way: the digest is verified now, whatever the moment.
    """
    store = governance.store
    facts = facts_of(governance, initiative, moment)
    known = _Known(
        governance,
        governance.rules(moment).roles,
        governance.policy(moment),
        registered(governance, initiative, moment),
        facts.version,
        signed(store, EvidenceLine, Evidence, moment, initiative),
        {one.version: one.recorded_at.date() for one in history(store, ModelVersion, moment, initiative)},
        history(store, CheckRun, moment, initiative),
        {person.id: person for person in everybody(governance.store)},
        history(store, Membership, moment),
        frozenset(one.sha256 for one in history(store, EvidencePurged, moment, initiative)),
        tuple(act for acts in facts.sign_offs.values() for act in acts),
    )
    graded = tuple(_graded(known, line) for line in known.evidence)
    return AlcoaSheet(initiative, known.initiative.name, graded)


def _graded(known: _Known, line: EvidenceLine) -> GradedEvidence:
    measure = known.policy.measures.get(line.measure)
    return GradedEvidence(
        line.seq,
        line.title,
        measure.title if measure else line.measure.replace("_", " ").capitalize(),
        line.version,
        line.version in (None, known.version),
        line.recorded_at,
        line.actor_name,
        alcoa_grades(_facts(known, line, measure)),
    )


def _facts(known: _Known, line: EvidenceLine, measure: Measure | None) -> EvidenceFacts:
    event, on = _event(known, line, measure)
    purged = line.sha256 in known.purged
    reviewer, review = _review(known, line)
    return EvidenceFacts(
        submitter=line.actor_name,
        known=line.actor in known.people,
        has_role=measure is not None and measure.responsible in _roles_then(known, line),
        role=known.roles.title(measure.responsible) if measure else "not known any more",
        link=line.link or "",
        file_name=line.file_name or "",
        waited_days=(line.recorded_at.date() - on).days if on else None,
        event=event,
        allowed_days=measure.due_days if measure else 0,
        digest_holds=None if line.sha256 is None or purged else _holds(known.governance, line.sha256),
        purged=purged,
        reviewer=reviewer,
        review=review,
    )


def _roles_then(known: _Known, line: EvidenceLine) -> tuple[str, ...]:
    """Roles that whoever submitted it had then; those of today where none are on record."""
    for given in reversed(known.memberships):
        if given.person == line.actor and given.roles is not None and given.seq <= line.seq:
            return given.roles
    person = known.people.get(line.actor)
    return person.roles if person else ()


def _event(known: _Known, line: EvidenceLine, measure: Measure | None) -> tuple[str, date | None]:
    """What the evidence follows: the last run of its checks before it, its version, or the registration."""
    checks = measure.checks if measure else ()
    ran = [
        run.recorded_at.date()
        for run in known.runs
        if run.check_id in checks and run.version == line.version and run.seq < line.seq
    ]
    if ran and line.version is not None:
        return "the last run of its checks", max(ran)
    if line.version is not None:
        return f"version {line.version} was registered", known.versions.get(line.version)
    return "the initiative was registered", known.initiative.registered_at.date()


def _review(known: _Known, line: EvidenceLine) -> tuple[str, str]:
    """Somebody else who approved this content since, or who handed in an independent proof after it."""
    for act in reversed(known.signed):
        seen = act.evidence.get(line.measure) == line.content and act.seq > line.seq
        if seen and (act.act, act.outcome) == ("decided", "approved") and act.actor != line.actor:
            return _name(known, act.actor), f"signed it on {act.day:%Y-%m-%d}"
    for other in known.evidence:
        measure = known.policy.measures.get(other.measure)
        later = other.seq > line.seq and other.version == line.version
        if later and measure is not None and measure.independent and other.actor != line.actor:
            return other.actor_name, f"handed in “{measure.title}” on {other.recorded_at:%Y-%m-%d}"
    return "", ""


def _name(known: _Known, actor: str) -> str:
    person = known.people.get(actor)
    return person.called if person else actor


def _holds(governance: Governance, sha256: str) -> bool:
    try:
        read_evidence(governance.store, sha256)
    except (BrokenRecord, NotFound):
        return False
    return True


class PurgeEvidence(Command, may="purge_evidence"):
    """Have an evidence file forgotten: the file goes, its digest and the reason stay on record."""

    initiative: InitiativeId
    sha256: Annotated[str, Field(description="Digest of the file."), argument()]
    reason: Annotated[Words, Field(min_length=10, description="Why it is forgotten; stays on record.")]


def purge_evidence(governance: Governance, command: PurgeEvidence) -> bool:
    """Put on record that a file was forgotten, and remove it; False where another initiative still holds it.

    The entry that brought the file stays as it is, so that the chain verifies; what it proved stays proved.
    """
    case = begin(governance, command)
    initiative, store = case.initiative.initiative, case.governance.store
    held = [
        file
        for file in known_files(store.cursor(), store)
        if (file.table, file.initiative, file.sha256) == ("evidence", initiative, command.sha256)
    ]
    if not any(not file.purged for file in held):
        raise NotFound(
            f"{initiative} holds no evidence file '{command.sha256[:16]}'",
            remedy="Take the digest from the initiative's evidence.",
        )
    gone = EvidencePurged(initiative=initiative, sha256=command.sha256, reason=command.reason)
    case.put("evidence_purged", gone)
    return drop_if_purged(store, command.sha256)
