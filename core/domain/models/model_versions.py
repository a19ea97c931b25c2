"""What each version of an initiative is, which one counts, and which ran in production from when to when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal

from core.domain.facts.models import ModelVersion, VersionAmendment
from core.domain.facts.recorded import ORIGIN, Signed, columns_of
from core.domain.policy.checks import LEARNED_MODEL, PARTS, PartId

Turn = Literal[
    "registered", "challenger", "champion", "approved", "blocked", "deployed", "suspended", "retired"
]
State = Literal["registered", "candidate", "approved", "production", "suspended", "superseded", "retired"]
STATES: dict[State, str] = {
    "registered": "Registered",
    "candidate": "Candidate",
    "approved": "Approved",
    "production": "In production",
    "suspended": "Suspended",
    "superseded": "Superseded",
    "retired": "Retired",
}
"""What a version is to its initiative, in words; the gates are asked about the candidate."""
IN_USE: tuple[State, ...] = ("registered", "candidate", "approved", "production", "suspended")
"""What it is while it is in use, or may come into use."""
BECAME: dict[str, str] = {
    "challenger": "Registered beside",
    "champion": "Candidate",
    "deployed": "In production",
    "suspended": "Suspended",
    "retired": "Retired",
}
"""What a recorded turn made of a version, in words."""
ROLES: dict[str, str] = {
    "production": "Production",
    "challenger": "Challenger",
    "shadow": "Shadow",
    "ab_test": "A/B test",
}
"""What a version does in production, in words; all but the first stand beside the one that has it."""
EVERY = "*"
"""Stands for every version of an initiative, in a turn that stops them all."""


AMENDABLE = tuple(
    name for name in columns_of(VersionAmendment) if name not in {*ORIGIN, "initiative", "version", "reason"}
)
"""Columns of an amendment that replace what was there where they are not empty."""
LINKED_LATER = tuple(name for name in AMENDABLE if name not in columns_of(ModelVersion))
"""Links that only an amendment holds; a registration that gives them records one beside it."""


@dataclass(frozen=True, kw_only=True)
class Version(Signed, ModelVersion):
    """A version as it stands: with what was filled in later, how often it was, and what it is."""

    metrics: dict[str, float]  # type: ignore[assignment]  # the fact holds them as JSON
    environment_uri: str = ""
    image_uri: str = ""
    image_sha256: str = ""
    metrics_uri: str = ""
    metrics_sha256: str = ""
    data_kind: str = ""
    base_model: str = ""
    base_version: str = ""
    prompts_uri: str = ""
    prompts_sha256: str = ""
    index_uri: str = ""
    index_sha256: str = ""
    tools: str = ""
    acts_as: str = ""
    budget: str = ""
    stopped_by: str = ""
    supplier: str = ""
    supplier_version: str = ""
    contract: str = ""
    amended: int
    state: State
    current: bool


@dataclass(frozen=True)
class Approval:
    """What approved a version first, and froze it; the gate is empty where it went into production."""

    seq: int
    recorded_at: datetime
    actor: str
    gate: str


@dataclass(frozen=True)
class VersionEvent:
    """What happened to a version; a challenger is registered and, beside that, marked as one."""

    seq: int
    version: str
    turn: Turn
    recorded_at: datetime
    role: str = ""
    until: date | None = None
    actor: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A time in production: which version, in which role, from when to when, and why it ended.

    `until` is the last day of an emergency; `ended_at` is None while it runs. The version is empty for a use
    without a registered model.
    """

    version: str
    role: str
    since: datetime
    actor: str
    reason: str
    until: date | None = None
    ended_at: datetime | None = None
    ended_by: str = ""
    ended_because: str = ""


@dataclass(frozen=True)
class VersionStanding:
    """Where the versions of an initiative stand.

    `current` is None where no version counts; `current_since` is when it was registered or put forward.
    `runs` are the times in production, oldest first.
    """

    current: str | None
    current_since: datetime | None
    states: dict[str, State]
    runs: tuple[Run, ...] = ()

    @property
    def running(self) -> dict[str, Run]:
        """Version -> its time in production, of those that run."""
        return {run.version: run for run in self.runs if run.ended_at is None}

    @property
    def in_production(self) -> Run | None:
        """The one whose answers count; those beside it left out."""
        return next((run for run in self.running.values() if run.role == "production"), None)


def version_standing(events: Iterable[VersionEvent], day: date) -> VersionStanding:
    """Work out what each version is on a day.

    The current version, about which the gates are asked, is the one that was registered or put forward last,
    unless it was retired since: then there is none until somebody puts one forward. What was registered
    beside another counts only once it is put forward. None of this changes what is in production.

    Examples
    --------
    >>> at = datetime(2026, 1, 5)
    >>> made = [VersionEvent(1, "1", "registered", at), VersionEvent(2, "2", "registered", at)]
    >>> version_standing([*made, VersionEvent(3, "2", "challenger", at)], at.date()).current
    '1'
    """
    ordered = sorted(events, key=lambda event: event.seq)
    challengers = {event.version for event in ordered if event.turn == "challenger"}
    turns = [
        event
        for event in ordered
        if event.turn == "champion" or (event.turn == "registered" and event.version not in challengers)
    ]
    retired = {event.version: event.seq for event in ordered if event.turn == "retired"}
    newest = turns[-1] if turns else None
    if newest is not None and retired.get(newest.version, 0) > newest.seq:
        newest = None
    current, told = newest.version if newest else None, _Told()
    for event in ordered:
        told.hear(event)
    told.expire(day)
    counted = {event.version for event in turns} | {run.version for run in told.runs}
    known = dict.fromkeys(event.version for event in ordered if event.turn == "registered")
    states = {version: told.state(version, version == current, version in counted) for version in known}
    return VersionStanding(current, newest.recorded_at if newest else None, states, tuple(told.runs))


class _Told:
    """Versions told turn by turn: what was last heard of each, and the times in production."""

    def __init__(self) -> None:
        self.last: dict[str, str] = {}
        self.runs: list[Run] = []

    def hear(self, event: VersionEvent) -> None:
        """Take one turn further."""
        self.expire(event.recorded_at.date())
        match event.turn:
            case "deployed":
                self._deployed(event)
            case "suspended" | "retired":
                self._end(event, event.reason, event.turn, event.version)
                if event.turn == "retired":
                    self.last[event.version] = "retired"
            case "blocked":
                if self.last.get(event.version) == "approved":
                    self.last[event.version] = "candidate"
            case turn:
                self.last[event.version] = turn

    def expire(self, day: date) -> None:
        """End what was in production in an emergency that nobody confirmed in time."""
        for place, run in enumerate(self.runs):
            if run.ended_at is None and run.until is not None and run.until < day:
                at = datetime.combine(run.until + timedelta(days=1), time.min)
                self.runs[place] = replace(run, ended_at=at, ended_because="nobody confirmed the emergency")
                self.last[run.version] = "suspended"

    def _deployed(self, event: VersionEvent) -> None:
        for place, run in enumerate(self.runs):
            if run.ended_at is None and (run.version, run.role) == (event.version, event.role):
                self.runs[place] = replace(run, until=event.until)
                return
        self._end(event, f"it is there as {ROLES[event.role].lower()} now", "superseded", event.version)
        acting = next((run for run in self.runs if run.ended_at is None and run.role == "production"), None)
        if acting is not None and event.role == "production":
            self._end(event, f"replaced by version {event.version}", "superseded", acting.version)
        if event.role == "production":
            self.last |= {one: "superseded" for one, last in self.last.items() if last == "suspended"}
        self.last[event.version] = "deployed"
        self.runs.append(
            Run(
                version=event.version,
                role=event.role,
                since=event.recorded_at,
                actor=event.actor,
                reason=event.reason,
                until=event.until,
            )
        )

    def _end(self, event: VersionEvent, because: str, left: str, version: str) -> None:
        for place, run in enumerate(self.runs):
            if run.ended_at is None and version in (EVERY, run.version):
                self.runs[place] = replace(
                    run, ended_at=event.recorded_at, ended_by=event.actor, ended_because=because
                )
                self.last[run.version] = left

    def state(self, version: str, current: bool, counted: bool) -> State:
        """What a version is, where `counted` says whether it was ever more than registered beside."""
        if any(run.ended_at is None and run.version == version for run in self.runs):
            return "production"
        last = self.last[version]
        if last in ("suspended", "retired"):
            return "suspended" if last == "suspended" else "retired"
        if current:
            return "approved" if last == "approved" else "candidate"
        return "superseded" if counted else "registered"


GRADES: tuple[str, ...] = (
    "Nothing to reproduce it from",
    "Metrics only",
    "Can be re-created and retrained",
    "Full snapshot",
)
"""The rungs, weakest first: 0 to 3."""
PINNED = (GRADES[0], "Results only", "All that it is made of is pinned")
"""The rungs of what is not trained here: its replayed answers and archives are evidence, no links."""
_DIGEST = "held by its sha256"


@dataclass(frozen=True)
class Need:
    """Something that a rung needs, in words, and whether it is recorded."""

    rung: int
    words: str
    found: bool


@dataclass(frozen=True)
class ReproducibilityGrade:
    """The highest rung whose needs are all recorded, and every need with whether it is."""

    rung: int
    needs: tuple[Need, ...]
    titles: tuple[str, ...] = GRADES

    @property
    def title(self) -> str:
        """The rung in words."""
        return self.titles[self.rung]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is this rung: what is recorded for it and on whose word, then what the next rung lacks."""
        have = [need.words for need in self.needs if need.rung == self.rung]
        said = [f"Recorded: {', '.join(have)}."] if have else []
        if self.rung > 1:
            said.append("Digests and commits are the word of whoever registered them; nothing was fetched.")
        lacking = self.lacking
        if lacking:
            said.append(f"For “{self.titles[self.rung + 1].lower()}” is missing: {', '.join(lacking)}.")
        return tuple(said)

    @property
    def lacking(self) -> tuple[str, ...]:
        """What keeps it from the next rung."""
        return tuple(need.words for need in self.needs if need.rung == self.rung + 1 and not need.found)


def grade_reproducibility(
    version: Mapping[str, object], made_of: tuple[PartId, ...] = LEARNED_MODEL.made_of
) -> ReproducibilityGrade:
    """Grade a version by its links, digests and metrics; nothing is believed that is not recorded.

    An address without a digest proves nothing, as what lies there may change; a digest without an address
    cannot be fetched. A higher rung stands in for the lower ones. Metrics are needed for their own rung only,
    but where they are missing nobody can tell whether a retrained model is as good.

    Parameters
    ----------
    version
        Fields of a version as recorded; what is missing or empty counts as not recorded. `metrics` is a
        mapping of name to value.
    made_of
        What versions of its kind are made of; what is not trained here is graded by whether that is pinned.

    Examples
    --------
    >>> grade_reproducibility({"metrics": {"accuracy": 0.9}}).title
    'Metrics only'
    """

    def has(*fields: str) -> bool:
        return all(version.get(field) for field in fields)

    if made_of != LEARNED_MODEL.made_of:
        pinned = tuple(Need(2, PARTS[part].title, PARTS[part].locked(version)) for part in made_of)
        return _graded((Need(1, "the results of this version", has("metrics")), *pinned), PINNED)
    kept = f"the training data, {_DIGEST}"
    needs = (
        Need(1, "the metrics of this version", has("metrics") or has("metrics_uri", "metrics_sha256")),
        Need(2, "the code with its full commit", has("code_uri", "code_commit")),
        Need(2, "the environment's lock file, " + _DIGEST, has("environment_sha256")),
        Need(2, f"{kept} (a sample is enough)", has("data_uri", "data_sha256")),
        Need(3, "the model file, " + _DIGEST, has("artifact_uri", "artifact_sha256")),
        Need(3, "an image of the machine, " + _DIGEST, has("image_uri", "image_sha256")),
        Need(3, f"{kept}, in full", has("data_uri", "data_sha256") and version.get("data_kind") == "full"),
        Need(3, "the code with its full commit", has("code_uri", "code_commit")),
    )
    return _graded(needs, GRADES)


def _graded(needs: tuple[Need, ...], titles: tuple[str, ...]) -> ReproducibilityGrade:
    rungs = range(1, len(titles))
    reached = [rung for rung in rungs if all(need.found for need in needs if need.rung == rung)]
    return ReproducibilityGrade(max(reached, default=0), needs, titles)
