"""Which version of an initiative counts: champion, challenger, superseded, retired."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

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
