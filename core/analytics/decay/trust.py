"""Whether the estimates of a model can be trusted: one judgement, from each reason for and against."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist, fmean, median
from typing import Literal, Protocol

from core.analytics.intervals import FEW
from core.ground import Direction, VerdictName, worst

ReasonId = Literal["record", "assumption", "calibration", "thresholds", "rows"]
MINIMUM_COMPARED = 3
"""Chunks with a known outcome that are needed to judge the estimates."""
CHANCE_OUTSIDE = 0.003
"""Share of chunks that three standard errors leave outside where nothing but chance moves them."""
LEAST_CHANCE = 0.01
"""A count outside the band that chance reaches more rarely than this speaks against the estimates."""
WELL_CALIBRATED, BADLY_CALIBRATED = 0.02, 0.05
"""Expected calibration error up to which probabilities count as right, and from which as wrong."""
ENOUGH_CHUNKS = 6
"""Reference chunks from which a standard deviation over them says something; NannyML's own advice."""
_TESTED_SHARE, _TESTED_BINS = 0.3, 10
"""Of the reference, the rows on which the calibration error is taken, and into how many bins."""


class Estimated(Protocol):
    """What trust looks at in a chunk of one metric; None where there is no value."""

    @property
    def part(self) -> Literal["reference", "analysis"]: ...
    @property
    def estimate(self) -> float | None: ...
    @property
    def realised(self) -> float | None: ...
    @property
    def lower_confidence(self) -> float | None: ...
    @property
    def upper_confidence(self) -> float | None: ...
    @property
    def lower_threshold(self) -> float | None: ...
    @property
    def upper_threshold(self) -> float | None: ...
    @property
    def sampling_error(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class History:
    """All chunks of one metric, reference and analysis, and which way is better."""

    metric: str
    direction: Direction
    chunks: Sequence[Estimated]


@dataclass(frozen=True, slots=True)
class Compared:
    """Chunks with an estimate, its band and a realised value, and those that came true inside the band."""

    chunks: int
    inside: int

    @property
    def outside(self) -> int:
        """Those that came true outside the band."""
        return self.chunks - self.inside

    @property
    def chance(self) -> float:
        """Probability of as many outside, or more, where nothing but chance moves them."""
        return at_least(self.outside, self.chunks, CHANCE_OUTSIDE)


@dataclass(frozen=True, slots=True)
class EstimateTrust:
    """How the estimates of one metric stand against what came true.

    Parameters
    ----------
    verdict
        Pass: the mean error is smaller than `room`, and no more came true outside the band than chance
        brings. Fail: one of the two does not hold. Cannot tell: too few outcomes, or no threshold on the
        worse side.
    error
        Mean of |estimate − realised| over the chunks of the record, in the metric's unit; 0 = exact. None
        when nothing can be compared.
    room
        Distance from the usual level (mean realised value of the reference chunks) to the threshold on the
        worse side; None where there is none.
    compared, inside
        Chunks of the record with an estimate and a realised value, and those of them whose realised value
        lay inside the band of the estimate. The record is the analysis where it has 3 such chunks, else
        reference and analysis.
    worst
        The largest |estimate − realised| of these chunks; None when nothing can be compared.
    reference, analysis
        The same counts, part by part.
    """

    verdict: VerdictName
    error: float | None
    room: float | None
    compared: int
    inside: int
    worst: float | None = None
    reference: Compared = Compared(0, 0)
    analysis: Compared = Compared(0, 0)

    @property
    def parts(self) -> tuple[Compared, ...]:
        """The parts that have chunks to compare."""
        return tuple(part for part in (self.reference, self.analysis) if part.chunks)

    @property
    def chance(self) -> float | None:
        """Probability that chance brings as many outside in either part; None with too few chunks.

        Each part is held by itself, as many reference chunks, from which the fit was learned, would outvote
        a few later ones; the smaller probability counts as often as parts were looked at (Bonferroni).
        """
        if sum(part.chunks for part in self.parts) < MINIMUM_COMPARED:
            return None
        return min(1.0, min(part.chance for part in self.parts) * len(self.parts))

    @property
    def used(self) -> float | None:
        """Mean error as a share of the room; None where one of them is unknown or too little compared."""
        if self.error is None or not self.room or self.compared < MINIMUM_COMPARED:
            return None
        return self.error / self.room


def at_least(found: int, tried: int, share: float) -> float:
    """Probability of `found` or more among `tried`, each of them with probability `share` (binomial).

    Examples
    --------
    >>> at_least(0, 10, 0.003), round(at_least(1, 10, 0.003), 4), round(at_least(2, 10, 0.003), 5)
    (1.0, 0.0296, 0.0004)
    """
    if found <= 0:
        return 1.0
    ways = math.lgamma(tried + 1)
    terms = (
        ways
        - math.lgamma(one + 1)
        - math.lgamma(tried - one + 1)
        + one * math.log(share)
        + (tried - one) * math.log1p(-share)
        for one in range(found, tried + 1)
    )
    return min(1.0, math.fsum(map(math.exp, terms)))


def estimate_trust(chunks: Sequence[Estimated], direction: Direction) -> EstimateTrust:
    """Hold the estimates of one metric against what was realised.

    Parameters
    ----------
    chunks
        Chunks of one metric.
    direction
        Which way is better.

    Returns
    -------
    EstimateTrust

    Notes
    -----
    Formula: mean |estimate − realised|, held against |usual level − threshold|; and how many realised values
    lie outside the band (estimate ± 3 sampling errors), held in the reference and in the analysis to the
    binomial test that chance puts 0.3% there; below 1% speaks against the estimates. The reference is looked
    at too, so that a band that never held is told before any outcome. Direction: lower error is better.
    Zero: every estimate came true. Leaves out whether the next error is like the past ones, and that the
    calibration was learned from the reference, where estimates look better than they are. Source: ours; the
    estimates assume that P(y|x) holds still, which nothing here proves.

    Examples
    --------
    >>> from types import SimpleNamespace as Chunk
    >>> band = {"lower_confidence": 0.77, "upper_confidence": 0.83, "lower_threshold": 0.7}
    >>> usual = Chunk(part="reference", estimate=0.8, realised=0.8, **band)
    >>> later = Chunk(part="analysis", estimate=0.8, realised=0.79, **band)
    >>> estimate_trust([usual, later, later, later], "higher").verdict
    'pass'
    """
    compared = [
        (c, c.estimate, c.realised) for c in chunks if c.estimate is not None and c.realised is not None
    ]
    later = [one for one in compared if one[0].part == "analysis"]
    told = later if len(later) >= MINIMUM_COMPARED else compared
    usual = [c.realised for c in chunks if c.part == "reference" and c.realised is not None]
    limits = [limit for c in chunks if (limit := worse_threshold(c, direction)) is not None]
    errors = [abs(estimate - realised) for _, estimate, realised in told]
    found = EstimateTrust(
        "cannot_tell",
        fmean(errors) if errors else None,
        abs(fmean(usual) - limits[-1]) if usual and limits else None,
        len(told),
        sum(_inside(chunk, realised) for chunk, _, realised in told),
        max(errors, default=None),
        *(_held(chunks, part) for part in ("reference", "analysis")),
    )
    return replace(found, verdict=worst((_record(found.used), _assumption(found.chance))))


def worse_threshold(chunk: Estimated, direction: Direction) -> float | None:
    """The threshold on the side of a worse model."""
    return chunk.lower_threshold if direction == "higher" else chunk.upper_threshold


def _held(chunks: Sequence[Estimated], part: str) -> Compared:
    inside = [
        _inside(chunk, chunk.realised)
        for chunk in chunks
        if chunk.part == part and chunk.estimate is not None and chunk.realised is not None and _banded(chunk)
    ]
    return Compared(len(inside), sum(inside))


def _banded(chunk: Estimated) -> bool:
    return chunk.lower_confidence is not None or chunk.upper_confidence is not None


def _inside(chunk: Estimated, realised: float) -> bool:
    low, high = chunk.lower_confidence, chunk.upper_confidence
    return (low is None or low <= realised) and (high is None or realised <= high)


def _record(used: float | None) -> VerdictName:
    return "cannot_tell" if used is None else "pass" if used < 1 else "fail"


def _assumption(chance: float | None) -> VerdictName:
    return "cannot_tell" if chance is None else "pass" if chance >= LEAST_CHANCE else "fail"


@dataclass(frozen=True, slots=True)
class TrustReason:
    """One reason.

    Attributes
    ----------
    id
        `record`: past estimates against what came true. `assumption`: P(y|x) as it is in the fit, seen by how
        much of what came true lay outside the band. `calibration`: of the probabilities, on the reference.
        `thresholds`: reference chunks behind them. `rows`: whether chunks are large enough for the metric.
    verdict
        Pass, fail or cannot tell.
    value, limit
        What was looked at and what it is held against; None where there is nothing.
    metric
        Of which metric, the worst of all that were estimated; empty where it is of the model.
    """

    id: ReasonId
    verdict: VerdictName
    value: float | None
    limit: float | None
    metric: str = ""


@dataclass(frozen=True, slots=True)
class ModelTrust:
    """The one judgement of a model's estimates: the worst of its reasons."""

    reasons: tuple[TrustReason, ...]

    @property
    def verdict(self) -> VerdictName:
        """Fail where a reason fails, cannot tell where one cannot."""
        return worst(reason.verdict for reason in self.reasons)

    @property
    def against(self) -> TrustReason | None:
        """The first reason of the worst verdict; None where all pass."""
        if self.verdict == "pass":
            return None
        return next(reason for reason in self.reasons if reason.verdict == self.verdict)


def model_trust(
    histories: Sequence[History],
    *,
    checked: str,
    calibration_error: float | None,
    reference_rows: int | None,
    classifies: bool,
) -> ModelTrust:
    """Say whether a model's estimates can be trusted, and why.

    Parameters
    ----------
    histories
        Every metric that was estimated; those that count rows are left out by the caller.
    checked
        The metric whose thresholds decide.
    calibration_error
        Expected calibration error on the reference, out of sample; a rate. None where unknown.
    reference_rows
        Rows of the reference; None where unknown.
    classifies
        False for a regression, which has no probabilities to calibrate.

    Returns
    -------
    ModelTrust

    Notes
    -----
    Record and assumption are those of the metric where they are worst (`estimate_trust`), as a relation that
    changed need not show in all; the chance of the assumption counts as often as metrics were looked at
    (Bonferroni). A metric without a threshold or a band on which it could be held says nothing. Calibration
    passes up to an error of 0.02 and fails from 0.05 on; on a small reference up to what chance alone brings,
    sqrt(2/π) · 0.5 / sqrt(rows a bin), and from twice that on. Thresholds pass from 6 reference chunks on.
    Rows pass where the band of the checked metric is narrower than twice the distance from the usual level
    to the threshold: both are three standard deviations, alike where only chance moves the reference, so a
    far wider band says that the threshold came out too near. What cannot be looked at cannot be told.
    Source: ours; the limits are rules of thumb, the test is the binomial one. Leaves out whatever no outcome
    has shown yet.
    """
    records = {one.metric: estimate_trust(one.chunks, one.direction) for one in histories}
    own = next((one for one in histories if one.metric == checked), None)
    calibration = _calibration(calibration_error, reference_rows)
    return ModelTrust(
        (
            _worst_record(records),
            _worst_assumption(records),
            *((calibration,) if classifies else ()),
            *((_thresholds(own), _rows(own, records[checked])) if own else ()),
        )
    )


def _worst_record(records: Mapping[str, EstimateTrust]) -> TrustReason:
    told = {metric: used for metric, record in records.items() if (used := record.used) is not None}
    if not told:
        return TrustReason("record", "cannot_tell", None, None)
    metric = max(told, key=told.__getitem__)
    record = records[metric]
    return TrustReason("record", _record(record.used), record.error, record.room, metric)


def _worst_assumption(records: Mapping[str, EstimateTrust]) -> TrustReason:
    told = {metric: chance for metric, record in records.items() if (chance := record.chance) is not None}
    if not told:
        return TrustReason("assumption", "cannot_tell", None, LEAST_CHANCE)
    metric = min(told, key=told.__getitem__)
    chance = min(1.0, told[metric] * len(told))
    return TrustReason("assumption", _assumption(chance), chance, LEAST_CHANCE, metric)


def _calibration(error: float | None, rows: int | None) -> TrustReason:
    chance = math.sqrt(2 / math.pi) * 0.5 / math.sqrt(_TESTED_SHARE * rows / _TESTED_BINS) if rows else 0.0
    well, badly = max(WELL_CALIBRATED, chance), max(BADLY_CALIBRATED, 2 * chance)
    verdict: VerdictName = "cannot_tell"
    if error is not None and not well < error < badly:
        verdict = "pass" if error <= well else "fail"
    return TrustReason("calibration", verdict, error, well)


def _thresholds(own: History) -> TrustReason:
    found = sum(chunk.part == "reference" for chunk in own.chunks)
    return TrustReason(
        "thresholds", _told(found >= ENOUGH_CHUNKS), float(found), float(ENOUGH_CHUNKS), own.metric
    )


def _rows(own: History, record: EstimateTrust) -> TrustReason:
    errors = [
        chunk.sampling_error for chunk in own.chunks if chunk.part == "analysis" and chunk.sampling_error
    ]
    band = 3 * median(errors) if errors else None
    limit = None if record.room is None else 2 * record.room
    narrow = band is not None and limit is not None and band < limit
    return TrustReason("rows", _told(narrow), band, limit, own.metric)


def _told(passes: bool) -> VerdictName:
    return "pass" if passes else "cannot_tell"


@dataclass(frozen=True, slots=True)
class GroupRecord:
    """Estimates of a group held against what came true, over the chunks of one part.

    `bias` is the mean of estimate − realised by rows, in the metric's unit; `error` its standard error: the
    larger of what the reference says of single outcomes, and what the chunks show. `usual`: mean realised.
    """

    values: tuple[str, ...]
    metric: str
    part: Literal["reference", "analysis"]
    chunks: int
    bias: float
    error: float
    usual: float
    lower_threshold: float | None
    upper_threshold: float | None


@dataclass(frozen=True, slots=True)
class GroupTrust:
    """Whether the estimates of a group can be trusted, and the record that says so; none where unknown.

    `off_by` is estimate − realised and `error` its standard error, in the unit of `metric`.
    """

    verdict: VerdictName
    metric: str = ""
    part: str = ""
    chunks: int = 0
    off_by: float | None = None
    error: float | None = None
    tolerated: float | None = None


def group_trust(
    records: Sequence[GroupRecord], *, classifies: bool, lower_better: frozenset[str] = frozenset()
) -> dict[tuple[str, ...], GroupTrust]:
    """Say of each group whether its estimates can be trusted: the worst of its metrics.

    Parameters
    ----------
    records
        By group, metric and part. The outcomes after the reference count where they are known for
        3 chunks, else reference chunks, which were estimated by a calibration learned without them.
    classifies
        False for a regression.
    lower_better
        Metrics of which a lower value is better.

    Returns
    -------
    dict
        Group -> its trust; a group without any record is absent, and one without some metric cannot be told.

    Notes
    -----
    Formula: fail where the bias is larger than tolerated and not 0 by a z test at 5% over all groups and
    metrics (Bonferroni); pass where the claim of a bias as large as tolerated is refused on both sides at
    2.5% in every metric (an intersection-union test, so without a correction); cannot tell otherwise, and
    where fewer than 30 outcomes of the rarer kind (right or wrong) make a rate: no law of many holds there.
    Tolerated are 2 points of a rate, and of an error the way from the group's usual level to its threshold.
    Zero: every estimate came true. Leaves out what no outcome has shown yet. Source: ours; errors by NannyML.

    Examples
    --------
    >>> known = {"part": "reference", "chunks": 9, "usual": 0.8, "lower_threshold": 0.7}
    >>> told = [("large", 0.001, 0.004), ("small", 0.001, 0.02), ("off", 0.05, 0.01)]
    >>> records = [
    ...     GroupRecord((name,), "accuracy", bias=bias, error=error, upper_threshold=None, **known)
    ...     for name, bias, error in told
    ... ]
    >>> [one.verdict for one in group_trust(records, classifies=True).values()]
    ['pass', 'cannot_tell', 'fail']
    """
    by_part = {(one.values, one.metric, one.part): one for one in records}
    level = CHANCE_OF_FAIL / max(1, len({(one.values, one.metric) for one in records}))
    beyond = NormalDist().inv_cdf(1 - level / 2)
    metrics = {one.metric for one in records}
    found: dict[tuple[str, ...], list[GroupTrust]] = {}
    for values, metric in dict.fromkeys((one.values, one.metric) for one in records):
        usual, later = (by_part.get((values, metric, part)) for part in ("reference", "analysis"))
        told = later if usual is None or (later and later.chunks >= MINIMUM_COMPARED) else usual
        if told is not None:
            few = classifies and _rarer(told) < FEW
            allowed = TOLERATED if classifies else _room(usual, metric in lower_better)
            found.setdefault(values, []).append(_held_to(told, None if few else allowed, beyond))
    return {values: _worst_of(each, complete=len(each) == len(metrics)) for values, each in found.items()}


TOLERATED, CHANCE_OF_FAIL = 0.02, 0.05
"""By how much estimated rates of a group may be off; chance that any of several fails that is right."""
_REFUSED = NormalDist().inv_cdf(0.975)


def _room(usual: GroupRecord | None, lower_better: bool) -> float | None:
    if usual is None:
        return None
    limit = usual.upper_threshold if lower_better else usual.lower_threshold
    return None if limit is None else abs(usual.usual - limit)


def _rarer(told: GroupRecord) -> float:
    """Outcomes of the rarer kind that make a rate, as many as its error speaks for."""
    rate = min(1.0, max(0.0, told.usual + told.bias))
    return min(rate, 1 - rate) * rate * (1 - rate) / told.error**2


def _held_to(told: GroupRecord, allowed: float | None, beyond: float) -> GroupTrust:
    verdict: VerdictName = "cannot_tell"
    if allowed is not None and abs(told.bias) + _REFUSED * told.error < allowed:
        verdict = "pass"
    elif allowed is not None and abs(told.bias) > max(allowed, beyond * told.error):
        verdict = "fail"
    return GroupTrust(verdict, told.metric, told.part, told.chunks, told.bias, told.error, allowed)


def _worst_of(each: Sequence[GroupTrust], *, complete: bool) -> GroupTrust:
    verdict = worst(one.verdict for one in each)
    if verdict == "pass" and not complete:
        return GroupTrust("cannot_tell")
    told = [one for one in each if one.verdict == verdict]
    return max(told, key=lambda one: abs(one.off_by or 0.0) / (one.tolerated or math.inf))
