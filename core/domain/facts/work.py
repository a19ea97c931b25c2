"""Facts of work: who was given what, hand-offs, comments and trainings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from core.domain.facts.recorded import OfInitiative, Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAssignment(OfInitiative):
    """Who was put on a task; `hand_off` names the offer it came by."""

    table = "task_assignment"
    key = ("initiative", "task")

    task: str
    person: str
    reason: str
    hand_off: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOff(Recorded):
    """An offer of an initiative (`task` None) or of one task, to a team or to a person of it."""

    table = "hand_off"
    subject = "{hand_off}"
    key = ("hand_off",)

    hand_off: str
    initiative: str
    task: str | None = None
    what: str
    from_team: str
    to_team: str
    to_person: str | None = None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOffAnswer(Recorded):
    """The one answer to an offer."""

    table = "hand_off_answer"
    subject = "{hand_off}"
    key = ("hand_off",)

    hand_off: str
    initiative: str
    answer: Literal["accepted", "returned", "withdrawn"]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment(OfInitiative):
    """A comment; it names people by id."""

    table = "comment"
    subject = "{comment}"
    key = ("comment",)

    comment: str
    text: str
    mentions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentsRead(OfInitiative):
    """The actor has read all comments of an initiative that stood until then."""

    table = "comments_read"
    key = ("initiative", "actor")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingAttestation(Recorded):
    """A training that somebody attested, with the last day on which it holds."""

    table = "training_attestation"
    subject = "{actor}"
    key = ("person", "training")

    training: str
    person: str
    statement: str
    valid_until: date
