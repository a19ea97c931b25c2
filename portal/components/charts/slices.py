"""Slices of one model: a dot for the rate, a line for its interval, shape and colour for the verdict."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from portal.components.charts.canvas import (
    BAD,
    FINE_FORMATS,
    GOOD,
    INK,
    QUIET,
    WATCH,
    Rows,
    Unit,
    as_rows,
    axis,
    draw,
    finish,
    name_axis,
    top_legend,
)

_WORDS = {"pass": "Pass", "fail": "Fail", "cannot_tell": "Cannot tell"}


def slice_chart(
    rows: Rows,
    *,
    value_title: str,
    alt: str,
    reference: float | None = None,
    reference_label: str = "",
    unit: Unit = "percent",
    key: str | None = None,
    select: bool = False,
) -> str | None:
    """Draw slices with their intervals and verdicts; a click on a slice returns its name.

    Parameters
    ----------
    rows
        One row a slice, in the order to show, with `slice` (str), `value` (float or None when it is
        undefined), `low`, `high` (float or None, ends of the interval), `rows` (int, sample size) and
        `verdict` (`pass`, `fail` or `cannot_tell`).
    value_title
        What is measured: `Selection rate`.
    alt
        One sentence for people who do not see the chart.
    reference
        Place of the reference line, for example the rate of all rows.
    reference_label
        Its words: `All people 62%`.
    unit
        `percent` for shares 0..1, `number` for anything else.
    key
        Name of the chart on its page; needed with `select`.
    select
        True lets people click a slice.

    Returns
    -------
    str | None
        Name of the slice that is clicked.
    """
    shown = [
        {
            "slice": str(row["slice"]),
            "value": row.get("value"),
            "low": row.get("low"),
            "high": row.get("high"),
            "rows": row.get("rows"),
            "verdict": _WORDS.get(str(row.get("verdict")), "Cannot tell"),
            "undefined": "undefined: left out of the gap" if row.get("value") is None else None,
        }
        for row in as_rows(rows)
    ]
    order = tuple(dict.fromkeys(row["slice"] for row in shown))
    spec = _spec(value_title, order, reference, reference_label, unit, select)
    picked = draw(shown, spec, alt=alt, key=key, picks=("slice",) if select else ())
    return picked[0] if picked else None


@lru_cache(maxsize=256)
def _spec(
    title: str, order: tuple[str, ...], reference: float | None, label: str, unit: Unit, select: bool
) -> str:
    import altair as alt

    y = name_axis("slice", order)
    x = alt.X("value:Q", title=title, axis=axis(unit, grid=True), scale=alt.Scale(zero=False, padding=14))
    words = ["Pass", "Cannot tell", "Fail"]
    colour = alt.Color(
        "verdict:N", scale=alt.Scale(domain=words, range=[GOOD, WATCH, BAD]), legend=top_legend()
    )
    shape = alt.Shape(
        "verdict:N",
        scale=alt.Scale(domain=words, range=["circle", "diamond", "triangle-up"]),
        legend=top_legend(),
    )
    hints = [
        alt.Tooltip("slice:N", title="Slice"),
        alt.Tooltip("value:Q", title=title, format=FINE_FORMATS[unit]),
        alt.Tooltip("low:Q", title="Interval from", format=FINE_FORMATS[unit]),
        alt.Tooltip("high:Q", title="Interval to", format=FINE_FORMATS[unit]),
        alt.Tooltip("rows:Q", title="Rows", format=","),
        alt.Tooltip("verdict:N", title="Verdict"),
    ]
    base = alt.Chart().encode(y=y, tooltip=hints)
    spans = base.mark_rule(strokeWidth=2.2).encode(x=alt.X("low:Q", title=title), x2="high:Q", color=colour)
    dots = base.mark_point(filled=True, opacity=1, size=95).encode(x=x, color=colour, shape=shape)
    gaps = (
        base.transform_filter("isValid(datum.undefined)")
        .mark_text(align="left", fontStyle="italic", color=QUIET, dx=6)
        .encode(x=alt.value(0), text="undefined:N")
    )
    layers: list[Any] = [*_reference(reference, label), spans, dots, gaps]
    if select:
        picked = alt.selection_point(name="picked", fields=["slice"])
        dots = dots.encode(size=alt.condition(picked, alt.value(150), alt.value(60), empty=True)).add_params(
            picked
        )
        layers = [*_reference(reference, label), spans, dots, gaps]
    return finish(alt.layer(*layers).properties(height=alt.Step(25)))


def _reference(level: float | None, label: str) -> list[Any]:
    import altair as alt

    if level is None:
        return []
    place = alt.Chart(alt.InlineData(values=[{"level": level, "words": label}]))
    rule = place.mark_rule(strokeDash=[5, 4], strokeWidth=1.3, color=QUIET).encode(x="level:Q")
    text = place.mark_text(align="center", baseline="bottom", fontSize=11, fontWeight=500, color=INK).encode(
        x="level:Q", y=alt.value(-4), text="words:N"
    )
    return [rule, text]
