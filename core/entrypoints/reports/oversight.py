"""What the command line prints of governance KPIs and of the leaderboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.entrypoints.reports.printing import (
    Column,
    as_of,
    dashed,
    day,
    figure,
    interval,
    listed,
    say,
    share,
    show_rows,
    words,
)
from core.ground import Result


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


def show_kpi(result: Result) -> None:
    """One KPI: its value, what is missing, its parts, and who and what makes the gap."""
    bound = {"higher": "at least", "lower": "at most"}[result["direction"]]
    value, target = figure(result["value"], result["unit"]), figure(result["target"], result["unit"])
    say(f"{result['title']}: {value}, {words(result['status'])}, target {bound} {target}, {as_of(result)}.")
    if result["needed"]:
        say(f"It would be on target with {result['needed']} of {result['amiss']:g} mended.")
    if result["recovers_on"]:
        say(f"At the pace of the last three months it is there on {day(result['recovers_on'])}.")
    if result["owner"]:
        say(f"{result['owner']} answers for it.")
    parts: Mapping[str, Column] = {
        result["by"].capitalize(): "title",
        "Value": lambda part: figure(part["value"]["value"], result["unit"]),
        "Counted": lambda part: part["value"]["n"],
        "Gap": lambda part: f"{part['amiss']:g}",
    }
    show_rows(result["parts"], parts, right=(1, 2, 3))
    made_by: Mapping[str, Column] = {
        "Made by": "name",
        "Team": "team",
        "Owner": ("owner_name", dashed),
        "Gap": lambda one: f"{one['amiss']:g}",
        "What": ("what", listed),
    }
    show_rows(result["contributors"], made_by, right=(3,))
    if result["unread"] > 0:
        say(f"{result['unread']:g} more of the gap lie in initiatives that you may not read.")


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


SHOW: Mapping[str, Callable[[Result], None]] = {
    "kpis": show_kpis,
    "kpi show": show_kpi,
    "standings": show_standings,
}
"""Command -> what prints its result."""
