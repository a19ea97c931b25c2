"""Which version of an initiative counts: champion, challenger, superseded, retired."""

from __future__ import annotations

from collections.abc import Iterable
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
