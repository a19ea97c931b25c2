"""What each governance KPI measures, its target, and when we cannot tell."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from core.domain.errors import Fault, refusal
from core.domain.policy.policy import Text
from core.ground import Checked, Explained


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


KpiId = Literal[
    "first_time_pass_rate",
    "deadlines_met",
    "in_policy",
    "overdue_requirements",
    "bias_within_limit",
    "monitored_live",
    "decay_alerts",
    "days_to_deployment",
    "trained_people",
    "waived_requirements",
]
"""The KPIs that the portal can compute; `config/kpis.yaml` lists each exactly once."""

KPI_IDS: tuple[str, ...] = KpiId.__args__  # type: ignore[attr-defined]  # typing has no public way


class KpiDefinition(Explained, Checked):
    """A KPI: `minimum` is the denominator under which the answer is *cannot tell*.

    `window_days` counts back from the day shown; none means on that day alone. A target of unit `share`
    runs from 0.0 to 1.0, not a percentage.
    """

    id: KpiId
    title: Text
    unit: Literal["share", "count", "days"]
    direction: Literal["higher", "lower"]
    target: Annotated[float, Field(ge=0)]
    minimum: Annotated[int, Field(ge=0)]
    window_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    formula: Text
    zero_means: Text
    leaves_out: Text
    source: Text


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
        """What a file on record may lack, as it was written before there was such a KPI."""
        lacking = [kpi_id for kpi_id in KPI_IDS if kpi_id not in {kpi.id for kpi in self.kpis}]
        said = Fault(("kpis",), f"{', '.join(lacking)} not defined", "Define every KPI once.")
        return (said,) if lacking else ()

    def find(self, kpi_id: str) -> KpiDefinition:
        """The definition with this id; a `KeyError` where there is none."""
        return {str(kpi.id): kpi for kpi in self.kpis}[kpi_id]
