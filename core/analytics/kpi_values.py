"""The value of a governance KPI, its change, and whether it is on target."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Literal

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
