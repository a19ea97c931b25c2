"""Slices printed for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.analytics.slices.significance import CORRECTIONS
from core.entrypoints.reports.printing import NONE, figure, interval, say, show_table, words

Result = Mapping[str, Any]


def show_slices(result: Result) -> None:
    """A slice report, a slice a line, and what it comes down to."""
    metric, limit = result["metric"], result["limit"]
    what = f"{metric['title']} by {' and '.join(words(feature) for feature in result['by'])}"
    say(f"{what}: {result['initiative']} version {result['version']}, {result['rows']:,} rows")
    lines = [
        (
            line["label"],
            f"{line['rows']:,}",
            figure(line["value"]) if line["value"] is not None else "undefined",
            interval(line["interval"]),
            figure(line["gap"]),
            figure(line["ratio"]),
            chance(line["adjusted_p"]),
            words(line["verdict"]) if line["verdict"] else NONE,
            "reference" if line["is_reference"] else line["note"] or NONE,
        )
        for line in result["slices"]
    ]
    headings = ("Slice", "Rows", "Value", "95 % interval", "Difference", "Ratio", "p", "Verdict", "Note")
    show_table(headings, lines, right=(1, 2, 3, 4, 5, 6))
    say(f"Overall: {figure(result['overall_value'])} of {result['overall_n']:,} rows.")
    say(f"Held against: {result['reference_label'] or NONE}. Interval: {result['interval_method']}.")
    correction = CORRECTIONS[result["correction"]]
    say(
        f"Of {result['tested']:,} slices tested, {result['different']:,} differ beyond chance ({correction})."
    )
    for measure in result["fairness"]:
        say(f"{measure['definition']['title']}: {_fairness(measure)}")
    if limit:
        verdict = f"Verdict: {words(result['verdict'])}. {result['note']}"
        say(f"Limit on the {limit['kind']}: {limit['value']:g}. {verdict}")
    elif result["limit_note"]:
        say(f"Verdict: cannot tell; {result['limit_note']}.")


def show_weakest(result: Result) -> None:
    """The weakest slices, weakest first."""
    title = result["metric"]["title"]
    say(f"Weakest by {title.lower()}: {result['initiative']} version {result['version']}")
    lines = [
        (
            line["label"],
            f"{line['n']:,}",
            figure(line["value"]),
            interval(line["interval"]),
            figure(line["gap"]),
            chance(line["adjusted_p"]),
        )
        for line in result["slices"]
    ]
    show_table(("Slice", "Rows", "Value", "95 % interval", "To overall", "p"), lines, right=(1, 2, 3, 4, 5))
    say(f"Overall: {figure(result['overall']['value'])} of {result['overall']['n']:,} rows.")
    say(
        f"Searched {result['searched']:,} intersections of up to {result['max_conditions']} of "
        f"{len(result['features'])} features; {result['judged']:,} with {result['min_rows']:,} rows or more "
        "were measured. p values are corrected for all searched (Bonferroni)."
    )


def show_changes(result: Result) -> None:
    """The same slices under two versions."""
    now, other = result["now"], result["other"]
    say(f"{now['metric']['title']}: {now['initiative']} version {now['version']} beside {other['version']}")
    lines = [
        (
            change["label"],
            _value(change["now"]),
            _value(change["other"]),
            figure(change["change"]),
            interval(change["change_interval"]),
            chance(change["adjusted_p"]),
            {True: "better", False: "worse", None: NONE}[change["better"]],
        )
        for change in result["changes"]
    ]
    headings = ("Slice", f"Version {now['version']}", f"Version {other['version']}", "Change")
    show_table((*headings, "95 % interval", "p", "Direction"), lines, right=(1, 2, 3, 4, 5))
    say(f"Beyond chance: {result['better']} better, {result['worse']} worse.")


def chance(p_value: float | None) -> str:
    """A p value as people read it."""
    if p_value is None:
        return NONE
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _value(line: Result | None) -> str:
    if line is None:
        return "no row"
    return "undefined" if line["value"] is None else figure(line["value"])


def _fairness(measure: Result) -> str:
    if measure["value"] is None:
        return "undefined"
    ends = f"{measure['low_label']} against {measure['high_label']}"
    verdict = "" if measure["verdict"] is None else f"; {words(measure['verdict'])}"
    return f"{figure(measure['value'])} ({ends}){verdict}"
