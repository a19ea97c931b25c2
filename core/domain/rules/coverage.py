"""How far what a policy asks, and what was proved, answers the clauses of a framework."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.domain.policy.policy import Policy
from core.domain.rules.applicability import Circumstances, applies
from core.domain.rules.frameworks import Clause, Framework


class ClauseState(StrEnum):
    """Where a clause stands for an initiative to which it applies.

    `met`: all that its class is asked for towards the clause is proved. `open`: something of it is not.
    `not_asked`: measures answer the clause, but the class is asked for none of them. `gap`: no measure
    of the policy answers it.
    """

    MET = "met"
    OPEN = "open"
    NOT_ASKED = "not_asked"
    GAP = "gap"


@dataclass(frozen=True)
class Coverage:
    """Clauses by state, of one initiative or of many added up.

    `share` is met / (met + open + gap), 0.0 to 1.0: what the class is not asked for is left out and shown
    beside it, and a gap counts against it. None where nothing is left to count. 1.0 says that every mapped
    measure asked for is proved, not that a law is kept.

    Examples
    --------
    >>> Coverage(met=3, open=1, not_asked=5, gap=0).share
    0.75
    >>> Coverage(not_asked=2).share is None
    True
    """

    met: int = 0
    open: int = 0
    not_asked: int = 0
    gap: int = 0

    @property
    def counted(self) -> int:
        """Clauses in the denominator."""
        return self.met + self.open + self.gap

    @property
    def share(self) -> float | None:
        """Part of the counted clauses that is met; None where none is counted."""
        return self.met / self.counted if self.counted else None

    def __add__(self, other: Coverage) -> Coverage:
        return Coverage(
            self.met + other.met,
            self.open + other.open,
            self.not_asked + other.not_asked,
            self.gap + other.gap,
        )


def coverage_of(states: Iterable[str]) -> Coverage:
    """Count clauses by state."""
    counted = Counter(states)
    return Coverage(*(counted[state] for state in ClauseState))


def answering(policy: Policy, clause: Clause) -> frozenset[str]:
    """Measures that answer a clause: those named, and the stricter ones of a ladder that replaces.

    What the policy does not know (an older one, say) is left out.
    """
    found: set[str] = set()
    for ladder in policy.considerations:
        places = [place for place, measure in enumerate(ladder.rungs) if measure.id in clause.measures]
        if places and ladder.ladder == "replaces":
            found.update(measure.id for measure in ladder.rungs[min(places) :])
        else:
            found.update(ladder.rungs[place].id for place in places)
    return frozenset(found)


def clause_state(policy: Policy, clause: Clause, asked: Mapping[str, bool]) -> ClauseState:
    """State of a clause that applies.

    Parameters
    ----------
    policy, clause
        The policy in force, and a clause.
    asked
        Requirement id (a measure's, or `measure:gate` where it is signed) -> satisfied, for all that the
        class of the initiative is asked for.
    """
    measures = answering(policy, clause)
    if not measures:
        return ClauseState.GAP
    proofs = [satisfied for requirement, satisfied in asked.items() if measure_of(requirement) in measures]
    if not proofs:
        return ClauseState.NOT_ASKED
    return ClauseState.MET if all(proofs) else ClauseState.OPEN


def measure_of(requirement: str) -> str:
    """The measure of a requirement's id.

    Examples
    --------
    >>> measure_of("every_move_sign_off:deployment")
    'every_move_sign_off'
    """
    return requirement.partition(":")[0]


def applicable_clauses(framework: Framework, about: Circumstances) -> tuple[Clause, ...]:
    """The clauses that apply; none where the framework itself does not."""
    if not applies(framework.when, about):
        return ()
    return tuple(clause for clause in framework.clauses if applies(clause.when, about))
