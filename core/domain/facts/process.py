"""Facts of the process: initiatives, proofs, decisions, signatures, findings and waivers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal

from core.domain.facts.recorded import OfInitiative, Recorded
from core.ground import LEARNED

SignOffActKind = Literal["requested", "feedback", "decided", "withdrawn"]
SignOffOutcome = Literal["", "approved", "minor_issue", "major_issue", "rejected", "abandoned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Described(OfInitiative):
    """What people say of an initiative when they register or amend it; its `kind` as in `agent+bought`."""

    name: str
    short_name: str = ""
    purpose: str
    domain: str
    team: str
    owner: str
    builder: str = ""
    reading: str = ""
    kind: str = LEARNED


@dataclass(frozen=True, slots=True, kw_only=True)
class Initiative(Described):
    """What was registered of an initiative; `answers` is JSON, question -> options chosen."""

    table = "initiative"

    answers: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification(OfInitiative):
    """The class an initiative was put into, and the one its answers lead to.

    A lower class than that holds through `until`, on the proposal that two people made of it. Of what is
    classified so, a second person looks at `review_percent`: at 100 no gate opens before.
    """

    table = "classification"

    class_id: str
    mode_id: str
    computed_class_id: str
    score: int
    reasons: tuple[str, ...]
    justification: str = ""
    policy_version: str
    until: date | None = None
    compensation: str = ""
    proposal: str = ""
    review_percent: int = 0

    def on(self, day: date) -> Classification:
        """It as it holds on a day: past its last day, the class that the answers lead to, since then."""
        if self.until is None or self.until >= day:
            return self
        since = datetime.combine(self.until + timedelta(days=1), time.min)
        return replace(self, class_id=self.computed_class_id, recorded_at=since)


def class_since(classified: Iterable[Classification], day: date) -> date:
    """Since when an initiative is in its class of a day; to say the same class again begins nothing anew.

    Parameters
    ----------
    classified
        Its classifications, oldest first.
    """
    since, class_id = date.min, ""
    turns: list[Classification] = []
    for one in classified:
        turns += [*(was.on(one.recorded_at.date()) for was in turns[-1:]), one]
    for turn in (*turns, *(last.on(day) for last in turns[-1:])):
        if turn.class_id != class_id:
            since, class_id = turn.recorded_at.date(), turn.class_id
    return since


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassConfirmation(OfInitiative):
    """A second person looked at a classification and found it right; it is known by its entry."""

    table = "class_confirmation"

    class_id: str
    classified_seq: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InitiativeState(OfInitiative):
    """A use case that was retired, or taken up again."""

    table = "initiative_state"

    state: Literal["active", "retired"]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHold(OfInitiative):
    """While it is held, nothing of a use case is purged or forgotten."""

    table = "legal_hold"

    state: Literal["held", "lifted"]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(OfInitiative):
    """Evidence for a measure: a link, or a file kept by its digest; `stands_for` is its day."""

    table = "evidence"
    key = ("initiative", "version", "measure")

    version: str | None = None
    measure: str
    title: str
    link: str | None = None
    file_name: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    stands_for: date | None = None

    @property
    def effective_on(self) -> date:
        """The day from which its freshness counts."""
        return self.stands_for or self.recorded_at.date()

    @property
    def content(self) -> str:
        """What it is known by: the digest of its file, or its link."""
        return next((key for key in (self.sha256, self.link) if key is not None), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun(OfInitiative):
    """A run of an automatic check, with what it observed."""

    table = "check_run"
    key = ("initiative", "version", "check_id")

    version: str | None = None
    check_id: str
    verdict: Literal["pass", "fail", "cannot_tell"]
    first_try: bool
    observed: float | None = None
    limit_value: float | None = None
    message: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GateDecision(OfInitiative):
    """A decision at a gate; `findings` is JSON, the reasons it gave.

    `makes_live` is None in records from before putting a version into production was an act of its own: there
    the answer of the gate that makes live did so itself.
    """

    table = "decision"
    key = ("initiative", "gate")

    version: str | None = None
    gate: str
    outcome: Literal["open", "blocked"]
    findings: str
    policy_version: str
    makes_live: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionBasis(OfInitiative):
    """What a recorded decision rested on, beside its policy."""

    table = "decision_basis"
    key = ("initiative", "gate")

    gate: str
    version: str | None = None
    class_id: str
    policy_version: str
    ethics_version: str
    demands_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff(OfInitiative):
    """An act on the sign-off of a gate, bound to what it saw; `evidence` is JSON, measure -> content key.

    An approval may rest on a `condition` that is to be met by `condition_due`, and set `limits` of use.
    """

    table = "sign_off"
    key = ("initiative", "gate", "actor")

    gate: str
    act: SignOffActKind
    outcome: SignOffOutcome = ""
    role: str = ""
    on_behalf_of: str = ""
    reason: str = ""
    version: str | None = None
    class_id: str
    policy_version: str
    demands_sha256: str
    evidence: str
    evidence_sha256: str
    condition: str = ""
    condition_due: date | None = None
    limits: str = ""

    @property
    def seat(self) -> str:
        """The person who counts: whoever signed, or whom they signed for."""
        return self.on_behalf_of or self.actor


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionMet(OfInitiative):
    """The condition of an approval was met; the approval is known by its entry."""

    table = "condition_met"
    key = ("initiative", "signed_seq")

    gate: str
    signed_seq: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandSet(Recorded):
    """What a policy asked for at a gate, once per digest."""

    table = "demand_set"
    subject = "demands-{sha256:.16}"
    key = ("sha256",)

    sha256: str
    demands: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation(Recorded):
    """Who may sign for the actor, until when; `given` false ends it."""

    table = "delegation"
    subject = "{actor}"
    key = ("actor", "delegate", "role")

    delegate: str
    role: str
    until: date
    reason: str = ""
    given: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding(OfInitiative):
    """A finding, as somebody left it: the latest of its name holds."""

    table = "finding"
    subject = "{initiative}/{finding}"
    key = ("initiative", "finding")

    finding: str
    state: Literal["open", "resolved", "closed"] = "open"
    severity: Literal["blocker", "major", "minor"]
    title: str
    detail: str = ""
    step: str
    check_id: str = ""
    owner: str
    due_on: date
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingEvidence(OfInitiative):
    """A trade-off that somebody attached to a finding; attaching it changes nothing else."""

    table = "finding_evidence"
    subject = "{initiative}/{finding}"
    key = ("initiative", "finding", "sha256")

    finding: str
    version: str
    title: str
    sha256: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver(OfInitiative):
    """A waiver, as somebody left it: the latest of its name holds."""

    table = "waiver"
    subject = "{initiative}/{waiver}"
    key = ("initiative", "waiver")

    waiver: str
    state: Literal["requested", "granted", "refused", "withdrawn"] = "requested"
    measure: str
    version: str | None = None
    role: str = ""
    reason: str
    compensation: str
    until: date
    note: str = ""
