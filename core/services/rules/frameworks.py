"""Frameworks: which clauses apply to whom, their coverage over the inventory, and down to the proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from core.domain.errors import NotFound
from core.domain.facts.rules import InitiativeRegions
from core.domain.moment import Moment
from core.domain.policy.checks import CHECKS
from core.domain.policy.policy import Policy
from core.domain.process.facts import Registration
from core.domain.rules.frameworks import (
    Circumstances,
    Clause,
    ClauseState,
    Coverage,
    Framework,
    Frameworks,
    Standing,
    answering,
    applicable_clauses,
    measure_of,
)
from core.lake.facts import latest
from core.lake.memory import remembered
from core.lake.process import clause_tally as lake
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
    frameworks = governance.rules(moment).frameworks
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


@dataclass(frozen=True)
class ClauseLine:
    """A clause with the measures that answer it and how many initiatives stand where.

    `measures` are titles; a stricter measure of the same ladder answers the clause too. `binding` is False
    where the clause has to be kept only from a later day on.
    """

    clause: Clause
    measures: tuple[str, ...]
    coverage: Coverage
    binding: bool

    @property
    def initiatives(self) -> int:
        """Initiatives to which the clause applies."""
        return self.coverage.counted + self.coverage.not_asked


@dataclass(frozen=True)
class FrameworkLine:
    """A framework with its coverage over all initiatives to which it applies, by risk class and by clause.

    Clauses are counted once per initiative. `gaps` are clauses that no measure answers, `partly` those that
    a measure answers only in part.
    """

    framework: Framework
    standing: Standing
    initiatives: int
    coverage: Coverage
    by_class: Mapping[str, Coverage]
    gaps: int
    partly: int
    clauses: tuple[ClauseLine, ...]


@dataclass(frozen=True)
class FrameworkOverview:
    """All frameworks, and the coverage of those that count: neither superseded nor still to come."""

    version: str
    lines: tuple[FrameworkLine, ...]
    overall: Coverage

    def line(self, framework: str) -> FrameworkLine:
        """One framework of the overview."""
        known = next((line for line in self.lines if line.framework.id == framework), None)
        if known is None:
            raise _unknown_framework(framework, [line.framework.id for line in self.lines])
        return known


@dataclass(frozen=True)
class ProofLine:
    """A requirement that stands for a clause at one initiative, and what proves it.

    `proof` says it in words; `seq` is the record entry of the evidence, None where there is none.
    """

    initiative: str
    name: str
    team: str
    class_title: str
    measure: str
    status: str
    satisfied: bool
    proof: str
    seq: int | None
    due_on: date
    expires_on: date | None


def framework_overview(governance: Governance, moment: Moment) -> FrameworkOverview:
    """Coverage of every framework over the whole inventory, and of all that count together."""
    counted = _count(governance, moment)
    lines = tuple(counted.line(known) for known in governance.rules(moment).frameworks.frameworks)
    counting = [line.coverage for line in lines if line.framework.counts(moment.day)]
    return FrameworkOverview(governance.rules(moment).frameworks.version, lines, sum(counting, Coverage()))


@dataclass(frozen=True)
class _Counted:
    """The whole inventory's clauses, counted in one query."""

    policy: Policy
    day: date
    scope: lake.ClauseScope
    tally: Sequence[lake.Counted]

    def line(self, framework: Framework) -> FrameworkLine:
        own = [row for row in self.tally if row.framework == framework.id]
        concerned = {profile for profile, of, _, _ in self.scope.clauses if of == framework.id}
        return FrameworkLine(
            framework,
            framework.standing(self.day),
            sum(profile in concerned for profile in self.scope.profiles.values()),
            _coverage(own),
            {
                class_id: _coverage([row for row in own if row.class_id == class_id])
                for class_id in self.policy.class_order
            },
            sum(not answering(self.policy, clause) for clause in framework.clauses),
            sum(bool(clause.gap and clause.measures) for clause in framework.clauses),
            tuple(self._clause(clause, own) for clause in framework.clauses),
        )

    def _clause(self, clause: Clause, rows: Sequence[lake.Counted]) -> ClauseLine:
        own = [row for row in rows if row.clause == clause.id]
        known = self.policy.measures
        titles = tuple(known[measure].title for measure in clause.measures if measure in known)
        binding = clause.binding_from is None or clause.binding_from <= self.day
        return ClauseLine(clause, titles, _coverage(own), binding)


@remembered(room=4)
def _count(governance: Governance, moment: Moment) -> _Counted:
    policy = governance.policy(moment)
    scope = clause_scope(governance, policy, moment)
    tally = lake.clause_tally(governance.store, policy, moment, scope)
    return _Counted(policy, moment.day, scope, tally)


def _coverage(rows: Sequence[lake.Counted]) -> Coverage:
    counted = dict.fromkeys(ClauseState, 0)
    for row in rows:
        counted[ClauseState(row.state)] += row.initiatives
    return Coverage(**{state.value: number for state, number in counted.items()})


def clause_proofs(
    governance: Governance, moment: Moment, *, framework: str, clause: str, initiative: str = ""
) -> tuple[ProofLine, ...]:
    """Follow a clause to the proof: its measures at every initiative concerned, what is not met first.

    An empty `initiative` lists all to which the clause applies.
    """
    known = find_clause(find_framework(governance, moment, framework), clause)
    policy = governance.policy(moment)
    scope = clause_scope(governance, policy, moment)
    concerned = {profile for profile, of, what, _ in scope.clauses if (of, what) == (framework, clause)}
    initiatives = [
        name for name, profile in scope.profiles.items() if profile in concerned and initiative in ("", name)
    ]
    rows = lake.clause_proofs(governance.store, policy, moment, answering(policy, known), initiatives)
    return tuple(proof_line(policy, row) for row in rows)


def proof_line(policy: Policy, proof: lake.ClauseProof) -> ProofLine:
    """A proof in words."""
    policy = policy.of(proof.kind)
    return ProofLine(
        proof.initiative,
        proof.name,
        proof.team,
        policy.class_title(proof.class_id),
        _requirement_title(policy, proof.requirement),
        proof.status,
        proof.satisfied,
        _proof_words(policy, proof),
        proof.seq,
        proof.due_on,
        proof.expires_on,
    )


def find_framework(governance: Governance, moment: Moment, framework: str) -> Framework:
    """A framework by its id."""
    known = governance.rules(moment).frameworks.by_id.get(framework)
    if known is None:
        raise _unknown_framework(framework, list(governance.rules(moment).frameworks.by_id))
    return known


def _unknown_framework(framework: str, known: Sequence[str]) -> NotFound:
    names = ", ".join(known)
    return NotFound(f"'{framework[:60]}' is no known framework", remedy=f"Use one of: {names}.")


def find_clause(framework: Framework, clause: str) -> Clause:
    """A clause of a framework by its id."""
    known = framework.clause(clause)
    if known is None:
        names = ", ".join(known.id for known in framework.clauses)
        raise NotFound(f"'{clause[:60]}' is no clause", where=framework.short, remedy=f"Use one of: {names}.")
    return known


def _requirement_title(policy: Policy, requirement: str) -> str:
    measure, _, gate = requirement.partition(":")
    title = policy.measures[measure].title
    known = policy.gate(gate)
    return f"{title}, at “{known.title}”" if known else title


def _proof_words(policy: Policy, proof: lake.ClauseProof) -> str:
    """What proves a requirement, or what is there so far."""
    if proof.status == "waived":
        return f"Waived until {proof.expires_on:%Y-%m-%d}"
    measure = policy.measures[measure_of(proof.proved_by)]
    said = []
    if measure.evidence is not None:
        said.append(_evidence_words(proof))
    for check in measure.checks:
        title = CHECKS[check].title if check in CHECKS else check
        run = proof.checks.get(check)
        verdict = f"{run.verdict.value.replace('_', ' ')} on {run.run_on}" if run else "has not run"
        said.append(f"{title}: {verdict}")
    if measure.sign_offs:
        said.append("signed at the gate" if proof.satisfied else "not signed at the gate")
    sentence = "; ".join(said)
    return f"{sentence[:1].upper()}{sentence[1:]}"


def _evidence_words(proof: lake.ClauseProof) -> str:
    if proof.seq is None:
        return "nothing has been submitted"
    kept = f"file {proof.file_name}" if proof.sha256 else f"link {proof.link}"
    past = f", expired {proof.expires_on:%Y-%m-%d}" if proof.expires_on and not proof.satisfied else ""
    return f"“{proof.title}” ({kept}) by {proof.actor_name} on {proof.recorded_at:%Y-%m-%d}{past}"
