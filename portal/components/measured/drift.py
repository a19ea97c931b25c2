"""Drift and data of one model version: cards, the map of features, one feature in detail, data quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.domain.models.column_mapping import column_title
from portal.components.canvas import (
    ACCENT,
    BAD,
    FINE_FORMATS,
    INK,
    QUIET,
    by_name,
    draw,
    drawing,
    hints,
    level,
    loose,
    name_axis,
    time_axis,
    top_legend,
)
from portal.components.cards import Card, cards
from portal.components.page import panel, section
from portal.components.tables import Column, figure_help, live_table, plain_table
from portal.components.text import count, escape, humanise, minute, number, percent
from portal.components.url_inputs import set_url, url_choice, url_value

if TYPE_CHECKING:
    import altair as alt

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
    limit: float | None
    low: float | None
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


@drawing
def _map_spec(order: tuple[str, ...], chunks: tuple[str, ...], states: tuple[str, ...]) -> alt.TopLevelMixin:
    import altair as alt

    words = alt.Axis(labelAngle=0, labelOverlap="greedy", domain=False, ticks=False, labelPadding=6)
    x = alt.X(
        "chunk:N",
        sort=list(chunks),
        title=None,
        axis=words,
        scale=alt.Scale(paddingInner=0.08, paddingOuter=0.0),
    )
    y = name_axis("feature", order, alt.Scale(paddingInner=0.14, paddingOuter=0.0), domain=False)
    colour = alt.Color(
        "state:N",
        scale=by_name(dict(zip(states, _COLOURS, strict=False))),
        legend=top_legend(len(states)),
    )
    strength = alt.FillOpacity(
        "level:Q", scale=alt.Scale(domain=[0, 1, 2], range=[0.06, 0.5, 0.85], clamp=True), legend=None
    )
    told = hints(
        ("feature:N", "Feature"),
        ("when:N", "Chunk"),
        ("distance:Q", "Distance", ".4f"),
        ("level:Q", "Times its threshold", ".2f"),
        ("state:N", "State"),
    )
    base = alt.Chart().encode(x=x, y=y, tooltip=told)
    cells = base.mark_rect(cornerRadius=2).encode(color=colour, fillOpacity=strength)
    marks = base.mark_text(fontSize=9, color=INK).encode(text="mark:N")
    cells = cells.add_params(alt.selection_point(name="picked", fields=["feature"]))
    return alt.layer(cells, marks).properties(height=alt.Step(26))


def drift_lines(points: Sequence[DriftPoint], *, title: str, alt: str) -> None:
    """Draw one feature's distances chunk by chunk, the reference's in grey, with thresholds and alerts.

    Parameters
    ----------
    points
        One a chunk in its order.
    title
        What the distance is called.
    alt
        One sentence for people who do not see the chart.
    """
    repeated = len({point.at for point in points}) < len(points)
    shown = [
        {
            **asdict(point),
            "at": f"{place}" if repeated else point.at,
            "marked": point.distance if point.alert else None,
        }
        for place, point in enumerate(points, start=1)
    ]
    draw(shown, _lines_spec(title), alt=alt, height=300)


@drawing
def _lines_spec(title: str) -> alt.TopLevelMixin:
    import altair as alt

    names = ["Reference, each chunk against the others", "In use", "Alert", "Alerts above"]
    colours = by_name(dict(zip(names, (QUIET, ACCENT, BAD, BAD), strict=True)))
    shapes = by_name(dict(zip(names, ("circle", "circle", "triangle-up", "stroke"), strict=True)))
    told = hints(
        ("when:N", "Chunk"),
        ("part:N", "Part"),
        ("distance:Q", title, FINE_FORMATS["number"]),
        ("limit:Q", "Alerts above", FINE_FORMATS["number"]),
    )
    base = alt.Chart().encode(x=time_axis(timed=False), tooltip=told)

    def on(field: str) -> alt.Y:
        return level(field, title, "number", loose(12, zero=True))

    def dots(field: str, series: str, size: int) -> Any:
        marks = base.transform_calculate(series=series).mark_point(filled=True, size=size, opacity=1)
        return marks.encode(
            y=on(field),
            color=alt.Color("series:N", scale=colours, legend=top_legend(2)),
            shape=alt.Shape("series:N", scale=shapes, legend=top_legend(2)),
        )

    part = f"datum.part == 'Reference' ? '{names[0]}' : '{names[1]}'"
    line = base.transform_calculate(series=part).mark_line(strokeWidth=2.0)
    line = line.encode(y=on("distance"), color=alt.Color("series:N", scale=colours, legend=None))
    limits = base.mark_line(strokeDash=[5, 4], strokeWidth=1.3, color=BAD, interpolate="step")
    limits = alt.layer(limits.encode(y=on("limit")), limits.encode(y=on("low")))
    return alt.layer(*limits.layer, line, dots("distance", part, 34), dots("marked", f"'{names[2]}'", 110))


MOST_FEATURES = 18
_PARTS = {"reference": "Reference", "analysis": "In use"}


def _title(one: FeatureDrift | JudgedColumn) -> str:
    named = getattr(one, "title", one.feature)
    return humanise(column_title(named)) if named == one.feature else f"{named[:1].upper()}{named[1:]}"


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
THRESHOLDS = (
    "An alert lies beyond chance (where nothing moved, at most 5 of 100 measurements show any) and beyond "
    "what each chunk of the reference shows against the others (their mean and three standard "
    "deviations). Where a fifth of the rows could move unseen, nobody can tell."
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
        st.caption(f"{_chunk_words(report)}{holes} Measured {minute(report.measured_at)}. {THRESHOLDS}")


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
        held = (one[first:] for one in (found.distances, found.thresholds, found.alerts))
        along = zip(report.chunks[first:], labels, *held, strict=True)
        for chunk, label, distance, limit, alert in along:
            state = STATES[2] if alert is None else STATES[int(alert)]
            level = _level(distance, limit, alert)
            cells.append(DriftCell(humanise(feature.feature), label, chunk.name, distance, level, state))
    return cells


def _level(distance: float | None, threshold: float | None, alert: bool | None) -> float | None:
    """Distance in thresholds; a threshold of 0 is passed by anything."""
    if distance is None or alert is None:
        return 1.0
    return distance / threshold if threshold else 2.0 * bool(alert)


def feature_panel(report: DriftReport, methods: Mapping[str, DriftMethod]) -> str:
    """Draw one feature by one method along all chunks; give the method shown."""
    titles = {line.feature: _title(line) for line in report.lines}
    first = next(iter(titles))
    chosen = url_value("feature", first)
    chosen = chosen if chosen in titles else first
    feature = next(one for one in report.lines if one.feature == chosen)
    with panel(f"{titles[chosen]} in detail", _feature_words(feature)):
        with st.container(horizontal=True, gap="small"):
            url_choice("Feature", titles, "feature", default=first, clears=("method",), width=280)
            own = {name: methods[name].title for name in methods if name in feature.methods}
            first = report.method if report.method in own else next(iter(own))
        method = url_choice("Distance", own, "method", default=first, width=280)
        _feature_chart(report, feature, method, own[method])
    return method


def _feature_words(feature: FeatureDrift) -> str:
    if feature.title != feature.feature:
        return "It is no input: no share of the model."
    if feature.share is None:
        return "Its share of the model is not known."
    if feature.share == 0:
        return "The model does not use it."
    return f"It carries {percent(feature.share)} of the model's attribution."


def _feature_chart(report: DriftReport, feature: FeatureDrift, method: str, title: str) -> None:
    found = feature.methods[method]
    points = [
        DriftPoint(label, chunk.name, _PARTS[chunk.part], distance, limit, low, bool(alert))
        for label, chunk, distance, limit, low, alert in zip(
            chunk_labels(report),
            report.chunks,
            found.comparable,
            found.thresholds,
            found.lower_thresholds or [None] * len(found.thresholds),
            found.alerts,
            strict=True,
        )
    ]
    for place, gap in reversed(_gap_places(report)):
        points.insert(
            place, DriftPoint(gap.title, "No rows", points[place].part, None, None, None, alert=False)
        )
    alt = f"{title} of {_title(feature)} by chunk, with its thresholds and alerts."
    drift_lines(points, title=title, alt=alt)


def features_table(report: DriftReport) -> None:
    """Show every feature with its share of the model, its drift, and what the newest chunk says."""
    section("All features", "The same order; a distance of 0 is no drift.")
    columns: list[Column[FeatureDrift]] = [
        *FEATURES,
        Column(partial(_course, report), "Course", "trend", phone=False),
    ]
    live_table(report.lines, columns, key="features", download="drift-features", alt="Features by drift.")
    for left_out in report.skipped:
        st.caption(f"Not compared: {escape(left_out)}.")


def _course(report: DriftReport, feature: FeatureDrift) -> list[float]:
    leading = feature.methods.get(report.method) or next(iter(feature.methods.values()))
    distances = leading.distances[report.reference_chunks :]
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
