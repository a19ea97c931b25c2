"""The ethical position as numbers: which difference between groups is accepted, by business domain."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.domain.faults import refusal
from core.domain.policy import Id, Text


class EthicalLimit(BaseModel):
    """From which difference in a rate between groups somebody has to look.

    `ratio` is the lowest rate divided by the highest: 1 = all alike, to stay at or above `limit`.
    `difference` is the highest minus the lowest: 0 = all alike, to stay at or below `limit`. Both are
    shares, not percentages. Groups under `min_rows` rows are not judged. No limit makes a model just.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: Literal["selection_rate"]
    comparison: Literal["ratio", "difference"]
    limit: Annotated[float, Field(gt=0, le=1)]
    min_rows: Annotated[int, Field(ge=1)]
    why: Text

    @property
    def sentence(self) -> str:
        """The limit as people read it."""
        metric = self.metric.replace("_", " ")
        if self.comparison == "ratio":
            return f"the lowest {metric} is at least {self.limit:g} of the highest"
        return f"the highest {metric} is at most {100 * self.limit:g} points above the lowest"


class Domain(BaseModel):
    """A business domain with its own limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    title: Text
    limit: EthicalLimit


class Ethics(BaseModel):
    """The ethical position, from `config/ethics.yaml`; versioned, since verdicts name it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.\-]*$", max_length=40)]
    title: Text
    default: EthicalLimit
    domains: Annotated[tuple[Domain, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_domain_once(self) -> Ethics:
        seen: set[str] = set()
        for place, domain in enumerate(self.domains):
            if domain.id in seen:
                what = f"domain '{domain.id}' is listed twice"
                raise refusal(("domains", place, "id"), what, "Keep one of them.")
            seen.add(domain.id)
        return self

    def limit_for(self, domain_id: str) -> EthicalLimit:
        """The limit of a business domain; the default where the domain has none."""
        return next((domain.limit for domain in self.domains if domain.id == domain_id), self.default)

    def domain_title(self, domain_id: str) -> str:
        """Name of a domain as people read it."""
        return next((domain.title for domain in self.domains if domain.id == domain_id), domain_id)
