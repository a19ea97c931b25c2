"""Explanations: strength of features, the way to one score, a feature along its values, two groups apart.

Everywhere `unit` is the scale of the contributions in words, `alt` one sentence for people who do not see the
chart, and `key` a name that no other chart of the page has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from portal.components.canvas import (
    ACCENT,
    FINE_FORMATS,
    INK,
    QUIET,
    SECOND,
    axis,
    by_name,
    draw,
    drawing,
    hints,
    loose,
    name_axis,
    top_legend,
)

if TYPE_CHECKING:
    import altair as alt

    from core.lake.monitoring.attributions import FeaturePoint

Labels = tuple[str, ...]
UP, DOWN = "Pushes up", "Pushes down"
_NUMBER, _SIGNED = FINE_FORMATS["number"], "+,.4~g"
# The output at a raw score, in Vega's own words; the axis then shows answers at the places of raw scores.
_ANSWERS = {
    "log_odds": ("Probability that the model gives", "format(1 / (1 + exp(-datum.value)), '.0%')"),
    "log": ("What the model gives", "format(exp(datum.value), ',.3~g')"),
}


@dataclass(frozen=True)
class Strength:
    """A feature's mean strength, its mean push, and its share of all, 0 to 1."""

    label: str
    strength: float
    push: float
    share: float


@dataclass(frozen=True)
class WayStep:
    """A step of the way to a score; `answer` is what it moves the model's answer by, in words, or None."""

    label: str
    start: float
    end: float
    contribution: float
    answer: str | None


@dataclass(frozen=True)
class Gap:
    """What a feature sets two groups apart by: mean contributions, their difference and its interval."""

    label: str
    gap: float
    low: float | None
    high: float | None
    first: float
    second: float


def strength_bars(features: Sequence[Strength], *, unit: str, alt: str, key: str) -> str | None:
    """Draw features by mean strength, strongest first, and mark the mean push; a click gives a label."""
    spec = _strength_spec(unit, tuple(one.label for one in features))
    picked = draw(features, spec, alt=alt, key=key, picks=("label",))
    return picked[0] if picked else None


@drawing
def _strength_spec(unit: str, order: Labels) -> alt.TopLevelMixin:
    import altair as alt

    title = f"Mean strength ({unit})"
    told = hints(
        ("label:N", "Feature"),
        ("strength:Q", "Mean strength", _NUMBER),
        ("push:Q", "Mean push", _NUMBER),
        ("share:Q", "Share of all", ".1%"),
    )
    colours = by_name({"Mean strength": ACCENT, "Mean push": SECOND})
    base = alt.Chart().encode(y=name_axis("label", order), tooltip=told)
    picked = alt.selection_point(name="picked", fields=["label"])
    bars = (
        base.transform_calculate(what="'Mean strength'")
        .mark_bar(height=15, cornerRadiusEnd=3, cursor="pointer")
        .encode(
            x=alt.X("strength:Q", title=title, axis=axis("number")),
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
    return alt.layer(bars, push).properties(height=alt.Step(27))


def waterfall_chart(
    steps: Sequence[WayStep], *, unit: str, scale: str, base: float, end: float, alt: str, key: str
) -> None:
    """Draw the way from the base value to one score, a step a line, with the model's answer along the top.

    Parameters
    ----------
    scale
        How the answer follows from the raw score; the top axis shows it for log odds and logarithms.
    base, end
        Raw scores at which the way begins and ends.
    """
    shown = [
        {
            **{name: value for name, value in asdict(one).items() if name != "answer"},
            "way": UP if one.contribution >= 0 else DOWN,
            "words": f"{one.contribution:+.2f}".replace("-", "\u2212"),
            "edge": max(one.start, one.end),
            "answer": one.answer,
        }
        for one in steps
    ]
    order = tuple(one.label for one in steps)
    draw(shown, _waterfall_spec(unit, scale, order, round(base, 6), round(end, 6)), alt=alt, key=key)


@drawing
def _waterfall_spec(unit: str, scale: str, order: Labels, base_at: float, end_at: float) -> alt.TopLevelMixin:
    import altair as alt

    colours = by_name({UP: ACCENT, DOWN: SECOND})
    told = hints(
        ("label:N", "Feature"),
        ("contribution:Q", f"Contribution ({unit})", _SIGNED),
        ("end:Q", "Score so far", _NUMBER),
        ("answer:N", "Moves the answer by"),
    )
    span = loose(26)
    bottom = axis("number", tickCount=6, orient="bottom", grid=True)
    base = alt.Chart().encode(y=name_axis("label", order), tooltip=told)
    bars = base.mark_bar(height=17, cornerRadius=2).encode(
        x=alt.X("start:Q", title=f"Raw score ({unit})", scale=span, axis=bottom),
        x2="end:Q",
        color=alt.Color("way:N", scale=colours, legend=top_legend()),
    )
    words = base.mark_text(align="left", dx=5, fontSize=11, fontWeight=500, color=INK).encode(
        x=alt.X("edge:Q", scale=span, axis=None), text="words:N"
    )
    ends = [{"at": base_at, "words": "Base"}, {"at": end_at, "words": "Score"}]
    answers = None
    if scale in _ANSWERS:
        title, said = _ANSWERS[scale]
        answers = alt.Axis(
            orient="top", labelExpr=said, labelFlush=False, tickCount=6, grid=False, title=title
        )
    lines = (
        alt.Chart(alt.InlineData(values=ends))
        .mark_rule(strokeDash=[5, 4], strokeWidth=1.3, color=QUIET)
        .encode(
            x=alt.X("at:Q", scale=span, axis=answers or bottom),
            tooltip=hints(("words:N", "Where"), ("at:Q", "Raw score", _NUMBER)),
        )
    )
    layered = alt.layer(bars, words, lines).properties(height=alt.Step(31))
    return layered if answers is None else layered.resolve_axis(x="independent")


def along_chart(
    points: Sequence[FeaturePoint], *, feature: str, unit: str, numeric: bool, alt: str, key: str
) -> None:
    """Draw a feature's contributions along its values: the mean, and where eight in ten rows lie.

    Parameters
    ----------
    feature
        Title of the feature.
    numeric
        Whether the values lie on a line; else they are listed.
    """
    middles = [None if one.low is None or one.high is None else (one.low + one.high) / 2 for one in points]
    shown = [{**asdict(one), "middle": middle} for one, middle in zip(points, middles, strict=True)]
    order = () if numeric else tuple(one.label for one in points)
    draw(shown, _along_spec(feature, unit, order), alt=alt, key=key, height=400 if numeric else None)


@drawing
def _along_spec(feature: str, unit: str, order: Labels) -> alt.TopLevelMixin:
    import altair as alt

    title = f"Contribution ({unit})"
    told = hints(
        ("label:N", feature),
        ("mean:Q", "Mean contribution", _SIGNED),
        ("p10:Q", "Eight in ten rows from", _SIGNED),
        ("p90:Q", "to", _SIGNED),
        ("rows:Q", "Rows", ","),
    )
    size = alt.Size("rows:Q", scale=alt.Scale(range=[30, 150], zero=True), legend=None)
    if order:
        base = alt.Chart().encode(y=name_axis("label", order), tooltip=told)
        spans = base.mark_rule(strokeWidth=6, opacity=0.28, color=ACCENT).encode(
            x=alt.X("p10:Q", title=title), x2="p90:Q"
        )
        dots = base.mark_point(filled=True, opacity=1, color=ACCENT).encode(
            x=alt.X("mean:Q", title=title, axis=axis("number")), size=size
        )
        return alt.layer(_zero("x"), spans, dots).properties(height=alt.Step(28))
    base = alt.Chart().transform_filter("isValid(datum.middle)").encode(tooltip=told)
    x = alt.X(
        "middle:Q",
        title=feature,
        scale=loose(12),
        axis=alt.Axis(format=_NUMBER, labelFlush=False, tickCount=6, grid=False),
    )
    y = alt.Y("mean:Q", title=title, axis=axis("number"))
    band = base.mark_area(opacity=0.16, color=ACCENT, interpolate="monotone").encode(
        x=x, y=alt.Y("p10:Q", title=title), y2="p90:Q"
    )
    line = base.mark_line(strokeWidth=2.2, color=ACCENT, interpolate="monotone").encode(x=x, y=y)
    dots = base.mark_point(filled=True, opacity=1, color=ACCENT).encode(x=x, y=y, size=size)
    return alt.layer(_zero("y"), band, line, dots)


def gap_bars(gaps: Sequence[Gap], *, first: str, second: str, unit: str, alt: str, key: str) -> str | None:
    """Draw which features set two groups apart, widest first, with intervals; a click gives a label."""
    ways = {True: f"Higher for {first}", False: f"Higher for {second}"}
    shown = [{**asdict(one), "way": ways[one.gap >= 0]} for one in gaps]
    spec = _gap_spec(first, second, unit, tuple(one.label for one in gaps))
    picked = draw(shown, spec, alt=alt, key=key, picks=("label",))
    return picked[0] if picked else None


@drawing
def _gap_spec(first: str, second: str, unit: str, order: Labels) -> alt.TopLevelMixin:
    import altair as alt

    title = f"Difference of mean contributions ({unit})"
    told = hints(
        ("label:N", "Feature"),
        ("first:Q", f"Mean for {first}"[:60], _SIGNED),
        ("second:Q", f"Mean for {second}"[:60], _SIGNED),
        ("gap:Q", "Difference", _SIGNED),
        ("low:Q", "Interval from", _SIGNED),
        ("high:Q", "Interval to", _SIGNED),
    )
    colours = by_name({f"Higher for {first}": ACCENT, f"Higher for {second}": SECOND})
    base = alt.Chart().encode(y=name_axis("label", order), tooltip=told)
    picked = alt.selection_point(name="picked", fields=["label"])
    bars = (
        base.mark_bar(height=15, cornerRadius=2, cursor="pointer")
        .encode(
            x=alt.X("gap:Q", title=title, axis=alt.Axis(format="+,.3~g", labelFlush=False, tickCount=5)),
            color=alt.Color("way:N", scale=colours, legend=top_legend(1)),
            fillOpacity=alt.condition(picked, alt.value(0.7), alt.value(0.35), empty=True),
        )
        .add_params(picked)
    )
    spans = base.mark_rule(strokeWidth=1.8, color=INK).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    return alt.layer(_zero("x"), bars, spans).properties(height=alt.Step(27))


def _zero(way: str) -> alt.Chart:
    import altair as alt

    level = alt.Chart(alt.InlineData(values=[{"zero": 0}]))
    line: alt.Chart = level.mark_rule(strokeWidth=1.2, color=QUIET).encode(**{way: "zero:Q"})
    return line
