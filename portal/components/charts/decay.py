"""Charts of one model: estimates beside what was realised, groups on one scale, what scores come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from portal.components.canvas import (
    ACCENT,
    BAD,
    FINE_FORMATS,
    INK,
    MOST_POINTS,
    QUIET,
    SECOND,
    Threshold,
    Unit,
    axis,
    by_name,
    draw,
    drawing,
    finish,
    hints,
    level,
    loose,
    name_axis,
    threshold_layers,
    time_axis,
    top_legend,
)

if TYPE_CHECKING:
    import altair as alt

    from core.domain.facts.measured import DecayChunk
    from core.lake.monitoring.attributions import FeaturePoint
    from core.services.measured.decay_groups import DecayGroup


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


MOST_GROUPS = 6
"""Lines that can still be told apart."""
_COLOURS = (ACCENT, SECOND, "#178a8a", "#8a5cd6", "#b3487f", "#738096")
_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3])


def decay_chart(
    chunks: Sequence[DecayChunk],
    came_worse: Callable[[DecayChunk], bool],
    *,
    title: str,
    alt: str,
    thresholds: Sequence[Threshold],
    unit: Unit,
    adapted: Mapping[int, DecayChunk],
) -> None:
    """Draw estimates along the chunks with their band, realised values beside them, and alerts.

    Parameters
    ----------
    chunks
        Of one metric, in order of time; the newest are drawn where there are too many.
    came_worse
        Whether the realised value of a chunk is worse than its threshold.
    title
        What is estimated: `Accuracy`.
    alt
        One sentence for people who do not see the chart.
    thresholds
        Labelled lines.
    unit
        `percent` for shares 0..1, `number` for anything else.
    adapted
        By number of the chunk after the reference, what is estimated of it when adapted to its inputs.
    """
    timed = all(chunk.started_at is not None for chunk in chunks)
    rows = [
        {
            "at": chunk.started_at if timed else chunk.short,
            "estimate": chunk.estimate,
            "lower_confidence": chunk.lower_confidence,
            "upper_confidence": chunk.upper_confidence,
            "realised": chunk.realised,
            "alert": _alert_place(chunk),
            "adapted": adapted[chunk.chunk].estimate if _is_adapted(chunk, adapted) else None,
            "came_worse": chunk.realised if came_worse(chunk) else None,
        }
        for chunk in chunks[-MOST_POINTS:]
    ]
    draw(rows, _spec(title, tuple(thresholds), unit, timed, bool(adapted)), alt=alt, height=340)


def _is_adapted(chunk: DecayChunk, adapted: Mapping[int, DecayChunk]) -> bool:
    return chunk.part == "analysis" and chunk.rows > 0 and chunk.chunk in adapted


def _alert_place(chunk: DecayChunk) -> float | None:
    """Place of the alert mark: on the estimate, or on the realised value where there is no estimate."""
    if not chunk.alert:
        return None
    return chunk.realised if chunk.estimate is None else chunk.estimate


@lru_cache(maxsize=256)
def _spec(title: str, thresholds: tuple[Threshold, ...], unit: Unit, timed: bool, adapted: bool) -> str:
    import altair as alt

    names = ["Estimated, with band", "Realised", "Alert", *(["Adapted to inputs"] if adapted else [])]
    colours = alt.Scale(domain=names, range=[ACCENT, SECOND, BAD, _COLOURS[2]][: len(names)])
    shapes = alt.Scale(domain=names, range=["square", "circle", "triangle-up", "diamond"][: len(names)])
    told = hints(
        *(
            (f"{field}:Q", words, FINE_FORMATS[unit])
            for field, words in (
                ("estimate", f"{title}, estimated"),
                ("lower_confidence", "Band from"),
                ("upper_confidence", "Band to"),
                ("realised", f"{title}, realised"),
                *([("adapted", f"{title}, adapted")] if adapted else []),
            )
        ),
        timed=timed,
    )
    base = alt.Chart().encode(x=time_axis(timed=timed), tooltip=told)

    def on(field: str) -> alt.Y:
        return level(field, title, unit, loose(12))

    def dots(field: str, name: str, size: int) -> Any:
        marks = base.transform_calculate(series=f"'{name}'").mark_point(filled=True, size=size, opacity=1)
        return marks.encode(
            y=on(field),
            color=alt.Color("series:N", scale=colours, legend=top_legend()),
            shape=alt.Shape("series:N", scale=shapes, legend=top_legend()),
        )

    band = base.mark_area(opacity=0.16, color=ACCENT, interpolate="monotone").encode(
        y=on("lower_confidence"), y2="upper_confidence:Q"
    )
    line = base.mark_line(strokeWidth=2.2, color=ACCENT, interpolate="monotone").encode(y=on("estimate"))
    truth = base.mark_line(strokeWidth=1.8, color=SECOND).encode(y=on("realised"))
    lines = threshold_layers(thresholds, unit, title=title)
    marks = [dots("realised", names[1], 34), dots("estimate", names[0], 22)]
    if adapted:
        marks.append(dots("adapted", names[3], 30))
    marks += [dots("alert", names[2], 120), dots("came_worse", names[2], 120)]
    return finish(alt.layer(band, *lines, truth, line, *marks))


def group_chart(groups: Sequence[DecayGroup], *, alt: str) -> None:
    """Draw each group's way from its usual level (0) to its worse threshold (1), chunk by chunk.

    Parameters
    ----------
    groups
        The most urgent first, at most `MOST_GROUPS`; of each the newest chunks are drawn.
    alt
        One sentence for people who do not see the chart.
    """
    timed = all(chunk.started_at is not None for group in groups for chunk in group.chunks)
    latest = MOST_POINTS // max(1, len(groups))
    rows = [
        {
            "at": chunk.started_at if timed else chunk.name,
            "group": group.label,
            "way": chunk.room_used,
            "estimate": chunk.estimate,
            "rows": chunk.rows,
            "worse": chunk.room_used if chunk.worse else None,
        }
        for group in groups
        for chunk in group.chunks[-latest:]
    ]
    draw(rows, _group_spec(tuple(group.label for group in groups), timed), alt=alt, height=300)


@lru_cache(maxsize=64)
def _group_spec(order: tuple[str, ...], timed: bool) -> str:
    import altair as alt

    title = "Way to the threshold"
    level = alt.Axis(format=".0%", labelFlush=False, tickCount=5)
    scale = alt.Scale(zero=True, padding=12)
    legend = top_legend()
    domain = list(order)
    colours = alt.Scale(domain=domain, range=list(_COLOURS[: len(domain)]))
    dashes = alt.Scale(domain=domain, range=[list(dash) for dash in _DASHES[: len(domain)]])
    told = [
        *hints(("group:N", "Group")),
        *hints(
            ("way:Q", title, ".0%"),
            ("estimate:Q", "Estimated", ",.4~g"),
            ("rows:Q", "Rows", ","),
            timed=timed,
        ),
    ]
    base = alt.Chart().encode(x=time_axis(timed=timed), tooltip=told)
    lines = base.mark_line(strokeWidth=2.1).encode(
        y=alt.Y("way:Q", title=title, axis=level, scale=scale),
        color=alt.Color("group:N", scale=colours, legend=legend),
        strokeDash=alt.StrokeDash("group:N", scale=dashes, legend=legend),
    )
    worse = base.mark_point(filled=True, size=95, opacity=1, shape="triangle-up", color=BAD).encode(
        y=alt.Y("worse:Q", title=title)
    )
    line = threshold_layers((Threshold("Worse beyond its own threshold", 1.0),), "percent", title=title)
    return finish(alt.layer(*line, lines, worse))
