"""Slices against reference and limit, or under two versions: a mark for a value, a line for its interval."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from portal.components.canvas import (
    ACCENT,
    BAD,
    GOOD,
    INK,
    QUIET,
    TONES,
    WATCH,
    Threshold,
    by_name,
    draw,
    drawing,
    hints,
    loose,
    name_axis,
    threshold_layers,
    top_legend,
)

if TYPE_CHECKING:
    import altair as alt

Look = tuple[str, str, str]
"""Words, colour and shape of a verdict."""

VERDICT_LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "pass": ("Within the limit", GOOD, "circle"),
        "cannot_tell": ("Cannot tell", WATCH, "diamond"),
        "fail": ("Outside the limit", BAD, "triangle-up"),
        "not_judged": ("Not judged", QUIET, "square"),
    }
)
WEAK_LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "sure": ("Weaker beyond chance", BAD, "triangle-up"),
        "chance": ("May be chance", WATCH, "diamond"),
    }
)
_CURVES = (INK, ACCENT, WATCH, GOOD, BAD, "#8a5cf0", "#0f9aa8", "#c2489b", QUIET)
_MOVES = {"better": GOOD, "worse": BAD, "not beyond chance": WATCH}
_COUNTS, _LINE, _TITLE = "counts", "line ", "title of the metric"


@dataclass(frozen=True)
class SliceMark:
    """A slice as it is drawn: its value (None when undefined), the ends of its interval, rows that count.

    `verdict` is a key of the looks, or None where no limit is set.
    """

    slice: str
    n: int
    value: float | None
    low: float | None
    high: float | None
    verdict: str | None


@dataclass(frozen=True)
class PairMark:
    """A slice under one of two versions; `first` is its value under the other, `last` now.

    `move` is better, worse or not beyond chance.
    """

    slice: str
    version: str
    value: float
    low: float | None
    high: float | None
    first: float | None
    last: float | None
    move: str


@dataclass(frozen=True)
class TradeOffMark:
    """A way to decide as it is drawn: what is lost, how far groups are apart, and the verdict on it.

    `loss` is money a decision or points of accuracy; `apart` a ratio or points. `words` stand beside it.
    """

    title: str
    kind: str
    loss: float
    apart: float | None
    verdict: str
    accuracy: float
    words: str | None = None


def trade_off_figure(
    marks: Sequence[TradeOffMark], *, ratio: bool, money: bool, limit: float | None, alt: str, key: str
) -> None:
    """Draw the gap between groups against what is lost; a line runs through each kind of threshold.

    Parameters
    ----------
    marks
        One a way to decide.
    ratio, money
        Whether the gap is a ratio (else points), and the loss money (else points of accuracy).
    limit
        Of the gap, as it is drawn.
    alt
        One sentence for people who do not see the chart.
    key
        A name that no other chart of the page has.
    """
    shown = tuple(verdict for verdict in VERDICT_LOOKS if verdict in {mark.verdict for mark in marks})
    rows = [
        {**asdict(mark), "verdict": VERDICT_LOOKS[mark.verdict][0], "place": place}
        for place, mark in enumerate(marks)
    ]
    draw(rows, _trade_off(shown, ratio, money, limit), alt=alt, key=key, height=420)


@drawing
def _trade_off(shown: tuple[str, ...], ratio: bool, money: bool, limit: float | None) -> alt.TopLevelMixin:
    import altair as alt

    lost = "Loss against today" + (", a decision" if money else ", points of accuracy")
    apart = "Lowest over highest" if ratio else "Highest minus lowest, points"
    looks = [VERDICT_LOOKS[verdict] for verdict in shown]
    told = hints(
        *(("title:N", "Way to decide"), ("kind:N", "Thresholds"), ("apart:Q", apart, ",.3~f")),
        *(("loss:Q", lost, ",.3~f"), ("accuracy:Q", "Accuracy", ".1%"), ("verdict:N", "Verdict")),
    )
    base = alt.Chart().encode(
        x=alt.X("loss:Q", title=lost, scale=loose(20)), y=alt.Y("apart:Q", title=apart, scale=loose(16))
    )
    moved = base.transform_filter("datum.kind == 'One for all' || datum.kind == 'By group'")
    lines = moved.mark_line(strokeWidth=1.4, opacity=0.6, color=QUIET).encode(
        detail="kind:N", order="place:Q", strokeDash=alt.StrokeDash("kind:N", legend=top_legend(2))
    )
    dots = base.mark_point(filled=True, opacity=1, size=70).encode(
        color=alt.Color("verdict:N", scale=by_name({w: c for w, c, _ in looks}), legend=top_legend(3)),
        shape=alt.Shape("verdict:N", scale=by_name({w: s for w, _, s in looks}), legend=top_legend(3)),
        tooltip=told,
    )
    ends: tuple[tuple[str, Literal["left", "right"], int, int], ...]
    ends = (("datum.kind != 'Today'", "left", 9, -12), ("datum.kind == 'Today'", "right", -9, 4))
    named = [
        base.transform_filter(f"isValid(datum.words) && {which}")
        .mark_text(align=align, dx=dx, dy=dy, fontSize=12, fontWeight=600, color=INK)
        .encode(text="words:N")
        for which, align, dx, dy in ends
    ]
    layers = [lines, dots, *named]
    if limit is not None:
        layers += threshold_layers(
            [Threshold(f"Limit {limit:g}", limit if ratio else 100 * limit)], "number", title=apart
        )
    return alt.layer(*layers).properties(height=420)


def slice_figure(
    marks: Sequence[SliceMark],
    *,
    value_title: str,
    alt: str,
    lines: Sequence[Threshold],
    formats: tuple[str, int],
    key: str,
    looks: Mapping[str, Look] = VERDICT_LOOKS,
) -> str | None:
    """Draw slices with intervals, verdicts and labelled lines; a click on a slice's row returns its name.

    Parameters
    ----------
    marks
        One a slice, in the order to show.
    value_title
        What is measured.
    alt
        One sentence for people who do not see the chart.
    lines
        The reference and the ends of the limit, on the scale of the values.
    formats
        `%` for shares 0..1 or `f` for other numbers, and the decimals to read them with.
    key
        A name that no other chart of the page has.
    looks
        Words, colour and shape of each verdict, in the order of the legend.
    """
    words = {mark.slice: looks[mark.verdict or "not_judged"][0] for mark in marks}
    frame = _frame(tuple(looks.values()), tuple(line.tone for line in lines), formats)
    frame = frame.replace(f'"{_TITLE}"', json.dumps(value_title))
    shown = [
        {
            "slice": mark.slice,
            "value": mark.value,
            "low": mark.low,
            "high": mark.high,
            "n": mark.n,
            "verdict": words[mark.slice],
            "undefined": "undefined" if mark.value is None else None,
        }
        for mark in marks
    ]
    picked = draw(
        shown, _filled(frame, marks, set(words.values()), lines), alt=alt, key=key, picks=("slice",)
    )
    return picked[0] if picked else None


@dataclass(frozen=True)
class CurveMark:
    """A point of a group's curve, the ends of its interval where it has one, and the `n` rows it is of."""

    group: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None
    n: int | None = None


def curves_figure(marks: Sequence[CurveMark], *, titles: tuple[str, str], alt: str) -> None:
    """Draw a curve a group over the unit square, with the diagonal; intervals stand on the points.

    Parameters
    ----------
    marks
        Points in the order of their curve; at most nine groups, as more cannot be told apart.
    titles
        Of both axes.
    alt
        One sentence for people who do not see the chart.
    """
    groups = tuple(dict.fromkeys(mark.group for mark in marks))
    spec = _curve_frame(groups, titles, dotted=any(mark.low is not None for mark in marks))
    draw(marks, spec, alt=alt, height=380)


@drawing
def _curve_frame(groups: tuple[str, ...], titles: tuple[str, str], *, dotted: bool) -> alt.TopLevelMixin:
    import altair as alt

    unit = alt.Scale(domain=[0, 1])
    x = alt.X("x:Q", title=titles[0], scale=unit, axis=alt.Axis(format=".0%", tickCount=5, labelFlush=False))
    y = alt.Y("y:Q", title=titles[1], scale=unit, axis=alt.Axis(format=".0%", tickCount=5, labelFlush=False))
    colour = alt.Color(
        "group:N", scale=by_name(dict(zip(groups, _CURVES, strict=False))), legend=top_legend(3)
    )
    told = hints(("group:N", "Group"), ("x:Q", titles[0], ".1%"), ("y:Q", titles[1], ".1%"))
    counted = hints(("low:Q", "Interval from", ".1%"), ("high:Q", "Interval to", ".1%"), ("n:Q", "Rows", ","))
    base = alt.Chart().encode(x=x, color=colour, tooltip=[*told, *counted] if dotted else told)
    ends = alt.Chart(alt.InlineData(values=[{"x": 0, "y": 0}, {"x": 1, "y": 1}]))
    layers = [
        ends.mark_line(strokeDash=[5, 4], strokeWidth=1.3, color=QUIET).encode(x=x, y=y),
        base.mark_line(strokeWidth=2, interpolate="linear").encode(y=y, order=alt.Order("x:Q")),
    ]
    if dotted:
        spans = base.mark_rule(strokeWidth=2.4, opacity=0.5)
        layers.append(spans.encode(y=alt.Y("low:Q", title=titles[1], scale=unit), y2="high:Q"))
        layers.append(base.mark_point(filled=True, opacity=1, size=70).encode(y=y))
    return alt.layer(*layers)


def slice_pairs(
    marks: Sequence[PairMark],
    *,
    names: tuple[str, str],
    value_title: str,
    alt: str,
    formats: tuple[str, int],
    key: str = "",
) -> str | None:
    """Draw each slice's value under two versions; with a key, a click on a slice's row returns its name.

    Parameters
    ----------
    marks
        One a slice and version that has a value, in the order to show.
    names
        Of the version looked at and of the other.
    value_title, alt, formats
        As in `slice_figure`.
    key
        A name that no other chart of the page has; without one nothing can be clicked.
    """
    if not marks:
        return None
    order = list(dict.fromkeys(mark.slice for mark in marks))
    moves = tuple(move for move in _MOVES if move in {mark.move for mark in marks})
    spec = json.loads(_pair_frame(value_title, names, moves, formats, picks=bool(key)))
    spec["height"] = {"step": _step(order, 30, 8)}
    for layer in spec["layer"]:
        layer["encoding"]["y"]["sort"] = order
    picked = draw(marks, json.dumps(spec), alt=alt, key=key or None, picks=("slice",) if key else ())
    return picked[0] if picked else None


def _filled(frame: str, marks: Sequence[SliceMark], present: set[str], lines: Sequence[Threshold]) -> str:
    """Put names, counts and lines into a frame; Altair takes a hundred times as long to build one anew."""
    spec = json.loads(frame)
    order = [mark.slice for mark in marks]
    spec["height"] = {"step": _step(order, 26, 6)}
    named = {f"{_LINE}{place}": line for place, line in enumerate(lines)}
    for layer in spec["layer"]:
        named_by = layer["encoding"].get("y", {})
        if "field" in named_by:  # the data's own order would put undefined slices last
            named_by["sort"] = order
        axis = named_by.get("axis") or {}
        if axis.get("labelExpr") == _COUNTS:
            counts = json.dumps({mark.slice: f"{mark.n:,}" for mark in marks})
            axis["labelExpr"] = f"({counts})[datum.label]"
        for channel in ("color", "shape"):
            legend = (layer["encoding"].get(channel) or {}).get("legend")
            if legend is not None:  # only the verdicts that occur
                legend["values"] = [word for word in legend["values"] if word in present]
        for value in layer.get("data", {}).get("values", ()):
            line = named[value["words"]]
            value.update(level=line.value, words=line.label)
    return json.dumps(spec)


@drawing
def _frame(looks: tuple[Look, ...], tones: tuple[str, ...], formats: tuple[str, int]) -> alt.LayerChart:
    """Build the chart for any slices and metric, with lines of these tones."""
    import altair as alt

    colour, shape = _legend(looks, len(tones))
    counted = (("n:Q", "Rows that count", ","), ("verdict:N", "Verdict"))
    told = hints(("slice:N", "Slice"), *_of_value(_TITLE, formats), *counted)
    base = alt.Chart().encode(y=alt.Y("slice:N", sort=None, axis=None), tooltip=told)
    spans = base.mark_rule(strokeWidth=2.4, strokeCap="round").encode(
        x=alt.X("low:Q", title=_TITLE), x2="high:Q", color=colour
    )
    dots = base.mark_point(filled=True, opacity=1, size=80).encode(
        x=_value_axis(_TITLE, formats), y=name_axis("slice", ()).sort(None), color=colour, shape=shape
    )
    gaps = (
        base.transform_filter("isValid(datum.undefined)")
        .mark_text(align="left", fontStyle="italic", color=QUIET, dx=6)
        .encode(x=alt.value(0), text="undefined:N")
    )
    rows = _pickable(base, 0.13).encode(y=alt.Y("slice:N", sort=None, axis=_counts_axis()))
    chart = alt.layer(*_lines(tones), spans, dots, gaps, rows).properties(height=alt.Step(26))
    independent: alt.LayerChart = chart.resolve_axis(y="independent")
    return independent


@drawing
def _pair_frame(
    title: str,
    names: tuple[str, str],
    moves: tuple[str, ...],
    formats: tuple[str, int],
    *,
    picks: bool,
) -> alt.LayerChart:
    import altair as alt

    told = hints(
        ("slice:N", "Slice"), ("version:N", "Version"), *_of_value(title, formats), ("move:N", "Change")
    )
    legend = top_legend(2)
    versions = by_name(dict(zip(names, (ACCENT, QUIET), strict=True)))
    shapes = by_name(dict(zip(names, ("circle", "diamond"), strict=True)))
    changes = by_name({move: _MOVES[move] for move in moves})
    base = alt.Chart().encode(y=name_axis("slice", ()).sort(None), tooltip=told)
    spans = base.mark_rule(strokeWidth=6, opacity=0.22).encode(
        x=alt.X("low:Q", title=title), x2="high:Q", color=alt.Color("version:N", scale=versions, legend=None)
    )
    moved = base.mark_rule(strokeWidth=2.4).encode(
        x=alt.X("first:Q", title=title), x2="last:Q", color=alt.Color("move:N", scale=changes, legend=legend)
    )
    dots = base.mark_point(filled=True, opacity=1, size=85).encode(
        x=_value_axis(title, formats),
        color=alt.Color("version:N", scale=versions, legend=legend),
        shape=alt.Shape("version:N", scale=shapes, legend=legend),
    )
    layers = (spans, moved, dots, _pickable(base, 0.1)) if picks else (spans, moved, dots)
    chart = alt.layer(*layers).properties(height=alt.Step(30))
    independent: alt.LayerChart = chart.resolve_scale(color="independent", shape="independent")
    return independent


def _of_value(title: str, formats: tuple[str, int]) -> tuple[tuple[str, str, str], ...]:
    """What is told of a value and its interval."""
    form = f",.{formats[1]}{formats[0]}"
    return ("value:Q", title, form), ("low:Q", "Interval from", form), ("high:Q", "Interval to", form)


def _value_axis(title: str, formats: tuple[str, int]) -> alt.X:
    import altair as alt

    form = f",.{max(0, formats[1] - 1)}{formats[0]}"
    axis = alt.Axis(format=form, labelFlush=False, tickCount=5, grid=True)
    return alt.X("value:Q", title=title, scale=loose(14), axis=axis)


def _pickable(base: alt.Chart, shade: float) -> alt.Chart:
    """A row a slice over the whole width: what is pointed at shades, what is clicked is picked."""
    import altair as alt

    picked = alt.selection_point(name="picked", fields=["slice"])
    near = alt.selection_point(name="near", fields=["slice"], on="pointerover", clear="pointerout")
    shaded = alt.condition(near, alt.value(shade), alt.value(0), empty=False)
    rows: alt.Chart = base.mark_bar(color=QUIET, cursor="pointer").encode(
        x=alt.value(0), x2=alt.value("width"), fillOpacity=shaded
    )
    return rows.add_params(picked, near)


def _counts_axis() -> alt.Axis:
    """Rows that count, at the right of each slice."""
    import altair as alt

    return alt.Axis(
        orient="right",
        labelExpr=_COUNTS,
        labelColor=QUIET,
        labelOverlap=False,
        domain=False,
        ticks=False,
        grid=False,
        title="rows",
        titleAngle=0,
        titleAlign="left",
        titleAnchor="end",
        titleY=-6,
        titleX=6,
        titleColor=QUIET,
        titleFontWeight="normal",
        titleFontSize=11,
        labelLimit=80,
    )


def _legend(looks: tuple[Look, ...], lines: int) -> tuple[alt.Color, alt.Shape]:
    """Colour and shape of the verdicts, with one legend; the lines' words stand between it and the plot."""
    import altair as alt

    words = [look[0] for look in looks]
    legend = top_legend(2, offset=6 + 15 * max(1, lines), values=words)
    colours, shapes = ({look[0]: look[place] for look in looks} for place in (1, 2))
    return (
        alt.Color("verdict:N", scale=by_name(colours), legend=legend),
        alt.Shape("verdict:N", scale=by_name(shapes), legend=legend),
    )


def _step(names: Sequence[str], least: int, room: int) -> int:
    """Pixels a slice, so that names that wrap into several lines do not run into each other."""
    return max(least, room + 13 * (1 + max(map(len, names), default=0) // 24))


def _lines(tones: tuple[str, ...]) -> list[alt.Chart]:
    """Dashed lines with their words above the plot, each in a row of its own, so that they never overlap."""
    import altair as alt

    layers: list[alt.Chart] = []
    for place, tone in enumerate(tones):
        at = alt.Chart(alt.InlineData(values=[{"level": 0, "words": f"{_LINE}{place}"}]))
        layers.append(at.mark_rule(strokeDash=[5, 4], strokeWidth=1.3, color=TONES[tone]).encode(x="level:Q"))
        layers.append(
            at.mark_text(align="center", baseline="bottom", fontSize=11, fontWeight=500, color=INK).encode(
                x="level:Q", y=alt.value(-4 - 15 * place), text="words:N"
            )
        )
    return layers
