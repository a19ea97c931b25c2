"""What the command line prints of governance KPIs and of the leaderboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.entrypoints.reports.printing import (
    Column,
    as_of,
    dashed,
    figure,
    interval,
    say,
    share,
    show_rows,
    words,
)
from core.services.plain import Result


def show_kpis(result: Result) -> None:
    """The KPIs, one a line."""
    bound = {"higher": "at least", "lower": "at most"}
    columns: Mapping[str, Column] = {
        "KPI": "title",
        "Value": lambda kpi: figure(kpi["value"], kpi["unit"]),
        "Target": lambda kpi: f"{bound[kpi['direction']]} {figure(kpi['target'], kpi['unit'])}",
        "Status": ("status", words),
        "Trend": ("trend", words),
        "Note": ("note", dashed),
    }
    show_rows(result["kpis"], columns, right=(1,))
    say(f"The trend is against the end of the month before, {as_of(result)}.")


def show_standings(result: Result) -> None:
    """The leaderboard, a team a line."""
    columns: Mapping[str, Column] = {
        "Rank": "rank",
        "Team": "team",
        "Rate": ("rate", share),
        "95 % interval": ("interval", lambda ends: interval(ends, "share")),
        "Count": lambda line: f"{line['passes']} of {line['n']}",
        "Note": ("note", dashed),
    }
    show_rows(result["standings"], columns, right=(2,))
    say(f"Ranked by the low end of the interval over {result['window_days']} days, {as_of(result)}.")


SHOW: Mapping[str, Callable[[Result], None]] = {"kpis": show_kpis, "standings": show_standings}
"""Command -> what prints its result."""
