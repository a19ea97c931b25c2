"""The rights of people whose data is used, and how an initiative says that it answers them."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from core.domain.errors import refusal
from core.domain.facts.rules import RightAnswer
from core.domain.policy.policy import Id, Text
from core.domain.rules.frameworks import Rule
from core.ground import Checked


class Right(Checked):
    """A right: what somebody may ask for, and within how many days at most it is answered.

    `gdpr` and `ccpa` name where it stands; empty where that law has no such right.
    """

    id: Id
    title: Text
    asks: Text
    think_of: Text
    gdpr: Text
    ccpa: Text | None = None
    most_days: Annotated[int, Field(ge=0, le=366)]


class Rights(Checked):
    """All rights, from `config/rights.yaml`; `when` says which initiatives have to answer them."""

    when: Annotated[tuple[Rule, ...], Field(min_length=1)]
    rights: Annotated[tuple[Right, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> Rights:
        ids = [right.id for right in self.rights]
        for place, one in enumerate(ids):
            if one in ids[:place]:
                raise refusal(("rights", place, "id"), f"right '{one}' is listed twice", "Keep one of them.")
        return self

    def find(self, right_id: str) -> Right | None:
        """The right with this id, or None."""
        return next((right for right in self.rights if right.id == right_id), None)


class RightState(StrEnum):
    """Where a right stands: `open` has no answer, or nobody to give it; `planned` begins on a later day."""

    OPEN = "open"
    PLANNED = "planned"
    SETTLED = "settled"
    NOT_APPLICABLE = "not_applicable"


def right_state(answer: RightAnswer | None, people: frozenset[str], day: date) -> tuple[RightState, str]:
    """Where a right stands on a day, and why in a sentence without a full stop.

    Parameters
    ----------
    answer
        What was recorded last; None where nothing was.
    people
        Ids of everybody who may answer today.
    day
        The day we stand on.
    """
    if answer is None:
        return RightState.OPEN, "nobody has said yet how it is answered"
    if not answer.applies:
        return RightState.NOT_APPLICABLE, answer.reason or ""
    if answer.answered_by not in people:
        return RightState.OPEN, "whoever was to answer it is no longer in the directory"
    if answer.ready_on is not None and answer.ready_on > day:
        return RightState.PLANNED, f"the way to answer it is ready on {answer.ready_on:%d %B %Y}"
    return RightState.SETTLED, f"answered within {answer.within_days} days"
