"""A leaderboard: bars with intervals, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from portal.components.charts.bars import Bar, interval_bars
from portal.components.page import page_link
from portal.components.tables import Column, plain_table
from portal.components.text import percent

if TYPE_CHECKING:
    from core.analytics.standings import Standing

COLUMNS = [
    Column("rank", "Rank"),
    Column("team", "Team", strong=True),
    Column("rate", "Rate", "percent"),
    Column("interval", "Interval", phone=False),
    Column("counted", "Counted"),
]


def standings_board(standings: Sequence[Standing], *, title: str, own: str, key: str) -> None:
    """Draw one board, the reader's team highlighted; teams with too few are shown without a rank.

    Parameters
    ----------
    standings
        Best first, as `core.services.oversight.teams.team_standings` gives them.
    title
        What is ranked.
    own
        The reader's team; nothing is highlighted where it has no line.
    key
        A name that no other board of the page has.
    """
    _own_place(standings, own)
    bars = [_bar(line, own) for line in standings if line.interval is not None]
    if bars:
        interval_bars(bars, value_title=title, alt=f"{title} by team, with intervals.", key=key)
    rows = [_row(line) for line in standings]
    plain_table(rows, COLUMNS, caption=f"Teams by: {title}", download=f"standings-{key}")


def _own_place(standings: Sequence[Standing], own: str) -> None:
    mine = next((line for line in standings if line.team == own), None)
    if mine is None:
        page_link("team", "Open a team", icon=":material/groups:")
        return
    ranked = sum(line.rank is not None for line in standings)
    place = f"rank {mine.rank} of {ranked}" if mine.rank else "no rank yet"
    page_link("team", f"Your team, {mine.team}: {place}", icon=":material/groups:", team=mine.team)


def _bar(line: Standing, own: str) -> Bar:
    low, high = (line.interval.low, line.interval.high) if line.interval else (None, None)
    label = line.team if line.rank else f"{line.team}, no rank"
    return Bar(label, line.rate, low, high, line.n, line.team == own)


def _row(line: Standing) -> dict[str, Any]:
    return {
        "rank": str(line.rank) if line.rank else "Too few to rank",
        "team": line.team,
        "rate": line.rate,
        "interval": f"{percent(line.interval.low)} to {percent(line.interval.high)}" if line.interval else "",
        "counted": f"{line.passes:,} of {line.n:,}",
    }
