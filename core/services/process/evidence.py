"""Evidence: submitted as a link or a file kept by its digest, graded by ALCOA, handed out; what is purged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from core.domain.actors import Actor, Roles
from core.domain.chain import Fact
from core.domain.commands import Command, SubmitEvidence, Words
from core.domain.errors import BadInput, BrokenRecord, Conflict, Forbidden, NotFound
from core.domain.facts.measured import BatchWithdrawal, DataPurge, PredictionBatch
from core.domain.facts.models import ModelVersion
from core.domain.facts.process import CheckRun, Evidence, LegalHold
from core.domain.facts.record import EvidencePurged, Membership
from core.domain.facts.recorded import entry_of
from core.domain.facts.rules import Proposal
from core.domain.given import InitiativeId, argument
from core.domain.life_cycles import BATCH, HOLD
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
from core.lake.facts import history, latest, newest
from core.lake.record.entries import StoredFile, keep_content, read_evidence
from core.lake.record.verify import drop_if_purged, drop_purged_rows, known_files
from core.services.case import Case, begin, facts_of, registered
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
        governance.policy(moment).of(facts.kind),
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
    require_no_hold(case)
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


class HoldInitiative(Command, may="purge_evidence"):
    """Propose a legal hold on a use case, or its end; while it is held, nothing of it is purged."""

    initiative: InitiativeId
    state: Annotated[Literal["held", "lifted"], Field(title="What", description="held or lifted.")]
    reason: Annotated[Words, Field(min_length=10, title="Why", description="Why; stays on record.")]


def hold_initiative(governance: Governance, command: HoldInitiative) -> str:
    """Propose it, and return the proposal's name; it takes effect when a second person agrees.

    Raises
    ------
    NotFound, Conflict
        No such initiative; it is held already, or not held.
    """
    case = begin(governance, command)
    held_or_lifted(case, command)
    effect = {"held": "nothing of it is purged or forgotten", "lifted": "its rows may be purged again"}
    said = [f"{case.initiative.name}: {effect[command.state]}.", f"Because: {command.reason}"]
    reviewers = case.rules.roles.allowed_roles("purge_evidence")
    return case.propose("hold_initiative", command.initiative, said, reviewers)


def held_or_lifted(case: Case, asked: HoldInitiative) -> Fact:
    """The entry that a proposed hold, or its end, leads to as things stand."""
    now = LegalHold(initiative=asked.initiative, state=asked.state, reason=asked.reason)
    before, step = hold_on(case.governance, asked.initiative, case.moment), HOLD.to(asked.state)
    case.permit(step, before or now, state=before.state if before else "")
    return entry_of(step.action, now)


def hold_on(governance: Governance, initiative: str, moment: Moment) -> LegalHold | None:
    """The last word on a legal hold of an initiative."""
    return latest(governance.store, LegalHold, moment, initiative)


def require_no_hold(case: Case, initiative: str = "") -> None:
    """Refuse to purge or forget anything of an initiative that is held, or about to be.

    Raises
    ------
    Conflict
        It is.
    """
    named = initiative or case.initiative.initiative
    hold = hold_on(case.governance, named, case.moment)
    waits = any(
        (one.state, one.act, one.about) == ("proposed", "hold_initiative", named)
        for one in newest(case.governance.store, Proposal, case.moment)
    )
    if hold and hold.state == "held":
        why = f"a legal hold is on it since {hold.recorded_at:%Y-%m-%d}: {hold.reason}"
        raise Conflict(why, where=named, remedy="Nothing of it goes until the hold is lifted.")
    if waits:
        raise Conflict("a legal hold is proposed", where=named, remedy="Let the proposal be answered first.")


@dataclass(frozen=True)
class DueBatch:
    """A batch whose rows are older than the policy keeps them; `held` by a legal hold, they stay."""

    initiative: str
    version: str
    part: str
    sha256: str
    rows: int
    newest_on: date
    kept_until: date
    withdrawn: bool
    held: bool


def due_for_purge(
    governance: Governance,
    moment: Moment,
    *,
    initiative: Annotated[str, Field(description="Of this initiative; of all where none is named.")] = "",
) -> list[DueBatch]:
    """List batches whose rows are older than the policy keeps them, the longest overdue first."""
    store, days = governance.store, timedelta(days=governance.policy(moment).retention_days)
    gone = {_key(one) for one in newest(store, DataPurge, moment, initiative)}
    out = {_key(one) for one in newest(store, BatchWithdrawal, moment, initiative)}
    holds = {one.initiative for one in newest(store, LegalHold, moment, initiative) if one.state == "held"}
    found = []
    for batch in newest(store, PredictionBatch, moment, initiative):
        day = (batch.last_at or batch.recorded_at).date()
        if _key(batch) not in gone and day + days < moment.day:
            said = (_key(batch) in out, batch.initiative in holds)
            found.append(DueBatch(*_key(batch), batch.rows, day, day + days, *said))
    return sorted(found, key=lambda one: (one.kept_until, one.initiative, one.version))


def _key(fact: DataPurge | BatchWithdrawal | PredictionBatch | DueBatch) -> tuple[str, str, str, str]:
    return fact.initiative, fact.version, fact.part, fact.sha256


class PurgePredictions(Command, may="purge_evidence"):
    """Remove rows that are older than the policy keeps them, or those of a withdrawn batch; figures stay."""

    initiative: InitiativeId
    batch: Annotated[
        str, Field(title="Batch", description="A withdrawn one, by its sha256 or how it begins.")
    ] = ""
    reason: Annotated[Words, Field(min_length=10, title="Why", description="Why; stays on record.")]


def purge_predictions(governance: Governance, command: PurgePredictions) -> int:
    """Put on record that rows are gone, remove them with all that was kept of single ones; count batches.

    Entries stay as they are, so that the chain verifies, and figures that were put on record stay readable.

    Raises
    ------
    NotFound
        No such initiative; nothing is due; no withdrawn batch begins so.
    Conflict
        A legal hold is on the initiative, or proposed.
    Forbidden
        One that is not due is named by whoever owns or builds the initiative.
    """
    case = begin(governance, command)
    from core.lake.monitoring.readings import digests_of_rows  # what pipelines wait for loads without it

    store, initiative = case.governance.store, case.initiative.initiative
    require_no_hold(case)
    drop_purged_rows(store, initiative)  # where a purge was interrupted
    known = {_key(one): one for one in case.newest(PredictionBatch)}
    chosen = [known[_key(one)] for one in _chosen(case, command)]
    gone = {one.sha256 for one in case.newest(DataPurge)} | {one.sha256 for one in chosen}
    step = BATCH.to("purged")
    purged = [
        DataPurge(
            initiative=initiative,
            version=one.version,
            part=one.part,
            sha256=one.sha256,
            files=digests_of_rows(store, one, gone, case.moment),
            reason=command.reason,
        )
        for one in chosen
    ]
    case.append([entry_of(step.action, one, first=True) for one in purged], unchanged=(initiative,))
    drop_purged_rows(store, initiative)
    return len(purged)


def _chosen(case: Case, command: PurgePredictions) -> Sequence[DueBatch | BatchWithdrawal]:
    due = due_for_purge(case.governance, case.moment, initiative=command.initiative)
    if not command.batch:
        if not due:
            raise NotFound("no rows are older than the policy keeps them", where=command.initiative)
        return due
    gone = {_key(one) for one in case.newest(DataPurge)}
    named: list[BatchWithdrawal] = [
        one
        for one in case.newest(BatchWithdrawal)
        if one.sha256.startswith(command.batch) and _key(one) not in gone
    ]
    if len(named) != 1:
        raise NotFound(
            f"{len(named) or 'no'} withdrawn batches with rows begin with '{command.batch[:20]}'",
            where=command.initiative,
            remedy="Name one that was withdrawn; 'governance predictions list' names them.",
        )
    if all(one.sha256 != named[0].sha256 for one in due):
        case.require_independent("purge rows before their time of")
    return named
