"""Lines over the whole inventory: an initiative, a requirement or a gate with where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from core.ground.figure import Task


@dataclass(frozen=True, slots=True)
class InventoryLine:
    """An initiative with its class, its progress, and what is off.

    Attributes
    ----------
    live
        The deployment gate's last recorded decision is open.
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
    class_id: str
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
    class_title: str
    next_gate_title: str | None

    @property
    def share(self) -> float | None:
        """Share of its requirements that are met; None where nothing is asked."""
        return self.satisfied / self.asked if self.asked else None

    @property
    def stage(self) -> str:
        """Live, or the next gate."""
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
    team: str
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
