"""Drift and data of one model version: cards, the map of features, one feature in detail, data quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.domain.models.column_mapping import column_title
from portal.components.canvas import (
    ACCENT,
    BAD,
    INK,
    QUIET,
    Threshold,
    axis,
    draw,
    finish,
    threshold_layers,
    top_legend,
)
from portal.components.cards import Card, cards
from portal.components.page import panel, section
from portal.components.tables import Column, figure_help, live_table, plain_table
from portal.components.text import count, escape, humanise, minute, number, percent
from portal.components.url_inputs import set_url, url_choice, url_value

if TYPE_CHECKING:
    from core.analytics.drift.methods import DriftMethod
    from core.analytics.job_specs import Gap
    from core.services.measured.data_quality import JudgedColumn, QualityReport
    from core.services.measured.drift import DriftReport, FeatureDrift, MeasuredInputs


STATES = ("Within", "Alert", "Cannot tell", "No rows")
"""What a cell may say; the nearer to its threshold, the deeper its colour."""
_COLOURS = (ACCENT, BAD, QUIET, QUIET)


@dataclass(frozen=True)
class DriftCell:
    """A feature in a chunk: `chunk` as shown, `when` in full, `level` the distance over its threshold."""

    feature: str
    chunk: str
    when: str
    distance: float | None
    level: float | None
    state: str


@dataclass(frozen=True)
class DriftPoint:
    """A chunk along one feature: `at` as shown, `when` in full; of the `Reference` or `In use`."""

    at: str
    when: str
    part: str
    distance: float | None
    alert: bool


def drift_map(
    cells: Sequence[DriftCell], *, order: tuple[str, ...], chunks: tuple[str, ...], alt: str, key: str
) -> str | None:
    """Draw one row a feature and one column a chunk; a click gives the feature.

    Parameters
    ----------
    cells
        One a feature and chunk.
    order, chunks
        Features from top to bottom, chunks from left to right.
    alt
        One sentence for people who do not see the chart.
    key
        A name that no other chart of the page has.
    """
    marks = {STATES[1]: "▲", STATES[3]: "–"}
    shown = [{**asdict(cell), "mark": marks.get(cell.state, "")} for cell in cells]
    states = STATES if any(cell.state == STATES[3] for cell in cells) else STATES[:3]
    picked = draw(shown, _map_spec(order, chunks, states), alt=alt, key=key, picks=("feature",))
    return picked[0] if picked else None


@lru_cache(maxsize=64)
def _map_spec(order: tuple[str, ...], chunks: tuple[str, ...], states: tuple[str, ...]) -> str:
    import altair as alt

    x = alt.X(
        "chunk:N",
        sort=list(chunks),
        title=None,
        axis=alt.Axis(labelAngle=0, labelOverlap="greedy", domain=False, ticks=False, labelPadding=6),
        scale=alt.Scale(paddingInner=0.08, paddingOuter=0.0),
    )
    y = alt.Y(
        "feature:N",
        sort=list(order),
        title=None,
        axis=alt.Axis(domain=False, ticks=False, labelLimit=190, labelPadding=8, grid=False),
        scale=alt.Scale(paddingInner=0.14, paddingOuter=0.0),
    )
    looks = alt.Scale(domain=list(states), range=list(_COLOURS[: len(states)]))
    colour = alt.Color("state:N", scale=looks, legend=top_legend(len(states)))
    strength = alt.FillOpacity(
        "level:Q", scale=alt.Scale(domain=[0, 1, 2], range=[0.06, 0.5, 0.85], clamp=True), legend=None
    )
    hints = [
        alt.Tooltip("feature:N", title="Feature"),
        alt.Tooltip("when:N", title="Chunk"),
        alt.Tooltip("distance:Q", title="Distance", format=".4f"),
        alt.Tooltip("level:Q", title="Times its threshold", format=".2f"),
        alt.Tooltip("state:N", title="State"),
    ]
    base = alt.Chart().encode(x=x, y=y, tooltip=hints)
    cells = base.mark_rect(cornerRadius=2).encode(color=colour, fillOpacity=strength)
    marks = base.mark_text(fontSize=9, color=INK).encode(text="mark:N")
    cells = cells.add_params(alt.selection_point(name="picked", fields=["feature"]))
    return finish(alt.layer(cells, marks).properties(height=alt.Step(26)))


def drift_lines(
    points: Sequence[DriftPoint], *, title: str, alt: str, threshold: Threshold | None = None
) -> None:
    """Draw one feature's distances chunk by chunk, the reference's in grey, with threshold and alerts.

    Parameters
    ----------
    points
        One a chunk in its order.
    title
        What the distance is called.
    alt
        One sentence for people who do not see the chart.
    threshold
        The level from which a chunk alerts.
    """
    shown = [
        {**asdict(point), "place": place, "marked": point.distance if point.alert else None}
        for place, point in enumerate(points)
    ]
    labels = tuple(point.at for point in points)
    draw(shown, _lines_spec(title, threshold, labels), alt=alt, height=300)


@lru_cache(maxsize=128)
def _lines_spec(title: str, threshold: Threshold | None, labels: tuple[str, ...]) -> str:
    import json

    import altair as alt

    names = ["Reference", "In use", "Alert"]
    colours = alt.Scale(domain=names, range=[QUIET, ACCENT, BAD])
    shapes = alt.Scale(domain=names, range=["circle", "circle", "triangle-up"])
    words = f"{json.dumps(list(labels))}[datum.value]"
    x: Any = alt.X(
        "place:Q",
        title=None,
        axis=alt.Axis(labelExpr=words, tickMinStep=1, grid=False, labelOverlap="greedy", labelFlush=False),
        scale=alt.Scale(nice=False, padding=14),
    )
    y = alt.Y("distance:Q", title=title, axis=axis("number"), scale=alt.Scale(zero=True, padding=12))
    hints = [
        alt.Tooltip("when:N", title="Chunk"),
        alt.Tooltip("part:N", title="Part"),
        alt.Tooltip("distance:Q", title=title, format=",.4~g"),
    ]
    base = alt.Chart().encode(x=x, tooltip=hints)
    looks = {
        "color": alt.Color("series:N", scale=colours, legend=top_legend()),
        "shape": alt.Shape("series:N", scale=shapes, legend=top_legend()),
    }
    line = base.mark_line(strokeWidth=2.0).encode(y=y, color=alt.Color("part:N", scale=colours, legend=None))
    dots = base.transform_calculate(series="datum.part").mark_point(filled=True, size=34, opacity=1)
    marks = base.transform_calculate(series="'Alert'").mark_point(filled=True, size=110, opacity=1)
    dots = dots.encode(y=y, **looks)
    alerts = marks.encode(y=alt.Y("marked:Q", title=title), **looks)
    lines = threshold_layers((threshold,) if threshold else (), "number", title=title)
    return finish(alt.layer(*lines, line, dots, alerts))


MOST_FEATURES = 18
_PARTS = {"reference": "Reference", "analysis": "In use"}


def _title(one: FeatureDrift | JudgedColumn) -> str:
    return humanise(column_title(one.feature))


_STATES = {True: "alert", False: "no_alert", None: "cannot_tell"}
FEATURES: list[Column[FeatureDrift]] = [
    Column(_title, "Feature", strong=True, width=190),
    Column("share", "Share of the model", "share_bar", phone=False, width=140),
    Column("drift", "Drift", "number", 3, help="Mean distance of the chunks in use; 0 is no drift."),
    Column("newest", "Newest chunk", "number", 3, phone=False, width=110),
    Column("threshold", "Alerts above", "number", 3, phone=False, width=104),
    Column("alerts", "Alerts", "number", phone=False),
    Column(lambda one: _STATES[one.newest_alert], "Newest chunk says", "status", width=150),
]
QUALITY: list[Column[JudgedColumn]] = [
    Column(_title, "Column", strong=True, width=170),
    Column("verdict", "Verdict", "status"),
    Column("missing", "Missing", "percent", 1),
    Column("reference_missing", "In reference", "percent", 1, phone=False, width=104),
    Column("unseen", "Unseen", "percent", 1, phone=False),
    Column("out_of_range", "Out of range", "percent", 1, phone=False, width=104),
    Column(lambda one: " ".join(one.findings) or "Nothing.", "Findings", phone=False, width=420),
]
PERSONAL: list[Column[JudgedColumn]] = [
    Column(_title, "Column", strong=True),
    Column("personal_title", "Looks like"),
    Column("personal_why", "Why", phone=False),
    Column(lambda one: ", ".join(one.examples), "Masked examples", phone=False),
]


RANKING = (
    "Rank: the mean distance of the chunks in use times the feature's share of all SHAP contributions; the "
    "distance alone where no attribution is on record. Zero: no drift, or the model does not use it."
)
QUALITY_NOTES = (
    "Formula: the share of rows without a value now minus that in the reference; of rows with a value, the "
    "share whose category the reference does not hold, and the share beyond its least and greatest number.",
    "Verdict: a share fails when its whole 95% interval (Wilson; Newcombe for the rise) lies above the "
    "limit; where the interval holds the limit, nobody can tell.",
    "Direction: lower is better. Zero: nothing missing, unseen or out of range.",
    "Leaves out: whether values within the range are right. Personal data is looked for in a sample of 1,000 "
    "different values a column; IBANs are held to their check digits and card numbers to Luhn's.",
    "Source: Wilson 1927; Newcombe 1998; ISO 13616; ISO/IEC 7812.",
)


def drift_cards(view: MeasuredInputs) -> None:
    """Show how many inputs drifted, what they carry, how the data is, and what in it is personal."""
    items = []
    if view.drift is not None:
        report = view.drift
        drifted = f"{len(report.alerting)} of {len(report.features)}"
        items.append(
            Card("Inputs on alert", drifted, report.check.verdict.value, note=sentence(report.check.message))
        )
        carried = report.check.observed
        of_what = "the model's attribution" if report.attributed else "the features"
        items.append(
            Card(
                "They carry",
                percent(carried) if carried is not None else "–",
                target=f"at most {percent(view.max_alert_share)}",
                note=f"Share of {of_what} that inputs on alert carry together in the newest chunk.",
            )
        )
    if view.quality is not None:
        beyond = sum(row.verdict == "fail" for row in view.quality.columns)
        note = f"Of {count(len(view.quality.columns), 'column')} in the newest {_rows(view.quality)}."
        items.append(
            Card("Columns beyond a limit", number(beyond), view.quality.check.verdict.value, note=note)
        )
        found = len(view.quality.personal)
        note = "Found by name and by the look of values; for the privacy measures."
        items.append(
            Card("Columns with personal data", number(found), "" if not found else "expiring", note=note)
        )
    cards(items, min_column_width=220)


def _rows(quality: QualityReport) -> str:
    return f"{count(quality.analysis_rows, 'row')} in use"


def sentence(words: str) -> str:
    """Words as a sentence of their own."""
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def drift_panel(report: DriftReport) -> None:
    """Draw the map of the features that matter most by chunk; a click opens one of them."""
    ranked = "drift times its share of the model" if report.attributed else "drift alone"
    lacking = (
        ""
        if report.attributed
        else " No attribution of this version is on record, so what matters to it is not known."
    )
    caption = (
        f"Ranked by {ranked}, the one that matters most on top. Click a cell to open its feature.{lacking}"
    )
    with panel("What drifted, and when", caption):
        shown = report.features[:MOST_FEATURES]
        alt = "Distance from the reference by feature and chunk; alerts are marked with a triangle."
        order = tuple(humanise(feature.feature) for feature in shown)
        labels = chunk_labels(report)[report.reference_chunks :]
        cells = _cells(report, shown, labels)
        places = [*labels]
        for place, gap in reversed(_gap_places(report, since=report.reference_chunks)):
            places.insert(place - report.reference_chunks, gap.title)
            cells += [DriftCell(name, gap.title, gap.title, None, 0.0, STATES[3]) for name in order]
        picked = drift_map(cells, order=order, chunks=tuple(places), alt=alt, key="drift-map")
        if picked and picked in order:
            chosen = shown[order.index(picked)].feature
            if chosen != url_value("feature", shown[0].feature):
                set_url(feature=chosen)
                st.rerun()
        if len(report.features) > len(shown):
            st.caption(f"And {len(report.features) - len(shown):,} more below.")
        holes = f" No rows: {', '.join(gap.title for gap in report.gaps)}." if report.gaps else ""
        st.caption(
            f"{_chunk_words(report)}{holes} Measured {minute(report.measured_at)}. A feature alerts above "
            "the mean and three standard deviations of the reference's own chunks, as NannyML sets it."
        )


def _gap_places(report: DriftReport, *, since: int = 0) -> list[tuple[int, Gap]]:
    """Before which chunk each gap without rows lies, from the chunk `since` on."""
    starts = [chunk.started_at[:10] for chunk in report.chunks]
    found = [
        (next((at for at, start in enumerate(starts) if start > str(gap.last)), 0), gap)
        for gap in report.gaps
    ]
    return [(place, gap) for place, gap in found if place > since]


def chunk_labels(report: DriftReport) -> tuple[str, ...]:
    """Short name of each chunk: its first day where rows have times, else its number."""
    timed = all(chunk.started_at for chunk in report.chunks)
    labels = []
    for place, chunk in enumerate(report.chunks):
        own = place if chunk.part == "reference" else place - report.reference_chunks
        labels.append(chunk.started_at[:10] if timed else f"{own + 1}")
    repeated = len(set(labels[report.reference_chunks :])) < len(labels) - report.reference_chunks
    if timed and repeated:
        return tuple(chunk.started_at[5:16].replace("T", " ") for chunk in report.chunks)
    return tuple(labels)


def _chunk_words(report: DriftReport) -> str:
    if report.period:
        return f"One column a {report.period}."
    return f"One column for every {count(report.chunk_rows, 'row')} in the order of the files."


def _cells(report: DriftReport, features: Sequence[FeatureDrift], labels: Sequence[str]) -> list[DriftCell]:
    cells = []
    first = report.reference_chunks
    for feature in features:
        found = feature.methods[report.method]
        along = zip(report.chunks[first:], labels, found.distances[first:], found.alerts[first:], strict=True)
        for chunk, label, distance, alert in along:
            state = STATES[2] if alert is None else STATES[int(alert)]
            level = _level(distance, found.threshold, alert)
            cells.append(DriftCell(humanise(feature.feature), label, chunk.name, distance, level, state))
    return cells


def _level(distance: float | None, threshold: float | None, alert: bool | None) -> float | None:
    """Distance in thresholds; a threshold of 0 is passed by anything."""
    if distance is None or alert is None:
        return 1.0
    return distance / threshold if threshold else 2.0 * bool(alert)


def feature_panel(report: DriftReport, methods: Mapping[str, DriftMethod]) -> str:
    """Draw one feature by one method along all chunks; give the method shown."""
    titles = {feature.feature: humanise(feature.feature) for feature in report.features}
    first = next(iter(titles))
    chosen = url_value("feature", first)
    chosen = chosen if chosen in titles else first
    feature = next(one for one in report.features if one.feature == chosen)
    with panel(f"{titles[chosen]} in detail", _feature_words(feature)):
        with st.container(horizontal=True, gap="small"):
            url_choice("Feature", titles, "feature", default=first, clears=("method",), width=280)
            own = {name: methods[name].title for name in methods if name in feature.methods}
            method = url_choice("Distance", own, "method", default=report.method, width=280)
        _feature_chart(report, feature, method, own[method])
    return method


def _feature_words(feature: FeatureDrift) -> str:
    if feature.share is None:
        return "Its share of the model is not known."
    if feature.share == 0:
        return "The model does not use it."
    return f"It carries {percent(feature.share)} of the model's attribution."


def _feature_chart(report: DriftReport, feature: FeatureDrift, method: str, title: str) -> None:
    found = feature.methods[method]
    points = [
        DriftPoint(label, chunk.name, _PARTS[chunk.part], distance, bool(alert))
        for label, chunk, distance, alert in zip(
            chunk_labels(report), report.chunks, found.distances, found.alerts, strict=True
        )
    ]
    for place, gap in reversed(_gap_places(report)):
        points.insert(place, DriftPoint(gap.title, "No rows", points[place].part, None, alert=False))
    limit = found.threshold
    threshold = None if limit is None else Threshold(f"Alert above {limit:.3g}", limit)
    alt = f"{title} of {humanise(feature.feature)} by chunk, with its threshold and alerts."
    drift_lines(points, title=title, alt=alt, threshold=threshold)
    if limit is None:
        st.caption("This statistic has no threshold: a chunk alerts where its p-value is below 0.05.")


def features_table(report: DriftReport) -> None:
    """Show every feature with its share of the model, its drift, and what the newest chunk says."""
    section("All features", "The same order; a distance of 0 is no drift.")
    columns: list[Column[FeatureDrift]] = [
        *FEATURES,
        Column(partial(_course, report), "Course", "trend", phone=False),
    ]
    live_table(report.features, columns, key="features", download="drift-features", alt="Features by drift.")
    for left_out in report.skipped:
        st.caption(f"Not compared: {escape(left_out)}.")


def _course(report: DriftReport, feature: FeatureDrift) -> list[float]:
    distances = feature.methods[report.method].distances[report.reference_chunks :]
    return [distance for distance in distances if distance is not None]


def quality_panel(quality: QualityReport) -> None:
    """Show each column against its reference, those beyond a limit first."""
    caption = (
        f"The newest {_rows(quality)} against {count(quality.reference_rows, 'row')} of the reference. "
        f"{sentence(quality.check.message)}"
    )
    with panel("Data quality", caption):
        alt = "Columns by verdict."
        live_table(quality.columns, QUALITY, key="quality", download="data-quality", alt=alt)
        figure_help(QUALITY_NOTES, title="How data quality is judged")


def personal_panel(quality: QualityReport) -> None:
    """Show the columns that hold personal data, with masked examples."""
    if not quality.personal:
        st.caption(
            "No personal data was found: no e-mail address, phone number, IBAN, card number, social security "
            "number or IP address, and no column that is named like one."
        )
        return
    caption = "For the measure on purpose and personal data: say why each is needed, or leave it out."
    with panel("Personal data", caption):
        caption = "Columns with personal data"
        plain_table(quality.personal, PERSONAL, caption=caption, download="personal-data")
