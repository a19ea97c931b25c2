"""The heat map: how much of what is asked is met, by class and consideration, as number, shape and colour."""

from __future__ import annotations

from functools import lru_cache
from math import floor
from typing import Any

from portal.components.charts.canvas import (
    BAD,
    GOOD,
    INK,
    WATCH,
    WRAPPED,
    Rows,
    as_rows,
    draw,
    finish,
    top_legend,
)


def heat_map(
    rows: Rows,
    *,
    alt: str,
    column_order: tuple[str, ...],
    target: float = 0.9,
    near: float = 0.75,
    key: str | None = None,
    select: bool = False,
    row_title: str = "Consideration",
    counted: str = "Requirements",
) -> tuple[str, str] | None:
    """Draw shares in a grid, each cell with its percentage and a shape; a click returns (row, column).

    Parameters
    ----------
    rows
        One row a cell, in the order to show, with `row` (str), `column` (str), `share` (float 0..1, or None
        where nothing is asked), `met` (int) and `asked` (int).
    alt
        One sentence for people who do not see the chart.
    column_order
        The columns from left to right.
    target
        Share from which a cell is on target.
    near
        Share from which a cell is near its target; below it is off target.
    key
        Name of the chart on its page; needed with `select`.
    select
        True lets people click a cell.
    row_title, counted
        What a row is, and what is counted, in words for the hints.
    """
    names = (f"≥ {target:.0%}", f"≥ {near:.0%}", f"< {near:.0%}")
    shown = [_cell(row, names, target, near) for row in as_rows(rows)]
    row_order = tuple(dict.fromkeys(row["row"] for row in shown))
    spec = _spec(names, column_order, row_order, select, (row_title, counted))
    picked = draw(shown, spec, alt=alt, key=key, picks=("row", "column") if select else ())
    return (picked[0], picked[1]) if picked else None


def _cell(row: dict[str, Any], names: tuple[str, str, str], target: float, near: float) -> dict[str, Any]:
    share = row.get("share")
    cell = {"row": row["row"], "column": row["column"], "met": row.get("met"), "asked": row.get("asked")}
    if share is None:
        return {**cell, "share": None, "state": None, "words": "–"}
    step = 0 if share >= target else 1 if share >= near else 2
    words = (
        f"{'●◆▲'[step]}  {floor(share * 100 + 1e-9)}%"  # rounded down: never shown as reached when it is not
    )
    return {**cell, "share": share, "state": names[step], "words": words}


@lru_cache(maxsize=64)
def _spec(
    names: tuple[str, str, str],
    column_order: tuple[str, ...],
    row_order: tuple[str, ...],
    select: bool,
    titles: tuple[str, str],
) -> str:
    import altair as alt

    x = alt.X(
        "column:N",
        sort=list(column_order),
        title=None,
        axis=alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False, labelLimit=110, labelPadding=8),
        scale=alt.Scale(paddingInner=0.045, paddingOuter=0.0),
    )
    y = alt.Y(
        "row:N",
        sort=list(row_order),
        title=None,
        axis=alt.Axis(
            domain=False,
            ticks=False,
            labelLimit=200,
            labelExpr=WRAPPED,
            labelOverlap=False,
            labelPadding=8,
            grid=False,
            labelFlush=False,
        ),
        scale=alt.Scale(paddingInner=0.12, paddingOuter=0.0),
    )
    colour = alt.Color(
        "state:N",
        scale=alt.Scale(domain=list(names), range=[GOOD, WATCH, BAD]),
        legend=top_legend(),
    )
    hints = [
        alt.Tooltip("row:N", title=titles[0]),
        alt.Tooltip("column:N", title="Class"),
        alt.Tooltip("share:Q", title="Met", format=".0%"),
        alt.Tooltip("met:Q", title=f"{titles[1]} met"),
        alt.Tooltip("asked:Q", title=f"{titles[1]} counted"),
    ]
    base = alt.Chart().encode(x=x, y=y, tooltip=hints)
    filled = base.transform_filter("isValid(datum.state)")
    cells = filled.mark_rect(cornerRadius=4).encode(
        color=colour,
        fillOpacity=alt.FillOpacity(
            "share:Q", scale=alt.Scale(domain=[0, 0.75, 1], range=[0.5, 0.3, 0.16]), legend=None
        ),
    )
    words = base.mark_text(fontSize=12, fontWeight=500, color=INK).encode(text="words:N")
    if select:
        picked = alt.selection_point(name="picked", fields=["row", "column"])
        cells = cells.add_params(picked)
    return finish(alt.layer(cells, words).properties(height=alt.Step(42)))
