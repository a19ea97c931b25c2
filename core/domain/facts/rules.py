"""Facts of the rules: policies, ethical positions, regions, and how rights are answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, Literal, TypeVar

from core.domain.facts.recorded import OfInitiative, Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Published(Recorded):
    """Rules as published: the text as written is what decides, from a day on; None is the day it came."""

    key: ClassVar[tuple[str, ...]] = ()

    version: str
    title: str
    sha256: str
    text: str = field(repr=False)
    holds_from: date | None = None

    @property
    def since(self) -> date:
        """The first day on which it holds, unless something published later does."""
        return max(self.recorded_at.date(), self.holds_from or date.min)


R = TypeVar("R", bound=Published)


def in_force(published: Sequence[R], day: date) -> R | None:
    """Of rules in the order of their publication, those that hold on a day: the newest whose day has come."""
    return next((one for one in reversed(published) if one.since <= day), None)


def successive(published: Iterable[R]) -> tuple[R, ...]:
    """Of rules in the order of their publication, those that hold at some day, one after the other."""
    held: list[R] = []
    for one in published:
        while held and held[-1].since >= one.since:
            held.pop()
        held.append(one)
    return tuple(held)


def overtaken(published: Sequence[Published], since: date, day: date) -> tuple[str, ...]:
    """Say which rules to come never hold if others are published on a day that hold since then or later."""
    return tuple(
        f"Version {one.version}, which was to hold from {one.since}, never will."
        for one in successive(published)
        if one.since > day and one.since >= since
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationFile(Published):
    """A file of the configuration, by its name."""

    table = "configuration"
    subject = "configuration"
    key = ("file",)

    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPolicy(Published):
    """A policy in force from then on."""

    table = "policy"
    subject = "policy-{version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDraft(Recorded):
    """A policy on its way, as somebody left it: the latest of its name holds."""

    table = "policy_draft"
    subject = "policy"
    key = ("draft",)

    draft: str
    state: Literal["drafted", "approved", "rejected", "published"]
    version: str
    base_version: str
    title: str
    sha256: str
    text: str = field(repr=False)
    note: str
    holds_from: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPreview(Recorded):
    """What a draft was foreseen to change when it was decided on (JSON), kept beside the decision."""

    table = "policy_preview"
    subject = "policy"
    key = ("draft",)

    draft: str
    sha256: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal(Recorded):
    """What takes effect only when somebody who had no part in it agrees; the latest of its name holds.

    Attributes
    ----------
    act
        The use case that is carried out then, with what was `given` (canonical JSON).
    about
        The initiative, person or rules that it would change.
    says
        What it would change, in sentences.
    reviewers
        Roles that may agree.
    """

    table = "proposal"
    subject = "{about}"
    key = ("proposal",)

    proposal: str
    state: Literal["proposed", "agreed", "declined", "withdrawn"]
    act: str
    about: str
    given: str = field(repr=False)
    says: tuple[str, ...]
    reviewers: tuple[str, ...]
    proposed_by: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedEthics(Published):
    """An ethical position in force from then on."""

    table = "ethics"
    subject = "ethics-{version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InitiativeRegions(OfInitiative):
    """Where the people live whom an initiative concerns."""

    table = "initiative_regions"

    regions: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RightAnswer(OfInitiative):
    """How a right of the people concerned is answered; where it does not apply, the reason says why."""

    table = "right_answer"
    key = ("initiative", "right_id")

    right_id: str
    applies: bool
    answered_by: str | None = None
    how: str | None = None
    within_days: int | None = None
    ready_on: date | None = None
    reason: str | None = None
