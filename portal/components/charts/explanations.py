"""Explanations: strength of features, the way to one score, a feature along its values, two groups apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from portal.components.charts.canvas import (
    ACCENT,
    FINE_FORMATS,
    INK,
    QUIET,
    SECOND,
    draw,
    finish,
    name_axis,
    top_legend,
)

Row = Mapping[str, Any]
UP, DOWN = "Pushes up", "Pushes down"
_NUMBER = FINE_FORMATS["number"]
# The output at a raw score, in Vega's own words; the axis then shows answers at the places of raw scores.
_ANSWERS = {
    "log_odds": "format(1 / (1 + exp(-datum.value)), '.0%')",
    "log": "format(exp(datum.value), ',.3~g')",
}


def strength_bars(rows: Sequence[Row], *, unit: str, alt: str, key: str) -> str | None:
    """Draw features by mean strength, with a mark at the mean push; a click returns the feature's title.

    Parameters
    ----------
    rows
        One row a feature, strongest first, with `label`, `strength`, `push` and `share` (0..1).
    unit
        Scale of the contributions in words: `log odds`.
    alt
        One sentence for people who do not see the chart.
    key
        A name that no other chart of the page has.
    """
    shown = [{name: row[name] for name in ("label", "strength", "push", "share")} for row in rows]
    spec = _strength_spec(unit, tuple(str(row["label"]) for row in shown))
    picked = draw(shown, spec, alt=alt, key=key, picks=("label",))
    return picked[0] if picked else None


@lru_cache(maxsize=64)
def _strength_spec(unit: str, order: tuple[str, ...]) -> str:
    import altair as alt

    title = f"Mean strength ({unit})"
    hints = [
        alt.Tooltip("label:N", title="Feature"),
        alt.Tooltip("strength:Q", title="Mean strength", format=_NUMBER),
        alt.Tooltip("push:Q", title="Mean push", format=_NUMBER),
        alt.Tooltip("share:Q", title="Share of all", format=".1%"),
    ]
    names = ["Mean strength", "Mean push"]
    colours = alt.Scale(domain=names, range=[ACCENT, SECOND])
    base = alt.Chart().encode(y=name_axis("label", order), tooltip=hints)
    x = alt.X("strength:Q", title=title, axis=alt.Axis(format=",.3~g", labelFlush=False, tickCount=5))
    picked = alt.selection_point(name="picked", fields=["label"])
    bars = (
        base.transform_calculate(what="'Mean strength'")
        .mark_bar(height=15, cornerRadiusEnd=3, cursor="pointer")
        .encode(
            x=x,
            color=alt.Color("what:N", scale=colours, legend=top_legend()),
            fillOpacity=alt.condition(picked, alt.value(0.62), alt.value(0.3), empty=True),
        )
        .add_params(picked)
    )
    push = (
        base.transform_calculate(what="'Mean push'")
        .mark_tick(thickness=3, height=19)
        .encode(x=alt.X("push:Q", title=title), color=alt.Color("what:N", scale=colours))
    )
    return finish(alt.layer(bars, push).properties(height=alt.Step(27)))


def waterfall_chart(
    rows: Sequence[Row], *, unit: str, scale: str, base: float, end: float, alt: str, key: str
) -> None:
    """Draw the way from the base value to one score, a step a line, with the model's answer along the top.

    Parameters
    ----------
    rows
        One row a step in its order, with `label`, `start`, `end`, `contribution` and `answer` (the change of
        the answer in words, or None).
    unit
        Scale of the contributions in words.
    scale
        How the answer follows from the raw score; the top axis shows it for log odds and logarithms.
    base, end
        Raw scores at which the way begins and ends.
    alt
        One sentence for people who do not see the chart.
    key
        A name that no other chart of the page has.
    """
    shown = [
        {
            "label": str(row["label"]),
            "start": row["start"],
            "end": row["end"],
            "contribution": row["contribution"],
            "way": UP if row["contribution"] >= 0 else DOWN,
            "words": f"{row['contribution']:+.2f}".replace("-", "\u2212"),
            "edge": max(row["start"], row["end"]),
            "answer": row["answer"],
        }
        for row in rows
    ]
    order = tuple(row["label"] for row in shown)
    draw(shown, _waterfall_spec(unit, scale, order, round(base, 6), round(end, 6)), alt=alt, key=key)


@lru_cache(maxsize=256)
def _waterfall_spec(unit: str, scale: str, order: tuple[str, ...], base_at: float, end_at: float) -> str:
    import altair as alt

    colours = alt.Scale(domain=[UP, DOWN], range=[ACCENT, SECOND])
    hints = [
        alt.Tooltip("label:N", title="Feature"),
        alt.Tooltip("contribution:Q", title=f"Contribution ({unit})", format="+,.4~g"),
        alt.Tooltip("end:Q", title="Score so far", format=",.4~g"),
        alt.Tooltip("answer:N", title="Moves the answer by"),
    ]
    span = alt.Scale(zero=False, padding=26)
    bottom = alt.Axis(format=",.3~g", labelFlush=False, tickCount=6, orient="bottom", grid=True)
    base = alt.Chart().encode(y=name_axis("label", order), tooltip=hints)
    bars = base.mark_bar(height=17, cornerRadius=2).encode(
        x=alt.X("start:Q", title=f"Raw score ({unit})", scale=span, axis=bottom),
        x2="end:Q",
        color=alt.Color("way:N", scale=colours, legend=top_legend()),
    )
    words = base.mark_text(align="left", dx=5, fontSize=11, fontWeight=500, color=INK).encode(
        x=alt.X("edge:Q", scale=span, axis=None), text="words:N"
    )
    marks = alt.Chart(
        alt.InlineData(values=[{"at": base_at, "words": "Base"}, {"at": end_at, "words": "Score"}])
    )
    lines = marks.mark_rule(strokeDash=[5, 4], strokeWidth=1.3, color=QUIET).encode(
        x=alt.X("at:Q", scale=span, axis=_answer_axis(scale) or bottom),
        tooltip=[
            alt.Tooltip("words:N", title="Where"),
            alt.Tooltip("at:Q", title="Raw score", format=_NUMBER),
        ],
    )
    layered = alt.layer(bars, words, lines).properties(height=alt.Step(31))
    if _answer_axis(scale) is not None:
        layered = layered.resolve_axis(x="independent")
    return finish(layered)


def _answer_axis(scale: str) -> Any:
    """An axis along the top that names the model's answer at each raw score; None where nothing says it."""
    import altair as alt

    if scale not in _ANSWERS:
        return None
    title = "Probability that the model gives" if scale == "log_odds" else "What the model gives"
    return alt.Axis(
        orient="top", labelExpr=_ANSWERS[scale], labelFlush=False, tickCount=6, grid=False, title=title
    )


def along_chart(rows: Sequence[Row], *, feature: str, unit: str, numeric: bool, alt: str, key: str) -> None:
    """Draw a feature's contributions along its values: the mean, and where eight in ten rows lie.

    Parameters
    ----------
    rows
        One row a value or band, with `label`, `low`, `high` (numbers), `rows`, `mean`, `p10` and `p90`.
    feature
        Title of the feature.
    unit
        Scale of the contributions in words.
    numeric
        Whether the values lie on a line; else they are listed.
    alt
        One sentence for people who do not see the chart.
    key
        A name that no other chart of the page has.
    """
    shown = [
        {
            **{name: row[name] for name in ("label", "low", "high", "rows", "mean", "p10", "p90")},
            "middle": None if row["low"] is None else (row["low"] + row["high"]) / 2,
        }
        for row in rows
    ]
    order = () if numeric else tuple(str(row["label"]) for row in shown)
    draw(shown, _along_spec(feature, unit, order), alt=alt, key=key, height=400 if numeric else None)


@lru_cache(maxsize=256)
def _along_spec(feature: str, unit: str, order: tuple[str, ...]) -> str:
    import altair as alt

    title = f"Contribution ({unit})"
    hints = [
        alt.Tooltip("label:N", title=feature),
        alt.Tooltip("mean:Q", title="Mean contribution", format="+,.4~g"),
        alt.Tooltip("p10:Q", title="Eight in ten rows from", format="+,.4~g"),
        alt.Tooltip("p90:Q", title="to", format="+,.4~g"),
        alt.Tooltip("rows:Q", title="Rows", format=","),
    ]
    level = alt.Chart(alt.InlineData(values=[{"zero": 0}]))
    size = alt.Size("rows:Q", scale=alt.Scale(range=[30, 150], zero=True), legend=None)
    if order:
        base = alt.Chart().encode(y=name_axis("label", order), tooltip=hints)
        x = alt.X("mean:Q", title=title, axis=alt.Axis(format=",.3~g", labelFlush=False, tickCount=5))
        spans = base.mark_rule(strokeWidth=6, opacity=0.28, color=ACCENT).encode(
            x=alt.X("p10:Q", title=title), x2="p90:Q"
        )
        dots = base.mark_point(filled=True, opacity=1, color=ACCENT).encode(x=x, size=size)
        zero = level.mark_rule(strokeWidth=1.2, color=QUIET).encode(x="zero:Q")
        return finish(alt.layer(zero, spans, dots).properties(height=alt.Step(28)))
    base = alt.Chart().transform_filter("isValid(datum.middle)").encode(tooltip=hints)
    x = alt.X(
        "middle:Q",
        title=feature,
        scale=alt.Scale(zero=False, padding=12),
        axis=alt.Axis(format=",.4~g", labelFlush=False, tickCount=6, grid=False),
    )
    y = alt.Y("mean:Q", title=title, axis=alt.Axis(format=",.3~g", labelFlush=False, tickCount=5))
    band = base.mark_area(opacity=0.16, color=ACCENT, interpolate="monotone").encode(
        x=x, y=alt.Y("p10:Q", title=title), y2="p90:Q"
    )
    line = base.mark_line(strokeWidth=2.2, color=ACCENT, interpolate="monotone").encode(x=x, y=y)
    dots = base.mark_point(filled=True, opacity=1, color=ACCENT).encode(x=x, y=y, size=size)
    zero = level.mark_rule(strokeWidth=1.2, color=QUIET).encode(y="zero:Q")
    return finish(alt.layer(zero, band, line, dots))


def gap_bars(rows: Sequence[Row], *, first: str, second: str, unit: str, alt: str, key: str) -> str | None:
    """Draw which features set two groups apart, with intervals; a click returns the feature's title.

    Parameters
    ----------
    rows
        One row a feature, widest first, with `label`, `gap`, `low` and `high` (ends of the interval or None),
        `first` and `second` (mean contributions).
    first, second
        Names of the groups.
    unit
        Scale of the contributions in words.
    alt
        One sentence for people who do not see the chart.
    key
        A name that no other chart of the page has.
    """
    way = {True: f"Higher for {first}", False: f"Higher for {second}"}
    shown = [
        {
            **{name: row[name] for name in ("label", "gap", "low", "high", "first", "second")},
            "way": way[row["gap"] >= 0],
        }
        for row in rows
    ]
    spec = _gap_spec(first, second, unit, tuple(str(row["label"]) for row in shown))
    picked = draw(shown, spec, alt=alt, key=key, picks=("label",))
    return picked[0] if picked else None


@lru_cache(maxsize=256)
def _gap_spec(first: str, second: str, unit: str, order: tuple[str, ...]) -> str:
    import altair as alt

    title = f"Difference of mean contributions ({unit})"
    hints = [
        alt.Tooltip("label:N", title="Feature"),
        alt.Tooltip("first:Q", title=f"Mean for {first}"[:60], format="+,.4~g"),
        alt.Tooltip("second:Q", title=f"Mean for {second}"[:60], format="+,.4~g"),
        alt.Tooltip("gap:Q", title="Difference", format="+,.4~g"),
        alt.Tooltip("low:Q", title="Interval from", format="+,.4~g"),
        alt.Tooltip("high:Q", title="Interval to", format="+,.4~g"),
    ]
    ways = [f"Higher for {first}", f"Higher for {second}"]
    colours = alt.Scale(domain=ways, range=[ACCENT, SECOND])
    base = alt.Chart().encode(y=name_axis("label", order), tooltip=hints)
    x = alt.X("gap:Q", title=title, axis=alt.Axis(format="+,.3~g", labelFlush=False, tickCount=5))
    picked = alt.selection_point(name="picked", fields=["label"])
    bars = (
        base.mark_bar(height=15, cornerRadius=2, cursor="pointer")
        .encode(
            x=x,
            color=alt.Color("way:N", scale=colours, legend=top_legend(1)),
            fillOpacity=alt.condition(picked, alt.value(0.7), alt.value(0.35), empty=True),
        )
        .add_params(picked)
    )
    spans = base.mark_rule(strokeWidth=1.8, color=INK).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    zero = (
        alt.Chart(alt.InlineData(values=[{"zero": 0}]))
        .mark_rule(strokeWidth=1.2, color=QUIET)
        .encode(x="zero:Q")
    )
    return finish(alt.layer(zero, bars, spans).properties(height=alt.Step(27)))
