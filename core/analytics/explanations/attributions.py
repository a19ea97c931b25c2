"""Which features the scores of a model come from, row by row, by SHAP.

For a worker process only: shap takes seconds to import.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.analytics.explanations.lightgbm_rows import model_inputs, read_rows
from core.analytics.explanations.models import ReadModel, read_model
from core.analytics.explanations.scales import Scale
from core.analytics.job_specs import ExplainSpec, RefusedInput

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

ROW_ID, RAW_SCORE = "row_id", "raw_score"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Contributions of the features to the raw scores of `row_ids`.

    `values` has shape (rows, features). `base_value` is the raw score before any feature is known; `raw` the
    raw score of each row; `scale` says how the model's answer follows from it. `additivity_gap` is the
    largest difference, over the rows, between base + contributions and the raw score; `rounding_gap` that
    between the raw score here and the one of the model's own library.
    """

    row_ids: tuple[str, ...]
    features: tuple[str, ...]
    values: NDArray[Any]
    raw: NDArray[Any]
    base_value: float
    scale: Scale
    method: str
    additivity_gap: float
    rounding_gap: float


def explain_rows(spec: ExplainSpec, on_step: Callable[[str], None] | None = None) -> Explanation:
    """Attribute a model's raw scores to its features, on a sample of rows and those asked for by id.

    Parameters
    ----------
    spec
        Model file and format, rows with the features under their own names, and how many of them.
    on_step
        Called with each step in words.

    Returns
    -------
    Explanation
        Rows in the order of the file.

    Raises
    ------
    RefusedInput
        The model cannot be read or has other features, a column or row is missing, or the contributions do
        not add up to the raw score.

    Notes
    -----
    Source: Shapley additive explanations, Lundberg and Lee 2017, arXiv:1705.07874; trees by TreeSHAP,
    Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9. They say what the model does with a feature, not what
    the feature causes, and share credit among features that move together.
    """
    say = on_step or (lambda step: None)
    say("Reading the model.")
    model = read_model(spec.format, spec.model)
    features = _features_of(model, spec)
    say("Reading the rows.")
    rows = _chosen_rows(spec, features)
    inputs = model_inputs(rows, features, spec.categorical_features)
    say(f"Attributing {len(rows):,} scores to {len(features):,} features.")
    found = model.contributions(inputs, spec.outcome)
    return Explanation(
        row_ids=tuple(str(one) for one in rows[ROW_ID]),
        features=features,
        values=found.values,
        raw=found.raw,
        base_value=found.base,
        scale=found.scale,
        method=found.method,
        additivity_gap=found.additivity_gap,
        rounding_gap=found.rounding_gap,
    )


def _features_of(model: ReadModel, spec: ExplainSpec) -> tuple[str, ...]:
    """The features as named in the file; where it names none, those of the description."""
    own = model.features
    if spec.features and own and own != spec.features:
        raise RefusedInput(
            f"the model was trained on other features: {', '.join(own)}",
            remedy="Give its features, in its order.",
        )
    features = own or spec.features
    if not features:
        raise RefusedInput(
            f"{spec.model.name!r} does not name its features",
            remedy="Name them, in the order of its training.",
        )
    if len(set(features)) < len(features) or {ROW_ID, RAW_SCORE} & set(features):
        raise RefusedInput(
            f"features must differ, and none may be called {ROW_ID} or {RAW_SCORE}", remedy="Rename them."
        )
    texts = [name for name in spec.categorical_features if name in features]
    if texts and spec.format != "lightgbm":
        raise RefusedInput(
            f"{texts[0]!r} holds texts, and only a LightGBM model keeps the words it was trained on",
            remedy="Add a batch with the numbers that the model saw, or upload attributions made elsewhere.",
        )
    return features


def _chosen_rows(spec: ExplainSpec, features: Sequence[str]) -> pd.DataFrame:
    """Rows of the sample and those asked for, in the file's order, read a row group at a time."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    known = read_rows(spec.rows, [ROW_ID])[ROW_ID].astype(str)
    chosen = np.zeros(len(known), dtype=bool)
    if len(known) <= spec.sample_rows:
        chosen[:] = True
    else:
        drawn = np.random.default_rng(spec.seed).choice(len(known), size=spec.sample_rows, replace=False)
        chosen[drawn] = True
    if spec.row_ids:
        asked = known.isin(spec.row_ids).to_numpy()
        absent = sorted(set(spec.row_ids) - set(known[asked]))
        if absent:
            raise RefusedInput(f"there is no row {absent[0]!r}", remedy="Name rows of this batch.")
        chosen |= asked
    columns = [ROW_ID, *features]
    file = pq.ParquetFile(spec.rows)
    lacking = [name for name in features if name not in file.schema_arrow.names]
    if lacking:
        raise RefusedInput(
            f"the batch has no column {lacking[0]!r}, which the model takes",
            remedy="Add a batch with the model's features.",
        )
    parts, start = [], 0
    for group in range(file.num_row_groups):
        size = file.metadata.row_group(group).num_rows
        here = np.flatnonzero(chosen[start : start + size])
        if len(here):
            parts.append(file.read_row_group(group, columns=columns).take(pa.array(here)))
        start += size
    rows = pa.concat_tables(parts).to_pandas()
    return pd.DataFrame(rows).reset_index(drop=True)


def write_contributions(explanation: Explanation, path: Path) -> Path:
    """Write `row_id`, `raw_score`, and one column a feature: the form in which attributions are kept."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {
        ROW_ID: pa.array(explanation.row_ids, pa.string()),
        RAW_SCORE: pa.array(explanation.raw, pa.float64()),
    }
    for place, feature in enumerate(explanation.features):
        columns[feature] = pa.array(explanation.values[:, place], pa.float64())
    draft = path.with_name(f".{path.name}.draft")
    pq.write_table(pa.table(columns), draft, compression="zstd")
    draft.replace(path)
    return path
