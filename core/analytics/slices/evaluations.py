"""Evaluation sets: pass rates held to limits, two versions case by case, two judges held together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from core.analytics.intervals import Interval, exact_interval, normal_quantile, wilson_interval
from core.analytics.slices.counts import SliceCounts, total_of
from core.analytics.slices.judging import Limit
from core.analytics.slices.metrics import metric
from core.analytics.slices.report import SliceFigures, slice_report
from core.analytics.slices.verdicts import POOLED, Judging, Small
from core.ground import VerdictName, worst

PASS_RATE = replace(
    metric("selection_rate"),
    id="pass_rate",
    title="Pass rate",
    formula="cases passed / cases",
    zero_means="no case is passed",
    leaves_out="how hard the cases are, and what no case asks for",
    source="ours",
)
EVERY_CASE = "All cases"
_MOST_EXACT = 1000
"""Cases that turned up to which all their outcomes are counted out."""


@dataclass(frozen=True, slots=True)
class PassLimits:
    """What an evaluation is held to: a least pass rate, and how far categories may be apart (rate points)."""

    least: float
    gap: float
    min_cases: int
    small: Small


@dataclass(frozen=True, slots=True)
class PassLine:
    """A category with its pass rate; `verdict` is the worse of both limits, None where it is left out."""

    label: str
    cases: int
    passed: int
    rate: float
    interval: Interval
    verdict: VerdictName | None
    note: str


@dataclass(frozen=True, slots=True)
class PassReport:
    """Pass rates by one column of categories (empty: all cases), with the verdict on them together."""

    by: str
    lines: tuple[PassLine, ...]
    verdict: VerdictName | None
    note: str


def pass_reports(
    passed: int, cases: int, by_column: Mapping[str, Sequence[SliceCounts]], limits: PassLimits | None
) -> tuple[PassReport, ...]:
    """Hold an evaluation to its limits: all cases, and each category of each column, all at once.

    Parameters
    ----------
    passed, cases
        Of the whole evaluation; at least one case.
    by_column
        Column of categories -> one `SliceCounts` a category, those that passed `selected`.
    limits
        None judges nothing.

    Returns
    -------
    tuple of PassReport
        All cases first, then column by column. Rates from 0.0 to 1.0.

    Notes
    -----
    Formula: a category *fails* the least rate when Clopper and Pearson's exact upper end lies below it, at
    5 % over all families and their categories (Bonferroni); *passes* when the exact lower end at 2.5 % does
    not; else cannot tell. How far categories are apart is judged by `core.analytics.slices.judging.judged`.
    All cases, and both limits on each column, are one family each; 5 % is shared by all of them.
    Direction: more cases make *cannot tell* rarer. Zero: a rate of 0.0 passes nothing.
    Leaves out: dependence of cases (ten rewordings of one question count as ten), and what no case asks for.
    Source: Clopper and Pearson 1934, Biometrika 26; Dunn 1961, J. Am. Stat. Assoc. 56.

    Examples
    --------
    >>> def of(name, n, good):
    ...     return SliceCounts((("topic", name),), "binary", n, predicted=n, selected=good)
    >>> limits = PassLimits(0.8, 0.2, 30, "left_out")
    >>> found = pass_reports(290, 400, {"topic": [of("cover", 200, 190), of("tone", 200, 100)]}, limits)
    >>> [(report.by, report.verdict) for report in found]
    [('', 'fail'), ('topic', 'fail')]
    >>> [line.verdict for line in found[1].lines]
    ['pass', 'fail']
    """
    families = 1 + 2 * len(by_column)
    whole = SliceCounts((), "binary", cases, predicted=cases, selected=passed)
    first = _line(whole, limits, families, EVERY_CASE)
    reports = [PassReport("", (first,), first.verdict, first.note)]
    reports += [_by(column, counts, limits, families) for column, counts in by_column.items()]
    return tuple(reports)


def _by(by: str, counts: Sequence[SliceCounts], limits: PassLimits | None, families: int) -> PassReport:
    if limits is None:
        return PassReport(by, tuple(_line(each, None, 1, each.label) for each in counts), None, "")
    report = slice_report(
        counts,
        total_of(list(counts)),
        PASS_RATE,
        reference="best",
        min_rows=limits.min_cases,
        limit=Limit("difference", limits.gap),
        judging=Judging(limits.small, families=families),
    )
    small = [each for each in counts if each.rows < limits.min_cases]
    pooled = replace(total_of(small), keys=((by, POOLED),)) if small and limits.small == "pooled" else None
    judged = [each for each in counts if each not in small or limits.small == "cannot_tell"]
    judged += [pooled] if pooled else []
    shared = families * max(1, len(judged))
    alone = {each.label: _line(each, limits, shared, each.label) for each in judged}
    lines = tuple(
        _both(alone.get(each.label) or _line(each, None, 1, each.label), figures)
        for each, figures in zip(counts, report.slices, strict=True)
    )
    least = worst(line.verdict or "pass" for line in alone.values()) if judged else "cannot_tell"
    below = [line.label for line in alone.values() if line.verdict == "fail"]
    said = f"Shown to be below {limits.least:.0%}: {', '.join(below)}. " if below else ""
    return PassReport(by, lines, worst([least, report.verdict or "cannot_tell"]), said + report.note)


def _both(line: PassLine, figures: SliceFigures) -> PassLine:
    """A category under both limits; one left out keeps its reason and no verdict."""
    if line.verdict is None:
        return replace(line, note=figures.note)
    return replace(
        line,
        verdict=worst([line.verdict, figures.verdict or "cannot_tell"]),
        note=f"{line.note} {figures.note}",
    )


def _line(counts: SliceCounts, limits: PassLimits | None, shared: int, label: str) -> PassLine:
    """A category held to the least rate; `shared`: by how many the chance of a false fail is shared."""
    passed, cases = counts.selected, counts.rows
    interval = wilson_interval(passed, cases)
    assert interval is not None  # a category has a case
    verdict, note = (None, "") if limits is None else _least(passed, cases, limits, shared)
    return PassLine(label, cases, passed, passed / cases, interval, verdict, note)


def _least(passed: int, cases: int, limits: PassLimits, shared: int) -> tuple[VerdictName, str]:
    if cases < limits.min_cases:
        return "cannot_tell", f"Too small: {cases} cases, {limits.min_cases} are needed."
    against = f"the least pass rate of {limits.least:.0%}"
    if exact_interval(passed, cases, 1 - 0.1 / shared).high < limits.least:
        return "fail", f"Below {against} by more than chance, all {shared} verdicts counted."
    if exact_interval(passed, cases, 0.95).low >= limits.least:
        return "pass", f"Shown to be at or above {against}."
    return "cannot_tell", f"Shown to be neither below {against} nor above; more cases would tell."


@dataclass(frozen=True, slots=True)
class PairedChange:
    """Two versions on the same cases.

    Parameters
    ----------
    both, lost, won, neither
        Cases passed by both, by the first version alone, by the second alone, by none.
    difference, interval
        Pass rate of the second minus that of the first, in rate points.
    p_value, procedure
        Of McNemar's test, and by which procedure it was made.
    """

    both: int
    lost: int
    won: int
    neither: int
    difference: float
    interval: Interval
    p_value: float
    procedure: str

    @property
    def cases(self) -> int:
        """Cases that both versions answered."""
        return self.both + self.lost + self.won + self.neither

    @property
    def found(self) -> Literal["better", "worse", "not told apart"]:
        """What can be held of the second version against the first, at 5 %."""
        if self.p_value > 0.05:
            return "not told apart"
        return "better" if self.won > self.lost else "worse"


def paired_change(both: int, lost: int, won: int, neither: int) -> PairedChange:
    """Compare two versions case by case.

    Parameters
    ----------
    both, lost, won, neither
        Cases passed by both, by the first alone, by the second alone, by none; at least one in all.

    Notes
    -----
    Formula: see `mcnemar_p_value` and `paired_interval`.
    Direction: a difference above 0.0 says that the second passes more. Zero: as many were lost as won.
    Leaves out: chance in the answers of one version to the same case (asked once), and errors of the judge.
    The interval is an approximation and the test is exact, so that at the edge they may part; the test rules.
    Source: McNemar 1947, Psychometrika 12; Tango 1998, Stat. Med. 17.

    Examples
    --------
    >>> found = paired_change(500, 12, 40, 48)
    >>> found.found, round(found.difference, 4), round(found.interval.low, 4), round(found.interval.high, 4)
    ('better', 0.0467, 0.0241, 0.0717)
    """
    n = both + lost + won + neither
    p_value, procedure = mcnemar_p_value(lost, won)
    return PairedChange(
        both, lost, won, neither, (won - lost) / n, paired_interval(lost, won, n), p_value, procedure
    )


def mcnemar_p_value(lost: int, won: int) -> tuple[float, str]:
    """How often two equal versions would differ at least so much on the cases that turned, and by what.

    Notes
    -----
    Formula: exact, twice the binomial chance of at most min(lost, won) of lost + won at one half, up to 1,000
    cases that turned; above, McNemar's chi-square with continuity correction, (|lost - won| - 1)² / (lost +
    won) on one degree of freedom. Never below the level it says, as the mid-p and the uncorrected test are.
    Leaves out: cases on which both agree tell nothing of a difference.
    Source: McNemar 1947, Psychometrika 12; Edwards 1948, Psychometrika 13; Fagerland, Lydersen and Laake
    2013, BMC Med. Res. Methodol. 13.

    Examples
    --------
    >>> mcnemar_p_value(1, 9)
    (0.021484375, "McNemar's test, exact")
    """
    turned = lost + won
    if turned <= _MOST_EXACT:
        tail = sum(math.comb(turned, k) for k in range(min(lost, won) + 1))
        return min(1.0, 2 * tail / 2**turned), "McNemar's test, exact"
    square = max(0, abs(lost - won) - 1) ** 2 / turned
    return math.erfc(math.sqrt(square / 2)), "McNemar's test with continuity correction"


def paired_interval(lost: int, won: int, n: int, confidence: float = 0.95) -> Interval:
    """Interval of the difference of two pass rates on the same cases, second minus first.

    Notes
    -----
    Formula: the differences d at which |won - lost - n·d| / √(n·(2q + d·(1 - d))) stays below the normal
    quantile, with q the likeliest share of cases lost, given d (root of a quadratic). Source: Tango 1998,
    Stat. Med. 17. Leaves out: with very few cases it covers a little less often than it says.

    Examples
    --------
    >>> found = paired_interval(7, 1, 21)  # Bentur et al., as in Fagerland et al. 2014
    >>> round(found.low, 3), round(found.high, 3)
    (-0.517, -0.026)
    """
    z, seen = normal_quantile(confidence), (won - lost) / n

    def outside(d: float) -> bool:
        b = -(won + lost) + (2 * n - won + lost) * d
        root = math.sqrt(max(0.0, b * b + 8 * n * lost * d * (1 - d)))
        q = max(0.0, (root - b) / (4 * n))
        variance = n * (2 * q + d * (1 - d))
        off = abs(won - lost - n * d)
        return off > 1e-9 and (variance <= 0 or off / math.sqrt(variance) > z)

    def end(towards: float) -> float:
        inside, beyond = seen, towards
        for _ in range(60):
            middle = (inside + beyond) / 2
            inside, beyond = (inside, middle) if outside(middle) else (middle, beyond)
        return inside

    return Interval(end(-1.0), end(1.0), confidence)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two judges on the same answers.

    Parameters
    ----------
    both, first_only, second_only, neither
        Cases passed by both judges, by one alone, by none.
    agreed, agreed_interval
        Share of cases on which they agree, with Wilson's interval.
    kappa, kappa_interval
        Cohen's kappa; None where both judges gave one and the same verdict to all: it is undefined then. The
        interval is None too where they never disagree: the counts then tell nothing of its error.
    ac1
        Gwet's AC1, which stays near the share agreed where nearly all cases pass.
    """

    both: int
    first_only: int
    second_only: int
    neither: int
    agreed: float
    agreed_interval: Interval
    kappa: float | None
    kappa_interval: Interval | None
    ac1: float

    @property
    def cases(self) -> int:
        """Cases that both judged."""
        return self.both + self.first_only + self.second_only + self.neither


def agreement(both: int, first_only: int, second_only: int, neither: int) -> Agreement:
    """How far two judges agree beyond chance.

    Parameters
    ----------
    both, first_only, second_only, neither
        Cases passed by both judges, by the first alone, by the second alone, by none; at least one in all.

    Notes
    -----
    Formula: kappa = (agreed - chance) / (1 - chance), chance from each judge's own share of passes; its
    standard error is the large-sample one of Fleiss, Cohen and Everitt. AC1 takes 2·π·(1 - π) for chance, π
    the mean share of passes. Direction: higher is called better. Zero: agreement as by chance.
    Leaves out: which judge is right. Kappa falls where nearly all cases pass, however well judges agree.
    Source: Cohen 1960, Educ. Psychol. Meas. 20; Fleiss, Cohen and Everitt 1969, Psychol. Bull. 72; Gwet 2008,
    Br. J. Math. Stat. Psychol. 61.

    Examples
    --------
    >>> found = agreement(20, 5, 10, 15)
    >>> round(found.kappa, 6), round(found.kappa_interval.low, 3), round(found.ac1, 3)
    (0.4, 0.151, 0.406)
    """
    n = both + first_only + second_only + neither
    interval = wilson_interval(both + neither, n)
    assert interval is not None  # there is a case
    agreed = (both + neither) / n
    shares = (both + first_only) / n, (both + second_only) / n
    chance = shares[0] * shares[1] + (1 - shares[0]) * (1 - shares[1])
    kappa = None if chance == 1 else (agreed - chance) / (1 - chance)
    error = None if kappa is None else _kappa_error((both, first_only, second_only, neither), kappa, chance)
    width = normal_quantile(0.95) * (error or 0.0)
    pi = sum(shares) / 2
    by_lot = 2 * pi * (1 - pi)
    return Agreement(
        both,
        first_only,
        second_only,
        neither,
        agreed,
        interval,
        kappa,
        Interval(kappa - width, kappa + width) if kappa is not None and error else None,
        (agreed - by_lot) / (1 - by_lot),
    )


def _kappa_error(cells: tuple[int, int, int, int], kappa: float, chance: float) -> float:
    n = sum(cells)
    both, first, second, neither = (cell / n for cell in cells)
    one, other = both + first, both + second
    told = both * (1 - (one + other) * (1 - kappa)) ** 2
    told += neither * (1 - (2 - one - other) * (1 - kappa)) ** 2
    apart = (1 - kappa) ** 2 * (first * (other + 1 - one) ** 2 + second * (1 - other + one) ** 2)
    variance = (told + apart - (kappa - chance * (1 - kappa)) ** 2) / ((1 - chance) ** 2 * n)
    return math.sqrt(max(0.0, variance))
