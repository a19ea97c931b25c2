"""Two values a name, joined by a line: the same slices of two versions."""

from __future__ import annotations

from functools import lru_cache

from portal.components.charts.canvas import ACCENT, QUIET, SECOND, Rows, as_rows, draw, finish, name_axis

MOST_NAMES = 40


def pair_chart(rows: Rows, *, names: tuple[str, str], value_title: str, rate: bool, alt: str) -> None:
    """Draw for each slice the value of both versions, joined; colour and shape tell the versions apart.

    Parameters
    ----------
    rows
        Two rows a slice, in the order to show: `slice` (str), `version` (one of `names`), `value` (float or
        None when undefined) and `rows` (int).
    names
        The two versions, left first.
    value_title
        What is measured.
    rate
        True for shares 0..1.
    alt
        One sentence for people who do not see the chart.
    """
    shown = [row for row in as_rows(rows) if row["value"] is not None]
    order = tuple(dict.fromkeys(row["slice"] for row in shown))[:MOST_NAMES]
    if order:
        kept = [row for row in shown if row["slice"] in order]
        draw(kept, _spec(order, names, value_title, rate), alt=alt)


@lru_cache(maxsize=64)
def _spec(order: tuple[str, ...], names: tuple[str, str], title: str, rate: bool) -> str:
    import altair as alt

    form = ".1%" if rate else ",.4~g"
    legend = alt.Legend(orient="top", title=None, labelLimit=0, symbolSize=90)
    colour = alt.Color(
        "version:N", scale=alt.Scale(domain=list(names), range=[SECOND, ACCENT]), legend=legend
    )
    shape = alt.Shape(
        "version:N", scale=alt.Scale(domain=list(names), range=["square", "circle"]), legend=legend
    )
    x = alt.X(
        "value:Q",
        title=title,
        scale=alt.Scale(zero=False, padding=14),
        axis=alt.Axis(format=".1~%" if rate else ",.3~g", labelFlush=False, tickCount=5, grid=True),
    )
    base = alt.Chart().encode(y=name_axis("slice", order))
    joins = base.mark_line(color=QUIET, strokeWidth=1.6, opacity=0.6).encode(x=x, detail="slice:N")
    dots = base.mark_point(filled=True, size=105, opacity=1).encode(
        x=x,
        color=colour,
        shape=shape,
        tooltip=[
            alt.Tooltip("slice:N", title="Slice"),
            alt.Tooltip("version:N", title="Version"),
            alt.Tooltip("value:Q", title=title, format=form),
            alt.Tooltip("rows:Q", title="Rows that count", format=","),
        ],
    )
    return finish(alt.layer(joins, dots).properties(height=alt.Step(30)))
