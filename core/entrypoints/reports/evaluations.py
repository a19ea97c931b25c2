"""What the command line prints of evaluation sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from core.entrypoints.reports.printing import NONE, ends, figure, say, share, show_table, words
from core.ground import Result, read_back
from core.services.measured.evaluation_view import (
    EvaluationLine,
    EvaluationReport,
    EvaluationsCompared,
    JudgesCompared,
    TurnedCase,
)

_MOST = 20


def show_evaluation(result: Result) -> None:
    """Pass rates by category, the verdict, and the evaluations that there are."""
    found = read_back(EvaluationReport, result)
    say(f"{found.initiative} version {found.version}, {_called(found.shown)}")
    for report in found.reports:
        lines = [
            (
                line.label,
                f"{line.cases:,}",
                share(line.rate),
                ends(line.interval.low, line.interval.high, "share"),
                words(line.verdict),
                line.note or NONE,
            )
            for line in report.lines
        ]
        headings = (
            words(report.by) if report.by else "",
            "Cases",
            "Pass",
            "95 % interval",
            "Verdict",
            "Note",
        )
        if lines:
            show_table(headings, lines, right=(1, 2, 3))
        if report.by and report.verdict:
            say(f"By {words(report.by)}: {words(report.verdict)}. {report.note}")
    if found.shown.absent:
        say(f"{found.shown.absent:,} cases of the set are absent, so that it is no pass.")
    if found.shown.lenient:
        say("A lower grade passes than before, so that it is no pass.")
    if found.rule:
        verdict = words(found.shown.verdict or found.shown.state)
        say(f"Verdict: {verdict}. Ethical position {found.position}: {found.rule}.")
    else:
        say(f"Ethical position {found.position} sets no limit on evaluation sets, so nothing is judged.")
    _show_evaluations(found.evaluations)


def _show_evaluations(lines: Sequence[EvaluationLine]) -> None:
    cells = [
        (
            line.evaluation,
            line.dataset,
            line.judged_by,
            f"{line.cases:,}",
            share(line.rate),
            words(line.verdict or line.state),
            line.reason or "; ".join(line.notes) or NONE,
        )
        for line in lines
    ]
    show_table(("Evaluation", "Set", "Judged by", "Cases", "Pass", "Verdict", "Note"), cells, right=(3, 4))


def _called(line: EvaluationLine) -> str:
    return f"{line.evaluation}: {line.dataset}, graded by {line.judged_by}."


def show_change(result: Result) -> None:
    """Two versions on the same cases, and the cases that turned."""
    found = read_back(EvaluationsCompared, result)
    first, second, change = found.first, found.second, found.change
    say(f"Version {first.version}, {_called(first)}")
    say(f"Version {second.version}, {_called(second)}")
    say(
        f"Of {change.cases:,} cases in common, both pass {change.both:,}, the first alone {change.lost:,}, "
        f"the second alone {change.won:,}, none {change.neither:,}."
    )
    low, high = (100 * end for end in (change.interval.low, change.interval.high))
    say(f"Pass rate {100 * change.difference:+.1f} points, 95 % interval {low:+.1f} to {high:+.1f} (Tango).")
    say(f"Version {second.version} is {change.found}: p = {figure(change.p_value)}, {change.procedure}.")
    _show_parted(found.turned, f"Version {first.version}", f"Version {second.version}", found.notes)


def show_agreement(result: Result) -> None:
    """How far two judges agree, and where they part."""
    found = read_back(JudgesCompared, result)
    told = found.agreement
    say(_called(found.first))
    say(_called(found.second))
    interval = ends(told.agreed_interval.low, told.agreed_interval.high, "share")
    say(f"They agree on {share(told.agreed)} of {told.cases:,} cases, 95 % interval {interval}.")
    kappa = told.kappa_interval
    between = ends(kappa.low, kappa.high) if kappa else NONE
    say(f"Cohen's kappa {figure(told.kappa)}, 95 % interval {between}; Gwet's AC1 {figure(told.ac1)}.")
    _show_parted(found.parted, found.first.judge_name, found.second.judge_name, found.notes)


def _show_parted(cases: Sequence[TurnedCase], first: str, second: str, notes: Sequence[str]) -> None:
    lines = [
        (
            one.case,
            _went(one.first),
            _went(one.second),
            ", ".join(value for _, value in one.categories) or NONE,
        )
        for one in cases[:_MOST]
    ]
    if lines:
        show_table(("Case", first, second, "Categories"), lines)
    if len(cases) > _MOST:
        say(f"And {len(cases) - _MOST:,} more; --json has up to 200.")
    for note in notes:
        say(f"{note[0].upper()}{note[1:]}.")


def _went(passed: bool) -> str:
    return "pass" if passed else "fail"


SHOW: Mapping[str, Callable[[Result], None]] = {
    "evaluation show": show_evaluation,
    "evaluation compare": show_change,
    "evaluation agreement": show_agreement,
}
"""Command -> what prints its result."""
