"""ALCOA grades of the evidence of an initiative, from what the record holds of each piece."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.domain.errors import BrokenRecord, NotFound
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
from core.domain.process.facts import SignOffAct
from core.lake.process import initiatives as lake
from core.lake.record.evidence_files import read_evidence
from core.lake.record.evidence_people import purged_digests, submitters
from core.services.governance import Governance
from core.services.lookups import require_initiative


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
    initiative: Mapping[str, Any]
    version: str | None
    evidence: Sequence[Mapping[str, Any]]
    versions: Mapping[str, date]
    runs: Sequence[Mapping[str, Any]]
    people: Mapping[int, Mapping[str, Any]]
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
    known = require_initiative(governance, initiative, moment)
    store = governance.store
    facts = lake.initiative_facts(store, initiative, moment)
    assert facts is not None  # registered and classified in one transaction
    gathered = _Known(
        governance,
        governance.policy(moment),
        known,
        facts.version,
        lake.evidence(store, initiative, moment),
        {row["version"]: row["recorded_at"].date() for row in lake.versions(store, initiative, moment)},
        lake.check_runs(store, initiative, moment),
        submitters(store, initiative, moment),
        purged_digests(store, initiative, moment),
        tuple(act for acts in facts.sign_offs.values() for act in acts),
    )
    graded = tuple(_graded(gathered, row) for row in gathered.evidence)
    return AlcoaSheet(initiative, known["name"], graded)


def _graded(known: _Known, row: Mapping[str, Any]) -> GradedEvidence:
    measure = known.policy.measures.get(row["measure"])
    return GradedEvidence(
        row["seq"],
        row["title"],
        measure.title if measure else row["measure"].replace("_", " ").capitalize(),
        row["version"],
        row["version"] in (None, known.version),
        row["recorded_at"],
        row["actor_name"],
        alcoa_grades(_facts(known, row, measure)),
    )


def _facts(known: _Known, row: Mapping[str, Any], measure: Measure | None) -> EvidenceFacts:
    who = known.people[row["seq"]]
    event, on = _event(known, row, measure)
    purged = row["sha256"] in known.purged
    reviewer, review = _review(known, row)
    return EvidenceFacts(
        submitter=who["name"],
        known=who["known"],
        has_role=measure is not None and measure.responsible in who["roles"],
        role=known.governance.roles.title(measure.responsible) if measure else "not known any more",
        link=row["link"] or "",
        file_name=row["file_name"] or "",
        waited_days=(row["recorded_at"].date() - on).days if on else None,
        event=event,
        allowed_days=measure.due_days if measure else 0,
        digest_holds=None if row["sha256"] is None or purged else _holds(known.governance, row["sha256"]),
        purged=purged,
        reviewer=reviewer,
        review=review,
    )


def _event(known: _Known, row: Mapping[str, Any], measure: Measure | None) -> tuple[str, date | None]:
    """What the evidence follows: the last run of its checks before it, its version, or the registration."""
    checks = measure.checks if measure else ()
    ran = [
        run["recorded_at"].date()
        for run in known.runs
        if run["check_id"] in checks and run["version"] == row["version"] and run["seq"] < row["seq"]
    ]
    if ran and row["version"] is not None:
        return "the last run of its checks", max(ran)
    if row["version"] is not None:
        return f"version {row['version']} was registered", known.versions.get(row["version"])
    return "the initiative was registered", known.initiative["registered_at"].date()


def _review(known: _Known, row: Mapping[str, Any]) -> tuple[str, str]:
    """Somebody else who approved this content since, or who handed in an independent proof after it."""
    key = row["sha256"] or row["link"]
    for act in reversed(known.signed):
        seen = act.evidence.get(row["measure"]) == key and act.seq > row["seq"]
        if seen and (act.act, act.outcome) == ("decided", "approved") and act.actor != row["actor"]:
            return _name(known, act.actor), f"signed it on {act.day:%Y-%m-%d}"
    for other in known.evidence:
        measure = known.policy.measures.get(other["measure"])
        later = other["seq"] > row["seq"] and other["version"] == row["version"]
        if later and measure is not None and measure.independent and other["actor"] != row["actor"]:
            return other["actor_name"], f"handed in “{measure.title}” on {other['recorded_at']:%Y-%m-%d}"
    return "", ""


def _name(known: _Known, actor: str) -> str:
    return next((person.name for person in known.governance.people() if person.id == actor), actor)


def _holds(governance: Governance, sha256: str) -> bool:
    try:
        read_evidence(governance.store, sha256)
    except (BrokenRecord, NotFound):
        return False
    return True
