"""Decay as people read it in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.analytics.decay.metrics import decay_metric
from core.entrypoints.reports.printing import NONE, day, ends, figure, say, show_table, words

Result = Mapping[str, Any]
_REASONS = {
    "record": "Past estimates, mean error against the distance to the threshold",
    "assumption": "Assumption that P(y|x) is as it was: came true inside the band",
    "calibration": "Calibration error on the reference",
    "thresholds": "Reference chunks behind the thresholds",
    "rows": "Half width of the band against the distance to the threshold",
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
    lines = [
        (
            f"{chunk['part']} {chunk['chunk']}",
            day(chunk["started_at"]),
            figure(chunk["estimate"]),
            ends(chunk["lower_confidence"], chunk["upper_confidence"]),
            figure(chunk["realised"]),
            ends(chunk["lower_threshold"], chunk["upper_threshold"]),
            state_of(chunk["alert"], chunk["worse"]),
        )
        for chunk in result["chunks"]
    ]
    show_table(("Chunk", "From", "Estimate", "Band", "Realised", "Thresholds", "State"), lines, right=(2, 4))
    say(f"{result['worse']} chunks are worse; {result['alerts']} are different (NannyML's two-sided alert).")


def _show_groups(result: Result) -> None:
    lines = [
        (
            group["label"],
            f"{group['rows']:,}",
            figure(group["usual"]),
            figure(group["newest"]),
            figure(group["threshold"]),
            f"{group['worse']} of {group['judged']}" if group["judged"] else "cannot tell",
            NONE if group["decayed_from"] is None else f"analysis {group['decayed_from']}",
            "its own rows" if group["calibrated"] == "own" else "all rows",
        )
        for group in result["groups"]
    ]
    headings = ("Group", "Rows", "Usual", "Newest", "Threshold", "Worse", "Decays from", "Calibrated on")
    show_table(headings, lines, right=(1, 2, 3, 4))
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


def state_of(alert: bool, worse: bool) -> str:
    """An alert in words: worse, different (NannyML's alert on the better side), or within the thresholds."""
    return ("worse" if worse else "different") if alert else "within"
