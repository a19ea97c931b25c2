"""Slices printed for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.analytics.slices.significance import CORRECTIONS
from core.entrypoints.reports.printing import NONE, ends, figure, say, show_table, words
from core.services.measured.bias import BiasSlices, VersionsCompared
from core.services.measured.weak_slices import WeakSlices
from core.services.plain import Result, read_back

if TYPE_CHECKING:
    from core.analytics.intervals import Interval
    from core.analytics.slices.fairness import FairnessMeasure
    from core.analytics.slices.report import SliceFigures


def show_slices(result: Result) -> None:
    """A slice report, a slice a line, and what it comes down to."""
    found = read_back(BiasSlices, result)
    report, of = found.report, found.batches
    what = f"{report.metric.title} by {' and '.join(words(feature) for feature in found.by)}"
    say(f"{what}: {of.initiative} version {of.version}, {of.rows:,} rows")
    lines = [
        (
            line.label,
            f"{line.rows:,}",
            _value(line),
            _interval(line.interval),
            figure(line.gap),
            figure(line.ratio),
            _chance(line.adjusted_p),
            words(line.verdict) if line.verdict else NONE,
            "reference" if line.is_reference else line.note or NONE,
        )
        for line in report.slices
    ]
    headings = ("Slice", "Rows", "Value", "95 % interval", "Difference", "Ratio", "p", "Verdict", "Note")
    show_table(headings, lines, right=(1, 2, 3, 4, 5, 6))
    say(f"Overall: {figure(report.overall_value)} of {report.overall_n:,} rows.")
    say(f"Held against: {report.reference_label or NONE}. Interval: {found.interval_method}.")
    correction = CORRECTIONS[report.correction]
    say(f"Of {report.tested:,} slices tested, {report.different:,} differ beyond chance ({correction}).")
    for measure in found.fairness:
        say(f"{measure.definition.title}: {_fairness(measure)}")
    if report.limit:
        verdict = f"Verdict: {words(report.verdict)}. {report.note}"
        say(f"Limit on the {report.limit.kind}: {report.limit.value:g}. {verdict}")
    elif found.limit_note:
        say(f"Verdict: cannot tell; {found.limit_note}.")


def show_weakest(result: Result) -> None:
    """The weakest slices, weakest first."""
    found = read_back(WeakSlices, result)
    search, of = found.found, found.batches
    say(f"Weakest by {search.metric.title.lower()}: {of.initiative} version {of.version}")
    lines = [
        (
            line.label,
            f"{line.n:,}",
            figure(line.value),
            _interval(line.interval),
            figure(line.gap),
            _chance(line.adjusted_p),
        )
        for line in search.slices
    ]
    show_table(("Slice", "Rows", "Value", "95 % interval", "To overall", "p"), lines, right=(1, 2, 3, 4, 5))
    say(f"Overall: {figure(search.overall.value)} of {search.overall.n:,} rows.")
    say(
        f"Searched {search.searched:,} intersections of up to {search.max_conditions} of "
        f"{len(found.features)} features; {search.judged:,} with {search.min_rows:,} rows or more "
        "were measured. p values are corrected for all searched (Bonferroni)."
    )


def show_changes(result: Result) -> None:
    """The same slices under two versions."""
    found = read_back(VersionsCompared, result)
    now, other = found.now.batches, found.other.batches
    title = found.now.report.metric.title
    say(f"{title}: {now.initiative} version {now.version} beside {other.version}")
    lines = [
        (
            change.label,
            _value(change.now),
            _value(change.other),
            figure(change.change),
            _interval(change.change_interval),
            _chance(change.adjusted_p),
            {True: "better", False: "worse", None: NONE}[change.better],
        )
        for change in found.changes
    ]
    headings = ("Slice", f"Version {now.version}", f"Version {other.version}", "Change")
    show_table((*headings, "95 % interval", "p", "Direction"), lines, right=(1, 2, 3, 4, 5))
    say(f"Beyond chance: {found.better} better, {found.worse} worse.")


def _chance(p_value: float | None) -> str:
    if p_value is None:
        return NONE
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _interval(found: Interval | None) -> str:
    return ends(found.low, found.high) if found else NONE


def _value(line: SliceFigures | None) -> str:
    if line is None:
        return "no row"
    return "undefined" if line.value is None else figure(line.value)


def _fairness(measure: FairnessMeasure) -> str:
    if measure.value is None:
        return "undefined"
    between = f"{measure.low_label} against {measure.high_label}"
    verdict = "" if measure.verdict is None else f"; {words(measure.verdict)}"
    return f"{figure(measure.value)} ({between}){verdict}"
