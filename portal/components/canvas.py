"""The frame of all charts, in parts of Altair: colours, axes, hints, legends, thresholds, and the drawing.

What a chart says itself is what stands where and how its marks look; `drawing` keeps what was built.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, cast

import streamlit as st

from core.domain.errors import BadInput

if TYPE_CHECKING:
    import altair as alt
    from _typeshed import DataclassInstance

P = ParamSpec("P")
Rows = Sequence["Mapping[str, Any] | DataclassInstance"]
"""Mappings, or values with the fields as attributes."""
MOST_POINTS = 10_000
# Middle tones: each has a contrast of at least 3:1 on the light and on the dark page.
GOOD = "#178a50"
BAD = "#dc3a3a"
WATCH = "#c9790f"
ACCENT = "#3b6fe8"
SECOND = "#c9790f"
QUIET = "#738096"
# Words on a chart: the browser picks one, as charts of few marks are drawn as SVG.
INK = "light-dark(#0f172a, #e6eaf2)"
TONES = {"good": GOOD, "bad": BAD, "watch": WATCH, "info": ACCENT, "quiet": QUIET}

Unit = Literal["percent", "number"]
DAY = "%-d %b %Y"
FORMATS: dict[Unit, str] = {"percent": ".0%", "number": ",.3~g"}
FINE_FORMATS: dict[Unit, str] = {"percent": ".1%", "number": ",.4~g"}


@dataclass(frozen=True)
class Threshold:
    """A labelled line across a chart.

    Attributes
    ----------
    label
        Words that stand on the line: `Alert below 72%`.
    value
        Its place, on the scale of the values.
    tone
        `bad`, `watch`, `good` or `quiet`.
    """

    label: str
    value: float
    tone: Literal["good", "bad", "watch", "quiet"] = "bad"


def as_rows(rows: Rows, *, limit: int = MOST_POINTS) -> list[dict[str, Any]]:
    """Take rows as mappings."""
    if len(rows) > limit:
        raise BadInput(
            f"a chart was given {len(rows):,} points, at most {limit:,} can be shown",
            remedy="Choose fewer features or a shorter time.",
        )
    return [dict(row) if isinstance(row, Mapping) else asdict(row) for row in rows]


def is_time(rows: Sequence[Mapping[str, Any]], field: str) -> bool:
    """Tell whether a field holds days or times rather than names of chunks."""
    return bool(rows) and isinstance(rows[0].get(field), date)


def axis(unit: Unit, **more: Any) -> alt.Axis:
    """Build a value axis whose outermost labels are not pushed inwards."""
    import altair as alt

    return alt.Axis(format=FORMATS[unit], labelFlush=False, **{"tickCount": 5, **more})


WRAPPED = r"split(trim(replace(datum.label, regexp('(.{1,26})(\\s+|$)', 'g'), '$1\n')), '\n')"


def name_axis(field: str, order: Sequence[str], scale: alt.Scale | None = None, **more: Any) -> alt.Y:
    """Build a list of names down the side, in a fixed order; long ones wrap."""
    import altair as alt

    names = alt.Axis(
        labelLimit=200,
        labelExpr=WRAPPED,
        labelOverlap=False,
        grid=False,
        ticks=False,
        labelFlush=False,
        **more,
    )
    return alt.Y(f"{field}:N", sort=list(order), title=None, axis=names, scale=scale or alt.Undefined)


def level(field: str, title: str, unit: Unit, scale: alt.Scale, **more: Any) -> alt.Y:
    """Build values that run upwards."""
    import altair as alt

    return alt.Y(f"{field}:Q", title=title, axis=axis(unit, **more), scale=scale)


def time_axis(*, timed: bool = True, days: Sequence[date] = ()) -> alt.X:
    """Build days along the foot, or names of chunks in their order; `days` are the ends of the axis."""
    import altair as alt

    if not timed:
        words = alt.Axis(labelAngle=0, labelOverlap="greedy", grid=False)
        return alt.X("at:N", sort=None, title=None, axis=words)
    ends = [alt.DateTime(year=day.year, month=day.month, date=day.day) for day in days]
    scale = alt.Scale(domain=ends) if ends else alt.Undefined
    return alt.X("at:T", title=None, scale=scale, axis=alt.Axis(labelFlush=False, grid=False, tickCount=6))


def hints(*shown: tuple[str, ...], timed: bool | None = None) -> list[alt.Tooltip]:
    """Build what is told when pointing at a mark: (field, title) or (field, title, format) each.

    `timed` puts the time or the name of the chunk of `time_axis` first.
    """
    import altair as alt

    first = {None: (), True: (("at:T", "From", DAY),), False: (("at:N", "Chunk"),)}[timed]
    return [
        alt.Tooltip(field, title=title, format=form[0] if form else alt.Undefined)
        for field, title, *form in (*first, *shown)
    ]


def loose(padding: int, *, zero: bool = False) -> alt.Scale:
    """Build a scale that leaves room at its ends and, unless told, need not begin at zero."""
    import altair as alt

    return alt.Scale(zero=zero, padding=padding)


def by_name(looks: Mapping[str, Any]) -> alt.Scale:
    """Build the scale that gives each name its colour, shape or dash."""
    import altair as alt

    return alt.Scale(domain=list(looks), range=list(looks.values()))


def top_legend(columns: int = 3, **more: Any) -> alt.Legend:
    """Build a legend above the plot that wraps instead of being cut off in a narrow panel."""
    import altair as alt

    looks = {"orient": "top", "columns": columns, "labelLimit": 0, "symbolSize": 90, "offset": 4, **more}
    return alt.Legend(title=None, **looks)


def threshold_layers(thresholds: Sequence[Threshold], unit: Unit, *, title: str | None) -> list[alt.Chart]:
    """Build dashed lines with their words, for a chart whose values run upwards."""
    import altair as alt

    layers: list[alt.Chart] = []
    highest = max((line.value for line in thresholds), default=0.0)
    for line in thresholds:
        # The highest line's words stand above it and the others' below, so that close lines stay readable.
        hung: Any = (
            {"baseline": "bottom", "dy": -3} if line.value == highest else {"baseline": "top", "dy": 4}
        )
        place = alt.Chart(alt.InlineData(values=[{"level": line.value, "words": line.label}]))
        y = alt.Y("level:Q", title=title, axis=axis(unit))
        words = place.mark_text(align="left", dx=4, fontSize=11, fontWeight=500, color=INK, **hung)
        layers.append(place.mark_rule(strokeDash=[5, 4], strokeWidth=1.3, color=TONES[line.tone]).encode(y=y))
        layers.append(words.encode(y=y, x=alt.value(0), text="words:N"))
    return layers


def drawing(build: Callable[P, alt.TopLevelMixin]) -> Callable[P, str]:
    """Keep a chart as text once it was built: Altair takes a hundred times as long as the redrawing."""
    return cast(
        Callable[P, str], lru_cache(maxsize=256)(lambda *given, **named: finish(build(*given, **named)))
    )


def finish(chart: alt.TopLevelMixin) -> str:
    """Freeze a chart built with Altair as text; the data come with the drawing."""
    spec = chart.to_dict()
    inline = spec.pop("datasets", {})
    for view in (spec, *spec.get("layer", ())):
        name = view.pop("data", {}).get("name")
        if name in inline and inline[name] != [{}]:
            view["data"] = {"values": inline[name]}
    for part in ("$schema", "config"):
        spec.pop(part, None)
    spec["padding"] = {"left": 2, "right": 6, "top": 4, "bottom": 4}
    if isinstance(spec.get("height"), dict):  # a height by step: only the width is fitted to the panel
        spec["autosize"] = {"type": "fit-x", "contains": "padding"}
    return json.dumps(spec)


def draw(
    rows: Rows,
    spec: str,
    *,
    alt: str,
    key: str | None = None,
    picks: Sequence[str] = (),
    height: int | None = None,
) -> tuple[str, ...] | None:
    """Draw rows by a chart that was kept; give what was clicked if `picks` names its fields.

    Parameters
    ----------
    rows
        The data, at most `MOST_POINTS`.
    spec
        A chart from `drawing` or `finish`.
    alt
        One sentence for people who do not see the chart.
    key
        Needed when `picks` is given; no other chart of the page has it.
    picks
        Fields of the point selection `picked` in the spec.
    height
        Pixels; None lets the chart decide.
    """
    import pyarrow as pa

    table = pa.Table.from_pylist(as_rows(rows))
    common: dict[str, Any] = {"width": "stretch", "alt": alt, "key": key, "theme": "streamlit"}
    common |= {"height": height} if height else {}
    if not picks:
        st.vega_lite_chart(table, json.loads(spec), **common)
        return None
    shown: Any = st.vega_lite_chart(
        table, json.loads(spec), on_select="rerun", selection_mode="picked", **common
    )
    chosen = shown.selection.get("picked") or []
    return tuple(str(chosen[0].get(field)) for field in picks) if chosen else None
