"""What the matrix asks of a class: one requirement per cell, and one per gate that has to be signed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from core.domain.policy.policy import Consideration, Measure, Policy, SignOffPlan


@dataclass(frozen=True)
class Requirement:
    """A cell of the matrix for one class: the measure asked for, and those that satisfy it.

    Attributes
    ----------
    sign_off
        Where the measure is a signature: at which gate, by whom.
    gate_title
        Title of that gate.
    """

    consideration: Consideration
    measure: Measure
    satisfied_by: tuple[Measure, ...]
    sign_off: SignOffPlan | None = None
    gate_title: str = ""
    gate_step: str = ""

    @property
    def id(self) -> str:
        """The measure's id; with the gate's where a measure is signed at several."""
        return f"{self.measure.id}:{self.sign_off.gate}" if self.sign_off else self.measure.id

    @property
    def title(self) -> str:
        """Title as people read it."""
        return f"{self.measure.title}, at “{self.gate_title}”" if self.sign_off else self.measure.title

    @property
    def step(self) -> str:
        """Process step at whose end it is asked for."""
        return self.gate_step or self.measure.step

    @property
    def watched(self) -> tuple[Measure, ...]:
        """Measures whose evidence, when it changes, is a change of what was signed."""
        return self.consideration.rungs if self.consideration.ladder == "replaces" else (self.measure,)

    @property
    def due_days(self) -> int:
        """Days after registration, classification or model version by which it is due."""
        return self.sign_off.due_days if self.sign_off else self.measure.due_days


@lru_cache(maxsize=256)
def requirements_of(policy: Policy, class_id: str) -> tuple[Requirement, ...]:
    """List what the matrix asks of a class, in the order of the considerations and rungs.

    Examples
    --------
    A cell of 0 asks for nothing; on a ladder that replaces, a cell of 2 asks for rung 2 and takes rung 3
    for it; on a ladder that adds, it asks for rungs 1 and 2. A measure that is signed at three gates is
    three requirements, and only its own signatures satisfy them.
    """
    asked: list[Requirement] = []
    for ladder in policy.considerations:
        rung = policy.matrix[class_id][ladder.id]
        if rung and ladder.ladder == "replaces":
            asked.extend(_asked(policy, ladder, ladder.rungs[rung - 1], ladder.rungs[rung - 1 :]))
        elif rung:
            for measure in ladder.rungs[:rung]:
                asked.extend(_asked(policy, ladder, measure, (measure,)))
    return tuple(asked)


def _asked(
    policy: Policy, ladder: Consideration, measure: Measure, satisfied_by: tuple[Measure, ...]
) -> list[Requirement]:
    if not measure.sign_offs:
        proved = tuple(known for known in satisfied_by if not known.sign_offs)
        return [Requirement(ladder, measure, proved)]
    return [
        Requirement(ladder, measure, (measure,), plan, gate.title, gate.step)
        for plan in measure.sign_offs
        if (gate := policy.gate(plan.gate)) is not None
    ]
