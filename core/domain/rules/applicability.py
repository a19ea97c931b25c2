"""When a law, a framework or a clause applies to an initiative: small rules over what was registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, model_validator

from core.domain.faults import refusal
from core.domain.policy.policy import Id
from core.ground.checked import Checked

Ids = Annotated[tuple[Id, ...], Field(min_length=1)]


class Rule(Checked):
    """One way to be concerned: every condition that is named has to hold, by any of its values.

    `regions` are those where the people concerned live; `answers` maps a question of the policy to options.
    """

    regions: Ids | None = None
    domains: Ids | None = None
    answers: dict[Id, Ids] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Rule:
        if not (self.regions or self.domains or self.answers):
            remedy = "Name regions, domains or answers; leave 'when' out where it always applies."
            raise refusal((), "a rule without a condition", remedy)
        return self


@dataclass(frozen=True)
class Circumstances:
    """What rules look at: domain, answers of the registration, and regions of the people concerned."""

    domain: str
    answers: Mapping[str, Sequence[str]]
    regions: frozenset[str]


def applies(when: Sequence[Rule], about: Circumstances) -> bool:
    """Tell whether any rule holds; no rule at all means always.

    Examples
    --------
    >>> banking = (Rule(regions=("uk",), domains=("credit",)),)
    >>> applies(banking, Circumstances("credit", {}, frozenset({"uk", "eu"})))
    True
    >>> applies(banking, Circumstances("marketing", {}, frozenset({"uk"})))
    False
    """
    return not when or any(_holds(rule, about) for rule in when)


def _holds(rule: Rule, about: Circumstances) -> bool:
    if rule.regions is not None and not about.regions.intersection(rule.regions):
        return False
    if rule.domains is not None and about.domain not in rule.domains:
        return False
    return all(
        set(options).intersection(about.answers.get(question, ()))
        for question, options in (rule.answers or {}).items()
    )
