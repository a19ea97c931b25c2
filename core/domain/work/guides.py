"""What a role does at a process step, and how: short guides, shown where the work is done."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from core.domain.faults import refusal
from core.domain.policy.policy import Id, Text
from core.ground.checked import Checked


class Guide(Checked):
    """How one role does its part of one step; `done_well` says how to tell, `avoid` what goes wrong."""

    role: Id
    step: Id
    aim: Text
    do: Annotated[tuple[Text, ...], Field(min_length=2, max_length=6)]
    done_well: Text
    avoid: Text


class Guides(Checked):
    """All guides, from `config/guides.yaml`."""

    guides: Annotated[tuple[Guide, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_per_role_and_step(self) -> Guides:
        seen: set[tuple[str, str]] = set()
        for place, guide in enumerate(self.guides):
            if (guide.role, guide.step) in seen:
                what = f"role '{guide.role}' has two guides for step '{guide.step}'"
                raise refusal(("guides", place), what, "Keep one of them.")
            seen.add((guide.role, guide.step))
        return self

    def find(self, role: str, step: str) -> Guide | None:
        """The guide of a role for a step, or None."""
        return next((guide for guide in self.guides if (guide.role, guide.step) == (role, step)), None)
