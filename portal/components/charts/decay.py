"""Decay of one model: estimates with their band beside what was realised, and groups on one scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from portal.components.canvas import (
    ACCENT,
    BAD,
    FINE_FORMATS,
    MOST_POINTS,
    SECOND,
    Threshold,
    Unit,
    draw,
    finish,
    hints,
    level,
    loose,
    threshold_layers,
    time_axis,
    top_legend,
)

if TYPE_CHECKING:
    import altair as alt

    from core.domain.facts.measured import DecayChunk
    from core.services.measured.decay_groups import DecayGroup

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
