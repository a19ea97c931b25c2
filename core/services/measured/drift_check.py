"""The check on drift: how much of the model the drifted features carry, and when nobody can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.domain.facts.measured import DriftFeature, DriftRun
from core.domain.models.data_quality import DriftLimits
from core.domain.moment import Moment
from core.domain.process.checks import CheckResult, no_predictions
from core.domain.verdict import Verdict
from core.lake.facts import latest
from core.lake.monitoring import readings as monitoring
from core.lake.monitoring.drift_records import compared_features
from core.services.governance import Governance


def check_drift(governance: Governance, initiative: str, version: str, moment: Moment) -> CheckResult:
    """Hold the newest chunks' alerts to the limit: the share of the attribution that drifted features carry.

    Without attributions every feature carries the same. Old, outdated or small measurements cannot tell.
    """
    if not monitoring.batches(governance.store, initiative, version, moment):
        return no_predictions("drift_alert")
    run = latest(governance.store, DriftRun, moment, initiative, version=version)
    limits = governance.data_quality.drift
    if run is None:
        return _cannot_tell("the drift of this version's inputs has not been measured", "Measure it.")
    stale = stale_because(governance, run, moment)
    if stale:
        return _cannot_tell(stale, "Measure it again.")
    spans = zip(run.parts, run.first_rows, run.last_rows, strict=True)
    newest = [last - first + 1 for part, first, last in spans if part == "analysis"][-limits.newest_chunks :]
    if len(newest) < limits.newest_chunks or min(newest) < limits.min_rows:
        least = f"{limits.newest_chunks} newest chunks of {limits.min_rows:,} rows or more"
        return _cannot_tell(f"there are too few rows: it takes {least}", "Add predictions, measure again.")
    rows = compared_features(governance.store, run, moment, limits.method)
    if not rows:
        return _cannot_tell("no feature could be compared with the reference", "Look at the batches.")
    return _held_to_limit(rows, attribution_shares(governance, initiative, version, moment), limits)


def attribution_shares(
    governance: Governance, initiative: str, version: str, moment: Moment
) -> dict[str, float]:
    """Feature -> share of the model's attribution; empty where none is on record."""
    rows = monitoring.attributions(governance.store, initiative, version, moment)
    return {row.feature: row.share for row in rows}


def stale_because(governance: Governance, run: DriftRun, moment: Moment) -> str:
    """Why a measurement does not count any more, or nothing."""
    known = monitoring.batches(governance.store, run.initiative, run.version, moment)
    left = [batch for batch in known if batch.sha256 not in run.batches]
    compared = [one.seq for one in known if one.sha256 in run.batches and one.part == "reference"]
    if any(batch.part == "analysis" or batch.seq >= max(compared, default=0) for batch in left):
        return "predictions were added since drift was measured"
    return monitoring.aged(run, moment, governance.data_quality.drift.fresh_days)


def _held_to_limit(
    rows: Sequence[DriftFeature], shares: Mapping[str, float], limits: DriftLimits
) -> CheckResult:
    weights = {row.feature: shares.get(row.feature, 0.0) if shares else 1 / len(rows) for row in rows}
    newest = {row.feature: row.alerts[-limits.newest_chunks :] for row in rows}
    alerting = [feature for feature, alerts in newest.items() if all(alerts)]
    unknown = [feature for feature, alerts in newest.items() if None in alerts and False not in alerts]
    carried = sum(weights[feature] for feature in alerting)
    open_share = carried + sum(weights[feature] for feature in unknown)
    of_what = "the model's attribution" if shares else "the features"
    names = ", ".join(sorted(alerting, key=lambda feature: -weights[feature])[:5])
    drifted = f"{len(alerting)} of {len(rows)} features drifted" + (f" ({names})" if names else "")
    message = f"{drifted}; they carry {carried:.0%} of {of_what}"
    limit = limits.max_alert_share
    if carried > limit:
        remedy = "Look at what changed, compare realised performance, and revalidate or retrain."
        return CheckResult("drift_alert", Verdict.FAIL, message, remedy, carried, limit)
    if open_share > limit:
        return CheckResult(
            "drift_alert",
            Verdict.CANNOT_TELL,
            f"{message}; {len(unknown)} features have no value in the newest chunk",
            "Look why these values are missing.",
            carried,
            limit,
        )
    return CheckResult("drift_alert", Verdict.PASS, message, "", carried, limit)


def _cannot_tell(what: str, remedy: str) -> CheckResult:
    return CheckResult("drift_alert", Verdict.CANNOT_TELL, what, remedy)
