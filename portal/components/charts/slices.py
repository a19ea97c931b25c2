"""Slices against the reference and the limit: a mark for the value, a line for its interval."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from portal.components.charts.canvas import (
    BAD,
    GOOD,
    INK,
    QUIET,
    TONES,
    WATCH,
    Threshold,
    draw,
    finish,
    name_axis,
)

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
_COUNTS, _LINE, _TITLE = "counts", "line ", "title of the metric"


def slice_figure(
    rows: Sequence[Mapping[str, Any]],
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
    rows
        One row a slice, in the order to show: `slice` (str), `value` (float, None when undefined), `low`
        and `high` (ends of the interval or None), `n` (rows that count) and `verdict` (a key of `looks`, or
        None where no limit is set).
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
    shown = [
        {
            "slice": str(row["slice"]),
            "value": row["value"],
            "low": row["low"],
            "high": row["high"],
            "n": row["n"],
            "verdict": looks[row["verdict"] or "not_judged"][0],
            "undefined": "undefined" if row["value"] is None else None,
        }
        for row in rows
    ]
    frame = _frame(tuple(looks.values()), tuple(line.tone for line in lines), formats)
    frame = frame.replace(f'"{_TITLE}"', json.dumps(value_title))
    picked = draw(shown, _filled(frame, shown, lines), alt=alt, key=key, picks=("slice",))
    return picked[0] if picked else None


def _filled(frame: str, rows: Sequence[Mapping[str, Any]], lines: Sequence[Threshold]) -> str:
    """Put names, counts and lines into a frame; Altair takes a hundred times as long to build one anew."""
    spec = json.loads(frame)
    order = [row["slice"] for row in rows]
    spec["height"] = {"step": _step(order)}
    present = {row["verdict"] for row in rows}
    named = {f"{_LINE}{place}": line for place, line in enumerate(lines)}
    for layer in spec["layer"]:
        named_by = layer["encoding"].get("y", {})
        if "field" in named_by:  # the data's own order would put undefined slices last
            named_by["sort"] = order
        axis = named_by.get("axis") or {}
        if axis.get("labelExpr") == _COUNTS:
            counts = json.dumps({row["slice"]: f"{row['n']:,}" for row in rows})
            axis["labelExpr"] = f"({counts})[datum.label]"
        for channel in ("color", "shape"):
            legend = (layer["encoding"].get(channel) or {}).get("legend")
            if legend is not None:  # only the verdicts that occur
                legend["values"] = [word for word in legend["values"] if word in present]
        for value in layer.get("data", {}).get("values", ()):
            line = named[value["words"]]
            value.update(level=line.value, words=line.label)
    return json.dumps(spec)


@lru_cache(maxsize=256)
def _frame(looks: tuple[Look, ...], tones: tuple[str, ...], formats: tuple[str, int]) -> str:
    """Build the chart for any slices and metric, with lines of these tones."""
    import altair as alt

    title = _TITLE
    colour, shape = _legend(looks, len(tones))
    kind, digits = formats
    fine, coarse = f",.{digits}{kind}", f",.{max(0, digits - 1)}{kind}"
    hints = [
        alt.Tooltip("slice:N", title="Slice"),
        alt.Tooltip("value:Q", title=title, format=fine),
        alt.Tooltip("low:Q", title="Interval from", format=fine),
        alt.Tooltip("high:Q", title="Interval to", format=fine),
        alt.Tooltip("n:Q", title="Rows that count", format=","),
        alt.Tooltip("verdict:N", title="Verdict"),
    ]
    base = alt.Chart().encode(y=alt.Y("slice:N", sort=None, axis=None), tooltip=hints)
    scale = alt.Scale(zero=False, padding=14)
    x = alt.X("value:Q", title=title, scale=scale, axis=_value_axis(coarse))
    spans = base.mark_rule(strokeWidth=2.4, strokeCap="round").encode(
        x=alt.X("low:Q", title=title), x2="high:Q", color=colour
    )
    dots = base.mark_point(filled=True, opacity=1, size=80).encode(
        x=x, y=name_axis("slice", ()).sort(None), color=colour, shape=shape
    )
    gaps = (
        base.transform_filter("isValid(datum.undefined)")
        .mark_text(align="left", fontStyle="italic", color=QUIET, dx=6)
        .encode(x=alt.value(0), text="undefined:N")
    )
    layers = (*_lines(tones), spans, dots, gaps, _rows(base))
    chart = alt.layer(*layers).resolve_axis(y="independent")
    return finish(chart.properties(height=alt.Step(26)))


def _rows(base: Any) -> Any:
    """A row a slice over the whole width: what is pointed at shades, what is clicked is picked."""
    import altair as alt

    picked = alt.selection_point(name="picked", fields=["slice"])
    near = alt.selection_point(name="near", fields=["slice"], on="pointerover", clear="pointerout")
    rows = alt.Axis(
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
    return (
        base.mark_bar(color=QUIET, cursor="pointer")
        .encode(
            y=alt.Y("slice:N", sort=None, axis=rows),
            x=alt.value(0),
            x2=alt.value("width"),
            fillOpacity=alt.condition(near, alt.value(0.13), alt.value(0), empty=False),
        )
        .add_params(picked, near)
    )


def _legend(looks: tuple[Look, ...], lines: int) -> tuple[Any, Any]:
    """Colour and shape of the verdicts, with one legend; the lines' words stand between it and the plot."""
    import altair as alt

    above = 6 + 15 * max(1, lines)
    words = [look[0] for look in looks]
    legend = alt.Legend(
        orient="top", title=None, columns=2, labelLimit=0, symbolSize=90, offset=above, values=words
    )
    colour = alt.Color(
        "verdict:N", scale=alt.Scale(domain=words, range=[look[1] for look in looks]), legend=legend
    )
    shape = alt.Shape(
        "verdict:N", scale=alt.Scale(domain=words, range=[look[2] for look in looks]), legend=legend
    )
    return colour, shape


def _value_axis(form: str) -> Any:
    import altair as alt

    return alt.Axis(format=form, labelFlush=False, tickCount=5, grid=True)


def _step(names: Sequence[str]) -> int:
    """Pixels a slice, so that names that wrap into several lines do not run into each other."""
    lines = 1 + max((len(name) for name in names), default=0) // 24
    return max(26, 6 + 13 * lines)


def _lines(tones: tuple[str, ...]) -> list[Any]:
    """Dashed lines with their words above the plot, each in a row of its own, so that they never overlap."""
    import altair as alt

    layers: list[Any] = []
    for place, tone in enumerate(tones):
        at = alt.Chart(alt.InlineData(values=[{"level": 0, "words": f"{_LINE}{place}"}]))
        layers.append(at.mark_rule(strokeDash=[5, 4], strokeWidth=1.3, color=TONES[tone]).encode(x="level:Q"))
        layers.append(
            at.mark_text(align="center", baseline="bottom", fontSize=11, fontWeight=500, color=INK).encode(
                x="level:Q", y=alt.value(-4 - 15 * place), text="words:N"
            )
        )
    return layers
