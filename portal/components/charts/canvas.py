"""The frame of all charts: a chart is a list of layers, plain values of Vega-Lite, which `plot` draws.

What a chart says itself is what stands on which channel, and how its marks look.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import streamlit as st

from core.domain.errors import BadInput

if TYPE_CHECKING:
    import altair as alt
    from _typeshed import DataclassInstance


class ArrowTable(Protocol):
    """What a chart wants of a pyarrow table."""

    def to_pylist(self) -> list[dict[str, Any]]:
        """Return one mapping a row."""


Rows = Sequence[Mapping[str, Any]] | ArrowTable
Points = Sequence["Mapping[str, object] | DataclassInstance"]
Spec = dict[str, object]
"""A part of a Vega-Lite specification."""
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


_TYPES = {"Q": "quantitative", "N": "nominal", "T": "temporal"}
WRAPPED = r"split(trim(replace(datum.label, regexp('(.{1,26})(\\s+|$)', 'g'), '$1\n')), '\n')"
DAY = "%-d %b %Y"
DASHED = (5, 4)
_PICKS = "picks"


def channel(field: str, **more: object) -> Spec:
    """Say what stands on a channel: `value:Q`, `name:N`, `at:T`; an end of a span has no type.

    Examples
    --------
    >>> channel("value:Q", title="Accuracy")
    {'field': 'value', 'title': 'Accuracy', 'type': 'quantitative'}
    """
    name, _, letter = field.partition(":")
    return dict(sorted({"field": name, **more, **({"type": _TYPES[letter]} if letter else {})}.items()))


def values(field: str, title: str, form: str, *, scale: Spec | None = None, **axis: object) -> Spec:
    """A channel of numbers, whose outermost labels are not pushed inwards."""
    looks = {"format": form, "labelFlush": False, "tickCount": 5, **axis}
    return channel(f"{field}:Q", title=title, axis=looks, **({} if scale is None else {"scale": scale}))


def names_down(field: str, order: Sequence[str] | None, scale: Spec | None = None, **axis: object) -> Spec:
    """Names down the side in a fixed order (None: that of the rows); long ones wrap."""
    looks = {
        "grid": False,
        "labelExpr": WRAPPED,
        "labelFlush": False,
        "labelLimit": 200,
        "labelOverlap": False,
        "ticks": False,
        **axis,
    }
    more: Spec = {} if scale is None else {"scale": scale}
    return channel(f"{field}:N", sort=order and list(order), title=None, axis=looks, **more)


def along_time(field: str = "at", *, timed: bool = True, days: Sequence[date] = ()) -> Spec:
    """Days along the foot, or names of chunks in the order of the rows; `days` are the ends of the axis."""
    if not timed:
        looks = {"grid": False, "labelAngle": 0, "labelOverlap": "greedy"}
        return channel(f"{field}:N", sort=None, title=None, axis=looks)
    ends = [{"year": day.year, "month": day.month, "date": day.day} for day in days]
    more: Spec = {"scale": {"domain": ends}} if ends else {}
    return channel(
        f"{field}:T", title=None, axis={"grid": False, "labelFlush": False, "tickCount": 6}, **more
    )


def when_hint(*, timed: bool = True) -> tuple[str, ...]:
    """The hint that belongs to `along_time`."""
    return ("at:T", "From", DAY) if timed else ("at:N", "Chunk")


def hints(*shown: tuple[str, ...]) -> list[Spec]:
    """What is told when pointing at a mark: (field, title) or (field, title, format)."""
    return [
        channel(field, title=title, **({"format": form[0]} if form else {})) for field, title, *form in shown
    ]


def loose(padding: int, *, zero: bool = False) -> Spec:
    """A scale that leaves room at its ends and, unless told, need not begin at zero."""
    return {"padding": padding, "zero": zero}


def legend(columns: int = 3, **more: object) -> Spec:
    """A legend above the plot that wraps instead of being cut off in a narrow panel."""
    looks = {"columns": columns, "labelLimit": 0, "offset": 4, "orient": "top", "symbolSize": 90}
    return {**looks, "title": None, **more}


def by_name(field: str, looks: Mapping[str, object], told: Spec | None = None) -> Spec:
    """A channel (colour, shape, dash) that gives each name its look; `told` is the legend, None for none."""
    return channel(f"{field}:N", scale={"domain": list(looks), "range": list(looks.values())}, legend=told)


def fixed(value: object) -> Spec:
    """A channel that is the same for every mark."""
    return {"value": value}


def where(test: str, yes: object, no: object) -> Spec:
    """A channel that depends on the row: `datum.highlight`."""
    return {"condition": {"test": test, "value": yes}, "value": no}


def picked(yes: object, no: object, *, param: str = "picked", empty: bool = True) -> Spec:
    """A channel that depends on what is clicked (`picked`) or pointed at (`near`)."""
    return {"condition": {"empty": empty, "param": param, "value": yes}, "value": no}


def layer(
    mark: str,
    channels: Mapping[str, object],
    *,
    only: str = "",
    series: str = "",
    rows: Sequence[Mapping[str, object]] = (),
    picks: bool = False,
    **look: object,
) -> Spec:
    """One layer of a chart.

    Parameters
    ----------
    mark
        `bar`, `line`, `point`, `rule`, `text`, `area`, `rect` or `tick`.
    channels
        What stands where.
    only
        Draws only rows of which this holds, in the words of Vega; a field's name: rows that have it.
    series
        The name under which the layer stands in a legend of `series`, in the words of Vega.
    rows
        Its own rows, where they are not those of the chart.
    picks
        Whether a click on it picks.
    look
        How the mark looks.
    """
    made: Spec = {"mark": {"type": mark, **look}, "encoding": dict(sorted(channels.items()))}
    filters = [{"filter": f"isValid(datum.{only})" if only.isidentifier() else only}] if only else []
    named = [{"calculate": series, "as": "series"}] if series else []
    made |= {"transform": [*filters, *named]} if only or series else {}
    made |= {"data": {"values": [dict(row) for row in rows]}} if rows else {}
    return made | ({"name": _PICKS} if picks else {})


def points(channels: Mapping[str, object], size: int, **more: Any) -> Spec:
    """Filled dots."""
    return layer("point", channels, filled=True, opacity=1, size=size, **more)


def said(channels: Mapping[str, object], **more: Any) -> Spec:
    """Small words."""
    return layer("text", channels, **{"color": INK, "fontSize": 11, "fontWeight": 500, **more})


def zero_line(way: Literal["x", "y"]) -> Spec:
    """A quiet line at nothing."""
    return layer("rule", {way: channel("zero:Q")}, rows=[{"zero": 0}], color=QUIET, strokeWidth=1.2)


def lines_across(thresholds: Sequence[Threshold], unit: Unit, title: str) -> list[Spec]:
    """Dashed lines with their words, for a chart whose values run upwards."""
    highest = max((line.value for line in thresholds), default=0.0)
    layers: list[Spec] = []
    for line in thresholds:
        # The highest line's words stand above it and the others' below, so that close lines stay readable.
        hung = {"baseline": "bottom", "dy": -3} if line.value == highest else {"baseline": "top", "dy": 4}
        own = [{"level": line.value, "words": line.label}]
        y = {"y": values("level", title, FORMATS[unit])}
        words = {**y, "x": fixed(0), "text": channel("words:N")}
        layers.append(layer("rule", y, rows=own, color=TONES[line.tone], strokeDash=DASHED, strokeWidth=1.3))
        layers.append(said(words, rows=own, align="left", dx=4, **hung))
    return layers


def plot(
    rows: Points,
    layers: Sequence[Spec],
    *,
    alt: str,
    key: str | None = None,
    picks: Sequence[str] = (),
    near: Sequence[str] = (),
    height: int | None = None,
    step: int | None = None,
    apart: Mapping[str, Sequence[str]] | None = None,
) -> tuple[str, ...] | None:
    """Draw rows by layers; give what was clicked if `picks` names its fields.

    Parameters
    ----------
    rows
        The data, at most `MOST_POINTS`: mappings, or values with the fields as attributes.
    layers
        From the back to the front; one of them `picks` if anything does.
    alt
        One sentence for people who do not see the chart.
    key
        Needed when `picks` is given; no other chart of the page has it.
    picks, near
        Fields of what is clicked, and of what is pointed at (`picked(..., param="near")`).
    height, step
        Pixels of the chart, or of each name down its side; neither lets the chart decide.
    apart
        Channels whose `scale` or `axis` the layers do not share.

    Raises
    ------
    BadInput
        More rows than a chart can show; they must be aggregated in the store.
    """
    import pyarrow as pa

    spec: Spec = {"layer": list(layers), "padding": {"left": 2, "right": 6, "top": 4, "bottom": 4}}
    if apart:
        spec["resolve"] = {part: dict.fromkeys(names, "independent") for part, names in apart.items()}
    spec |= {"params": _params(picks, near)} if picks else {}
    if step:  # a height by step: only the width is fitted to the panel
        spec |= {"height": {"step": step}, "autosize": {"type": "fit-x", "contains": "padding"}}
    table = pa.Table.from_pylist(plain(rows))
    common: dict[str, Any] = {"width": "stretch", "alt": alt, "key": key, "theme": "streamlit"}
    common |= {"height": height} if height else {}
    if not picks:
        st.vega_lite_chart(table, spec, **common)
        return None
    shown: Any = st.vega_lite_chart(table, spec, on_select="rerun", selection_mode="picked", **common)
    chosen = shown.selection.get("picked") or []
    return tuple(str(chosen[0].get(field)) for field in picks) if chosen else None


def _params(picks: Sequence[str], near: Sequence[str]) -> list[Spec]:
    """What may be clicked and pointed at, on the layer that picks."""
    click: Spec = {"fields": list(picks), "type": "point"}
    point: Spec = {"clear": "pointerout", "fields": list(near), "on": "pointerover", "type": "point"}
    found = [("picked", click), *([("near", point)] if near else [])]
    return [{"name": name, "select": select, "views": [_PICKS]} for name, select in found]


def plain(rows: Points) -> list[dict[str, object]]:
    """Rows as mappings.

    Raises
    ------
    BadInput
        More rows than a chart can show; they must be aggregated in the store.
    """
    if len(rows) > MOST_POINTS:
        raise BadInput(
            f"a chart was given {len(rows):,} points, at most {MOST_POINTS:,} can be shown",
            remedy="Choose fewer features or a shorter time.",
        )
    return [dict(row) if isinstance(row, Mapping) else asdict(row) for row in rows]


# What follows goes with the last chart that is built with Altair.


def as_rows(rows: Rows, *, limit: int = MOST_POINTS) -> list[dict[str, Any]]:
    """Take a list of mappings or an Arrow table as rows.

    Raises
    ------
    BadInput
        More rows than a chart can show; they must be aggregated in the store.
    """
    found = [dict(row) for row in rows] if isinstance(rows, Sequence) else rows.to_pylist()
    if len(found) > limit:
        raise BadInput(
            f"a chart was given {len(found):,} points, at most {limit:,} can be shown",
            remedy="Choose fewer features or a shorter time.",
        )
    return found


def is_time(rows: Sequence[Mapping[str, Any]], field: str) -> bool:
    """Tell whether a field holds days or times rather than names of chunks."""
    return bool(rows) and isinstance(rows[0].get(field), date)


def axis(unit: Unit, **more: Any) -> alt.Axis:
    """Build a value axis whose outermost labels are not pushed inwards."""
    import altair as alt

    return alt.Axis(format=FORMATS[unit], labelFlush=False, tickCount=5, **more)


def name_axis(field: str, order: Sequence[str]) -> alt.Y:
    """Build a list of names down the side, in a fixed order."""
    import altair as alt

    names = alt.Axis(
        labelLimit=200, labelExpr=WRAPPED, labelOverlap=False, grid=False, ticks=False, labelFlush=False
    )
    return alt.Y(f"{field}:N", sort=list(order), title=None, axis=names)


def top_legend(columns: int = 3) -> alt.Legend:
    """Build a legend above the plot that wraps instead of being cut off in a narrow panel."""
    import altair as alt

    return alt.Legend(orient="top", title=None, columns=columns, labelLimit=0, symbolSize=90, offset=4)


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
    rows: Sequence[Mapping[str, Any]],
    spec: str,
    *,
    alt: str,
    key: str | None = None,
    picks: Sequence[str] = (),
    height: int | None = None,
) -> tuple[str, ...] | None:
    """Draw rows by a spec made with `finish`; give what was clicked if `picks` names its fields.

    Parameters
    ----------
    rows
        The data, at most `MOST_POINTS`.
    spec
        A chart from `finish`.
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

    table = pa.Table.from_pylist([dict(row) for row in rows])
    common: dict[str, Any] = {"width": "stretch", "alt": alt, "key": key, "theme": "streamlit"}
    if height is not None:
        common["height"] = height
    if not picks:
        st.vega_lite_chart(table, json.loads(spec), **common)
        return None
    state = cast(
        Any,
        st.vega_lite_chart(table, json.loads(spec), on_select="rerun", selection_mode="picked", **common),
    )
    chosen = state.selection.get("picked") or []
    return tuple(str(chosen[0].get(field)) for field in picks) if chosen else None


def threshold_layers(thresholds: Sequence[Threshold], unit: Unit, *, title: str | None) -> list[Any]:
    """Build dashed lines with their words, for a chart whose values run upwards."""
    import altair as alt

    layers: list[Any] = []
    highest = max((line.value for line in thresholds), default=0.0)
    for line in thresholds:
        # The highest line's words stand above it and the others' below, so that close lines stay readable.
        above = line.value == highest
        place = alt.Chart(alt.InlineData(values=[{"level": line.value, "words": line.label}]))
        y = alt.Y("level:Q", title=title, axis=axis(unit))
        layers.append(place.mark_rule(strokeDash=[5, 4], strokeWidth=1.3, color=TONES[line.tone]).encode(y=y))
        layers.append(
            place.mark_text(
                align="left",
                baseline="bottom" if above else "top",
                dx=4,
                dy=-3 if above else 4,
                fontSize=11,
                fontWeight=500,
                color=INK,
            ).encode(y=y, x=alt.value(0), text="words:N")
        )
    return layers
