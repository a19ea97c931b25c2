"""Which version of an initiative counts: champion, challenger, superseded, retired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.domain.facts.models import ModelVersion, VersionAmendment
from core.domain.facts.recorded import ORIGIN, Signed, columns_of

Turn = Literal["registered", "challenger", "champion", "retired"]
State = Literal["champion", "challenger", "superseded", "retired"]
STATES: dict[State, str] = {
    "champion": "Champion",
    "challenger": "Challenger",
    "superseded": "Superseded",
    "retired": "Retired",
}
"""What a version is to its initiative, in words; the champion is the current version."""
LIVE: tuple[State, ...] = ("champion", "challenger")
"""What it is while it is in use, or may come into use."""


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
    amended: int
    state: State


@dataclass(frozen=True)
class Approval:
    """What approved a version first, and froze it."""

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


@dataclass(frozen=True)
class VersionStanding:
    """Where the versions of an initiative stand.

    `current` is None where no version counts; `current_since` is when it was registered or promoted.
    """

    current: str | None
    current_since: datetime | None
    states: dict[str, State]


def version_standing(events: Iterable[VersionEvent]) -> VersionStanding:
    """Work out what each version is.

    The current version is the one that was registered or promoted last, unless it was retired since: then
    there is none until somebody promotes one. A challenger counts only once it is promoted.

    Examples
    --------
    >>> at = datetime(2026, 1, 5)
    >>> made = [VersionEvent(1, "1", "registered", at), VersionEvent(2, "2", "registered", at)]
    >>> version_standing([*made, VersionEvent(3, "2", "challenger", at)]).current
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
    current = newest.version if newest else None
    last_turn = {event.version: event.seq for event in turns}
    states: dict[str, State] = {}
    for version in dict.fromkeys(event.version for event in ordered):
        if version == current:
            states[version] = "champion"
        elif retired.get(version, 0) > last_turn.get(version, 0):
            states[version] = "retired"
        else:
            states[version] = "superseded" if version in last_turn else "challenger"
    return VersionStanding(current, newest.recorded_at if newest else None, states)


GRADES: tuple[str, ...] = (
    "Nothing to reproduce it from",
    "Metrics only",
    "Can be re-created and retrained",
    "Full snapshot",
)
"""The rungs, weakest first: 0 to 3."""
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

    @property
    def title(self) -> str:
        """The rung in words."""
        return GRADES[self.rung]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is this rung: what is recorded for it, then what the next rung lacks."""
        have = [need.words for need in self.needs if need.rung == self.rung]
        said = [f"Recorded: {', '.join(have)}."] if have else []
        lacking = self.lacking
        if lacking:
            said.append(f"For “{GRADES[self.rung + 1].lower()}” is missing: {', '.join(lacking)}.")
        return tuple(said)

    @property
    def lacking(self) -> tuple[str, ...]:
        """What keeps it from the next rung."""
        return tuple(need.words for need in self.needs if need.rung == self.rung + 1 and not need.found)


def grade_reproducibility(version: Mapping[str, object]) -> ReproducibilityGrade:
    """Grade a version by its links, digests and metrics; nothing is believed that is not recorded.

    An address without a digest proves nothing, as what lies there may change; a digest without an address
    cannot be fetched. A higher rung stands in for the lower ones. Metrics are needed for their own rung only,
    but where they are missing nobody can tell whether a retrained model is as good.

    Parameters
    ----------
    version
        Fields of a version as recorded; what is missing or empty counts as not recorded. `metrics` is a
        mapping of name to value.

    Examples
    --------
    >>> grade_reproducibility({"metrics": {"accuracy": 0.9}}).title
    'Metrics only'
    """

    def has(*fields: str) -> bool:
        return all(version.get(field) for field in fields)

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
    reached = [rung for rung in (1, 2, 3) if all(need.found for need in needs if need.rung == rung)]
    return ReproducibilityGrade(max(reached, default=0), needs)
