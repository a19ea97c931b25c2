"""The ethical position as numbers: which difference between groups is accepted, by business domain."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.domain.faults import refusal
from core.domain.policy import Id, Text

RATES = (
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "false_negative_rate",
    "precision",
    "accuracy",
)
"""Metrics of a classification that a limit may name; ids as in `core.analytics.metrics`."""
ERRORS = ("mean_error", "mean_absolute_error", "root_mean_squared_error")
"""Metrics of a regression that a limit may name."""

Metric = Literal[
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "false_negative_rate",
    "precision",
    "accuracy",
    "mean_error",
    "mean_absolute_error",
    "root_mean_squared_error",
]
Task = Literal["binary", "multiclass", "regression"]


class EthicalLimit(BaseModel):
    """From which difference in a metric between groups somebody has to look.

    `ratio` is the lowest value divided by the highest: 1 = all alike, to stay at or above `limit`.
    `difference` is the highest minus the lowest: 0 = all alike, to stay at or below `limit`. Both are
    shares and have no unit. A rate is a share already. An error is in the unit of the label, so its
    difference is counted in shares of `measured_in`, taken over everybody: a limit set for prices in euros
    then holds for ages in years. Groups under `min_rows` rows are not judged. No limit makes a model just.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: Metric
    comparison: Literal["ratio", "difference"]
    limit: Annotated[float, Field(gt=0, le=1)]
    min_rows: Annotated[int, Field(ge=1)]
    why: Text

    @model_validator(mode="after")
    def _has_a_ratio(self) -> EthicalLimit:
        if self.metric == "mean_error" and self.comparison == "ratio":
            what = "a mean error has no ratio, since it may be negative or nought"
            raise refusal(("comparison",), what, "Use 'difference'.")
        return self

    @property
    def of_errors(self) -> bool:
        """Whether it limits a regression's errors rather than a rate."""
        return self.metric in ERRORS

    @property
    def measured_in(self) -> Literal["mean_absolute_error", "root_mean_squared_error"] | None:
        """The metric over everybody that a difference is a share of; None where it needs none.

        A mean error is measured in mean absolute errors: its own mean over everybody may be nought.
        """
        if self.comparison == "ratio" or not self.of_errors:
            return None
        return (
            "root_mean_squared_error" if self.metric == "root_mean_squared_error" else "mean_absolute_error"
        )

    def in_units(self, overall: float | None = None) -> float | None:
        """The limit in the metric's own unit, as `core.analytics.slices.Limit` takes it.

        Parameters
        ----------
        overall
            Value of `measured_in` over everybody; not looked at where that is None.

        Returns
        -------
        float or None
            None where `overall` is needed and undefined or nought: then nobody can tell.

        Examples
        --------
        >>> rule = {"metric": "mean_error", "comparison": "difference", "limit": 0.5, "min_rows": 100}
        >>> EthicalLimit(**rule, why="…").in_units(12.0)
        6.0
        """
        if self.measured_in is None:
            return self.limit
        return self.limit * overall if overall else None

    @property
    def sentence(self) -> str:
        """The limit as people read it."""
        metric = self.metric.replace("_", " ")
        if self.comparison == "ratio":
            return f"the lowest {metric} is at least {self.limit:g} of the highest"
        if self.measured_in is None:
            return f"the highest {metric} is at most {100 * self.limit:g} points above the lowest"
        overall = f"{100 * self.limit:g} % of the overall {self.measured_in.replace('_', ' ')}"
        return f"the highest {metric} is above the lowest by at most {overall}"


class Domain(BaseModel):
    """A business domain with its own limits; `regression` holds where a model gives a number."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    title: Text
    limit: EthicalLimit
    regression: EthicalLimit | None = None

    @model_validator(mode="after")
    def _each_limit_fits(self) -> Domain:
        _require_kind(("limit", "metric"), self.limit, RATES)
        _require_kind(("regression", "metric"), self.regression, ERRORS)
        return self


class Ethics(BaseModel):
    """The ethical position, from `config/ethics.yaml`; versioned, since verdicts name it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.\-]*$", max_length=40)]
    title: Text
    default: EthicalLimit
    default_regression: EthicalLimit
    domains: Annotated[tuple[Domain, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_domain_once(self) -> Ethics:
        _require_kind(("default", "metric"), self.default, RATES)
        _require_kind(("default_regression", "metric"), self.default_regression, ERRORS)
        seen: set[str] = set()
        for place, domain in enumerate(self.domains):
            if domain.id in seen:
                what = f"domain '{domain.id}' is listed twice"
                raise refusal(("domains", place, "id"), what, "Keep one of them.")
            seen.add(domain.id)
        return self

    def limit_for(self, domain_id: str, task: Task = "binary") -> EthicalLimit:
        """The limit of a business domain for a task; the default where the domain has none of its own.

        With several classes, the limit on a rate holds for one class against all others.
        """
        domain = next((domain for domain in self.domains if domain.id == domain_id), None)
        if task == "regression":
            return (domain.regression if domain else None) or self.default_regression
        return domain.limit if domain else self.default

    def domain_title(self, domain_id: str) -> str:
        """Name of a domain as people read it."""
        return next((domain.title for domain in self.domains if domain.id == domain_id), domain_id)


def _require_kind(path: tuple[str, ...], limit: EthicalLimit | None, known: tuple[str, ...]) -> None:
    if limit is not None and limit.metric not in known:
        kind = "an error of a regression" if known is ERRORS else "a rate of a classification"
        what = f"'{limit.metric}' is not {kind}"
        raise refusal(path, what, f"Use one of: {', '.join(known)}.")
