"""The business KPI promised at scoping, and what was achieved of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from core.domain.commands import Command, Day, Name, Words
from core.domain.given import InitiativeId, Shown, option

Direction = Literal["up", "down"]
Standing = Literal["achieved", "on_course", "behind", "missed", "cannot_tell"]

Number = Annotated[float, Field(allow_inf_nan=False)]
Unit = Annotated[str, StringConstraints(max_length=30, strip_whitespace=True)]


class SetBusinessKpi(Command, may="define_business_kpi"):
    """Promise a business KPI, or revise what was promised."""

    thing: ClassVar[str] = "name"

    initiative: InitiativeId
    name: Annotated[
        Name, Field(title="What is measured", description="What is measured; the same name again revises it.")
    ]
    unit: Annotated[
        Unit, Field(title="Unit", description="Unit, such as % or days."), Shown("%, days, € per month")
    ] = ""
    direction: Annotated[
        Literal["up", "down"],
        Field(title="Which way is better", description="up or down: which way is better."),
    ]
    baseline: Annotated[Number, Field(title="Baseline", description="Value before.")]
    baseline_on: Annotated[Day, Field(title="Measured on", description="Its day, like 2026-03-31.")]
    target: Annotated[Number, Field(title="Target", description="Value promised.")]
    target_on: Annotated[
        Day, Field(title="Promised by", description="By which day, like 2026-12-31."), option("--by")
    ]
    source: Annotated[
        Words, Field(title="Source of the figure", description="Where the figure comes from.")
    ] = ""
    reason: Annotated[Words, Field(title="Why it is revised", description="Why it is revised.")] = ""


@dataclass(frozen=True)
class Promise:
    """A KPI with its promise: from `baseline` on its day to `target` by its day; up or down is better."""

    kpi: str
    name: str
    unit: str
    direction: Direction
    baseline: float
    baseline_on: date
    target: float
    target_on: date

    def promised_on(self, day: date) -> float:
        """The value promised for a day: the straight line from baseline to target, level before and after.

        Examples
        --------
        >>> from datetime import date
        >>> promise = Promise("k", "K", "%", "up", 10, date(2026, 1, 1), 20, date(2026, 1, 11))
        >>> promise.promised_on(date(2026, 1, 6)), promise.promised_on(date(2027, 1, 1))
        (15.0, 20.0)
        """
        whole = (self.target_on - self.baseline_on).days
        passed = min(max((day - self.baseline_on).days, 0), whole)
        return self.baseline + (self.target - self.baseline) * passed / whole

    def share_achieved(self, value: float) -> float:
        """How much of the way from baseline to target is made: 0 = none, 1 = all, below 0 = the wrong way."""
        return (value - self.baseline) / (self.target - self.baseline)


@dataclass(frozen=True)
class Achieved:
    """Where a KPI stands: the newest observation held against what was promised for its day.

    `lead` is achieved minus promised in the KPI's unit, positive where it is better, whatever the direction.
    """

    standing: Standing
    sentence: str
    observed_on: date | None = None
    value: float | None = None
    promised: float | None = None
    lead: float | None = None
    share: float | None = None


@dataclass(frozen=True)
class Observation:
    """What was achieved on a day."""

    observed_on: date
    value: float


def standing_of(promise: Promise, observations: Sequence[Observation], today: date) -> Achieved:
    """Hold what was achieved against the promise; the newest observation counts.

    Notes
    -----
    Achieved: the target is met. On course: at least what the line promises for the day of the observation.
    Behind: less than that, and the day of the target is still to come. Missed: that day has passed, and what
    was observed since does not meet the target. Without an observation, or without one since the day of the
    target, nothing can be told. One observation says nothing about a trend, and the line is a promise of
    equal steps that nobody may have meant.
    """
    known = [one for one in observations if one.observed_on <= today]
    if not known:
        return Achieved("cannot_tell", "Nothing has been observed yet, so nobody can tell.")
    newest = max(known, key=lambda one: one.observed_on)
    promised = promise.promised_on(newest.observed_on)
    better = 1.0 if promise.direction == "up" else -1.0
    lead = better * (newest.value - promised)
    share = promise.share_achieved(newest.value)

    def made(standing: Standing, sentence: str) -> Achieved:
        return Achieved(standing, sentence, newest.observed_on, newest.value, promised, lead, share)

    if better * (newest.value - promise.target) >= 0:
        return made("achieved", "The newest observation meets the target.")
    if today > promise.target_on and newest.observed_on < promise.target_on:
        return made("cannot_tell", "Nothing has been observed since the day of the target.")
    if today > promise.target_on:
        return made(
            "missed", "The day of the target has passed, and the newest observation does not meet it."
        )
    if lead >= 0 or math.isclose(lead, 0.0, abs_tol=1e-12):
        return made("on_course", "The newest observation is at least what was promised for its day.")
    return made("behind", "The newest observation is behind what was promised for its day.")
