"""Two versions side by side as people read them: choice, cards, chart and table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from core.analytics.slices.significance import CORRECTIONS
from portal.components.cards import Card, cards
from portal.components.charts.slice_pairs import slice_pairs
from portal.components.downloads import download_csv
from portal.components.slices.words import axis_format, chance, interval_words, level, report_notes, signed
from portal.components.tables import Column, live_table
from portal.components.text import number
from portal.components.url_inputs import url_choice

if TYPE_CHECKING:
    from core.analytics.slices.change import SliceChange
    from core.analytics.slices.report import SliceReport
    from core.services.measured.decay_view import MonitoredVersion
    from core.services.measured.slice_versions import VersionsCompared

_CSV = {
    "slice": "Slice",
    "now": "Value now",
    "then": "Value of the other version",
    "change": "Change",
    "p_value": "p",
    "adjusted_p": "p corrected",
    "move": "Direction",
}


def other_input(versions: Sequence[MonitoredVersion], known: MonitoredVersion) -> str:
    """Let people choose the version to compare with; empty where there is no other."""
    others = [
        one.version for one in versions if one.initiative == known.initiative and one.version != known.version
    ]
    if not others:
        return ""
    titles = {version: f"Version {version}" for version in others}
    return url_choice("Beside", titles, "other", default=others[0], width=120)


def version_cards(found: VersionsCompared) -> None:
    """Draw how many slices changed, and the metric of all under both."""
    now, then = found.now.report, found.other.report
    metric = now.metric
    correction = CORRECTIONS[now.correction]
    cards(
        [
            Card("Better beyond chance", number(found.better), note=f"Slices; {correction} correction."),
            Card("Worse beyond chance", number(found.worse), note=f"Slices; {correction} correction."),
            Card(
                f"{metric.title} of all",
                level(metric, now.overall_value),
                note=f"{level(metric, then.overall_value)} in version {found.other.batches.version}.",
            ),
            Card(
                "Slices compared",
                number(sum(each.change is not None for each in found.changes)),
                note=f"Of {len(found.changes)}; the others are undefined or without rows in one version.",
            ),
        ],
        min_column_width=175,
    )


def _row(report: SliceReport, each: SliceChange) -> dict[str, Any]:
    sure = each.adjusted_p is not None and each.adjusted_p <= 1 - report.confidence
    move = "not beyond chance" if not sure or each.better is None else "better" if each.better else "worse"
    row: dict[str, Any] = {"slice": each.label, "move": move, "change": each.change}
    for side, line in (("now", each.now), ("then", each.other)):
        row[side] = None if line is None else line.value
        row[f"{side}_low"] = line.interval.low if line and line.interval else None
        row[f"{side}_high"] = line.interval.high if line and line.interval else None
        row[f"{side}_words"] = "no row" if line is None else level(report.metric, line.value)
    row["change_words"] = signed(report.metric, each.change)
    row["interval"] = (
        "–"
        if each.change_interval is None
        else interval_words(report.metric, each.change, each.change_interval)
    )
    return {**row, "p_value": each.p_value, "adjusted_p": each.adjusted_p, "chance": chance(each.adjusted_p)}


def version_chart(found: VersionsCompared, key: str) -> str | None:
    """Draw both versions; give the label of the slice that is clicked."""
    names = f"Version {found.now.batches.version}", f"Version {found.other.batches.version}"
    return change_chart(found.changes, found.now.report, names, key)


def change_chart(
    changes: Sequence[SliceChange], report: SliceReport, names: tuple[str, str], key: str = ""
) -> str | None:
    """Draw the slices of the version looked at and of the other; with a key, give the one clicked."""
    rows, metric = [_row(report, each) for each in changes[:60]], report.metric
    values = [abs(row[side]) for row in rows for side in ("now", "then") if row[side] is not None]
    return slice_pairs(
        rows,
        names=names,
        value_title=metric.title,
        alt=f"{metric.title} by slice under two versions, with 95 % intervals",
        formats=axis_format(metric, max(values, default=1.0)),
        key=key,
    )


def version_table(found: VersionsCompared, key: str) -> str | None:
    """Draw both versions as a table; give the label of the slice that is clicked."""
    rows = [_row(found.now.report, each) for each in found.changes]
    columns = [
        Column("slice", "Slice", strong=True, width=240),
        Column("now_words", f"Version {found.now.batches.version}", width=110),
        Column("then_words", f"Version {found.other.batches.version}", width=110),
        Column("change_words", "Change", width=110),
        Column("interval", "95% interval", phone=False, width=150, help="Of the change."),
        Column("chance", "p corrected", phone=False, width=98),
        Column("move", "Direction", phone=False, width=140),
    ]
    row = live_table(rows, columns, key=key, select=True, height=540, alt="Slices under two versions")
    download_csv(rows, _CSV, name="versions-compared")
    return None if row is None else str(row["slice"])


def version_notes(found: VersionsCompared) -> tuple[str, ...]:
    """What the comparison means, one sentence each."""
    return (
        "Change: the value under the version looked at minus that under the other; 0 means alike.",
        "Bands are those of the version looked at, so that a slice means the same rows in both.",
        "Leaves out: that both may have judged the same rows; intervals are then too wide, not too narrow.",
        *report_notes(found.now.report),
    )
