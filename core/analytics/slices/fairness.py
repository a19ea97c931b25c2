"""Differences and ratios as fairlearn defines them, undefined where it says 0; and what is withheld."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.analytics.slices.counts import SliceCounts, total_of
from core.analytics.slices.judging import Limit
from core.analytics.slices.metrics import measure, metric
from core.analytics.slices.report import SliceChange, SliceFigures, SliceReport, slice_report
from core.analytics.slices.verdicts import PLAINLY, PROCEDURES, Judging
from core.ground import Figure, VerdictName

FOUR_FIFTHS = 0.8


@dataclass(frozen=True, slots=True)
class FairnessMeasure:
    """A measure over all slices.

    Parameters
    ----------
    definition
        What it means.
    value
        Rate points for a difference, a share for a ratio; None when undefined.
    low_label, high_label
        The slices it lies between; None when undefined.
    metric
        Id of the rate it comes from: the worse one, for equalized odds.
    left_out
        Slices too small or undefined for one of its rates.
    verdict
        Of the four-fifths rule, as a report of the selection rate against the best draws it; None for the
        others.
    """

    definition: Figure
    value: float | None
    low_label: str | None
    high_label: str | None
    metric: str | None
    left_out: int
    verdict: VerdictName | None = None


_AGARWAL = "Agarwal et al. 2018, arXiv:1803.02453; fairlearn.metrics"
_SEES_NO_LABEL = "whether those selected had earned it; slices too small or undefined; uncertainty"
_ODDS_LEAVE_OUT = "whether the labels are just; slices too small or undefined; uncertainty"

FAIRNESS: tuple[Figure, ...] = (
    Figure(
        "demographic_parity_difference",
        "Demographic parity difference",
        "highest - lowest selection rate",
        "lower",
        "all slices are selected at the same rate",
        _SEES_NO_LABEL,
        _AGARWAL,
    ),
    Figure(
        "demographic_parity_ratio",
        "Demographic parity ratio",
        "lowest / highest selection rate",
        "higher",
        "nobody in some slice is selected; 1 means alike",
        _SEES_NO_LABEL,
        _AGARWAL,
    ),
    Figure(
        "equalized_odds_difference",
        "Equalized odds difference",
        "the larger of: highest - lowest true positive rate, highest - lowest false positive rate",
        "lower",
        "errors of both kinds are as frequent in all slices",
        _ODDS_LEAVE_OUT,
        _AGARWAL,
    ),
    Figure(
        "equalized_odds_ratio",
        "Equalized odds ratio",
        "the smaller of: lowest / highest true positive rate, lowest / highest false positive rate",
        "higher",
        "some slice has no true or no false positives where another has; 1 means alike",
        _ODDS_LEAVE_OUT,
        _AGARWAL,
    ),
    Figure(
        "four_fifths",
        "Four-fifths rule",
        f"lowest / highest selection rate is at least 0.8, by {PROCEDURES['rate']} of all pairs (Bonferroni)",
        "higher",
        "nobody in some slice is selected; 1 means alike",
        _SEES_NO_LABEL,
        "29 CFR 1607.4(D); a rule of thumb for a first look",
    ),
)
_BY_ID = {each.id: each for each in FAIRNESS}


def fairness_measures(
    counts: Sequence[SliceCounts], *, min_rows: int = 1, judging: Judging = PLAINLY
) -> tuple[FairnessMeasure, ...]:
    """Measure how far the slices of a classification are apart.

    Parameters
    ----------
    counts
        One a slice, binary, or one class against all others.
    min_rows
        Rows that must count towards a rate before a slice takes part in it.
    judging
        How the verdict of the four-fifths rule is drawn.

    Returns
    -------
    tuple of FairnessMeasure
        In the order of `FAIRNESS`. Undefined with fewer than two slices that take part, when the highest rate
        of a ratio is 0, and, for equalized odds, when either of its rates is.

    Notes
    -----
    Formula: each definition's; between groups, the worst case of both rates for equalized odds, as fairlearn
    has them by default. Leaves out: uncertainty, but for the verdict. Source: Agarwal et al.
    2018, arXiv:1803.02453; 29 CFR 1607.4(D).

    Examples
    --------
    >>> men = SliceCounts((("sex", "male"),), "binary", 10, predicted=10, selected=5)
    >>> women = SliceCounts((("sex", "female"),), "binary", 10, predicted=10, selected=3)
    >>> [each.value for each in fairness_measures([men, women])][1:3]
    [0.6, None]
    """
    selected, hits, alarms = (
        _spread(counts, name, min_rows)
        for name in ("selection_rate", "true_positive_rate", "false_positive_rate")
    )
    held = slice_report(
        counts,
        total_of(counts),
        "selection_rate",
        reference="best",
        min_rows=min_rows,
        limit=Limit("ratio", FOUR_FIFTHS),
        judging=judging,
    )
    return (
        _one("demographic_parity_difference", selected, ratio=False),
        _one("demographic_parity_ratio", selected, ratio=True),
        _worse("equalized_odds_difference", hits, alarms, ratio=False),
        _worse("equalized_odds_ratio", hits, alarms, ratio=True),
        replace(_one("four_fifths", selected, ratio=True), verdict=held.verdict),
    )


@dataclass(frozen=True, slots=True)
class _Spread:
    """Lowest and highest rate among the slices that take part; None with fewer than two."""

    metric: str
    ends: tuple[tuple[float, str], tuple[float, str]] | None
    left_out: int

    def value(self, ratio: bool) -> float | None:
        if self.ends is None:
            return None
        (low, _), (high, _) = self.ends
        if not ratio:
            return high - low
        return low / high if high else None


def _spread(counts: Sequence[SliceCounts], name: str, min_rows: int) -> _Spread:
    definition = metric(name)
    found = [(measure(definition, each), each.label) for each in counts]
    values = [(one.value, label) for one, label in found if one.value is not None and one.n >= min_rows]
    ends = (min(values), max(values)) if len(values) > 1 else None
    return _Spread(name, ends, len(counts) - len(values))


def _one(name: str, spread: _Spread, *, ratio: bool) -> FairnessMeasure:
    value, ends = spread.value(ratio), spread.ends
    if value is None or ends is None:
        return FairnessMeasure(_BY_ID[name], None, None, None, None, spread.left_out)
    return FairnessMeasure(_BY_ID[name], value, ends[0][1], ends[1][1], spread.metric, spread.left_out)


def _worse(name: str, hits: _Spread, alarms: _Spread, *, ratio: bool) -> FairnessMeasure:
    left_out = max(hits.left_out, alarms.left_out)
    first, second = hits.value(ratio), alarms.value(ratio)
    if first is None or second is None:
        return FairnessMeasure(_BY_ID[name], None, None, None, None, left_out)
    worse = hits if (first <= second if ratio else first >= second) else alarms
    return replace(_one(name, worse, ratio=ratio), left_out=left_out)


def too_few(sizes: Mapping[str, int], least: int) -> frozenset[str]:
    """Groups whose figures are withheld: the small ones, and more where the total would give them away.

    Parameters
    ----------
    sizes
        Group -> rows that its figure rests on.
    least
        Rows from which a figure may be told. Unit: rows.

    Returns
    -------
    frozenset of str
        Every group with fewer rows; where these have together fewer than `least`, the next smallest too, so
        that what is left of a total after all that is told is a figure of `least` rows or of all groups.

    Notes
    -----
    Leaves out: what several questions with different filters tell together.
    Source: complementary cell suppression, Hundepool et al., Statistical Disclosure Control, 2012, chapter 4.

    Examples
    --------
    >>> sorted(too_few({"men": 600, "women": 300, "others": 1}, 100))
    ['others', 'women']
    >>> too_few({"men": 600, "women": 300}, 100)
    frozenset()
    """
    ordered = sorted(sizes, key=lambda group: (sizes[group], group))
    small = [group for group in ordered if sizes[group] < least]
    while small and len(small) < len(ordered) and sum(map(sizes.__getitem__, small)) < least:
        small.append(ordered[len(small)])
    return frozenset(small)


def withheld(report: SliceReport, least: int) -> SliceReport:
    """The report for those who may not see figures of fewer than `least` rows: they are as if undefined.

    Rows of each slice, and the verdict on the whole, stay. Slices judged as one are told where they are all
    that is withheld. A slice that the others are held against gives no
    gap away where its own figure is withheld.
    """
    hidden = too_few({line.label: line.n for line in report.slices if line.rows}, least)
    alone = report.overall_n < least
    if not hidden and not alone:
        return report
    without_base = alone or report.reference_label in hidden
    said = f"Withheld: a figure of fewer than {least} rows, or one that would give it away."
    of_hidden = sum(line.n for line in report.slices if line.label in hidden)
    pooled = report.pooled if sum(line.n for line in report.pooled) == of_hidden and not alone else ()
    ends = alone or bool({report.highest_label, report.lowest_label} & hidden)

    def told(line: SliceFigures) -> SliceFigures:
        if without_base or line.label in hidden:
            line = replace(line, gap=None, gap_interval=None, ratio=None, ratio_interval=None)
            line = replace(line, p_value=None, adjusted_p=None)
        if alone or line.label in hidden:
            line = replace(line, n=0, value=None, interval=None, note=said)
        return line

    return replace(
        report,
        slices=tuple(map(told, report.slices)),
        left_out=tuple(replace(one, reason=said) if one.label in hidden else one for one in report.left_out),
        reference_value=None if without_base else report.reference_value,
        overall_value=None if alone else report.overall_value,
        overall_n=0 if alone else report.overall_n,
        widest_difference=None if ends else report.widest_difference,
        lowest_ratio=None if ends else report.lowest_ratio,
        note=said if ends and report.limit is not None else report.note,
        pooled=tuple(told(line) if without_base else line for line in pooled),
    )


def changes_withheld(
    changes: tuple[SliceChange, ...], now: SliceReport, other: SliceReport
) -> tuple[SliceChange, ...]:
    """Changes between two reports as told: none of a slice that is withheld in either."""
    first, second = ({line.label: line for line in each.slices} for each in (now, other))
    told = (replace(one, now=first.get(one.label), other=second.get(one.label)) for one in changes)
    return tuple(
        one
        if all(side is None or side.value is not None for side in (one.now, one.other))
        else SliceChange(one.label, one.now, one.other)
        for one in told
    )
