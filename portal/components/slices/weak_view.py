"""The weakest slices as people read them: what was searched, the chart, the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.components.cards import Card, cards
from portal.components.charts.canvas import Threshold
from portal.components.charts.slices import WEAK_LOOKS, slice_figure
from portal.components.downloads import download_csv
from portal.components.slices.words import axis_format, chance, interval_words, level, metric_notes, signed
from portal.components.tables import Column, live_table
from portal.components.text import count, number

if TYPE_CHECKING:
    from core.analytics.slices.search import WeakSlice
    from core.services.measured.weak_slices import WeakSlices

_LEVEL = 0.05
_CSV = {
    "slice": "Slice",
    "n": "Rows that count",
    "value": "Value",
    "low": "Interval from",
    "high": "Interval to",
    "gap": "Difference to all",
    "p_value": "p",
    "adjusted_p": "p corrected",
}


def weak_cards(found: WeakSlices) -> None:
    """Draw what was searched, and the weakest slice beside everyone."""
    search = found.found
    metric, worst = search.definition, search.slices[0] if search.slices else None
    sure = sum(one.adjusted_p is not None and one.adjusted_p <= _LEVEL for one in search.slices)
    features, size = count(len(found.features), "feature"), f"{search.min_rows} rows"
    cards(
        [
            Card(
                "Weakest slice",
                level(metric, worst.measured.value if worst else None),
                note=worst.counts.label if worst else "No slice has enough rows.",
            ),
            Card(
                f"{metric.title} of all",
                level(metric, search.overall.value),
                note=f"{search.overall.n:,} rows.",
            ),
            Card(
                "Beyond chance",
                f"{sure} of {len(search.slices)}",
                note="Corrected for all that was searched.",
            ),
            Card(
                "Intersections searched",
                number(search.searched),
                note=f"Of {features}; {search.judged:,} had {size} or more and were measured.",
            ),
        ],
        min_column_width=175,
    )


def weak_rows(found: WeakSlices) -> list[dict[str, Any]]:
    """One plain row a slice, weakest first."""
    return [_row(found, one) for one in found.found.slices]


def _row(found: WeakSlices, one: WeakSlice) -> dict[str, Any]:
    metric, interval = found.found.definition, one.measured.interval
    sure = one.adjusted_p is not None and one.adjusted_p <= _LEVEL
    return {
        "slice": one.counts.label,
        "n": one.measured.n,
        "value": one.measured.value,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "interval": interval_words(metric, one.measured.value, interval),
        "value_words": level(metric, one.measured.value),
        "gap": one.gap,
        "gap_words": signed(metric, one.gap),
        "p_value": one.p_value,
        "adjusted_p": one.adjusted_p,
        "chance": chance(one.adjusted_p),
        "verdict": "sure" if sure else "chance",
        "conditions": ", ".join(f"{name.replace('_', ' ')}" for name, _ in one.counts.keys),
    }


def weak_chart(found: WeakSlices, key: str) -> str | None:
    """Draw the weakest slices beside everyone; give the label of the one that is clicked."""
    search = found.found
    base = search.overall.value
    lines = [] if base is None else [Threshold(f"All: {level(search.definition, base)}", base, "quiet")]
    values = [abs(one.measured.value) for one in search.slices if one.measured.value is not None]
    return slice_figure(
        weak_rows(found),
        value_title=search.definition.title,
        alt=f"The weakest slices by {search.definition.title.lower()}, with 95 % intervals",
        lines=lines,
        formats=axis_format(search.definition, max(values, default=1.0)),
        key=key,
        looks=WEAK_LOOKS,
    )


def weak_table(found: WeakSlices, key: str) -> str | None:
    """Draw the weakest slices as a table; give the label of the one that is clicked."""
    rows = weak_rows(found)
    columns = [
        Column("slice", "Slice", strong=True, width=320),
        Column("conditions", "Features", phone=False, width=230),
        Column("n", "Rows that count", "number", phone=False, width=112),
        Column("value_words", found.found.definition.title, width=110),
        Column("interval", "95% interval", phone=False, width=126),
        Column("gap_words", "To all", width=110, help="The slice's value minus everyone's."),
        Column("chance", "p corrected", phone=False, width=98, help="Bonferroni, for all that was searched."),
    ]
    row = live_table(rows, columns, key=key, select=True, alt="The weakest slices, weakest first")
    download_csv(rows, _CSV, name="weakest-slices")
    return None if row is None else str(row["slice"])


def weak_notes(found: WeakSlices) -> tuple[str, ...]:
    """How the search works, one sentence each."""
    search = found.found
    return (
        *metric_notes(search.definition),
        "Order: by the end of the interval nearest to good, so that a handful of bad rows does not lead.",
        "Left out of the list: slices no weaker than one with fewer of their conditions.",
        f"Not looked into: {search.too_small:,} slices under {search.min_rows} rows (nothing within them has "
        f"more), and {search.ruled_out:,} in which no slice can be weak enough for the list, by the bad rows "
        "they hold.",
        f"Correction: Bonferroni, for all {search.searched:,} intersections of values. Test: against all "
        "other rows.",
        "Leaves out: features that are not among those searched; why a slice is weak.",
    )
