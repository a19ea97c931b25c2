"""Life cycles, declared: from which state to which, who may not, and what those who are refused are told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from core.domain.errors import Conflict, Forbidden

Part = Literal["owner", "builder", "holder", "first", "last"]
"""A part somebody has in a thing: owner or builder of its initiative, its own `owner`, who began it, who
spoke last."""


@dataclass(frozen=True)
class Refusal:
    """What is said to who is refused; `{field}` stands for a field of the fact, or `{actor_name}`."""

    what: str
    remedy: str
    where: str = ""


@dataclass(frozen=True)
class Bar:
    """Who may not, because of the part they had."""

    parts: tuple[Part, ...]
    refusal: Refusal


@dataclass(frozen=True)
class Step:
    """One step of a life cycle: recorded as `action`, it leads from a state `before` to the state `after`."""

    action: str
    before: tuple[str, ...]
    after: str
    otherwise: Refusal
    never: Bar | None = None

    def require_state(self, state: str, words: Mapping[str, object]) -> None:
        """Refuse the step from another state.

        Raises
        ------
        Conflict
            It stands in another state.
        """
        if state not in self.before:
            raise Conflict(
                self.otherwise.what.format_map(words),
                where=self.otherwise.where.format_map(words),
                remedy=self.otherwise.remedy,
            )

    def require_apart(self, actor: str, involved: Collection[str], words: Mapping[str, object]) -> None:
        """Refuse the step to those who had a part in it.

        Raises
        ------
        Forbidden
            The actor is among them.
        """
        if self.never is not None and actor in involved:
            said = self.never.refusal
            raise Forbidden(said.what, where=said.where.format_map(words), remedy=said.remedy)


@dataclass(frozen=True)
class LifeCycle:
    """The steps that a thing may take; `column` holds its state."""

    steps: tuple[Step, ...]
    column: str = "state"

    def to(self, state: str) -> Step:
        """The step that leads to a state."""
        return next(step for step in self.steps if step.after == state)


_VERIFY = Step(
    "finding_closed",
    before=("resolved",),
    after="closed",
    otherwise=Refusal(
        "finding {finding} is {state}, not resolved", "Wait until its owner says that it is mended."
    ),
    never=Bar(
        ("holder", "last", "owner", "builder"),
        Refusal(
            "a finding is verified by somebody else than who mended it, or owns or builds the initiative",
            "Ask somebody who had no part in it.",
            where="{finding}",
        ),
    ),
)
FINDING = LifeCycle(
    (
        Step(
            "finding_resolved",
            before=("open",),
            after="resolved",
            otherwise=Refusal("finding {finding} is {state} already", "Open it again if it is not mended."),
        ),
        _VERIFY,
        replace(_VERIFY, action="finding_reopened", after="open"),
    )
)

_GRANT = Step(
    "waiver_granted",
    before=("requested",),
    after="granted",
    otherwise=Refusal(
        "waiver {waiver} was {state} by {actor_name}",
        "The first decision stands; ask for another waiver.",
    ),
    never=Bar(
        ("first", "owner", "builder"),
        Refusal(
            "nobody decides a waiver that they asked for, or of what they own or build",
            "Ask somebody else of the same rank.",
            where="{waiver}",
        ),
    ),
)
WAIVER = LifeCycle(
    (
        _GRANT,
        replace(_GRANT, action="waiver_refused", after="refused"),
        Step(
            "waiver_withdrawn",
            before=("requested", "granted"),
            after="withdrawn",
            otherwise=Refusal("waiver {waiver} is {state}", "Nothing has to be withdrawn."),
        ),
    )
)

_ANSWERED = Step(
    "hand_off_answered",
    before=("open",),
    after="accepted",
    otherwise=Refusal(
        "this offer was answered before ({answer})", "The first answer stands.", where="{hand_off}"
    ),
)
HAND_OFF = LifeCycle(
    (_ANSWERED, replace(_ANSWERED, after="returned"), replace(_ANSWERED, after="withdrawn")), column="answer"
)
"""An offer is open until a fact of its own answers it."""
