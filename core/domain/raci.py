"""Who is responsible, accountable, consulted and informed for each task (Figure 8-4)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.domain.faults import refusal
from core.domain.policy import Id, Text

Letter = Literal["A", "R", "C", "I", "A/R"]

LETTERS: dict[Letter, str] = {
    "A": "accountable",
    "R": "responsible",
    "C": "consulted",
    "I": "informed",
    "A/R": "accountable and responsible",
}
"""What each letter of the matrix means."""


class RaciTask(BaseModel):
    """A row of the matrix: the letter of each role that has one, and a note on the figure."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Id
    title: Text
    letters: dict[Id, Letter]
    note: Text | None = None

    @property
    def accountable(self) -> str:
        """Id of the one role that answers for the task."""
        return next(role for role, letter in self.letters.items() if letter in ("A", "A/R"))

    @property
    def responsible(self) -> tuple[str, ...]:
        """Ids of the roles that do the task."""
        return tuple(role for role, letter in self.letters.items() if letter in ("R", "A/R"))


class Raci(BaseModel):
    """The whole matrix, from `config/raci.yaml`; `roles` are its columns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: tuple[Id, ...] = Field(min_length=1)
    tasks: tuple[RaciTask, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_answers_for_each_task(self) -> Raci:
        seen: set[str] = set()
        for place, task in enumerate(self.tasks):
            if task.id in seen:
                raise refusal(
                    ("tasks", place, "id"), f"task '{task.id}' is listed twice", "Keep one of them."
                )
            seen.add(task.id)
            self._check_letters(place, task)
        return self

    def _check_letters(self, place: int, task: RaciTask) -> None:
        path = ("tasks", place, "letters")
        for role in task.letters:
            if role not in self.roles:
                remedy = f"Use one of: {', '.join(self.roles)}."
                raise refusal((*path, role), f"'{role}' is not a column of this matrix", remedy)
        accountable = [role for role, letter in task.letters.items() if letter in ("A", "A/R")]
        if len(accountable) != 1:
            what = f"task '{task.id}' has {len(accountable)} accountable roles"
            raise refusal(path, what, "Give exactly one role the letter A or A/R.")
        if not task.responsible:
            what = f"nobody is responsible for task '{task.id}'"
            raise refusal(path, what, "Give a role the letter R or A/R.")
