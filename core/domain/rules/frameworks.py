"""Laws, supervisory texts, guidance and standards as data: clauses in our own words, and what answers them.

The shape of `config/frameworks.yaml`. Which measures of the policy answer a clause is our reading; it is
no legal advice, and nobody who met all measures has thereby met a law.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from core.domain.errors import Fault, Path, refusal
from core.domain.facts.rules import RightAnswer
from core.domain.policy.policy import Policy
from core.domain.rules.ethics import Ethics
from core.ground import Checked, Id, Text


class Right(Checked):
    """A right: what somebody may ask for, and within how many days at most it is answered.

    `gdpr` and `ccpa` name where it stands; empty where that law has no such right.
    """

    id: Id
    title: Text
    asks: Text
    think_of: Text
    gdpr: Text
    ccpa: Text | None = None
    most_days: Annotated[int, Field(ge=0, le=366)]


class Rights(Checked):
    """All rights, from `config/rights.yaml`; `when` says which initiatives have to answer them."""

    when: Annotated[tuple[Rule, ...], Field(min_length=1)]
    rights: Annotated[tuple[Right, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> Rights:
        ids = [right.id for right in self.rights]
        for place, one in enumerate(ids):
            if one in ids[:place]:
                raise refusal(("rights", place, "id"), f"right '{one}' is listed twice", "Keep one of them.")
        return self

    def find(self, right_id: str) -> Right | None:
        """The right with this id, or None."""
        return next((right for right in self.rights if right.id == right_id), None)


class RightState(StrEnum):
    """Where a right stands: `open` has no answer, or nobody to give it; `planned` begins on a later day."""

    OPEN = "open"
    PLANNED = "planned"
    SETTLED = "settled"
    NOT_APPLICABLE = "not_applicable"


def right_state(answer: RightAnswer | None, people: frozenset[str], day: date) -> tuple[RightState, str]:
    """Where a right stands on a day, and why in a sentence without a full stop.

    Parameters
    ----------
    answer
        What was recorded last; None where nothing was.
    people
        Ids of everybody who may answer today.
    day
        The day we stand on.
    """
    if answer is None:
        return RightState.OPEN, "nobody has said yet how it is answered"
    if not answer.applies:
        return RightState.NOT_APPLICABLE, answer.reason or ""
    if answer.answered_by not in people:
        return RightState.OPEN, "whoever was to answer it is no longer in the directory"
    if answer.ready_on is not None and answer.ready_on > day:
        return RightState.PLANNED, f"the way to answer it is ready on {answer.ready_on:%d %B %Y}"
    return RightState.SETTLED, f"answered within {answer.within_days} days"


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


Nature = Literal["law", "supervisory", "guidance", "standard"]
Words = Annotated[str, StringConstraints(min_length=1, max_length=1500, strip_whitespace=True)]


class Standing(StrEnum):
    """Where a text stands on a day."""

    COMING = "coming"
    IN_FORCE = "in_force"
    GUIDANCE = "guidance"
    VOLUNTARY = "voluntary"
    SUPERSEDED = "superseded"


class Region(Checked):
    """A part of the world with laws of its own."""

    id: Id
    title: Text


class Milestone(Checked):
    """A day in the life of a text: what began or ended on it."""

    day: date
    what: Text


class Clause(Checked):
    """A clause, article, principle or right, by its own number and in our words.

    `measures` are those of the policy that answer it; a stricter measure of the same ladder answers it too.
    `gap` says what no measure answers. A clause needs one or the other, and may have both. `binding_from` is
    the day from which it has to be kept, where that is not the text's own.
    """

    id: Id
    number: Text
    title: Text
    asks: Words
    group: Text | None = None
    measures: tuple[Id, ...] = ()
    gap: Words | None = None
    binding_from: date | None = None
    when: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _answered_or_gap(self) -> Clause:
        if not self.measures and self.gap is None:
            what = f"clause '{self.id}' has no measure and says nothing of the gap"
            raise refusal(("id",), what, "Name measures, or say in 'gap' what is missing.")
        return self


class Framework(Checked):
    """A text with clauses: what it is, where and for whom it holds, since when, and until when.

    `nature`: a law binds; a supervisory text says what a supervisor expects; guidance and standards are
    taken up freely. `dates` tells its life; `source` names the text in words.
    """

    id: Id
    title: Text
    short: Text
    version: Text
    nature: Nature
    jurisdiction: Text
    sector: Text
    source: Words
    in_force_from: date
    superseded_on: date | None = None
    superseded_by: Id | None = None
    dates: tuple[Milestone, ...] = ()
    note: Words | None = None
    when: tuple[Rule, ...] = ()
    clauses: Annotated[tuple[Clause, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ends_once(self) -> Framework:
        if self.superseded_by is not None and self.superseded_on is None:
            remedy = "Add 'superseded_on', or take 'superseded_by' away."
            raise refusal(("superseded_by",), "a text that was superseded has a day on which it was", remedy)
        return self

    def standing(self, day: date) -> Standing:
        """Where the text stands on a day."""
        if self.superseded_on is not None and self.superseded_on <= day:
            return Standing.SUPERSEDED
        if day < self.in_force_from:
            return Standing.COMING
        return {"guidance": Standing.GUIDANCE, "standard": Standing.VOLUNTARY}.get(
            self.nature, Standing.IN_FORCE
        )

    def counts(self, day: date) -> bool:
        """Whether coverage over all frameworks counts it: neither superseded nor still to come."""
        return self.standing(day) not in (Standing.SUPERSEDED, Standing.COMING)

    def clause(self, clause_id: str) -> Clause | None:
        """The clause with this id, or None."""
        return next((clause for clause in self.clauses if clause.id == clause_id), None)


class Frameworks(Checked):
    """All frameworks, from `config/frameworks.yaml`.

    `operates_in` are the regions taken where an initiative has not recorded its own.
    """

    version: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z][0-9A-Za-z.\-]*$", max_length=40)]
    regions: Annotated[tuple[Region, ...], Field(min_length=1)]
    operates_in: Annotated[tuple[Id, ...], Field(min_length=1)]
    frameworks: Annotated[tuple[Framework, ...], Field(min_length=1)]

    @cached_property
    def by_id(self) -> dict[str, Framework]:
        """Framework by id, in the file's order."""
        return {framework.id: framework for framework in self.frameworks}

    @cached_property
    def questions(self) -> frozenset[str]:
        """Questions of the policy that any rule looks at."""
        parts: list[Framework | Clause] = [*self.frameworks]
        parts += [clause for framework in self.frameworks for clause in framework.clauses]
        return frozenset(question for part in parts for rule in part.when for question in rule.answers or ())

    def region_title(self, region_id: str) -> str:
        """Name of a region as people read it."""
        return next((region.title for region in self.regions if region.id == region_id), region_id)


@dataclass(frozen=True)
class KnownNames:
    """What rules and clauses may name."""

    measures: tuple[str, ...]
    options: dict[str, tuple[str, ...]]
    domains: tuple[str, ...]
    regions: tuple[str, ...]


def known_names(policy: Policy, ethics: Ethics, regions: Iterable[str]) -> KnownNames:
    """Gather what rules and clauses may name."""
    return KnownNames(
        tuple(policy.measures),
        {question.id: tuple(option.id for option in question.options) for question in policy.questions},
        tuple(domain.id for domain in ethics.domains),
        tuple(regions),
    )


def framework_faults(frameworks: Frameworks, policy: Policy, ethics: Ethics) -> tuple[Fault, ...]:
    """Find ids used twice, and measures, answers, domains, regions and frameworks that there are not."""
    known = known_names(policy, ethics, (region.id for region in frameworks.regions))
    faults = [*_twice(("regions",), "region", known.regions)]
    faults += _unknown(("operates_in",), "region", frameworks.operates_in, known.regions)
    ids = [framework.id for framework in frameworks.frameworks]
    faults += _twice(("frameworks",), "framework", ids)
    for place, framework in enumerate(frameworks.frameworks):
        faults += _framework(("frameworks", place), framework, ids, known)
    return tuple(faults)


def rule_faults(path: Path, when: Sequence[Rule], known: KnownNames) -> Iterator[Fault]:
    """Find what rules name that there is not; `path` leads to the list of rules."""
    for place, rule in enumerate(when):
        at = (*path, place)
        yield from _unknown((*at, "regions"), "region", rule.regions or (), known.regions)
        yield from _unknown((*at, "domains"), "domain", rule.domains or (), known.domains)
        for question, options in (rule.answers or {}).items():
            where = (*at, "answers", question)
            if question not in known.options:
                remedy = f"Use one of: {', '.join(known.options)}."
                yield Fault(where, f"'{question}' is not a known question", remedy)
            else:
                yield from _unknown(where, "answer", options, known.options[question])


def _framework(path: Path, framework: Framework, ids: list[str], known: KnownNames) -> Iterator[Fault]:
    if framework.superseded_by is not None:
        yield from _unknown((*path, "superseded_by"), "framework", (framework.superseded_by,), ids, one=True)
    yield from rule_faults((*path, "when"), framework.when, known)
    yield from _twice((*path, "clauses"), "clause", [clause.id for clause in framework.clauses])
    for place, clause in enumerate(framework.clauses):
        at = (*path, "clauses", place)
        yield from _unknown((*at, "measures"), "measure", clause.measures, known.measures)
        yield from rule_faults((*at, "when"), clause.when, known)


def _unknown(
    path: Path, kind: str, given: Sequence[str], known: Sequence[str], *, one: bool = False
) -> Iterator[Fault]:
    for place, name in enumerate(given):
        if name not in known:
            where = path if one else (*path, place)
            yield Fault(where, f"'{name}' is not a known {kind}", f"Use one of: {', '.join(known)}.")


def _twice(path: Path, kind: str, ids: Sequence[str]) -> Iterator[Fault]:
    for place, name in enumerate(ids):
        if name in ids[:place]:
            yield Fault((*path, place, "id"), f"{kind} '{name}' is listed twice", "Keep one of them.")


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
