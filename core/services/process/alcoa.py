"""ALCOA grades of the evidence of an initiative, from what the record holds of each piece."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from core.domain.actors import Actor
from core.domain.errors import BrokenRecord, NotFound
from core.domain.facts.models import ModelVersion
from core.domain.facts.process import CheckRun, Evidence
from core.domain.facts.record import EvidencePurged, Membership
from core.domain.given import InitiativeId
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
from core.lake.directory import signed
from core.lake.facts import history
from core.lake.record.evidence_files import read_evidence
from core.services.governance import Governance
from core.services.lookups import facts_of, registered


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

    Raises
    ------
    NotFound
        There was no such initiative at the moment.

    Notes
    -----
    Files are read and hashed on the way: the digest is verified now, whatever the moment.
    """
    store = governance.store
    facts = facts_of(governance, initiative, moment)
    known = _Known(
        governance,
        governance.policy(moment),
        registered(governance, initiative, moment),
        facts.version,
        signed(store, EvidenceLine, Evidence, moment, initiative),
        {one.version: one.recorded_at.date() for one in history(store, ModelVersion, moment, initiative)},
        history(store, CheckRun, moment, initiative),
        {person.id: person for person in governance.people()},
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
        role=known.governance.roles.title(measure.responsible) if measure else "not known any more",
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
    return person.name if person else actor


def _holds(governance: Governance, sha256: str) -> bool:
    try:
        read_evidence(governance.store, sha256)
    except (BrokenRecord, NotFound):
        return False
    return True
