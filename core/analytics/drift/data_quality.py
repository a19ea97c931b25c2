"""Data quality of one column: what is missing, unseen or out of range now, held against the reference."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from core.analytics.intervals import Interval, rate_difference_interval, wilson_interval
from core.ground import VerdictName, aside, worst

TOLERANCE = 1e-4
"""Of the reference's range (of its value, where it has one): what lies nearer than that is not outside."""


def widened(low: float, high: float) -> tuple[float, float]:
    """The range of a reference with its tolerance.

    Examples
    --------
    >>> widened(0.0, 100.0)
    (-0.01, 100.01)
    """
    margin = TOLERANCE * ((high - low) or abs(low) / 100)
    return low - margin, high + margin


@dataclass(frozen=True, slots=True)
class ColumnCounts:
    """Counts of a column in the reference and in the rows that are judged.

    Attributes
    ----------
    rows, missing, reference_rows, reference_missing
        Rows, and those without a value: empty, blank, or not a number.
    unseen
        Rows whose category the reference does not hold; None for numbers, and without a reference.
    unseen_values
        The most frequent of these categories.
    vanished, vanished_values
        Reference rows whose category no row holds now, by more than chance, and the most frequent of these.
    gone
        Whether only the reference has the column.
    outside
        Rows below the least or above the greatest number of the reference by more than a ten-thousandth of
        its range; None for texts.
    low, high, reference_low, reference_high
        Least and greatest number, in the column's unit; None for texts.
    """

    rows: int
    missing: int
    reference_rows: int
    reference_missing: int
    unseen: int | None = None
    unseen_values: tuple[str, ...] = ()
    outside: int | None = None
    low: float | None = None
    high: float | None = None
    reference_low: float | None = None
    reference_high: float | None = None
    vanished: int = 0
    vanished_values: tuple[str, ...] = ()
    gone: bool = False


@dataclass(frozen=True, slots=True)
class ColumnLimits:
    """Limits as shares of rows (0 to 1), and the rows needed to judge."""

    max_missing_rise: float
    max_unseen_share: float
    max_out_of_range_share: float
    min_rows: int
    max_vanished_share: float = 0.01


@dataclass(frozen=True, slots=True)
class ColumnQuality:
    """VerdictName on a column with the findings behind it; shares are None where they are undefined."""

    verdict: VerdictName
    findings: tuple[str, ...]
    reference_missing: float | None
    missing: float | None
    unseen: float | None
    out_of_range: float | None


def judge_column(counts: ColumnCounts, limits: ColumnLimits) -> ColumnQuality:
    """Hold a column's counts to the limits; the worst of its verdicts counts.

    Returns
    -------
    ColumnQuality
        `cannot_tell` where there are too few rows, no reference, or where the 95 % interval holds the limit.

    Notes
    -----
    Formula: a share fails when its whole Wilson interval lies above the limit and passes when its interval
    ends at or below it; the rise of the missing share alike, by Newcombe's interval of a difference.
    Direction: lower is better. Zero: nothing missing, unseen or out of range. Leaves out whether values
    within the range are right. Source: Wilson 1927, Newcombe 1998.

    Examples
    --------
    >>> limits = ColumnLimits(0.05, 0.01, 0.01, min_rows=100)
    >>> judge_column(ColumnCounts(5000, 0, 5000, 0, unseen=500), limits).verdict
    'fail'
    >>> judge_column(ColumnCounts(50, 0, 5000, 0, unseen=0), limits).findings
    ('Only 50 rows, too few to judge.',)
    """
    filled = counts.rows - counts.missing
    shares = (
        _share(counts.reference_missing, counts.reference_rows),
        _share(counts.missing, counts.rows),
        None if counts.unseen is None else _share(counts.unseen, filled),
        None if counts.outside is None else _share(counts.outside, filled),
    )
    if counts.rows < limits.min_rows:
        return ColumnQuality("cannot_tell", (f"Only {counts.rows:,} rows, too few to judge.",), *shares)
    if not counts.reference_rows:
        return ColumnQuality("cannot_tell", ("There is no reference to compare with.",), *shares)
    if counts.gone:
        return ColumnQuality("fail", ("The reference has this column, and there is none here.",), *shares)
    found = [_missing(counts, limits)]
    if counts.vanished:
        before = counts.reference_rows - counts.reference_missing
        words = f"of the reference {_values('had a value that no row has now', counts.vanished_values)}"
        found.append(_held(counts.vanished, before, limits.max_vanished_share, words))
    if counts.unseen is not None and filled:
        words = _values("not in the reference", counts.unseen_values)
        found.append(_held(counts.unseen, filled, limits.max_unseen_share, words))
    if counts.outside is not None and filled:
        low, high = _number(counts.reference_low), _number(counts.reference_high)
        words = f"outside {aside(f'{low} to {high}', 'the range of the reference')}"
        found.append(_held(counts.outside, filled, limits.max_out_of_range_share, words))
    verdict = worst(verdict for verdict, _ in found)
    return ColumnQuality(verdict, tuple(words for _, words in found if words), *shares)


def _missing(counts: ColumnCounts, limits: ColumnLimits) -> tuple[VerdictName, str]:
    interval = rate_difference_interval(
        counts.missing, counts.rows, counts.reference_missing, counts.reference_rows
    )
    now, before = counts.missing / counts.rows, counts.reference_missing / counts.reference_rows
    words = f"{now:.1%} missing, {before:.1%} in the reference."
    return _verdict(now - before, interval, limits.max_missing_rise, words)


def _held(part: int, rows: int, limit: float, words: str) -> tuple[VerdictName, str]:
    share = part / rows
    return _verdict(share, wilson_interval(part, rows), limit, f"{share:.1%} {words}.")


def _verdict(value: float, interval: Interval | None, limit: float, words: str) -> tuple[VerdictName, str]:
    if interval is None or interval.low <= limit < interval.high:
        few = f"{words[:-1]}; too few rows to tell it from the limit of {limit:.1%}."
        return "cannot_tell", few
    if value > limit:
        return "fail", f"{words[:-1]}; the limit is {limit:.1%}."
    return "pass", words if value > 0 else ""


def _values(words: str, values: tuple[str, ...]) -> str:
    shown = ", ".join(f"'{value[:30]}'" for value in values[:3])
    return f"{words}{aside(f' ({shown})', '')}" if shown else words


def _share(part: int, rows: int) -> float | None:
    return part / rows if rows else None


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"


def beyond_twins(cross: int, rows: tuple[int, int], twins: tuple[int, int]) -> bool:
    """Whether more rows of two files are equal than chance brings, though the tables may be small.

    Parameters
    ----------
    cross
        Values (of all columns together) that stand once in each file.
    rows
        Rows of the one and of the other file.
    twins
        Values that stand exactly twice in the one, and in the other.

    Notes
    -----
    Formula: with S the sum of the squared shares of rare values, n and m rows bring n*m*S such pairs between
    the files and (n^2 + m^2)*S/2 twins within them, so that the twins bound the pairs; different shares
    only lower the pairs (Cauchy and Schwarz). Upper and lower ends of about 0.1 % are by the normal
    approximation of a Poisson count, 7 being the upper end of none. Direction: true says that rows stand in
    both. Zero twins mean that rows tell themselves apart. Leaves out values that are frequent: files of few
    columns and few values have equal rows by nature, and nothing is said of them; nor of fewer than 25 rows.
    People who are scored again with the same values and no time are equal, too, and are told. Source: ours.

    Examples
    --------
    >>> beyond_twins(400, (460, 400), (0, 0)), beyond_twins(400, (2000, 2000), (180, 210))
    (True, False)
    """
    n, m = rows
    most = 2 * n * m / (n * n + m * m) * _upper(sum(twins))
    return cross >= _FEWEST and cross - _Z * sqrt(cross) > most


def beyond_repeats(once: int, twice: int, thrice: int) -> bool:
    """Whether more rows of one file stand twice than chance brings, given those that stand once and thrice.

    Notes
    -----
    Formula: counts of rows drawn by chance are a mixture of Poisson counts, for which twice^2 is at most
    1.5 * once * thrice (Cauchy and Schwarz on the moments). Direction: true says that rows stand twice. Zero
    repeats are none. Ends and what is left out as in `beyond_twins`; in a long file few repeats are not told.
    Source: ours, on the moments of mixed Poisson counts.

    Examples
    --------
    >>> beyond_repeats(100, 400, 0), beyond_repeats(1000, 300, 60)
    (True, False)
    """
    return twice >= _FEWEST and twice - _Z * sqrt(twice) > sqrt(1.5 * once * _upper(thrice))


_Z, _FEWEST = 3.1, 25


def _upper(count: int) -> float:
    return count + _Z * sqrt(count) + 7
