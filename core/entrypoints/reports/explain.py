"""Explanations and business KPIs, printed for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.entrypoints.reports.printing import (
    NONE,
    Column,
    counted,
    dashed,
    ends,
    figure,
    say,
    share,
    show_rows,
    show_table,
    words,
)

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
    columns: Mapping[str, Column] = {
        "Rank": "rank",
        "Feature": "feature",
        "Mean strength": ("mean_absolute", figure),
        "Mean push": ("mean_signed", figure),
        "Share of all": ("share", share),
    }
    show_rows(result["features"], columns, right=(2, 3, 4))


def _show_prediction(found: Result) -> None:
    steps = found["waterfall"]
    answer = "" if steps["output"] is None else f", answer {figure(steps['output'])}"
    say(f"Row {found['row_id']}: raw score {figure(steps['raw_score'])}{answer}.")
    base = {
        "feature": "base value",
        "contribution": None,
        "end": steps["base_value"],
        "output_change": None,
    }
    columns: Mapping[str, Column] = {
        "Feature": lambda step: step["feature"] or f"{step['folded']} others",
        "Value": ("feature", found["values"].get),
        "Contribution": ("contribution", _signed),
        "Score so far": ("end", figure),
        "Moves the answer by": ("output_change", _signed),
    }
    show_rows([base, *steps["steps"]], columns, right=(2, 3, 4))
    if steps["gap"] is not None:
        say(f"Base and contributions miss the score by {abs(steps['gap']):.1g}.")


def _signed(value: float | None) -> str:
    return NONE if value is None else f"{value:+.4f}"


def _show_along(found: Result) -> None:
    lines = [
        (one["label"], counted(one["rows"]), figure(one["mean"]), ends(one["p10"], one["p90"]))
        for one in found["points"]
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
            _signed(one["gap"]),
            NONE if one["low"] is None else f"{_signed(one['low'])} to {_signed(one['high'])}",
        )
        for one in gap["features"]
    ]
    headings = ("Feature", first["name"], second["name"], "Difference", "95 % interval")
    show_table(headings, lines, right=(1, 2, 3))
    if not gap["enough"]:
        say("Cannot tell: a group has fewer than 30 explained rows.")


def show_kpi_list(result: Result) -> None:
    """The business KPIs of all initiatives, one a line."""
    columns: Mapping[str, Column] = {
        "Initiative": "title",
        "Business KPI": ("promise", lambda promise: promise["name"]),
        "Achieved": lambda kpi: amount(kpi["achieved"]["value"], kpi["promise"]["unit"]),
        "Target": ("promise", lambda promise: amount(promise["target"], promise["unit"])),
        "By": ("promise", lambda promise: promise["target_on"]),
        "Standing": ("achieved", lambda achieved: words(achieved["standing"])),
    }
    show_rows(result["kpis"], columns, right=(2, 3))


def show_kpis_in_full(result: Result) -> None:
    """The business KPIs of one initiative with what was observed."""
    if not result["kpis"]:
        say("No business KPI is promised.")
    for kpi in result["kpis"]:
        _show_kpi(kpi["promise"], kpi["achieved"], kpi["observations"])


def _show_kpi(promise: Result, achieved: Result, seen: Sequence[Result]) -> None:
    unit = promise["unit"]
    say(
        f"{promise['name']} ({promise['kpi']}): from {amount(promise['baseline'], unit)} on "
        f"{promise['baseline_on']} to {amount(promise['target'], unit)} by {promise['target_on']}."
    )
    say(f"{words(achieved['standing'])}: {achieved['sentence']}")
    columns: Mapping[str, Column] = {
        "Day": "observed_on",
        "Achieved": ("value", lambda value: "withdrawn" if value is None else amount(value, unit)),
        "Promised": ("promised", lambda value: amount(value, unit)),
        "": ("counts", lambda counts: "" if counts else "corrected since"),
        "Note": ("note", dashed),
        "By": "actor_name",
    }
    if seen:
        show_rows(seen, columns, right=(1, 2))


def amount(value: float | None, unit: str) -> str:
    """A value in its unit."""
    return NONE if value is None else f"{value:,.4g} {unit}".strip()
