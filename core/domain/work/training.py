"""Which trainings a role asks for, until when an attestation holds, and where each stands on a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from core.domain.errors import refusal
from core.domain.policy.checks import CheckResult
from core.ground import Checked, Id, Text, Verdict

TrainingState = Literal["current", "renewal_due", "due", "overdue", "lapsed"]
CURRENT: frozenset[TrainingState] = frozenset({"current", "renewal_due"})
"""States in which a person counts as trained."""


class Training(Checked):
    """Something to learn, for the roles named; `statement` is what a person attests to have done.

    `valid_days` counts from the day of the attestation, its last day included; `due_days` from the day on
    which a person got their role.
    """

    id: Id
    title: Text
    why: Text
    covers: Annotated[tuple[Text, ...], Field(min_length=1)]
    minutes: Annotated[int, Field(ge=5, le=960)]
    roles: Annotated[tuple[Id, ...], Field(min_length=1)]
    statement: Text
    due_days: Annotated[int, Field(ge=0, le=365)]
    valid_days: Annotated[int, Field(ge=30, le=3650)]


class Trainings(Checked):
    """The training list, from `config/training.yaml`; renewal may begin `renew_days` before an end."""

    renew_days: Annotated[int, Field(ge=0, le=180)]
    trainings: Annotated[tuple[Training, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> Trainings:
        seen: set[str] = set()
        for place, training in enumerate(self.trainings):
            if training.id in seen:
                what = f"training '{training.id}' is listed twice"
                raise refusal(("trainings", place, "id"), what, "Keep one of them.")
            seen.add(training.id)
        return self

    def find(self, training_id: str) -> Training | None:
        """The training with this id, or None."""
        return next((one for one in self.trainings if one.id == training_id), None)

    def asked_of(self, roles: Sequence[str]) -> tuple[Training, ...]:
        """The trainings that somebody with these roles needs."""
        return tuple(one for one in self.trainings if set(one.roles) & set(roles))


@dataclass(frozen=True)
class TrainingStanding:
    """Where a person stands with one training on a day.

    `due_on` is the day by which to attest: the end of what holds, or the first day plus `due_days`.
    """

    training: Training
    person: str
    state: TrainingState
    due_on: date
    attested_on: date | None
    valid_until: date | None

    @property
    def current(self) -> bool:
        """Whether the person counts as trained."""
        return self.state in CURRENT


def standing(
    training: Training,
    person: str,
    *,
    since: date,
    attested_on: date | None,
    valid_until: date | None,
    renew_days: int,
    day: date,
) -> TrainingStanding:
    """Say where a person stands with a training; an attestation holds through its last day.

    Examples
    --------
    >>> basics = Training(id="basics", title="Basics", why="w", covers=("c",), minutes=30,
    ...     roles=("data_ops",), statement="I did.", due_days=30, valid_days=365)
    >>> standing(basics, "ann", since=date(2026, 1, 1), attested_on=None, valid_until=None,
    ...     renew_days=30, day=date(2026, 2, 1)).state
    'overdue'
    """
    state: TrainingState
    if attested_on is None or valid_until is None:
        due_on = since + timedelta(days=training.due_days)
        state = "overdue" if due_on < day else "due"
    else:
        due_on = valid_until
        renewal = (valid_until - day).days <= renew_days
        state = "lapsed" if valid_until < day else ("renewal_due" if renewal else "current")
    return TrainingStanding(training, person, state, due_on, attested_on, valid_until)


def training_check(named: Mapping[str, Sequence[str]], trained: frozenset[str] | set[str]) -> CheckResult:
    """Hold the people of an initiative against the training list.

    Parameters
    ----------
    named
        What they are ("the owner", "data operations") -> ids; of several, one who is trained is enough.
    trained
        Ids of everybody whose trainings are all current.

    Returns
    -------
    CheckResult
        Passes when each has somebody trained; cannot tell where nobody is known for one.
    """
    unknown = [what for what, people in named.items() if not people]
    lacking = [what for what, people in named.items() if people and not set(people) & trained]
    if lacking:
        return CheckResult(
            "training_current",
            Verdict.FAIL,
            f"no current training: {', '.join(lacking)}",
            "Let them attest their trainings on the page Training, then run the checks again.",
            observed=len(lacking),
            limit=0,
        )
    if unknown or not named:
        return CheckResult(
            "training_current",
            Verdict.CANNOT_TELL,
            f"nobody is known as {', '.join(unknown) or 'owner or builder'}",
            "Name the people and their roles, then run the checks again.",
        )
    message = f"current training for {', '.join(named)}"
    return CheckResult("training_current", Verdict.PASS, message, observed=0, limit=0)
