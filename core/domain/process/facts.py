"""What the record knows of initiatives, as far as rules and lists need it: plain values, no rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from core.domain.commands import AmendInitiative
from core.domain.facts.process import (
    CheckRun,
    ClassConfirmation,
    Classification,
    Described,
    Evidence,
    Finding,
    GateDecision,
    Initiative,
    SignOffActKind,
    Waiver,
)
from core.domain.facts.recorded import Signed
from core.domain.given import texts_of
from core.ground import LEARNED, Task, Verdict

Review = Literal["", "required", "drawn"]
Stage = Literal["proposed", "active", "retired"]


@dataclass(frozen=True, kw_only=True)
class Registration(Described):
    """An initiative as registered last, with the class it is in; people by name beside their ids."""

    answers: Mapping[str, tuple[str, ...]]
    registered_at: datetime
    class_id: str
    mode_id: str
    computed_class_id: str
    score: int
    reasons: tuple[str, ...]
    justification: str
    policy_version: str
    until: date | None
    compensation: str
    proposal: str
    review_percent: int
    classified_by: str
    owner_name: str
    builder_name: str


def more_texts(known: Described) -> tuple[tuple[str, str], ...]:
    """Title and words of each text on an initiative beside its purpose, which stands above them all."""
    texts = texts_of(AmendInitiative).items()
    return tuple((title, getattr(known, field)) for field, (title, _) in texts if field != "purpose")


@dataclass(frozen=True, kw_only=True)
class EvidenceLine(Signed, Evidence):
    """Evidence as people read it."""


@dataclass(frozen=True, kw_only=True)
class CheckLine(Signed, CheckRun):
    """A run of a check as people read it."""


@dataclass(frozen=True, kw_only=True)
class DecisionLine(Signed, GateDecision):
    """A recorded decision as people read it."""


@dataclass(frozen=True)
class CheckProof:
    """Latest run of a check on the current model version."""

    verdict: Verdict
    run_on: date
    message: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class SignOffAct:
    """Something that somebody did about the sign-off of a gate.

    Attributes
    ----------
    act, outcome
        `requested`; `feedback` with approved, minor_issue or major_issue; `decided` with approved, rejected
        or abandoned; `withdrawn`.
    on_behalf_of
        Who delegated the signature; empty where the actor signs for themselves.
    version
        Model version that was signed; None where there was none.
    demands
        What the policy asked for at the gate then; see `core.domain.policy.requirement_list`.
    evidence
        Measure id -> content key of the evidence that counted then.
    class_id
        Class that was signed.
    condition, condition_due
        What is to be met for an approval to last, and by when.
    limit
        The ethical limit that it rested on, in words; empty where it rested on none.
    """

    seq: int
    day: date
    act: SignOffActKind
    actor: str
    outcome: str = ""
    role: str = ""
    on_behalf_of: str = ""
    reason: str = ""
    version: str | None = None
    demands: frozenset[str] = frozenset()
    evidence: Mapping[str, str] = field(default_factory=dict)
    class_id: str = ""
    condition: str = ""
    condition_due: date | None = None
    limit: str = ""

    @property
    def seat(self) -> str:
        """The person who counts: whoever signed, or whom they signed for."""
        return self.on_behalf_of or self.actor


@dataclass(frozen=True)
class InitiativeFacts:
    """What the record knows of one initiative, as far as rules need it.

    Attributes
    ----------
    registered_on, classified_on, version_on
        Days from which deadlines count: `classified_on` since when it is in its class; `version_on` is None
        while there is no model version, and the day itself while all there were are retired.
    evidence
        Measure id -> day of the newest evidence that belongs to the current version (or to none).
    checks
        Check id -> latest run on the current version.
    version, task
        Current model version, and what it does.
    people
        Owner and builder now.
    evidence_keys
        Measure id -> content key of the newest counting evidence: its digest, or its link.
    breaches
        Check id -> seq of the last failed run on the current version.
    sign_offs
        Gate id -> acts on its sign-off, oldest first.
    waivers
        Granted and not taken back, expired ones among them.
    findings
        Those that nobody has verified as mended, in the order they were raised.
    said
        What was registered of it, oldest first.
    retired_on
        Day of its retirement; None while it is not retired.
    unconfirmed
        Whether a second person has still to look at its class: `required` before any gate opens, or `drawn`.
    met_on
        Entry of an approval -> day on which its condition was met.
    """

    initiative: str
    class_id: str
    registered_on: date
    classified_on: date
    version_on: date | None = None
    evidence: Mapping[str, date] = field(default_factory=dict)
    checks: Mapping[str, CheckProof] = field(default_factory=dict)
    version: str | None = None
    people: frozenset[str] = frozenset()
    evidence_keys: Mapping[str, str] = field(default_factory=dict)
    breaches: Mapping[str, int] = field(default_factory=dict)
    sign_offs: Mapping[str, tuple[SignOffAct, ...]] = field(default_factory=dict)
    waivers: tuple[Waiver, ...] = ()
    findings: tuple[Finding, ...] = ()
    said: tuple[Initiative, ...] = ()
    retired_on: date | None = None
    unconfirmed: Review = ""
    met_on: Mapping[int, date] = field(default_factory=dict)
    task: Task | None = None

    @property
    def kind(self) -> str:
        """Its kind of model, with its traits."""
        return self.said[-1].kind if self.said else LEARNED


def review_of(classified: Classification, digest: str, confirmed: ClassConfirmation | None) -> Review:
    """Whether a second person has still to look at a classification.

    Where only a share is looked at, the digest of its entry draws: nobody picks it, nor knows it before.
    """
    percent = classified.review_percent
    if confirmed is not None and confirmed.classified_seq >= classified.seq:
        return ""
    if percent == 100:
        return "required"
    return "drawn" if digest and int(digest[:8], 16) % 100 < percent else ""


def words_shared(purpose: str, other: str) -> float:
    """Share of words that two texts have in common, of all that either has; case and short words left out.

    Direction: higher is more alike; 0 means that they share no word of four letters or more, 1 that they have
    the same. Leaves out the order of the words and what they mean. Source: Jaccard 1912.

    Examples
    --------
    >>> words_shared("Advise customers on the limit of their card.", "Advise customers: card limit")
    0.8
    """
    one, two = (set(re.findall(r"\w{4,}", text.casefold())) for text in (purpose, other))
    return len(one & two) / len(one | two) if one | two else 0.0


@dataclass(frozen=True, slots=True)
class InventoryLine:
    """An initiative with its class, its progress, and what is off.

    Attributes
    ----------
    answers_class_id
        The class that its answers lead to, where somebody put it into another.
    live
        A version is in production, or the use itself where it has no registered model.
    next_gate
        The first gate without a recorded open decision; None where all have one.
    passed
        Gates with a recorded open decision, of `gates`.
    bias, decay
        Verdict of the latest check on the current version.
    """

    initiative: str
    name: str
    purpose: str
    domain: str
    team: str
    owner: str
    owner_name: str
    registered_at: datetime
    kind: str
    class_id: str
    answers_class_id: str | None
    mode_id: str
    version: str | None
    task: Task | None
    live: bool
    next_gate: str | None
    gates: int
    passed: int
    asked: int
    satisfied: int
    overdue: int
    expiring: int
    failed: int
    waived: int
    bias: str | None
    decay: str | None
    last_activity: datetime
    retired: bool
    class_title: str
    kind_title: str
    next_gate_title: str | None

    @property
    def share(self) -> float | None:
        """Share of its requirements that are met; None where nothing is asked."""
        return self.satisfied / self.asked if self.asked else None

    @property
    def stage(self) -> str:
        """Retired, live, or the next gate."""
        if self.retired:
            return "Retired"
        return "Live" if self.live else self.next_gate_title or "Live"

    @property
    def next_gate_or_none_left(self) -> str:
        """The next gate, in words."""
        return self.next_gate_title or "All gates passed"


@dataclass(frozen=True, slots=True)
class InitiativeChoice:
    """An initiative to choose, and whether a model of it is live."""

    initiative: str
    name: str
    team: str
    live: bool


@dataclass(frozen=True, slots=True)
class RequirementLine:
    """A requirement of an initiative with where it stands on the day; `status` as `Status` has it."""

    initiative: str
    class_id: str
    class_place: int
    consideration: str
    requirement: str
    step: int
    responsible: str
    due_on: date
    waived: bool
    proved_by: str
    severity: int
    expires_on: date | None
    satisfied: bool
    status: str
    overdue: bool
    name: str
    domain: str
    team: str
    kind: str
    owner: str
    owner_name: str


@dataclass(frozen=True, slots=True)
class GateLine:
    """A gate of an initiative: its outcome if decided now, and what was decided last."""

    initiative: str
    gate: str
    step: int
    blockers: int
    outcome: Literal["open", "blocked"]
    decided: Literal["open", "blocked"] | None
    decided_at: datetime | None
