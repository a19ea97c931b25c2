"""What the command line prints of measurements: predictions and drift here, the rest in modules beside."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.analytics.decay.metrics import decay_metric
from core.entrypoints.reports import explain, slices
from core.entrypoints.reports.printing import (
    NONE,
    Column,
    counted,
    ends,
    figure,
    minute,
    say,
    share,
    show_rows,
    words,
)
from core.services.plain import Result

_MOST_FEATURES = 40
_REASONS = {
    "record": "Past estimates, mean error against the distance to the threshold",
    "assumption": "Assumption that P(y|x) is as it was: came true inside the band",
    "calibration": "Calibration error on the reference",
    "thresholds": "Reference chunks behind the thresholds",
    "rows": "Half width of the band against the distance to the threshold",
}


def _state(chunk: Result) -> str:
    """An alert in words: worse, different (NannyML's alert on the better side), or within the thresholds."""
    return ("worse" if chunk["worse"] else "different") if chunk["alert"] else "within"


_CHUNKS: Mapping[str, Column] = {
    "Chunk": lambda chunk: f"{chunk['part']} {chunk['chunk']}",
    "From": "started_at",
    "Estimate": ("estimate", figure),
    "Band": lambda chunk: ends(chunk["lower_confidence"], chunk["upper_confidence"]),
    "Realised": ("realised", figure),
    "Thresholds": lambda chunk: ends(chunk["lower_threshold"], chunk["upper_threshold"]),
    "State": _state,
}
_GROUPS: Mapping[str, Column] = {
    "Group": "label",
    "Rows": ("rows", counted),
    "Usual": ("usual", figure),
    "Newest": ("newest", figure),
    "Threshold": ("threshold", figure),
    "Worse": lambda group: f"{group['worse']} of {group['judged']}" if group["judged"] else "cannot tell",
    "Decays from": ("decayed_from", lambda chunk: NONE if chunk is None else f"analysis {chunk}"),
    "Calibrated on": ("calibrated", lambda by: "its own rows" if by == "own" else "all rows"),
}
_BATCHES: Mapping[str, Column] = {
    "Added": ("recorded_at", minute),
    "Role": "part",
    "Rows": ("rows", counted),
    "With outcome": ("labelled", counted),
    "File": "source_name",
    "Notes": ("warnings", " ".join),
}
_FEATURES: Mapping[str, Column] = {
    "Feature": "feature",
    "Kind": "kind",
    "Share of model": ("share", share),
    "Drift": ("drift", figure),
    "Newest": ("newest", figure),
    "Threshold": ("threshold", figure),
    "Alerts": "alerts",
    "Now": ("newest_alert", {True: "alert", False: "no alert", None: "cannot tell"}.__getitem__),
}
_COLUMNS: Mapping[str, Column] = {
    "Column": "feature",
    "Verdict": ("verdict", words),
    "Findings": ("findings", " ".join),
}


def show_decay(result: Result) -> None:
    """Decay estimates, a chunk a line, or a group a line where they are divided."""
    title = decay_metric(result["metric"]).title
    say(f"Estimated {title}: {result['initiative']} version {result['version']}")
    if result["unestimated"]:
        lacking = decay_metric(result["unestimated"]).title
        say(f"The decay check looks at {lacking}, which the newest refresh left out: it cannot tell.")
    if result.get("groups"):
        _show_groups(result)
    else:
        _show_chunks(result)
    _show_trust(result)


def _show_chunks(result: Result) -> None:
    show_rows(result["chunks"], _CHUNKS, right=(2, 4))
    say(f"{result['worse']} chunks are worse; {result['alerts']} are different (NannyML's two-sided alert).")


def _show_groups(result: Result) -> None:
    show_rows(result["groups"], _GROUPS, right=(1, 2, 3, 4))
    first = ", ".join(result["decays_first"])
    say(f"Decays first: {first}." if first else "No group decays (two worse chunks in a row).")


def _show_trust(result: Result) -> None:
    past = result["past_estimates"]
    if past["compared_chunks"]:
        say(
            f"Past estimates were off by {figure(past['mean_absolute_error'])} on average and "
            f"{figure(past['worst_error'])} at worst; {past['inside_band']} of {past['compared_chunks']} "
            "chunks came true inside the band."
        )
    say(f"Trust: {words(result['trust']['verdict'])}.")
    for reason in result["trust"]["reasons"]:
        held = f"{figure(reason['value'])}, held against {figure(reason['limit'])}"
        say(f"  - {_REASONS[reason['id']]}: {words(reason['verdict'])} ({held}).")


def show_added(result: Result) -> None:
    """A batch that came in, and what is odd about it."""
    of = f"{result['initiative']} version {result['version']}"
    say(f"{result['rows']:,} rows are on record as {result['part']} of {of}.")
    for warning in result["warnings"]:
        say(f"Note: {warning}")


def show_batches(result: Result) -> None:
    """A version's batches, one a line, and the kept columns."""
    show_rows(result["batches"], _BATCHES, right=(2, 3))
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
    show_rows(features[:_MOST_FEATURES], _FEATURES, right=(2, 3, 4, 5, 6))
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
    found = [column for column in quality["columns"] if column["findings"]]
    if found:
        show_rows(found[:_MOST_FEATURES], _COLUMNS)


SHOW: Mapping[str, Callable[[Result], None]] = {
    "predictions add": show_added,
    "predictions list": show_batches,
    "bias_slices": slices.show_slices,
    "compare_slices": slices.show_changes,
    "weakest_slices": slices.show_weakest,
    "decay": show_decay,
    "drift_report": show_drift,
    "explain show": explain.show_explanation,
    "business-kpi show": explain.show_kpis_in_full,
    "business-kpi list": explain.show_kpi_list,
}
"""Command, or use case of a command that stands for several -> what prints its result."""
