"""The value of a governance KPI, its change, whether it is on target; and teams ranked by the least shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal

from core.analytics.intervals import Interval, wilson_interval

KpiForm = Literal["ratio", "count", "median"]
KpiDirection = Literal["higher", "lower"]
TargetStatus = Literal["on_target", "off_target", "cannot_tell", "no_target"]
Trend = Literal["better", "worse", "same", "unknown"]


@dataclass(frozen=True, slots=True)
class KpiValue:
    """One KPI at one moment.

    Parameters
    ----------
    form
        "ratio", "count" or "median".
    value
        Ratio: 0.0 and up, not per cent. Count: number of things. Median: in the unit of the values.
        None when undefined. Never 0 in its place.
    numerator
        Of a ratio; None otherwise.
    n
        Denominator of a ratio, the count itself, or the number of values of a median.
    direction
        "higher" or "lower": which way is better.
    target
        In the unit of `value`; None when there is none.
    status
        "on_target" (at the target or better), "off_target", "cannot_tell" (undefined or fewer than the
        minimum), "no_target".
    change
        Value minus earlier value; None when either is undefined.
    trend
        "better", "worse", "same", or "unknown" when there is no change to speak of.
    note
        Why it cannot be told; empty otherwise.

    Examples
    --------
    >>> ratio_kpi(0, 0, direction="higher", target=0.9).value is None
    True
    """

    form: KpiForm
    value: float | None
    numerator: float | None
    n: int
    direction: KpiDirection
    target: float | None
    status: TargetStatus
    change: float | None
    trend: Trend
    note: str


def ratio_kpi(
    numerator: float,
    denominator: int,
    *,
    direction: KpiDirection,
    target: float | None = None,
    earlier: float | None = None,
    minimum: int = 1,
) -> KpiValue:
    """Value of a ratio KPI.

    Parameters
    ----------
    numerator, denominator
        Counts; the numerator may be a sum.
    direction
        Which way is better.
    target, earlier
        Target and value at an earlier moment, as ratios; None when there is none.
    minimum
        Denominator needed to hold the value against the target.

    Returns
    -------
    KpiValue
        `value` None when the denominator is 0.

    Raises
    ------
    ValueError
        A negative denominator.

    Notes
    -----
    Formula: numerator / denominator. Zero means: none of the denominator. Leaves out how sure a ratio of few
    is, but for the minimum. Source: ours.

    Examples
    --------
    >>> done = ratio_kpi(9, 12, direction="higher", target=0.9, earlier=0.5)
    >>> done.value, done.status, done.change, done.trend
    (0.75, 'off_target', 0.25, 'better')
    """
    if denominator < 0:
        raise ValueError(f"a denominator cannot be {denominator}")
    value = None if denominator == 0 else numerator / denominator
    return _kpi(
        "ratio",
        value,
        numerator,
        denominator,
        direction=direction,
        target=target,
        earlier=earlier,
        minimum=minimum,
    )


def count_kpi(
    count: int,
    *,
    direction: KpiDirection,
    target: float | None = None,
    earlier: float | None = None,
) -> KpiValue:
    """Value of a KPI that counts things; 0 is a value here, not an absence.

    Parameters
    ----------
    count
        Number of things, 0 or more.
    direction, target, earlier
        As in `ratio_kpi`, in things.

    Returns
    -------
    KpiValue

    Raises
    ------
    ValueError
        A negative count.

    Notes
    -----
    Formula: the count. Zero means: there are none. Leaves out how many there could be. Source: ours.

    Examples
    --------
    >>> overdue = count_kpi(0, direction="lower", target=0, earlier=4)
    >>> overdue.status, overdue.change, overdue.trend
    ('on_target', -4.0, 'better')
    """
    if count < 0:
        raise ValueError(f"a count cannot be {count}")
    return _kpi(
        "count", float(count), None, count, direction=direction, target=target, earlier=earlier, minimum=0
    )


def median_kpi(
    values: Iterable[float],
    *,
    direction: KpiDirection,
    target: float | None = None,
    earlier: float | None = None,
    minimum: int = 1,
) -> KpiValue:
    """Value of a KPI that is the middle of many, such as days to decision.

    Parameters
    ----------
    values
        All of one unit, in any order.
    direction, target, earlier
        As in `ratio_kpi`, in the unit of the values.
    minimum
        Values needed to hold the median against the target.

    Returns
    -------
    KpiValue
        `value` None when there are no values.

    Notes
    -----
    Formula: the middle value, or the mean of the two middle ones. Zero means: at least half are 0 or less.
    Leaves out the long ones: half of all may be far worse. Source: ours.

    Examples
    --------
    >>> days = median_kpi([3, 10, 4, 6], direction="lower", target=5)
    >>> days.value, days.status, days.n
    (5.0, 'on_target', 4)
    """
    listed = list(values)
    middle = float(median(listed)) if listed else None
    return _kpi(
        "median",
        middle,
        None,
        len(listed),
        direction=direction,
        target=target,
        earlier=earlier,
        minimum=minimum,
    )


def _kpi(
    form: KpiForm,
    value: float | None,
    numerator: float | None,
    n: int,
    *,
    direction: KpiDirection,
    target: float | None,
    earlier: float | None,
    minimum: int,
) -> KpiValue:
    change = None if value is None or earlier is None else value - earlier
    status, note = _status(value, n, direction, target, minimum)
    trend = _trend(change, direction)
    return KpiValue(form, value, numerator, n, direction, target, status, change, trend, note)


def _status(
    value: float | None, n: int, direction: KpiDirection, target: float | None, minimum: int
) -> tuple[TargetStatus, str]:
    undefined = "Undefined: there is nothing to count yet." if value is None else ""
    if target is None:
        return "no_target", undefined
    if value is None:
        return "cannot_tell", undefined
    if n < minimum:
        return "cannot_tell", f"Too few to tell: {n} of the {minimum} needed."
    met = value >= target if direction == "higher" else value <= target
    return ("on_target" if met else "off_target"), ""


def _trend(change: float | None, direction: KpiDirection) -> Trend:
    if change is None:
        return "unknown"
    # Two ratios of whole numbers that differ by less than this differ by rounding only.
    if abs(change) < 1e-12:
        return "same"
    return "better" if (change > 0) == (direction == "higher") else "worse"


StandingMeasure = Literal["first_time_pass_rate", "deadlines_met_rate", "self_service_rate"]


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
    light_due, light_on_time
        The same of the lowest class, which stands on a board of its own.

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
    light_due: int = 0
    light_on_time: int = 0


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
        "first_time_pass_rate" = first_try_passes / first_tries, "deadlines_met_rate" = on_time / due,
        "self_service_rate" = light_on_time / light_due.
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
    passes, n = {
        "first_time_pass_rate": (tally.first_try_passes, tally.first_tries),
        "deadlines_met_rate": (tally.on_time, tally.due),
        "self_service_rate": (tally.light_on_time, tally.light_due),
    }[measure]
    interval = wilson_interval(passes, n, confidence)
    enough = n >= minimum and n > 0
    note = "" if enough else f"Too few to rank: {n} of the {max(minimum, 1)} needed."
    return Standing(None, tally.team, measure, passes / n if n else None, interval, passes, n, note)


def _floor(line: Standing) -> float:
    """What the record shows at the least, rounded so that equal records stay equal."""
    return round(line.interval.low, 12) if line.interval else 0.0
