"""What the command line prints of measurements: predictions and drift here, the rest in modules beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.entrypoints.reports import decay, explain, slices
from core.entrypoints.reports.printing import figure, minute, say, show_table, words
from core.services.plain import Result

_MOST_FEATURES = 40


def show_added(result: Result) -> None:
    """A batch that came in, and what is odd about it."""
    of = f"{result['initiative']} version {result['version']}"
    say(f"{result['rows']:,} rows are on record as {result['part']} of {of}.")
    for warning in result["warnings"]:
        say(f"Note: {warning}")


def show_batches(result: Result) -> None:
    """A version's batches, one a line, and the kept columns."""
    headings = ("Added", "Role", "Rows", "With outcome", "File", "Notes")
    lines = [
        (
            minute(batch["recorded_at"]),
            batch["part"],
            f"{batch['rows']:,}",
            f"{batch['labelled']:,}",
            batch["source_name"],
            " ".join(batch["warnings"]),
        )
        for batch in result["batches"]
    ]
    show_table(headings, lines, right=(2, 3))
    mapping = result["mapping"]
    if mapping is None:
        say("No columns are kept for this version yet.")
        return
    named = {"id": "row_id", "time": "timestamp", "prediction": "prediction", "target": "target"}
    kept = [f"{title} '{mapping[field]}'" for title, field in named.items() if mapping[field]]
    kept += [f"score{' of ' + label if label else ''} '{name}'" for label, name in mapping["scores"].items()]
    say(f"Kept columns: {', '.join(kept)}; {len(mapping['features']):,} features.")
    if mapping["sensitive"]:
        say(f"Sensitive: {', '.join(mapping['sensitive'])}.")


def show_drift(result: Result) -> None:
    """The drift of each input, and the quality of the newest data."""
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
            figure(row["share"], "share"),
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


def _show_quality(quality: Result) -> None:
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


SHOW: Mapping[str, Callable[[Result], None]] = {
    "predictions add": show_added,
    "predictions list": show_batches,
    "bias_slices": slices.show_slices,
    "compare_slices": slices.show_changes,
    "weakest_slices": slices.show_weakest,
    "decay": decay.show_decay,
    "drift_report": show_drift,
    "explain show": explain.show_explanation,
    "business-kpi show": explain.show_kpis_in_full,
    "business-kpi list": explain.show_kpi_list,
}
"""Command, or use case of a command that stands for several -> what prints its result."""
