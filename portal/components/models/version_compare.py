"""Two versions side by side: metrics, what they were made of, slices and decay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from portal.components.initiative.history import shown_address
from portal.components.page import panel
from portal.components.pills import pill_html
from portal.components.slices.version_view import change_chart
from portal.components.tables import Column, plain_table
from portal.components.text import count, day, escape, escape_html, humanise, number, percent
from portal.components.url_inputs import url_choice

if TYPE_CHECKING:
    from core.analytics.slices.change import SliceChange
    from core.analytics.slices.report import SliceFigures
    from core.services.models.version_comparison import (
        Comparison,
        DecaySide,
        MetricPair,
        Pair,
        SlicesSide,
        VersionFace,
    )

_MADE_OF_URIS = ("Model file", "Training data", "Code", "Lock file", "Image of the machine")


def sides(found: Comparison) -> None:
    """Head of the comparison: both versions with state, grade and approval."""
    st.html(f'<div class="gp-sides">{_side(found.left)}{_side(found.right)}</div>')


def _side(face: VersionFace) -> str:
    one = face.version
    pills = f"{pill_html(one.state)} {pill_html(f'grade_{face.grade.rung}')}"
    approved = (
        f"Approved on {day(face.approval.recorded_at)}; frozen since."
        if face.approval
        else "Not approved yet."
    )
    notes = f"<p>{escape_html(one.notes)}</p>" if one.notes else ""
    return (
        f'<div class="gp-side"><div class="gp-side-head">Version {escape_html(one.version)} {pills}</div>'
        f"<p>{escape_html(one.algorithm)}, registered {day(one.recorded_at)} by "
        f"{escape_html(one.actor_name)}. {escape_html(approved)}</p>{notes}</div>"
    )


def metrics_panel(found: Comparison) -> None:
    """Recorded metrics of both, with the change and which way is better."""
    names = _names(found)
    with panel("Metrics", "As recorded with each version; the change is right minus left."):
        if not found.metrics:
            st.caption("No metrics are on record for either version.")
            return
        columns: list[Column[MetricPair]] = [
            Column("title", "Metric", strong=True),
            Column(lambda one: number(one.left, 4), names[0]),
            Column(lambda one: number(one.right, 4), names[1]),
            Column(lambda one: _signed(one.change), "Change", phone=False),
            Column(
                lambda one: {True: "better", False: "worse", None: None}[one.better],
                f"{names[1]} is",
                "status",
            ),
        ]
        plain_table(found.metrics, columns, caption="Metrics side by side")


def _signed(change: float | None) -> str | None:
    return None if change is None else f"{change:+.4f}".replace("-", "\u2212")


def made_of_panel(found: Comparison) -> None:
    """Model file, data, code and environment of both, and whether they are the same by their digests."""
    names = _names(found)
    rule = "Whether two things are the same is told by digest or commit; an address alone tells nothing."
    with panel("What they were made of", rule):
        rows = [one for one in found.made_of if one.left or one.right]
        missing = [one.label for one in found.made_of if not one.left + one.right]
        columns: list[Column[Pair]] = [
            Column("part", "Part", phone=False),
            Column("label", "What", strong=True),
            Column(lambda one: _shown(one.label, one.left), names[0]),
            Column(lambda one: _shown(one.label, one.right), names[1]),
            Column("sameness", "They are", "status"),
        ]
        plain_table(rows, columns, caption="Links and digests side by side")
        if missing:
            st.caption(escape(f"Recorded for neither: {', '.join(dict.fromkeys(missing)).lower()}."))


def _shown(label: str, value: str) -> str:
    """Addresses as text only; a digest by its first and last digits."""
    if label in _MADE_OF_URIS or label == "Snapshot of the metrics":
        return shown_address(value)
    if label in ("Its sha256", "Commit") and len(value) > 20:
        return f"{value[:10]}…{value[-6:]}"
    return humanise(value) if label == "What it predicts" else value


def slices_panel(found: Comparison) -> None:
    """One feature's slices of both versions, drawn and as a table."""
    slices, names, report = found.slices, _names(found), found.slices.report
    title = f"{report.metric.title} by {humanise(slices.by).lower()}" if report else "Slices"
    with panel(title, "The same metric for the same groups, each version on its own predictions."):
        if len(slices.features) > 1:
            titles = {feature: humanise(feature) for feature in slices.features}
            url_choice("Slice by", titles, "by", default=slices.by, width=240)
        for name, side in zip(names, (slices.left, slices.right), strict=True):
            if side.note:
                st.caption(escape(f"{name}: {side.note}"))
        if report is None:
            return
        change_chart(slices.changes, report, (names[1], names[0]))
        if slices.left.slices and slices.right.slices and slices.right.slices.cuts:
            st.caption(escape(f"Bands are those of {names[1]}, so that a slice means the same in both."))
        _slices_table(found, names, rate=report.metric.form == "rate")
        for name, side in zip(names, (slices.left, slices.right), strict=True):
            st.caption(escape(_summary(name, side)))


def _slices_table(found: Comparison, names: tuple[str, str], *, rate: bool) -> None:
    columns: list[Column[SliceChange]] = [
        Column("label", "Slice", strong=True),
        Column(lambda change: _value(change.other, rate=rate), names[0]),
        Column(lambda change: change.other and change.other.verdict, "Verdict", "status", phone=False),
        Column(lambda change: _value(change.now, rate=rate), names[1]),
        Column(lambda change: change.now and change.now.verdict, "Verdict", "status", phone=False),
    ]
    plain_table(found.slices.changes, columns, caption="Slices of both versions")


def _value(line: SliceFigures | None, *, rate: bool) -> str | None:
    if line is None or not line.n:
        return None
    if line.value is None:
        return "undefined"
    return f"{percent(line.value, 1) if rate else number(line.value, 3)} of {count(line.n, 'row')}"


def _summary(name: str, side: SlicesSide) -> str:
    if side.slices is None:
        return f"{name}: nothing to judge."
    report = side.slices.report
    return f"{name}: {report.note}"


def decay_panel(found: Comparison) -> None:
    """Decay of both versions; where there is none, why."""
    names = _names(found)
    with panel("Performance over time", "The newest estimate of each version, and how often it was worse."):
        body = "".join(_decay_html(name, side) for name, side in zip(names, found.decay, strict=True))
        st.html(f'<div class="gp-sides">{body}</div>')


def _decay_html(name: str, side: DecaySide) -> str:
    head = f'<div class="gp-side-head">{escape_html(name)}</div>'
    if side.note or side.metric is None:
        return f'<div class="gp-side">{head}<p>{escape_html(side.note)}</p></div>'
    share = side.metric.unit == "percent"
    shown = percent(side.estimate, 1) if share else number(side.estimate, 3)
    realised = percent(side.realised, 1) if share else number(side.realised, 3)
    alert = pill_html("alert" if side.worse else "no_alert")
    said = (
        f"{count(side.worse, 'chunk')} of {side.chunks:,} estimated worse, {side.realised_worse:,} came true "
        f"worse. Realised last: {realised}."
    )
    trust = pill_html(side.trust, f"Trust in estimates: {side.trust.replace('_', ' ')}")
    return (
        f'<div class="gp-side">{head}<p>{escape_html(side.metric.title)}, estimated</p>'
        f'<div class="gp-side-head"><span class="gp-big">{escape_html(shown)}</span>{alert}</div>'
        f"<p>{escape_html(said)}</p><p>{trust}</p></div>"
    )


def _names(found: Comparison) -> tuple[str, str]:
    return f"Version {found.left.version.version}", f"Version {found.right.version.version}"
