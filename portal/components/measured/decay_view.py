"""Decay of one model version: how far to trust the estimates, the chart, its chunks, and attributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import streamlit as st

from portal.components.cards import Card, cards
from portal.components.charts.bars import Bar, interval_bars
from portal.components.charts.canvas import MOST_POINTS, Threshold
from portal.components.charts.decay import decay_chart
from portal.components.measured.decay_trust import digits, shown
from portal.components.page import panel
from portal.components.tables import Column, live_table, plain_table
from portal.components.text import count, humanise, number

if TYPE_CHECKING:
    from core.domain.facts.measured import Attribution, DecayChunk
    from core.services.measured.decay_view import DecayView

MOST_FEATURES = 12
FEATURES = [
    Column("label", "Feature", strong=True),
    Column("value", "Mean strength", "number", 3),
    Column("push", "Mean push", "number", 3, phone=False),
    Column("share", "Share of all", "share_bar"),
]
ASSUMPTION = (
    "Estimates assume that the same inputs still lead to the same outcomes (P(y|x) is unchanged). Where that "
    "relation changes, an estimate cannot see it; only realised values can."
)


def decay_cards(view: DecayView) -> None:
    """Show how many chunks are worse or different, what came true, and how far the estimates were off."""
    of = f"Of {count(view.analysis, 'chunk')} after the reference"
    different = "An alert on either side, better or worse, as NannyML raises it."
    cards(
        [
            _counted("Estimated worse", view.worse, f"{of}, beyond the threshold on the worse side."),
            _counted("Estimated different", view.different, f"{of}. {different}"),
            _counted("Realised worse", view.realised_worse, f"{of}, by what came true where it is known."),
            _trust(view),
        ],
        min_column_width=220,
    )


def _counted(label: str, found: int, note: str) -> Card:
    return Card(label, number(found), "alert" if found else "no_alert", note=note)


def _trust(view: DecayView) -> Card:
    trust = view.trust
    if trust.verdict == "cannot_tell":
        note = f"{count(trust.compared, 'chunk')} with a known outcome: too few to judge the estimates."
    else:
        meaning = "an alert says something" if trust.verdict == "pass" else "an alert says little"
        note = (
            f"{trust.inside:,} of {count(trust.compared, 'chunk')} came true inside the band, and the usual "
            f"level is {shown(view, trust.room)} from the threshold: {meaning}."
        )
    return Card("Estimates were off by", shown(view, trust.error), trust.verdict, note=note)


def decay_panel(view: DecayView) -> None:
    """Draw estimate with band, realised values, labelled thresholds and alerts."""
    with panel(view.metric.title, ASSUMPTION):
        alt = f"{view.metric.title} by chunk: estimate with its band, realised values, thresholds and alerts."
        title, unit = view.metric.title, view.metric.unit
        lines = _thresholds(view)
        decay_chart(_points(view), metric_title=title, alt=alt, thresholds=lines, unit=unit, height=340)
        first = sum(chunk.part == "reference" for chunk in view.chunks)
        timed = all(chunk.started_at is not None for chunk in view.chunks)
        named = "" if timed else " The rows carry no times, so chunks are named by their first row."
        st.caption(
            f"The first {count(first, 'chunk')} are the reference.{named} The band is the estimate ± 3 "
            "sampling errors; the thresholds are the mean ± 3 standard deviations of what came true there."
        )


def _thresholds(view: DecayView) -> tuple[Threshold, ...]:
    worse_side = "lower" if view.metric.direction == "higher" else "upper"
    found = []
    for side, value in zip(("lower", "upper"), view.thresholds, strict=True):
        if value is not None:
            tone: Literal["bad", "quiet"] = "bad" if side == worse_side else "quiet"
            way = "below" if side == "lower" else "above"
            kind = "Worse" if side == worse_side else "Different"
            found.append(Threshold(f"{kind} {way} {shown(view, value)}", value, tone))
    return tuple(found)


def _points(view: DecayView) -> list[dict[str, Any]]:
    timed = all(chunk.started_at is not None for chunk in view.chunks)
    return [
        {
            "at": chunk.started_at if timed else chunk.short,
            "estimate": chunk.estimate,
            "low": chunk.lower_confidence,
            "high": chunk.upper_confidence,
            "realised": chunk.realised,
            "alert": chunk.alert,
        }
        for chunk in view.chunks[-MOST_POINTS:]
    ]


def chunks_table(view: DecayView) -> None:
    """Show every chunk with its estimate, band, realised value, and alert in words."""
    kind: Literal["percent", "number"] = view.metric.unit
    decimals = digits(view)
    columns: list[Column[DecayChunk]] = [
        Column("name", "Rows or days", strong=True, width=220),
        Column("rows", "Rows", "number", phone=False),
        Column("estimate", "Estimated", kind, decimals, width=90),
        Column("lower_confidence", "Band from", kind, decimals, phone=False, width=100),
        Column("upper_confidence", "Band to", kind, decimals, phone=False, width=100),
        Column("realised", "Realised", kind, decimals, phone=False, width=100),
        Column("gap", "Estimated − realised", kind, decimals, phone=False, width=150),
        Column(_alert, "Alert", width=96),
    ]
    alt = "Chunks with estimates and alerts."
    live_table(view.chunks, columns, key="chunks", download="decay-chunks", alt=alt)


def _alert(chunk: DecayChunk) -> str:
    if chunk.worse:
        return "▲ Worse"
    return "◆ Different" if chunk.alert else ""


def attributions_panel(features: Sequence[Attribution]) -> None:
    """Draw which features a version's scores come from; log odds explained in the caption."""
    rows = [
        {
            "label": humanise(feature.feature),
            "value": feature.mean_absolute,
            "push": feature.mean_signed,
            "share": feature.share,
        }
        for feature in features[:MOST_FEATURES]
    ]
    caption = (
        f"SHAP contributions on {features[0].sample_rows:,} rows, strongest first, in log odds: +0.7 "
        "doubles the odds of the positive class, −0.7 halves them. Strength is the mean size of a feature's "
        "push, whichever way; the mean push keeps the sign, so what pushes both ways has one near 0."
    )
    with panel("What the scores come from", caption):
        left, right = st.columns([1.1, 1])
        with left:
            title = "Mean strength (log odds)"
            bars = [Bar(humanise(one.feature), one.mean_absolute) for one in features[:MOST_FEATURES]]
            interval_bars(bars, value_title=title, alt="Features by mean strength.", unit="number")
        with right:
            plain_table(rows, FEATURES, caption="Features by strength", download="attributions")
        st.caption(
            "It says what the model does with a feature, not what the feature causes. Features that move "
            "together share the credit. Source: TreeSHAP, Lundberg et al. 2020."
        )
