"""Who is responsible, accountable, consulted and informed for each task (Figure 8-4); guides how to do it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, model_validator

from core.domain.errors import refusal
from core.ground import Checked, Id, Text

Letter = Literal["A", "R", "C", "I", "A/R"]

LETTERS: dict[Letter, str] = {
    "A": "accountable",
    "R": "responsible",
    "C": "consulted",
    "I": "informed",
    "A/R": "accountable and responsible",
}
"""What each letter of the matrix means."""


DUTY: Mapping[str, int] = {"A/R": 4, "R": 3, "A": 2, "C": 1, "I": 0}
"""How much a letter obliges; where a person has several roles, the most obliging letter counts."""
DOING = frozenset({"A/R", "R", "A"})
"""Letters whose role may act on a task; an act by any other role deviates from the matrix."""


class RaciTask(Checked):
    """A row of the matrix: the letter of each role that has one, and what on record the task stands for.

    `actions` are recorded facts (`model_version_registered`). `steps` are the process steps whose measures
    fall to the task where their responsible role does it; `considerations` narrows them to rows of
    Table 8-3. What no task names, such as the answer of a gate, is worked out and done by nobody.
    """

    id: Id
    title: Text
    letters: dict[Id, Letter]
    steps: tuple[Id, ...] = ()
    considerations: tuple[Id, ...] = ()
    actions: tuple[Id, ...] = ()
    note: Text | None = None

    @property
    def accountable(self) -> str:
        """Id of the one role that answers for the task."""
        return next(role for role, letter in self.letters.items() if letter in ("A", "A/R"))

    @property
    def responsible(self) -> tuple[str, ...]:
        """Ids of the roles that do the task."""
        return tuple(role for role, letter in self.letters.items() if letter in ("R", "A/R"))

    @property
    def consulted(self) -> tuple[str, ...]:
        """Ids of the roles that are asked."""
        return tuple(role for role, letter in self.letters.items() if letter == "C")

    @property
    def informed(self) -> tuple[str, ...]:
        """Ids of the roles that are told."""
        return tuple(role for role, letter in self.letters.items() if letter == "I")

    def acting_role(self, roles: Sequence[str]) -> str:
        """In which of their roles somebody acts on this task: the one whose letter obliges most.

        Without any letter it is the first role; empty for somebody without a role.

        Examples
        --------
        >>> letters = {"business_analyst": "A", "data_scientist": "R"}
        >>> task = RaciTask(id="data_modeling", title="Data modeling", letters=letters)
        >>> task.acting_role(["business_analyst", "data_scientist"])
        'data_scientist'
        """
        return max(roles, key=lambda role: DUTY.get(str(self.letters.get(role)), -1), default="")

    def deviates(self, role: str) -> bool:
        """Whether the matrix declares nobody of this role to act: neither responsible nor accountable."""
        return self.letters.get(role) not in DOING


class Raci(Checked):
    """The whole matrix, from `config/raci.yaml`; `roles` are its columns.

    Acts by a role of `automation` are shown, and are no deviation: a pipeline acts for whoever set it up.
    """

    roles: tuple[Id, ...] = Field(min_length=1)
    automation: tuple[Id, ...] = ()
    tasks: tuple[RaciTask, ...] = Field(min_length=1)

    def find(self, task_id: str) -> RaciTask | None:
        """The task with this id, or None."""
        return next((task for task in self.tasks if task.id == task_id), None)

    def task_of_action(self, action: str) -> RaciTask | None:
        """The task that a recorded action stands for, or None for what nobody does by hand."""
        return next((task for task in self.tasks if action in task.actions), None)

    def task_of_measure(self, step: str, responsible: str, consideration: str) -> RaciTask | None:
        """The task that a measure of the policy falls to.

        Among the tasks that cover the step and for which the measure's role is responsible, one that names
        the consideration comes before one that names none, then the order of the matrix decides. Where no
        task makes the role responsible, one for which it is accountable takes the measure.
        """
        covering = [
            task
            for task in self.tasks
            if step in task.steps and (not task.considerations or consideration in task.considerations)
        ]
        for letters in (("R", "A/R"), ("A",)):
            found = [task for task in covering if task.letters.get(responsible) in letters]
            if found:
                return next((task for task in found if task.considerations), found[0])
        return None

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
        self._check_actions()
        return self

    def _check_actions(self) -> None:
        stands_for: dict[str, str] = {}
        for place, task in enumerate(self.tasks):
            if not task.steps and not task.actions:
                what = f"nothing on record stands for task '{task.id}'"
                raise refusal(("tasks", place), what, "Name its process steps or its recorded actions.")
            for number, action in enumerate(task.actions):
                if action in stands_for:
                    what = f"'{action}' stands for task '{stands_for[action]}' already"
                    raise refusal(("tasks", place, "actions", number), what, "Leave it with one of them.")
                stands_for[action] = task.id

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
