"""Whether an estimate can be trusted here: each reason for and against, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from core.analytics.decay.metrics import MINIMUM_COMPARED, MINIMUM_INSIDE, EstimateTrust
from core.ground.figure import VerdictName

ReasonId = Literal["record", "assumption", "calibration", "thresholds", "rows"]
WELL_CALIBRATED, BADLY_CALIBRATED = 0.02, 0.05
"""Expected calibration error up to which probabilities count as right, and from which as wrong."""
ENOUGH_CHUNKS = 6
"""Reference chunks from which a standard deviation over them says something; NannyML's own advice."""


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
    chunks: Sequence[Mapping[str, Any]],
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
        Chunks of one metric with `part`, `sampling_error`, thresholds and so on, as for `estimate_trust`.
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
    known = trust.error is not None and trust.room is not None and trust.compared >= MINIMUM_COMPARED
    record: VerdictName = "cannot_tell"
    assumption: VerdictName = "cannot_tell"
    if known and trust.error is not None and trust.room is not None:
        record = "pass" if trust.error < trust.room else "fail"
        assumption = "pass" if trust.inside >= MINIMUM_INSIDE * trust.compared else "fail"
    share = trust.inside / trust.compared if trust.compared else None
    found = [
        TrustReason("record", record, trust.error, trust.room),
        TrustReason("assumption", assumption, share, MINIMUM_INSIDE),
    ]
    if classifies:
        found.append(
            TrustReason("calibration", _calibration(calibration_error), calibration_error, WELL_CALIBRATED)
        )
    reference = sum(1 for chunk in chunks if chunk["part"] == "reference")
    enough: VerdictName = "pass" if reference >= ENOUGH_CHUNKS else "cannot_tell"
    found.append(TrustReason("thresholds", enough, float(reference), float(ENOUGH_CHUNKS)))
    errors = [c["sampling_error"] for c in chunks if c["part"] == "analysis" and c.get("sampling_error")]
    band = 3 * median(errors) if errors else None
    rows: VerdictName = "cannot_tell"
    if band is not None and trust.room is not None and band < trust.room:
        rows = "pass"
    found.append(TrustReason("rows", rows, band, trust.room))
    return tuple(found)


def _calibration(error: float | None) -> VerdictName:
    if error is None or WELL_CALIBRATED < error < BADLY_CALIBRATED:
        return "cannot_tell"
    return "pass" if error <= WELL_CALIBRATED else "fail"


def joint_verdict(reasons: Sequence[TrustReason]) -> VerdictName:
    """Fail where one fails; cannot tell where one cannot; else pass.

    Examples
    --------
    >>> joint_verdict([TrustReason("rows", "pass", 0.1, 0.2), TrustReason("record", "fail", 0.3, 0.2)])
    'fail'
    """
    verdicts = {reason.verdict for reason in reasons}
    return "fail" if "fail" in verdicts else "cannot_tell" if "cannot_tell" in verdicts else "pass"
