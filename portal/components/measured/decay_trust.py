"""Whether the estimates can be trusted here: one verdict, and the reasons for it in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from portal.components.page import panel
from portal.components.tables import Column, plain_table
from portal.components.text import count, number, percent

if TYPE_CHECKING:
    from core.analytics.decay.trust import TrustReason
    from core.domain.facts.measured import DecayRun
    from core.services.measured.decay_view import DecayView

TRUST = (
    "Off by: mean of |estimate − realised| over the chunks after the reference whose outcome is known; 0 is "
    "exact. It passes when that is less than the distance from the usual level to the threshold on the worse "
    "side, and at least 80% of what came true lay inside the band."
)
_TITLES = {
    "record": "Past estimates",
    "assumption": "Unchanged P(y|x)",
    "calibration": "Calibration",
    "thresholds": "Reference chunks",
    "rows": "Rows a chunk",
}
_SENTENCES = {
    "pass": "Yes, as far as can be told: nothing here speaks against the estimates.",
    "fail": "No: something here speaks against the estimates, so an alert says little.",
    "cannot_tell": "Cannot tell: nothing speaks against the estimates, but not all can be looked at yet.",
}
_COLUMNS = [
    Column("title", "Reason", strong=True),
    Column("verdict", "Verdict", "status"),
    Column("words", "What was looked at"),
]


def trust_panel(view: DecayView) -> None:
    """Show the verdict with each reason for and against."""
    with panel("Can the estimates be trusted here?", _SENTENCES[view.trusted]):
        rows = [
            {"title": _TITLES[reason.id], "verdict": reason.verdict, "words": _words(view, reason)}
            for reason in view.reasons
        ]
        plain_table(rows, _COLUMNS, caption="Reasons for and against trust in the estimates")
        if view.run is not None:
            st.caption(_how(view.run))


def _words(view: DecayView, reason: TrustReason) -> str:
    trust = view.trust
    known = count(trust.compared, "chunk")
    if reason.id == "record":
        if reason.value is None:
            return "No outcome after the reference is known yet, so no estimate could be held against it."
        found = f"Off by {shown(view, trust.error)} on average and {shown(view, trust.worst)} at worst"
        return f"{found} over {known}; the threshold is {shown(view, trust.room)} from the usual level."
    if reason.id == "assumption":
        if reason.value is None:
            return "No estimate can see a change of P(y|x); only outcomes can, and none is known yet."
        inside = f"{trust.inside:,} of {known} came true inside the band"
        return f"{inside}; where P(y|x) changes, they leave it."
    if reason.id == "calibration":
        return _calibration(view, reason)
    if reason.id == "thresholds":
        chunks = count(int(reason.value or 0), "reference chunk")
        return f"The thresholds rest on {chunks}; from {number(reason.limit)} on their spread says something."
    if reason.value is None:
        return "The band is unknown, so nobody can tell whether chunks are large enough."
    band = f"The band is ± {shown(view, reason.value)} in the middle chunk"
    if reason.limit is None:
        return f"{band}; there is no threshold on the worse side to hold it against."
    return f"{band}, and the threshold is {shown(view, reason.limit)} away."


def _calibration(view: DecayView, reason: TrustReason) -> str:
    if reason.value is None:
        return "It is not on record how well probabilities are calibrated; refresh the monitoring."
    found = f"Probabilities are off by {points(reason.value)} on the reference"
    if view.run is None or view.run.raw_calibration_error is None:
        return f"{found}."
    raw = points(view.run.raw_calibration_error)
    if view.run.calibrated:
        return f"{found} after calibration, raw scores by {raw}; up to {points(reason.limit)} is fine."
    return f"{found}. Scores are used as they came, as calibration would not help (NannyML)."


def _how(run: DecayRun) -> str:
    size = run.chunking.removesuffix(" rows")
    chunks = f"Chunks of {int(size):,} rows" if size.isdecimal() else f"One chunk a {size}"
    known = f"{run.labelled_rows:,} of {count(run.analysis_rows, 'row')} after the reference"
    return f"{chunks}. NannyML learned from {run.reference_rows:,} reference rows; {known} have an outcome."


def points(share: float | None) -> str:
    """A share as percentage points without a sign."""
    return "–" if share is None else f"{number(100 * share, 1)} points"


def shown(view: DecayView, value: float | None) -> str:
    """A value of the view's metric with decimals that suit its size on this model."""
    if view.metric.unit == "percent":
        return percent(value, 1)
    return number(value, digits(view))


def digits(view: DecayView) -> int:
    """Decimals that suit the metric's size on this model."""
    largest = max((abs(chunk.estimate) for chunk in view.chunks if chunk.estimate is not None), default=0)
    return 1 if view.metric.unit == "percent" or largest >= 10 else 3
