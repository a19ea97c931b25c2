"""Teams ranked so that a few lucky tries do not beat a long good record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from core.analytics.intervals import Interval, wilson_interval

StandingMeasure = Literal["first_time_pass_rate", "deadlines_met_rate"]


@dataclass(frozen=True, slots=True)
class TeamTally:
    """What a team did in a period.

    Parameters
    ----------
    team
        Name or id.
    first_tries, first_try_passes
        Checks run for the first time, and those of them that passed.
    due, on_time
        Tasks whose due day is past, and those of them done by then.

    Examples
    --------
    >>> TeamTally("credit", first_tries=20, first_try_passes=17, due=12, on_time=9).due
    12
    """

    team: str
    first_tries: int
    first_try_passes: int
    due: int
    on_time: int


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of a leaderboard.

    Parameters
    ----------
    rank
        1 is best; equal teams share a rank and the next rank is skipped. None: too few to rank.
    team
        As given.
    measure
        What is ranked.
    rate
        `passes` / `n`, 0.0 to 1.0; None when `n` is 0.
    interval
        Wilson interval of the rate; its low end is what decides the rank. None when `n` is 0.
    passes, n
        Numerator and denominator.
    note
        Why there is no rank; empty when there is one.

    Examples
    --------
    >>> Standing(None, "new team", "deadlines_met_rate", None, None, 0, 0, "Too few to rank.").rank is None
    True
    """

    rank: int | None
    team: str
    measure: StandingMeasure
    rate: float | None
    interval: Interval | None
    passes: int
    n: int
    note: str = ""


def standings(
    tallies: Iterable[TeamTally],
    measure: StandingMeasure = "first_time_pass_rate",
    *,
    minimum: int = 10,
    confidence: float = 0.95,
) -> tuple[Standing, ...]:
    """Rank teams by what their record shows at the least.

    Parameters
    ----------
    tallies
        One a team, in any order.
    measure
        "first_time_pass_rate" = first_try_passes / first_tries, "deadlines_met_rate" = on_time / due.
    minimum
        Tries (or due tasks) a team needs to be ranked.
    confidence
        Of the interval, 0.0 to 1.0, both excluded.

    Returns
    -------
    tuple of Standing
        Ranked teams first, best on top, equal ones by name; then those with too few, by name. No team is
        left out.

    Raises
    ------
    ValueError
        More passes than tries, a negative count, or a team given twice.

    Notes
    -----
    Formula: order by the low end of the Wilson interval of the rate, highest first.
    Direction: higher is better. A rate of 0.0 means that nothing passed at the first try (or in time).
    Leaves out: how hard the work was, the size of the team, and dependence between tries. Neighbours whose
    intervals overlap may well be equally good.
    Source: Wilson 1927; as a ranking: Miller 2009, "How not to sort by average rating".

    Examples
    --------
    >>> lucky, steady = TeamTally("lucky", 10, 10, 0, 0), TeamTally("steady", 200, 190, 0, 0)
    >>> new = TeamTally("new", 2, 2, 0, 0)
    >>> [(line.rank, line.team, line.rate) for line in standings([lucky, steady, new])]
    [(1, 'steady', 0.95), (2, 'lucky', 1.0), (None, 'new', 1.0)]
    """
    lines = [_line(tally, measure, minimum, confidence) for tally in tallies]
    if len({line.team for line in lines}) < len(lines):
        raise ValueError("a team stands in the tallies twice")
    ranked = sorted((line for line in lines if not line.note), key=lambda line: (-_floor(line), line.team))
    rest = sorted((line for line in lines if line.note), key=lambda line: line.team)
    floors = [_floor(line) for line in ranked]
    placed = [replace(line, rank=1 + floors.index(_floor(line))) for line in ranked]
    return (*placed, *rest)


def _line(tally: TeamTally, measure: StandingMeasure, minimum: int, confidence: float) -> Standing:
    passes, n = (
        (tally.first_try_passes, tally.first_tries)
        if measure == "first_time_pass_rate"
        else (tally.on_time, tally.due)
    )
    interval = wilson_interval(passes, n, confidence)
    enough = n >= minimum and n > 0
    note = "" if enough else f"Too few to rank: {n} of the {max(minimum, 1)} needed."
    return Standing(None, tally.team, measure, passes / n if n else None, interval, passes, n, note)


def _floor(line: Standing) -> float:
    """What the record shows at the least, rounded so that equal records stay equal."""
    return round(line.interval.low, 12) if line.interval else 0.0
