"""What the command line prints of governance KPIs and of the leaderboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.entrypoints.reports.printing import NONE, as_of, figure, interval, say, show_table, words

Result = Mapping[str, Any]


def show_kpis(result: Result) -> None:
    """The KPIs, one a line."""
    bound = {"higher": "at least", "lower": "at most"}
    lines = [
        (
            kpi["title"],
            figure(kpi["value"], kpi["unit"]),
            f"{bound[kpi['direction']]} {figure(kpi['target'], kpi['unit'])}",
            words(kpi["status"]),
            words(kpi["trend"]),
            kpi["note"] or NONE,
        )
        for kpi in result["kpis"]
    ]
    show_table(("KPI", "Value", "Target", "Status", "Trend", "Note"), lines, right=(1,))
    say(f"The trend is against the end of the month before, {as_of(result)}.")


def show_standings(result: Result) -> None:
    """The leaderboard, a team a line."""
    lines = [
        (
            line["rank"],
            line["team"],
            figure(line["rate"], "share"),
            interval(line["interval"], "share"),
            f"{line['passes']} of {line['n']}",
            line["note"] or NONE,
        )
        for line in result["standings"]
    ]
    show_table(("Rank", "Team", "Rate", "95 % interval", "Count", "Note"), lines, right=(2,))
    say(f"Ranked by the low end of the interval over {result['window_days']} days, {as_of(result)}.")


SHOW: Mapping[str, Callable[[Result], None]] = {"kpis": show_kpis, "standings": show_standings}
"""Command -> what prints its result."""
