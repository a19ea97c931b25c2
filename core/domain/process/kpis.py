"""What each governance KPI counts, its target, and when we cannot tell. A KPI is data: a line of a file.

A KPI counts cases of one kind: of those `where` leaves, the share that is so and so, how many are, the sum of
a column, or the median of one. Each case says which initiative, team, class, domain and owner it belongs to,
so that every KPI can be broken down by them and names who and what makes its gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from math import ceil
from typing import Annotated, Any, Literal, Protocol

from pydantic import Field, model_validator

from core.domain.errors import Fault, refusal
from core.domain.process.facts import InventoryLine, RequirementLine
from core.ground import Checked, Explained, Text


class Leaderboard(Checked):
    """How teams are ranked, from `config/leaderboard.yaml`.

    Attributes
    ----------
    window_days
        Days back that count.
    minimum
        First tries that a team needs to be ranked; with fewer we cannot tell.
    confidence
        Of the interval around a rate, as a share; the lower end ranks.
    """

    window_days: Annotated[int, Field(ge=1, le=3650)]
    minimum: Annotated[int, Field(ge=1)]
    confidence: Annotated[float, Field(ge=0.5, lt=1)]


class Case(Protocol):
    """What a KPI counts: where it belongs, and columns of its kind."""

    @property
    def initiative(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def team(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def class_id(self) -> str: ...
    @property
    def owner_name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Belonging:
    """Where a case belongs: initiative with its name, team, domain, class, and the name of its owner."""

    initiative: str
    name: str
    team: str
    domain: str
    class_id: str
    owner_name: str


@dataclass(frozen=True, slots=True)
class Deadline(Belonging):
    """A requirement that fell due in the window, and whether it was proved by that day."""

    requirement: str
    due_on: date
    light: bool
    on_time: bool


@dataclass(frozen=True, slots=True)
class FirstTry(Belonging):
    """The first run of a check that the class is asked for on a model version, in the window."""

    check: str
    light: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class CheckStand(Belonging):
    """A check of an initiative as it stands: the newest verdict, or `not_run`; `asked`: of its class."""

    check: str
    asked: bool
    versioned: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class LiveModel(Belonging):
    """A live initiative above the lowest class, and whether estimates exist for the version in production."""

    monitored: bool


@dataclass(frozen=True, slots=True)
class Deployment(Belonging):
    """An initiative that came into production for the first time in the window; days since registration."""

    days: int


@dataclass(frozen=True, slots=True)
class TrainedPerson(Belonging):
    """Somebody whose roles ask for trainings, and whether all are current; belongs to a team alone."""

    trained: bool


CASES: Mapping[str, type[Case]] = {
    "initiatives": InventoryLine,
    "requirements": RequirementLine,
    "deadlines": Deadline,
    "first_tries": FirstTry,
    "checks": CheckStand,
    "live_models": LiveModel,
    "deployments": Deployment,
    "people": TrainedPerson,
}
"""Kind of case -> its columns. All are as of the day shown; those with a window count back from it."""
Plain = bool | int | str


class Span(Checked):
    """From a number to a number, both included; either may be left out."""

    at_least: float | None = None
    at_most: float | None = None


Conditions = dict[str, Plain | tuple[Plain, ...] | Span | None]
"""Column -> the value that it must have, one of several, or a span; null: no value."""


@dataclass(frozen=True)
class Share:
    """A numerator over a denominator."""

    part: int
    whole: int


Figure = Share | int | list[float]
"""A ratio, a count, or the values of a median."""


def holds(case: Case, conditions: Conditions) -> bool:
    """Whether a case is as the conditions say, all of them."""
    return all(_fits(getattr(case, column), wanted) for column, wanted in conditions.items())


def _fits(value: Any, wanted: object) -> bool:
    if isinstance(wanted, Span):
        low, high = wanted.at_least, wanted.at_most
        return value is not None and (low is None or value >= low) and (high is None or value <= high)
    return value in wanted if isinstance(wanted, tuple) else value == wanted


class KpiDefinition(Explained, Checked):
    """A KPI: `minimum` is the denominator under which the answer is *cannot tell*.

    Attributes
    ----------
    question
        What it answers, as somebody would ask it.
    of, where
        The kind of case that is counted (a key of `CASES`), and which of them.
    share, count, total, median
        Exactly one: the share of the counted cases that is so, how many are so, the sum of a column, or the
        median of one.
    target
        A target of unit `share` runs from 0.0 to 1.0, not a percentage.
    owner
        The role that answers for it, and gets a task while it is off target; empty for nobody.
    window_days
        Counts back from the day shown; none means on that day alone.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,59}$")]
    title: Text
    question: str = ""
    unit: Literal["share", "count", "days"]
    direction: Literal["higher", "lower"]
    target: Annotated[float, Field(ge=0)]
    owner: str = ""
    minimum: Annotated[int, Field(ge=0)]
    window_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    of: str
    where: Conditions = Field(default_factory=dict)
    share: Conditions | None = None
    count: Conditions | None = None
    total: str = ""
    median: str = ""
    formula: Text
    zero_means: Text
    leaves_out: Text
    source: Text

    @model_validator(mode="before")
    @classmethod
    def _as_counted_before(cls, given: Any) -> Any:
        """A file on record may be from before what is counted stood in it."""
        if isinstance(given, Mapping) and "of" not in given:
            return {**_COUNTED_BEFORE.get(str(given.get("id")), {}), **given}
        return given

    @model_validator(mode="after")
    def _counts_what_there_is(self) -> KpiDefinition:
        kind = CASES.get(self.of)
        if kind is None:
            known = ", ".join(CASES)
            raise refusal(("of",), f"'{self.of[:40]}' is no kind of case", f"Use one of: {known}.")
        said = [form for form in _FORMS if getattr(self, form) not in (None, "")]
        if len(said) != 1:
            what = f"'{self.id}' counts in {len(said)} ways"
            raise refusal((), what, f"Say one of: {', '.join(_FORMS)}.")
        if said[0] not in _FORMS_OF[self.unit]:
            what = f"'{self.id}' has the unit {self.unit} and counts a {said[0]}"
            raise refusal(("unit",), what, f"A {self.unit} is a {' or a '.join(_FORMS_OF[self.unit])}.")
        known_columns = columns_of(kind)
        for column in (*self.where, *(self.share or {}), *(self.count or {}), self.total, self.median):
            if column and column not in known_columns:
                what = f"'{column[:40]}' is no column of {self.of}"
                raise refusal((said[0],), what, f"Use one of: {', '.join(known_columns)}.")
        return self

    def counted(self, cases: Iterable[Case]) -> list[Case]:
        """The cases that this KPI looks at."""
        return [case for case in cases if holds(case, self.where)]

    def figure(self, counted: Sequence[Case]) -> Figure:
        """What the counted cases come to."""
        weights = [self.weight(case) for case in counted]
        if self.unit == "share":
            return Share(int(sum(weights)), len(weights))
        return sorted(weights) if self.median else int(sum(weights))

    def amiss(self, case: Case) -> float:
        """What of a counted case is not as it should be: 1, a number of things, or days beyond the target."""
        weight = self.weight(case)
        if self.median:
            return max(0.0, weight - self.target if self.direction == "lower" else self.target - weight)
        if self.direction == "lower":
            return weight
        return 1.0 - weight if self.unit == "share" else 0.0

    def needed(self, counted: Sequence[Case]) -> int | None:
        """The fewest cases that, mended, bring it to its target; None where that cannot be said."""
        if self.median or (self.unit == "count" and self.direction == "higher"):
            return None
        allowed = self.target * (len(counted) if self.unit == "share" else 1)
        if self.unit == "share" and self.direction == "higher":
            allowed = len(counted) - allowed
        return max(0, ceil(sum(map(self.amiss, counted)) - allowed - 1e-9))

    def weight(self, case: Case) -> float:
        """What a case adds: to the numerator of a share, to a count, to a sum; of a median its value."""
        if self.total or self.median:
            return float(getattr(case, self.total or self.median) or 0)
        return float(holds(case, self.share if self.share is not None else self.count or {}))


_FORMS = ("share", "count", "total", "median")
_FORMS_OF: Mapping[str, tuple[str, ...]] = {
    "share": ("share",),
    "count": ("count", "total"),
    "days": ("median",),
}
_COUNTED_BEFORE: Mapping[str, Mapping[str, Any]] = {
    "first_time_pass_rate": {
        "of": "first_tries",
        "where": {"light": False},
        "share": {"verdict": "pass"},
    },
    "deadlines_met": {"of": "deadlines", "where": {"light": False}, "share": {"on_time": True}},
    "in_policy": {"of": "initiatives", "share": {"overdue": 0}},
    "overdue_requirements": {"of": "initiatives", "total": "overdue"},
    "bias_within_limit": {
        "of": "checks",
        "where": {"check": "bias_limit", "asked": True, "versioned": True},
        "share": {"verdict": "pass"},
    },
    "monitored_live": {"of": "live_models", "share": {"monitored": True}},
    "decay_alerts": {"of": "checks", "where": {"check": "decay_alert"}, "count": {"verdict": "fail"}},
    "days_to_deployment": {"of": "deployments", "median": "days"},
    "trained_people": {"of": "people", "share": {"trained": True}},
    "waived_requirements": {"of": "initiatives", "total": "waived"},
}


def columns_of(kind: type[Case]) -> tuple[str, ...]:
    """The columns of a kind of case, in their order."""
    return tuple(column.name for column in fields(kind))  # type: ignore[arg-type]  # all are dataclasses


class Kpis(Checked):
    """All KPIs, from `config/kpis.yaml`, in the order they are shown."""

    kpis: Annotated[tuple[KpiDefinition, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once_with_a_target_in_range(self) -> Kpis:
        seen: set[str] = set()
        for place, kpi in enumerate(self.kpis):
            if kpi.id in seen:
                raise refusal(("kpis", place, "id"), f"KPI '{kpi.id}' is listed twice", "Keep one of them.")
            seen.add(kpi.id)
            if kpi.unit == "share" and kpi.target > 1:
                what = f"the target {kpi.target:g} of '{kpi.id}' is no share"
                raise refusal(("kpis", place, "target"), what, "Write a share from 0 to 1.")
        return self

    @property
    def faults(self) -> tuple[Fault, ...]:
        """KPIs that pages name and this file lacks."""
        lacking = [kpi_id for kpi_id in NAMED if kpi_id not in {kpi.id for kpi in self.kpis}]
        said = Fault(("kpis",), f"{', '.join(lacking)} not defined", "Define each once.")
        return (said,) if lacking else ()

    def find(self, kpi_id: str) -> KpiDefinition:
        """The definition with this id; a `KeyError` where there is none."""
        return {kpi.id: kpi for kpi in self.kpis}[kpi_id]


NAMED = ("first_time_pass_rate", "deadlines_met", "trained_people")
"""KPIs with a place of their own on a page: the leaderboards, a team, the trainings."""
