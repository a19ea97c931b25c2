"""Whether an estimate can be trusted here: each reason for and against, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal, Protocol

from core.ground import Direction, VerdictName

ReasonId = Literal["record", "assumption", "calibration", "thresholds", "rows"]
MINIMUM_COMPARED = 3
"""Chunks with a known outcome that are needed to judge the estimates."""
MINIMUM_INSIDE = 0.8
"""Share of realised values inside the band from which the band is said to hold."""
WELL_CALIBRATED, BADLY_CALIBRATED = 0.02, 0.05
"""Expected calibration error up to which probabilities count as right, and from which as wrong."""
ENOUGH_CHUNKS = 6
"""Reference chunks from which a standard deviation over them says something; NannyML's own advice."""


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
class EstimateTrust:
    """Whether past estimates were near enough to what came true for an alert to mean something.

    Parameters
    ----------
    verdict
        Pass: the mean error is smaller than `room`, and at least 80% of what came true lay inside the band.
        Fail: one of the two does not hold. Cannot tell: too few outcomes, or no threshold on the worse side.
    error
        Mean of |estimate − realised| over the compared chunks, in the metric's unit; 0 = exact. None when
        nothing can be compared.
    room
        Distance from the usual level (mean realised value of the reference chunks) to the threshold on the
        worse side; None where there is none.
    compared, inside
        Analysis chunks with both an estimate and a realised value, and those of them whose realised value
        lay inside the band of the estimate.
    worst
        The largest |estimate − realised| of these chunks; None when nothing can be compared.
    """

    verdict: VerdictName
    error: float | None
    room: float | None
    compared: int
    inside: int
    worst: float | None = None


def estimate_trust(chunks: Sequence[Estimated], direction: Direction) -> EstimateTrust:
    """Hold past estimates against what was realised.

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
    Formula: mean |estimate − realised| over analysis chunks, held against |usual level − threshold|; and the
    share of realised values inside the band (estimate ± 3 sampling errors), held against 0.8. A band that
    holds would leave out hardly any. Direction: lower error is better. Zero: every estimate came true.
    Leaves out whether the next error is like the past ones. Source: ours; the estimates assume that P(y|x)
    holds still, which nothing here proves.

    Examples
    --------
    >>> from types import SimpleNamespace as Chunk
    >>> band = {"lower_confidence": 0.77, "upper_confidence": 0.83, "lower_threshold": 0.7}
    >>> usual = Chunk(part="reference", estimate=0.8, realised=0.8, **band)
    >>> later = Chunk(part="analysis", estimate=0.8, realised=0.79, **band)
    >>> estimate_trust([usual, later, later, later], "higher").verdict
    'pass'
    """
    later = [chunk for chunk in chunks if chunk.part == "analysis"]
    compared = [
        (c, c.estimate, c.realised) for c in later if c.estimate is not None and c.realised is not None
    ]
    usual = [c.realised for c in chunks if c.part == "reference" and c.realised is not None]
    limits = [limit for c in chunks if (limit := worse_threshold(c, direction)) is not None]
    errors = [abs(estimate - realised) for _, estimate, realised in compared]
    error = fmean(errors) if errors else None
    room = abs(fmean(usual) - limits[-1]) if usual and limits else None
    inside = sum(_inside(chunk, realised) for chunk, _, realised in compared)
    verdict: VerdictName = "cannot_tell"
    if error is not None and room is not None and len(compared) >= MINIMUM_COMPARED:
        held = error < room and inside >= MINIMUM_INSIDE * len(compared)
        verdict = "pass" if held else "fail"
    return EstimateTrust(verdict, error, room, len(compared), inside, max(errors, default=None))


def worse_threshold(chunk: Estimated, direction: Direction) -> float | None:
    """The threshold on the side of a worse model."""
    return chunk.lower_threshold if direction == "higher" else chunk.upper_threshold


def _inside(chunk: Estimated, realised: float) -> bool:
    low, high = chunk.lower_confidence, chunk.upper_confidence
    return (low is None or low <= realised) and (high is None or realised <= high)


@dataclass(frozen=True, slots=True)
class TrustReason:
    """One reason.

    Attributes
    ----------
    id
        `record`: past estimates against what came true. `assumption`: P(y|x) as it was, seen by how much of
        what came true lay inside the band. `calibration`: of the probabilities, on the reference.
        `thresholds`: reference chunks behind them. `rows`: whether chunks are large enough for the metric.
    verdict
        Pass, fail or cannot tell.
    value, limit
        What was looked at and what it is held against; None where there is nothing.
    """

    id: ReasonId
    verdict: VerdictName
    value: float | None
    limit: float | None


def trust_reasons(
    trust: EstimateTrust,
    chunks: Sequence[Estimated],
    *,
    calibration_error: float | None,
    classifies: bool,
) -> tuple[TrustReason, ...]:
    """List what speaks for and against an estimate.

    Parameters
    ----------
    trust
        Past estimates against what came true.
    chunks
        Chunks of one metric, as for `estimate_trust`.
    calibration_error
        Expected calibration error on the reference, out of sample; a rate. None where unknown.
    classifies
        False for a regression, which has no probabilities to calibrate.

    Returns
    -------
    tuple of TrustReason

    Notes
    -----
    The record passes when the mean error is smaller than the distance from the usual level to the threshold
    on the worse side; the assumption when at least 80% of what came true lay inside the band; calibration up
    to an error of 0.02, and fails from 0.05 on; thresholds from 6 reference chunks on; rows when half the
    chunks have a band that is narrower than that distance. What cannot be looked at cannot be told.
    Source: ours; the limits are rules of thumb.
    """
    record: VerdictName = "cannot_tell"
    assumption: VerdictName = "cannot_tell"
    if trust.error is not None and trust.room is not None and trust.compared >= MINIMUM_COMPARED:
        record = "pass" if trust.error < trust.room else "fail"
        assumption = "pass" if trust.inside >= MINIMUM_INSIDE * trust.compared else "fail"
    share = trust.inside / trust.compared if trust.compared else None
    reference = sum(chunk.part == "reference" for chunk in chunks)
    errors = [c.sampling_error for c in chunks if c.part == "analysis" and c.sampling_error]
    band = 3 * median(errors) if errors else None
    narrow = band is not None and trust.room is not None and band < trust.room
    calibration = TrustReason(
        "calibration", _calibration(calibration_error), calibration_error, WELL_CALIBRATED
    )
    return (
        TrustReason("record", record, trust.error, trust.room),
        TrustReason("assumption", assumption, share, MINIMUM_INSIDE),
        *((calibration,) if classifies else ()),
        TrustReason("thresholds", _told(reference >= ENOUGH_CHUNKS), float(reference), float(ENOUGH_CHUNKS)),
        TrustReason("rows", _told(narrow), band, trust.room),
    )


def _told(passes: bool) -> VerdictName:
    return "pass" if passes else "cannot_tell"


def _calibration(error: float | None) -> VerdictName:
    if error is None or WELL_CALIBRATED < error < BADLY_CALIBRATED:
        return "cannot_tell"
    return "pass" if error <= WELL_CALIBRATED else "fail"
