"""From a model file or an upload to attributions that may be put on record: everything is checked before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from core.analytics.explanations.models import ADDITIVITY_TOLERANCE
from core.domain.errors import BadInput, NotFound
from core.domain.facts.measured import PredictionBatch
from core.domain.moment import Moment
from core.lake.models.versions import versions
from core.lake.monitoring import attribution_files as lake
from core.lake.monitoring.readings import require_batches
from core.services.governance import Governance
from core.services.lookups import registered

CANONICAL = ("row_id", "timestamp", "y_pred", "y_true", "y_score")
DERIVED_TOLERANCE = 1e-4
"""Scores in batches are often rounded; a raw score worked out from one may miss the sum by this much."""


@dataclass(frozen=True)
class ExplainedBatch:
    """The batch whose rows are explained, with its model features and the sensitive columns beside them."""

    batch: PredictionBatch
    features: tuple[str, ...]
    sensitive: tuple[str, ...]

    @property
    def path(self) -> Path:
        """Where the batch lies."""
        return Path(self.batch.path)


def batch_to_explain(
    governance: Governance, initiative: str, version: str, part: str, moment: Moment
) -> ExplainedBatch:
    """The newest batch of a part; without one, of the analysis, else of the reference.

    Raises
    ------
    NotFound
        No such initiative, or no such batch.
    """
    registered(governance, initiative, moment)
    known = require_batches(governance.store, initiative, version, moment, part)
    chosen = min(reversed(known), key=lambda batch: batch.part)  # analysis where there is any
    features = tuple(
        name for name in chosen.columns if name not in CANONICAL and not name.startswith("y_score_")
    )
    return ExplainedBatch(chosen, features, chosen.sensitive)


def refuse_other_model(
    governance: Governance, initiative: str, version: str, sha256: str, moment: Moment
) -> None:
    """Refuse a model file that is not the artifact which the version registered.

    Raises
    ------
    BadInput
        The version names another digest.
    """
    there = versions(governance.store, initiative, moment)
    known = next((one for one in there if one.version == version), None)
    if known is None:
        raise NotFound(f"{initiative} has no version '{version[:20]}'", remedy="Register the version first.")
    registered = known.artifact_sha256
    if registered and registered != sha256:
        raise BadInput(
            f"this file is not the artifact of version {version}: its sha256 begins with {sha256[:12]}, "
            f"the registered one with {registered[:12]}",
            where="model",
            remedy="Give the file that was registered, or register a new version.",
        )


@dataclass(frozen=True)
class CheckedUpload:
    """An upload that may be kept: its columns, base value, where raw scores come from, and what it misses."""

    columns: lake.AttributionColumns
    rows: int
    base_value: float | None
    scale: str
    raw: str


def check_upload(
    governance: Governance,
    batch: ExplainedBatch,
    file: Path,
    called: str,
    *,
    scale: str,
    base_value: float | None,
    unused: tuple[str, ...],
    model_features: tuple[str, ...],
) -> CheckedUpload:
    """Hold an attribution file as a whole against the batch.

    Raises
    ------
    BadInput
        Columns are not the model's features, ids are missing, twice or unknown, a contribution is no number,
        the base value differs between rows, or nothing fits the task. The message names the first rows.
    """
    found = lake.read_columns(governance.store, file, called)
    _check_features(found.features, batch, model_features, unused)
    faults = lake.find_faults(governance.store, file, found, batch.path)
    _check_rows(faults, called)
    if len(faults.base_values) > 1:
        raise BadInput(
            f"column '{lake.BASE_VALUE}' holds several values",
            where="attributions",
            remedy="Give one base value.",
        )
    base = faults.base_values[0] if faults.base_values else base_value
    task = str(batch.batch.task)
    chosen = scale or {"binary": "log_odds", "regression": "output"}.get(task, "raw")
    allowed = {"binary": ("log_odds", "probability", "raw"), "regression": ("output", "log", "raw")}
    if chosen not in allowed.get(task, ("raw",)):
        raise BadInput(
            f"a {task} model has no scores in '{chosen[:20]}'",
            where="scale",
            remedy=f"Use: {', '.join(allowed.get(task, ('raw',)))}.",
        )
    raw = "given" if found.has_raw else chosen if chosen in ("log_odds", "probability", "output") else "none"
    return CheckedUpload(found, faults.rows, base, chosen, raw)


def _check_features(
    features: tuple[str, ...], batch: ExplainedBatch, model: tuple[str, ...], unused: tuple[str, ...]
) -> None:
    wanted = model or tuple(
        name for name in batch.features if name in features or name not in (*unused, *batch.sensitive)
    )
    strange = [name for name in features if name not in wanted]
    lacking = [name for name in wanted if name not in features]
    if strange:
        whose = "the model" if model else "the batch"
        raise BadInput(
            f"column '{strange[0][:60]}' is no feature of {whose}",
            where="attributions",
            remedy=f"Name the columns like the features: {', '.join(wanted)[:200]}.",
        )
    if lacking:
        hint = "" if model else ", or say that the model does not use it"
        raise BadInput(
            f"feature '{lacking[0][:60]}' has no contributions",
            where="attributions",
            remedy=f"Add its column{hint}.",
        )


def _check_rows(faults: lake.AttributionFaults, called: str) -> None:
    problem = ""
    if not faults.rows:
        problem = f"'{called}' has no rows"
    elif faults.bad_ids:
        problem = "there are rows without an id"
    elif faults.twice:
        problem = f"there are two rows '{faults.twice[0][:60]}'"
    elif faults.unknown:
        problem = f"the batch has no row '{faults.unknown[0][:60]}'"
    elif faults.bad_rows:
        problem = f"column '{faults.bad_column[:60]}' holds no number in row '{faults.bad_rows[0][:60]}'"
    if problem:
        raise BadInput(problem, where="attributions", remedy="Mend the file; nothing was stored.")


def measured_gap(governance: Governance, file: Path, upload: CheckedUpload) -> float | None:
    """The largest |base + contributions - raw score| of a kept upload; None where it cannot be known.

    Raises
    ------
    BadInput
        It is larger than rounding explains.
    """
    if upload.base_value is None or upload.raw == "none":
        return None
    gap, row = lake.widest_gap(governance.store, file, upload.columns.features, upload.base_value)
    allowed = ADDITIVITY_TOLERANCE if upload.raw == "given" else DERIVED_TOLERANCE
    if not gap <= allowed:
        words = {
            "given": "its raw score",
            "log_odds": "the log odds of its score",
            "output": "its prediction",
        }
        raise BadInput(
            f"base value and contributions of row '{row[:60]}' miss {words.get(upload.raw, 'its score')} "
            f"by {gap:.3g}",
            where="attributions",
            remedy="Check base value and scale, or give a column 'raw_score'.",
        )
    return gap
