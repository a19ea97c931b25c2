"""Slices as they are told to programs and printed: a report, a search, two versions side by side."""

from __future__ import annotations

from typing import Any

from core.analytics.slices.rows import CutRule
from core.analytics.slices.search import WeakSlice
from core.analytics.slices.significance import TEST_NAMES
from core.services.measured.bias import BiasSlices
from core.services.measured.slice_versions import VersionsCompared
from core.services.measured.weak_slices import WeakSlices
from core.services.plain import plain

Result = dict[str, Any]


def slices_result(found: BiasSlices) -> Result:
    """A slice report with what it was made from."""
    batches, report = found.batches, found.report
    return {
        "initiative": batches.initiative,
        "version": batches.version,
        "task": batches.task,
        "rows": batches.rows,
        "by": found.by,
        "positive": found.positive,
        "cuts": [CutRule(band.feature, "at", band.cuts).text for band in found.bands],
        **plain(report),
        "interval_method": report.metric.interval,
        "test": TEST_NAMES[report.metric.form],
        "rule": None if found.rule is None else found.rule.sentence,
        "limit_note": found.limit_note,
        "fairness": found.fairness,
    }


def changes_result(found: VersionsCompared) -> Result:
    """The same slices of two versions."""
    return {
        "now": slices_result(found.now),
        "other": slices_result(found.other),
        "changes": found.changes,
        "better": found.better,
        "worse": found.worse,
    }


def weakest_result(found: WeakSlices) -> Result:
    """What a search found, weakest first."""
    search = found.found
    return {
        "initiative": found.batches.initiative,
        "version": found.batches.version,
        "task": found.batches.task,
        "rows": found.batches.rows,
        "features": found.features,
        "positive": found.positive,
        "metric": search.definition,
        "overall": search.overall,
        "searched": search.searched,
        "judged": search.judged,
        "too_small": search.too_small,
        "ruled_out": search.ruled_out,
        "min_rows": search.min_rows,
        "max_conditions": search.max_conditions,
        "correction": "bonferroni",
        "slices": [_weak_line(one) for one in search.slices],
    }


def _weak_line(one: WeakSlice) -> Result:
    return {
        "label": one.counts.label,
        "keys": one.counts.keys,
        "rows": one.counts.rows,
        "n": one.measured.n,
        "value": one.measured.value,
        "interval": one.measured.interval,
        "gap": one.gap,
        "p_value": one.p_value,
        "adjusted_p": one.adjusted_p,
    }
