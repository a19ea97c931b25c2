"""Slices under two model versions: two marks a slice, joined by a line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from portal.components.charts.canvas import ACCENT, BAD, GOOD, QUIET, WATCH, draw, finish, name_axis

_MOVES = {"better": GOOD, "worse": BAD, "not beyond chance": WATCH}


def slice_pairs(
    rows: Sequence[Mapping[str, Any]],
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
    rows
        One row a slice, in the order to show: `slice` (str), `now` and `then` (values, None when undefined),
        `now_low`, `now_high`, `then_low`, `then_high` (ends or None) and `move` (`better`, `worse` or
        `not beyond chance`).
    names
        Of the version looked at and of the other.
    value_title
        What is measured.
    alt
        One sentence for people who do not see the chart.
    formats
        `%` for shares 0..1 or `f` for other numbers, and the decimals to read them with.
    key
        A name that no other chart of the page has; without one nothing can be clicked.
    """
    marks = [
        {
            "slice": str(row["slice"]),
            "version": name,
            "value": row[side],
            "low": row[f"{side}_low"],
            "high": row[f"{side}_high"],
            "first": row["then"],
            "last": row["now"],
            "move": row["move"],
        }
        for row in rows
        for side, name in (("now", names[0]), ("then", names[1]))
        if row[side] is not None
    ]
    if not marks:
        return None
    order = tuple(dict.fromkeys(mark["slice"] for mark in marks))
    moves = tuple(move for move in _MOVES if move in {mark["move"] for mark in marks})
    spec = json.loads(_frame(value_title, names, moves, formats, picks=bool(key)))
    spec["height"] = {"step": max(30, 8 + 13 * (1 + max(map(len, order), default=0) // 24))}
    for layer in spec["layer"]:
        layer["encoding"]["y"]["sort"] = list(order)
    picked = draw(marks, json.dumps(spec), alt=alt, key=key or None, picks=("slice",) if key else ())
    return picked[0] if picked else None


@lru_cache(maxsize=256)
def _frame(
    title: str,
    names: tuple[str, str],
    moves: tuple[str, ...],
    formats: tuple[str, int],
    *,
    picks: bool,
) -> str:
    import altair as alt

    kind, digits = formats
    fine, coarse = f",.{digits}{kind}", f",.{max(0, digits - 1)}{kind}"
    hints = [
        alt.Tooltip("slice:N", title="Slice"),
        alt.Tooltip("version:N", title="Version"),
        alt.Tooltip("value:Q", title=title, format=fine),
        alt.Tooltip("low:Q", title="Interval from", format=fine),
        alt.Tooltip("high:Q", title="Interval to", format=fine),
        alt.Tooltip("move:N", title="Change"),
    ]
    legend = alt.Legend(orient="top", title=None, columns=2, labelLimit=0, symbolSize=90, offset=4)
    versions = alt.Scale(domain=list(names), range=[ACCENT, QUIET])
    shapes = alt.Scale(domain=list(names), range=["circle", "diamond"])
    changes = alt.Scale(domain=list(moves), range=[_MOVES[one] for one in moves])
    picked = alt.selection_point(name="picked", fields=["slice"])
    near = alt.selection_point(name="near", fields=["slice"], on="pointerover", clear="pointerout")
    base = alt.Chart().encode(y=name_axis("slice", ()).sort(None), tooltip=hints)
    axis = alt.Axis(format=coarse, labelFlush=False, tickCount=5, grid=True)
    x = alt.X("value:Q", title=title, scale=alt.Scale(zero=False, padding=14), axis=axis)
    spans = base.mark_rule(strokeWidth=6, opacity=0.22).encode(
        x=alt.X("low:Q", title=title),
        x2="high:Q",
        color=alt.Color("version:N", scale=versions, legend=None),
    )
    moved = base.mark_rule(strokeWidth=2.4).encode(
        x=alt.X("first:Q", title=title),
        x2="last:Q",
        color=alt.Color("move:N", scale=changes, legend=legend),
    )
    dots = base.mark_point(filled=True, opacity=1, size=85).encode(
        x=x,
        color=alt.Color("version:N", scale=versions, legend=legend),
        shape=alt.Shape("version:N", scale=shapes, legend=legend),
    )
    rows = (
        base.mark_bar(color=QUIET, cursor="pointer")
        .encode(
            x=alt.value(0),
            x2=alt.value("width"),
            fillOpacity=alt.condition(near, alt.value(0.1), alt.value(0), empty=False),
        )
        .add_params(picked, near)
    )
    layers = (spans, moved, dots, rows) if picks else (spans, moved, dots)
    chart = alt.layer(*layers).resolve_scale(color="independent", shape="independent")
    return finish(chart.properties(height=alt.Step(30)))
