"""Explanations and business KPIs, printed for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.entrypoints.reports.printing import NONE, figure, say, show_table, words

Result = Mapping[str, Any]


def show_explanation(result: Result) -> None:
    """The whole model, or what was asked in particular."""
    where = f"{result['initiative']} version {result['version']}"
    say(
        f"{where}: {result['rows']:,} of {result['batch_rows']:,} {result['part']} rows explained, "
        f"in {result['scale_title']} ({result['method']})."
    )
    gap = result["additivity_gap"]
    sums = "without a base value, so sums cannot be checked" if gap is None else f"sums meet within {gap:.1g}"
    say(f"Base value {figure(result['base_value'])}; {sums}.")
    if "prediction" in result:
        _show_prediction(result["prediction"])
    if "along" in result:
        _show_along(result["along"])
    if "apart" in result:
        _show_apart(result["apart"])
    if not {"prediction", "along", "apart"} & set(result):
        _show_features(result)


def _show_features(result: Result) -> None:
    lines = [
        (
            one["rank"],
            one["feature"],
            figure(one["mean_absolute"]),
            figure(one["mean_signed"]),
            figure(one["share"], "share"),
        )
        for one in result["features"]
    ]
    headings = ("Rank", "Feature", "Mean strength", "Mean push", "Share of all")
    show_table(headings, lines, right=(2, 3, 4))


def _show_prediction(found: Result) -> None:
    steps = found["waterfall"]
    answer = "" if steps["output"] is None else f", answer {figure(steps['output'])}"
    say(f"Row {found['row_id']}: raw score {figure(steps['raw_score'])}{answer}.")
    lines: list[tuple[object, ...]] = [("base value", NONE, NONE, figure(steps["base_value"]), NONE)]
    for step in steps["steps"]:
        name = step["feature"] or f"{step['folded']} others"
        value = found["values"].get(step["feature"])
        lines.append(
            (
                name,
                NONE if value is None else value,
                f"{step['contribution']:+.4f}",
                figure(step["end"]),
                NONE if step["output_change"] is None else f"{step['output_change']:+.4f}",
            )
        )
    headings = ("Feature", "Value", "Contribution", "Score so far", "Moves the answer by")
    show_table(headings, lines, right=(2, 3, 4))
    if steps["gap"] is not None:
        say(f"Base and contributions miss the score by {abs(steps['gap']):.1g}.")


def _show_along(found: Result) -> None:
    lines = [
        (p["label"], f"{p['rows']:,}", figure(p["mean"]), f"{figure(p['p10'])} to {figure(p['p90'])}")
        for p in found["points"]
    ]
    headings = (words(found["feature"]), "Rows", "Mean contribution", "Eight in ten from, to")
    show_table(headings, lines, right=(1, 2))


def _show_apart(found: Result) -> None:
    gap = found["gap"]
    first, second = gap["first"], gap["second"]
    say(
        f"{words(found['by'])}: {first['name']} ({first['rows']:,} rows) minus {second['name']} "
        f"({second['rows']:,} rows); mean raw scores differ by {gap['score_gap']:+.4f}."
    )
    lines = [
        (
            one["feature"],
            figure(one["first"]),
            figure(one["second"]),
            f"{one['gap']:+.4f}",
            NONE if one["low"] is None else f"{one['low']:+.4f} to {one['high']:+.4f}",
        )
        for one in gap["features"]
    ]
    show_table(
        ("Feature", first["name"], second["name"], "Difference", "95 % interval"), lines, right=(1, 2, 3)
    )
    if not gap["enough"]:
        say("Cannot tell: a group has fewer than 30 explained rows.")


def show_kpi_list(result: Result) -> None:
    """The business KPIs of all initiatives, one a line."""
    lines = [
        (
            one["title"],
            one["promise"]["name"],
            amount(one["achieved"]["value"], one["promise"]["unit"]),
            amount(one["promise"]["target"], one["promise"]["unit"]),
            one["promise"]["target_on"],
            words(one["achieved"]["standing"]),
        )
        for one in result["kpis"]
    ]
    headings = ("Initiative", "Business KPI", "Achieved", "Target", "By", "Standing")
    show_table(headings, lines, right=(2, 3))


def show_kpis_in_full(result: Result) -> None:
    """The business KPIs of one initiative with what was observed."""
    if not result["kpis"]:
        say("No business KPI is promised.")
    for kpi in result["kpis"]:
        promise, achieved = kpi["promise"], kpi["achieved"]
        unit = promise["unit"]
        say(
            f"{promise['name']} ({promise['kpi']}): from {amount(promise['baseline'], unit)} on "
            f"{promise['baseline_on']} to {amount(promise['target'], unit)} by {promise['target_on']}."
        )
        say(f"{words(achieved['standing'])}: {achieved['sentence']}")
        lines = [
            (
                line["observed_on"],
                amount(line["value"], unit) if line["value"] is not None else "withdrawn",
                amount(line["promised"], unit),
                "" if line["counts"] else "corrected since",
                line["note"] or NONE,
                line["actor_name"],
            )
            for line in kpi["observations"]
        ]
        if lines:
            show_table(("Day", "Achieved", "Promised", "", "Note", "By"), lines, right=(1, 2))


def amount(value: float | None, unit: str) -> str:
    """A value in its unit."""
    return NONE if value is None else f"{value:,.4g} {unit}".strip()
