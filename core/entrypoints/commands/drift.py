"""The command that shows, or measures, the drift of a model's inputs and the quality of its data."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store, Version
from core.entrypoints.reports.printing import NONE, figure, minute, say, show_json, show_table, words

_MOST_FEATURES = 40


def drift(
    context: typer.Context,
    initiative: Initiative,
    version: Version = "",
    measure: Annotated[bool, typer.Option("--measure", help="Measure anew, and put it on record.")] = False,
    chunk_rows: Annotated[
        int, typer.Option("--chunk-rows", help="Rows a chunk when measuring; 0 chooses.", min=0)
    ] = 0,
    period: Annotated[
        str, typer.Option("--period", help="day, week, month, quarter or year, in place of rows.")
    ] = "",
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show which inputs drifted, what matters most first, and the quality of the newest data."""
    with options.reach(context, store, person) as caller:
        if measure:
            asked = {"initiative": initiative, "version": version, "chunk_rows": chunk_rows, "period": period}
            caller.call("measure_drift", asked)
        values = {"initiative": initiative, "version": version, "as_of": as_of}
        result = caller.call("drift_report", values)
    if as_json:
        show_json(result)
    else:
        _show(result)


def _show(result: Any) -> None:
    check, features = result["check"], result["features"]
    about = f"{result['initiative']} version {result['version']}"
    say(f"Drift of {about}, measured {minute(result['measured_at'])}.")
    say(f"{words(check['verdict']).capitalize()}: {check['message']}. {check['remedy']}".rstrip())
    if not result["attributed"]:
        say("No attribution is on record, so features are ranked by drift alone.")
    headings = ("Feature", "Kind", "Share of model", "Drift", "Newest", "Threshold", "Alerts", "Now")
    lines = [
        (
            row["feature"],
            row["kind"],
            NONE if row["share"] is None else figure(row["share"], "share"),
            figure(row["drift"]),
            figure(row["newest"]),
            figure(row["threshold"]),
            str(row["alerts"]),
            {True: "alert", False: "no alert", None: "cannot tell"}[row["newest_alert"]],
        )
        for row in features[:_MOST_FEATURES]
    ]
    show_table(headings, lines, right=(2, 3, 4, 5, 6))
    if len(features) > _MOST_FEATURES:
        say(f"And {len(features) - _MOST_FEATURES:,} more; --json has all.")
    for left_out in result["skipped"]:
        say(f"Not compared: {left_out}.")
    if result["data_quality"] is not None:
        _show_quality(result["data_quality"])


def _show_quality(quality: Any) -> None:
    check = quality["check"]
    say()
    say(f"Data quality: {words(check['verdict'])}: {check['message']}. {check['remedy']}".rstrip())
    lines = [
        (row["feature"], words(row["verdict"]), " ".join(row["findings"]))
        for row in quality["columns"]
        if row["findings"]
    ]
    if lines:
        show_table(("Column", "Verdict", "Findings"), lines[:_MOST_FEATURES])
