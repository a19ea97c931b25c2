"""Which frameworks and clauses apply to which initiative, from what was registered and recorded."""

from __future__ import annotations

from collections.abc import Sequence

from core.domain.facts.rules import InitiativeRegions
from core.domain.moment import Moment
from core.domain.policy.policy import Policy
from core.domain.process.facts import Registration
from core.domain.rules.applicability import Circumstances
from core.domain.rules.coverage import answering, applicable_clauses
from core.domain.rules.frameworks import Frameworks
from core.lake.facts import latest
from core.lake.process.clause_tally import ClauseScope, InScope, initiatives_in_scope
from core.services.governance import Governance


def circumstances(
    frameworks: Frameworks, known: InScope | Registration, regions: Sequence[str] | None
) -> Circumstances:
    """What rules look at of an initiative; without regions of its own it takes the organisation's."""
    return Circumstances(
        known.domain, known.answers, frozenset(frameworks.operates_in if regions is None else regions)
    )


def own_regions(governance: Governance, initiative: str, moment: Moment) -> tuple[str, ...] | None:
    """Regions recorded for an initiative; None where it has recorded none."""
    found = latest(governance.store, InitiativeRegions, moment, initiative)
    return found.regions if found else None


def clause_scope(governance: Governance, policy: Policy, moment: Moment) -> ClauseScope:
    """Work out for every initiative which clauses apply; initiatives with the same ones share a profile."""
    frameworks = governance.frameworks
    answers = {
        (framework.id, clause.id): answering(policy, clause)
        for framework in frameworks.frameworks
        for clause in framework.clauses
    }
    looked_at = sorted(frameworks.questions)
    numbers: dict[tuple[tuple[str, str], ...], int] = {}
    seen: dict[tuple[object, ...], int] = {}
    profiles: dict[str, int] = {}
    for known in initiatives_in_scope(governance.store, moment):
        about = circumstances(frameworks, known, known.regions)
        key = (about.domain, about.regions, *(tuple(about.answers.get(one, ())) for one in looked_at))
        if key not in seen:  # many initiatives are alike in what rules look at
            seen[key] = numbers.setdefault(_applying(frameworks, about), len(numbers))
        profiles[known.initiative] = seen[key]
    return ClauseScope(
        [(*clause, measure) for clause, measures in answers.items() for measure in sorted(measures)],
        profiles,
        [
            (number, framework, clause, not answers[framework, clause])
            for applying, number in numbers.items()
            for framework, clause in applying
        ],
    )


def _applying(frameworks: Frameworks, about: Circumstances) -> tuple[tuple[str, str], ...]:
    return tuple(
        (framework.id, clause.id)
        for framework in frameworks.frameworks
        for clause in applicable_clauses(framework, about)
    )
