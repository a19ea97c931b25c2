"""What evaluation sets say: pass rates against limits, versions case by case, judges held together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from pydantic import Field

from core.analytics.slices.counts import SliceCounts
from core.analytics.slices.evaluations import (
    Agreement,
    PairedChange,
    PassLimits,
    PassReport,
    agreement,
    paired_change,
    pass_reports,
)
from core.connectors.evaluation_files import Case, read_cases
from core.domain.errors import BadInput, NotFound
from core.domain.facts.measured import Evaluation
from core.domain.facts.recorded import Names, Signed, named
from core.domain.given import InitiativeId, VersionId, argument, option
from core.domain.moment import Moment
from core.domain.policy.checks import CheckResult, cannot_tell
from core.domain.rules.ethics import EvaluationLimit
from core.ground import IN_PLACE, Verdict, VerdictName, in_words, worst
from core.lake import directory
from core.lake.facts import newest
from core.services.case import registered
from core.services.governance import Governance
from core.services.measured.evaluations import CHECK, JUDGES

E = TypeVar("E", bound=Evaluation)
_SHOWN = 200
"""Cases on which two versions or judges part, that an answer lists."""


@dataclass(frozen=True, kw_only=True)
class EvaluationLine(Signed, Evaluation):
    """An evaluation with who added it, or withdrew it, and its judge as people read it.

    `verdict` is on all its limits; None where it was withdrawn, or the ethical position sets none. `absent`
    counts cases that earlier evaluations of the set have, of any version; `lenient` says that its judge let
    cases of the set pass from a higher grade before. With either it is never a pass.
    """

    judge_name: str
    verdict: VerdictName | None = None
    absent: int = 0
    lenient: bool = False

    @property
    def judged_by(self) -> str:
        """The judge, and what it is."""
        return f"{self.judge_name} ({JUDGES[self.judge_kind]})"

    @property
    def rate(self) -> float:
        """Share of cases that passed."""
        return self.passed / self.cases


@dataclass(frozen=True)
class EvaluationReport:
    """An evaluation with its pass rates against the limits, and the others of its version.

    `rule` is the limit as a sentence, empty where the ethical position sets none, and `least` its pass rate.
    `others` are versions with an evaluation of the same set, `judges` how many graded it for this version.
    """

    initiative: str
    version: str
    shown: EvaluationLine
    reports: tuple[PassReport, ...]
    rule: str
    least: float | None
    position: str
    others: tuple[str, ...]
    judges: int
    evaluations: tuple[EvaluationLine, ...]


@dataclass(frozen=True)
class TurnedCase:
    """A case on which two versions, or two judges, part; `first` and `second` say whether it passed."""

    case: str
    first: bool
    second: bool
    categories: tuple[tuple[str, str], ...]
    first_texts: tuple[tuple[str, str], ...] = ()
    second_texts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class EvaluationsCompared:
    """Two versions on the cases that both answered; `alone` counts those of one only, first and second.

    `turned` lists cases lost first, then those won, at most 200; `notes` say what stands in the way.
    """

    first: EvaluationLine
    second: EvaluationLine
    change: PairedChange = field(metadata=IN_PLACE)
    alone: tuple[int, int]
    turned: tuple[TurnedCase, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class JudgesCompared:
    """Two judges on the answers of one version; `parted` lists cases on which they differ, at most 200."""

    first: EvaluationLine
    second: EvaluationLine
    agreement: Agreement = field(metadata=IN_PLACE)
    alone: tuple[int, int]
    parted: tuple[TurnedCase, ...]
    notes: tuple[str, ...]


def evaluation_report(
    governance: Governance,
    moment: Moment,
    *,
    initiative: InitiativeId,
    version: VersionId = "",
    evaluation: Annotated[
        str, Field(description="An evaluation by name; the worst newest one unless told."), option("--kept")
    ] = "",
) -> EvaluationReport:
    """Show the pass rates of an evaluation by category against the limits, and all evaluations of a version.

    Raises
    ------
    NotFound
        No such initiative or evaluation; none of this version is on record.
    """
    known = _OnRecord.of(governance, moment, initiative)
    own = [one for one in known.facts if one.version == version]
    if not own:
        raise _none(initiative, version)
    lines = tuple(known.line(one) for one in reversed(own))
    shown = _shown(lines, evaluation)
    alike = [one for one in known.facts if one.dataset == shown.dataset and one.state == "in use"]
    limit = known.limit
    return EvaluationReport(
        initiative,
        version,
        shown,
        known.reports(shown),
        f"{limit.sentence}; {limit.groups}" if limit else "",
        limit.least_pass_rate if limit else None,
        known.position,
        tuple(dict.fromkeys(one.version for one in alike if one.version != version)),
        len({one.judge for one in alike if one.version == version}),
        lines,
    )


def evaluation_counts(governance: Governance, moment: Moment) -> dict[tuple[str, str], int]:
    """How many evaluations in use each version has, by initiative and version."""
    known = newest(governance.store, Evaluation, moment)
    return dict(Counter((one.initiative, one.version) for one in known if one.state == "in use"))


def _none(initiative: str, version: str) -> NotFound:
    return NotFound(
        f"no evaluation of version '{version[:20]}' is on record",
        where=initiative,
        remedy="Add one with 'governance evaluation add'.",
    )


def _shown(lines: Sequence[EvaluationLine], wanted: str) -> EvaluationLine:
    """The one that is named, or of the newest of each set and judge the one with the worst verdict."""
    if wanted:
        found = next((line for line in lines if line.evaluation == wanted), None)
        if found is None:
            known = ", ".join(line.evaluation for line in lines)
            raise NotFound(f"this version has no evaluation '{wanted[:20]}'", remedy=f"It has: {known}.")
        return found
    counting = _counting(lines) or lines
    return min(counting, key=lambda line: _severity(line.verdict))


def _severity(verdict: VerdictName | None) -> int:
    return ("fail", "cannot_tell", "pass", None).index(verdict)


def _counting(newest_first: Sequence[E]) -> list[E]:
    """The newest in use of each version, set and judge."""
    found: dict[tuple[str, str, str], E] = {}
    for one in newest_first:
        if one.state == "in use":
            found.setdefault((one.version, one.dataset, one.judge), one)
    return list(found.values())


@dataclass(frozen=True)
class _OnRecord:
    """The evaluations of an initiative, in the order of the record, and what they are held to."""

    governance: Governance
    limit: EvaluationLimit | None
    position: str
    names: Names
    facts: tuple[Evaluation, ...]

    @classmethod
    def of(cls, governance: Governance, moment: Moment, initiative: str) -> _OnRecord:
        position = governance.position(moment)
        limit = position.evaluation_for(registered(governance, initiative, moment).domain)
        facts = newest(governance.store, Evaluation, moment, initiative)
        return cls(governance, limit, position.version, directory.names(governance.store, moment), facts)

    def line(self, one: Evaluation) -> EvaluationLine:
        judge = self.names[one.judge] if one.judge_kind == "person" else one.judge
        more = {"absent": self.absent(one), "lenient": self.lenient(one)}
        verdict = self.verdict(one)
        told = "cannot_tell" if any(more.values()) and verdict == "pass" else verdict
        return named(EvaluationLine, one, self.names, judge_name=judge, verdict=told, **more)

    def verdict(self, one: Evaluation) -> VerdictName | None:
        if self.limit is None or one.state != "in use":
            return None
        return worst(report.verdict or "pass" for report in self.reports(one))

    def reports(self, one: Evaluation) -> tuple[PassReport, ...]:
        def judge() -> tuple[PassReport, ...]:
            cases = self.cases(one)
            by_column = {column: _counts(cases, place) for place, column in enumerate(one.categories)}
            limits = _held_to(self.limit) if self.limit else None
            found = pass_reports(one.passed, one.cases, by_column, limits)
            return found if by_column or limits is None else (*found, _UNPARTED)

        key = (one.sha256, self.limit)
        return self.governance.memory.recall("evaluation reports", key, judge, room=64)

    def cases(self, one: Evaluation) -> tuple[Case, ...]:
        """The cases of an evaluation, kept in memory by their digest."""
        file = self.governance.store.folder / one.path
        if not file.is_file():
            raise NotFound(
                "the cases of this evaluation are gone", where=one.path, remedy="Restore the file."
            )
        memory = self.governance.memory
        return memory.recall("evaluation cases", one.sha256, lambda: read_cases(file), room=32)

    def absent(self, one: Evaluation) -> int:
        """Cases that an earlier evaluation of the set has, of any version, and this one has not."""
        there = {case.case for other in self.before(one) for case in self.cases(other)}
        return len(there - {case.case for case in self.cases(one)})

    def lenient(self, one: Evaluation) -> bool:
        """Whether the judge let cases of the set pass from a higher grade before."""
        own = [other.threshold for other in self.before(one) if other.judge == one.judge]
        return one.threshold is not None and one.threshold < max(filter(None, own), default=one.threshold)

    def before(self, one: Evaluation) -> list[Evaluation]:
        """Earlier evaluations of its set that are in use."""
        of_set = (one.dataset, "in use")
        return [
            other for other in self.facts if (other.dataset, other.state) == of_set and other.seq < one.seq
        ]

    @property
    def counting(self) -> list[Evaluation]:
        """The newest in use of each version, set and judge, newest first."""
        return _counting(tuple(reversed(self.facts)))

    def joined(self, first: Evaluation, second: Evaluation) -> _Joined:
        return _Joined(self.cases(first), self.cases(second))


def _held_to(limit: EvaluationLimit) -> PassLimits:
    return PassLimits(limit.least_pass_rate, limit.largest_gap, limit.min_cases, limit.small_categories)


_UNPARTED = PassReport(
    "category", (), "cannot_tell", "No column of categories is named, so how far they are apart is open."
)


def _counts(cases: Sequence[Case], place: int) -> list[SliceCounts]:
    """Counts of each category of a column, by name."""
    rows = Counter(case.categories[place] for case in cases)
    good = Counter(case.categories[place] for case in cases if case.passed)
    return [
        SliceCounts((key,), "binary", rows[key], predicted=rows[key], selected=good[key])
        for key in sorted(rows)
    ]


def compare_evaluations(
    governance: Governance,
    moment: Moment,
    *,
    initiative: InitiativeId,
    first: Annotated[str, Field(description="A model version."), argument("FIRST")],
    second: Annotated[str, Field(description="The version held against it."), argument("SECOND")],
    dataset: Annotated[
        str, Field(description="Set; the newest that both have where none is named."), option("--set")
    ] = "",
    judge: Annotated[str, Field(description="Judge; one that graded both where none is named.")] = "",
) -> EvaluationsCompared:
    """Compare two versions case by case on a set: McNemar's test, and the cases that turned.

    Raises
    ------
    NotFound, BadInput
        No such initiative; no set that both versions answered; no case in common.
    """
    known = _OnRecord.of(governance, moment, initiative)
    sides = [[one for one in known.counting if one.version == version] for version in (first, second)]
    for version, side in zip((first, second), sides, strict=True):
        if not side:
            raise _none(initiative, version)
    one, other = _pair(sides[0], sides[1], dataset, judge)
    table = known.joined(one, other)
    change = paired_change(*table.counts)
    notes = list(table.notes("version"))
    if one.judge != other.judge:
        notes.append("different judges graded the two versions, so that a change may be the judge's")
    if one.threshold != other.threshold:
        notes.append("the grade from which a case passes differs between the two")
    return EvaluationsCompared(
        known.line(one), known.line(other), change, table.alone, table.parted, tuple(notes)
    )


def compare_judges(
    governance: Governance,
    moment: Moment,
    *,
    initiative: InitiativeId,
    version: VersionId = "",
    dataset: Annotated[
        str, Field(description="Set; the newest judged twice where none is named."), option("--set")
    ] = "",
    judges: Annotated[
        tuple[str, ...], Field(description="Two judges; else the two newest."), option("--judge", values=2)
    ] = (),
) -> JudgesCompared:
    """Hold two judges of the same answers together: share agreed, Cohen's kappa, Gwet's AC1.

    Raises
    ------
    NotFound, BadInput
        No such initiative; no set of this version was judged twice; no case in common.
    """
    known = _OnRecord.of(governance, moment, initiative)
    own = [one for one in known.counting if one.version == version]
    fits = [one for one in own if dataset in ("", one.dataset) and (not judges or one.judge in judges)]
    twice = Counter(one.dataset for one in fits)
    chosen = [one for one in fits if twice[one.dataset] > 1]
    if not chosen:
        raise NotFound(
            f"no set of version '{version[:20]}' was graded by two judges",
            where=initiative,
            remedy="Add the same cases as graded by another judge.",
        )
    second, first = [one for one in chosen if one.dataset == chosen[0].dataset][:2]
    table = known.joined(first, second)
    return JudgesCompared(
        known.line(first),
        known.line(second),
        agreement(*table.counts),
        table.alone,
        table.parted,
        table.notes("judge"),
    )


def _pair(
    first: Sequence[Evaluation], second: Sequence[Evaluation], dataset: str, judge: str
) -> tuple[Evaluation, Evaluation]:
    """The newest pair of one set, by one judge where there is such a pair."""
    fits = [
        (one, other)
        for one in first
        for other in second
        if one.dataset == other.dataset
        and dataset in ("", one.dataset)
        and judge in ("", one.judge)
        and judge in ("", other.judge)
    ]
    if not fits:
        sets = ", ".join(sorted({one.dataset for one in (*first, *second)}))
        raise NotFound(
            "the two versions have no evaluation of one set", remedy=f"There are, of either: {sets}."
        )
    return max(fits, key=lambda pair: (pair[0].judge == pair[1].judge, pair[1].seq, pair[0].seq))


class _Joined:
    """The cases of two evaluations, joined by their ids."""

    def __init__(self, first: Sequence[Case], second: Sequence[Case]) -> None:
        self.second = {case.case: case for case in second}
        self.pairs = [(case, self.second[case.case]) for case in first if case.case in self.second]
        self.alone = len(first) - len(self.pairs), len(second) - len(self.pairs)
        if not self.pairs:
            raise BadInput("the two have no case in common", remedy="Look at the ids of the cases.")

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Cases passed by both, by the first alone, by the second alone, by none."""
        found = Counter((one.passed, other.passed) for one, other in self.pairs)
        return found[True, True], found[True, False], found[False, True], found[False, False]

    @property
    def parted(self) -> tuple[TurnedCase, ...]:
        """Cases on which the two part: lost ones first, in the order of the set."""
        parted = [(one, other) for one, other in self.pairs if one.passed != other.passed]
        parted.sort(key=lambda pair: pair[1].passed)
        lost = [pair for pair in parted if pair[0].passed][: _SHOWN // 2]
        won = [pair for pair in parted if pair[1].passed][: _SHOWN - len(lost)]
        return tuple(
            TurnedCase(one.case, one.passed, other.passed, other.categories, one.texts, other.texts)
            for one, other in (*lost, *won)
        )

    def notes(self, side: str) -> tuple[str, ...]:
        """What is to be known of which cases were compared."""
        first, second = self.alone
        told = (
            f"left out, as one alone has them: {first:,} cases of the first {side}, {second:,} of the second"
        )
        return (told,) if first or second else ()


def check_evaluation_limit(
    governance: Governance, initiative: str, version: str, moment: Moment
) -> CheckResult:
    """Hold the newest evaluations of a version to the limits: of each set, the worst set counts.

    A set passes by the worst of the judges who graded all its cases; one who graded a part of them can fail
    it and never passes it. The message names the judge and what it is, what was withdrawn, and the position.
    """
    known = _OnRecord.of(governance, moment, initiative)
    own = [one for one in reversed(known.facts) if one.version == version]
    withdrawn = sum(one.state == "withdrawn" for one in own)
    gone = f"; {withdrawn:,} withdrawn before" if withdrawn else ""
    counting = [known.line(one) for one in _counting(own)]
    if not counting:
        why = f"this model version has no evaluation set in use{gone}"
        return cannot_tell(CHECK, why, "Add one with 'governance evaluation add'.")
    if known.limit is None:
        why = f"ethical position {known.position} sets no limit on evaluation sets"
        return cannot_tell(CHECK, why, "Let the position say what they are held to, under 'evaluation'.")
    sets = [_of_set(lines) for lines in _by_set(counting)]
    line = min(sets, key=lambda one: _severity(one.verdict))
    others = f"; the worst of {len(sets)} sets" if len(sets) > 1 else ""
    times = sum((one.dataset, one.judge) == (line.dataset, line.judge) for one in own)
    again = f"; evaluated {times:,} times, and the newest counts" if times > 1 else ""
    return CheckResult(
        CHECK,
        Verdict(line.verdict or "cannot_tell"),
        f"{_told(known, line)}{again}{others}{gone} (ethical position {known.position})",
        ""
        if line.verdict == "pass"
        else "Look at the cases that failed, by category; mend them, or add cases.",
        observed=line.rate,
        limit=known.limit.least_pass_rate,
    )


def _by_set(lines: Sequence[EvaluationLine]) -> list[list[EvaluationLine]]:
    return [[one for one in lines if one.dataset == name] for name in dict.fromkeys(o.dataset for o in lines)]


def _of_set(lines: Sequence[EvaluationLine]) -> EvaluationLine:
    """The worst of those that are whole or fail; where none is, the worst of all."""
    deciding = [one for one in lines if not (one.absent or one.lenient) or one.verdict == "fail"]
    return min(deciding or lines, key=lambda one: _severity(one.verdict))


def _told(known: _OnRecord, line: EvaluationLine) -> str:
    """What is said of an evaluation: how many pass, who graded, and what decided."""
    verdict = known.verdict(line)
    decided = next(report for report in known.reports(line) if (report.verdict or "pass") == verdict)
    by = f", by {in_words(decided.by)}" if decided.by else ""
    absent = f"; {line.absent:,} cases of the set are absent" if line.absent else ""
    absent += "; a lower grade passes than before" if line.lenient else ""
    return (
        f"{line.dataset}: {line.passed:,} of {line.cases:,} cases pass ({line.rate:.1%}), graded by "
        f"{line.judged_by}{by}: {decided.note.rstrip('.')}{absent}"
    )
