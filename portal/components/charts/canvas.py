"""What all charts share: colours that read on light and dark, axes, thresholds, and the drawing itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import streamlit as st

from core.domain.errors import BadInput

if TYPE_CHECKING:
    import altair as alt


class ArrowTable(Protocol):
    """What a chart wants of a pyarrow table."""

    def to_pylist(self) -> list[dict[str, Any]]:
        """Return one mapping a row."""


Rows = Sequence[Mapping[str, Any]] | ArrowTable
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


WRAPPED = r"split(trim(replace(datum.label, regexp('(.{1,26})(\\s+|$)', 'g'), '$1\n')), '\n')"


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
