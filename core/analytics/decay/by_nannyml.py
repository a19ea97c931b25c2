"""NannyML fits: calibrators, thresholds, sampling errors and error models, taken over as plain numbers.

For a worker process only: NannyML takes seconds to import. What it would answer wrongly without a word is
refused before it is called (`core.lake.monitoring.decay_inputs`).
"""

from __future__ import annotations

import logging
import math
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from core.analytics.decay.calibrations import FOLDS, Shifts, shrunk_shifts
from core.analytics.decay.estimates import confusion_cells
from core.analytics.decay.fit import (
    Calibration,
    Component,
    FittedFeature,
    FittedModel,
    FittedPart,
    FittedSlices,
    calibration_errors,
    calibration_if_needed,
)
from core.analytics.job_specs import EstimateSpec, RefusedInput, ensure_openmp

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

PREDICTED, TRUE, SCORE, CHUNK = "y_pred", "y_true", "y_score", "chunk"
OWN_ROWS = 5_000
"""Reference rows from which a subpopulation is calibrated by its own alone."""
OWN_ROWS_OF_A_CLASS = 200
"""Of these, rows that each class must have."""
LEAST_FITTED_ROWS = 100
"""Reference rows below which nothing is fitted for a subpopulation, not even thresholds."""
_FIXED = {"deterministic": True, "force_row_wise": True, "n_jobs": 1, "verbosity": -1}
"""LightGBM's defaults, made repeatable: no other thread's rounding, and nothing printed."""


@dataclass(frozen=True)
class ReferenceSlices:
    """Subpopulations of the reference: their features, their values, and the place of each row among them."""

    features: tuple[FittedFeature, ...]
    values: tuple[tuple[str, ...], ...]
    codes: NDArray[np.int64]


def score_columns(spec: EstimateSpec) -> dict[str, str]:
    """Return the score column of each class; a binary model's only one stands under ''."""
    if spec.task == "multiclass":
        return {name: f"{SCORE}_{name}" for name in spec.labels}
    return {"": SCORE} if spec.task == "binary" else {}


def fit_reference(
    spec: EstimateSpec,
    metrics: tuple[str, ...],
    rows: pd.DataFrame,
    slices: Sequence[ReferenceSlices] = (),
    on_part: Callable[[int, int], None] = lambda done, of: None,
) -> FittedModel:
    """Let NannyML learn from the reference rows.

    Parameters
    ----------
    spec, metrics
        What is to be estimated.
    rows
        The reference in the order of its chunks: `chunk` (number of the chunk), `y_pred`, `y_true`, scores,
        and the features of a regression (texts as objects). Checked before.
    slices
        Subpopulations that get a fit of their own.
    on_part
        Called with the parts fitted and their number, before each.

    Returns
    -------
    FittedModel

    Raises
    ------
    RefusedInput
        A metric that was asked for is undefined on the reference, so that it could never alert.

    Notes
    -----
    Source: CBPE (classification) and DLE (regression), NannyML 0.13.1, with its default thresholds. Both
    assume that the relation between features and outcome holds still; when it changes, they do not see it.
    """
    ensure_openmp()
    with _quiet_nannyml(), _worth_at_once():
        import nannyml

        fitting = _Fitting(spec, metrics, rows)
        parts = 1 + sum(len(one.values) for one in slices)
        on_part(0, parts)
        whole = fitting.part(rows, (), None)
        metrics, whole = _without_blind(spec, metrics, whole)
        done = count(1)
        fitted = [fitting.slices(one, rows, whole, lambda: on_part(next(done), parts)) for one in slices]
        return FittedModel(
            nannyml=nannyml.__version__,
            task=spec.task,
            chunking=spec.chunking,
            labels=spec.labels,
            metrics=metrics,
            features=spec.features,
            business_value=spec.business_value,
            normalize_confusion=spec.normalize_confusion,
            per_prediction=spec.per_prediction,
            reference_rows=len(rows),
            reference_chunks=int(rows[CHUNK].nunique()),
            whole=whole,
            slices=tuple(fitted),
            encoders=fitting.encoders,
            error_models=tuple(fitting.models),
        )


@contextmanager
def _quiet_nannyml() -> Iterator[None]:
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # it would send usage events
    import numpy as np
    import pandas as pd

    logger = logging.getLogger("nannyml")
    level, state = logger.level, np.random.get_state()
    # Its warnings speak of its own use of pandas and of values that come back here as undefined.
    with warnings.catch_warnings(), pd.option_context("mode.string_storage", "python"):
        warnings.simplefilter("ignore")
        logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            logger.setLevel(level)
            np.random.set_state(state)


@contextmanager
def _worth_at_once() -> Iterator[None]:
    """Let NannyML look up at once what predictions of several classes are worth: row by row takes minutes."""
    from nannyml.sampling_error import multiclass_classification as multiclass

    row_by_row = multiclass.business_value_sampling_error_components
    multiclass.business_value_sampling_error_components = _spread_of_worth
    try:
        yield
    finally:
        multiclass.business_value_sampling_error_components = row_by_row


def _spread_of_worth(
    y_true_reference: pd.Series[Any],
    y_pred_reference: pd.Series[Any],
    business_value_matrix: NDArray[Any],
    classes: list[str],
    normalize_business_value: str | None,
) -> tuple[float, str | None]:
    """Components of the sampling error of the business value, named and worked out as NannyML does."""
    import pandas as pd

    true, predicted = (
        pd.Categorical(labels, categories=classes).codes for labels in (y_true_reference, y_pred_reference)
    )
    return pd.Series(business_value_matrix[true, predicted]).std(), normalize_business_value


class _Fitting:
    """Fits one part of the reference after the other; error models are kept once each."""

    def __init__(self, spec: EstimateSpec, metrics: tuple[str, ...], rows: pd.DataFrame) -> None:
        self._spec, self._metrics = spec, metrics
        self.models: list[str] = []
        words = spec.categorical_features if spec.task == "regression" else ()
        self.encoders = {name: _numbered(rows[name]) for name in words}

    def part(self, rows: pd.DataFrame, values: tuple[str, ...], whole: FittedPart | None) -> FittedPart:
        """Fit everyone (`whole` is None), or a subpopulation."""
        import numpy as np

        if whole is not None and len(rows) < LEAST_FITTED_ROWS:
            return whole.unjudged(values, len(rows))
        own = whole is None or self._large_enough(rows)
        # NannyML draws rows for the sampling error of the average precision from numpy's global generator.
        np.random.seed(self._spec.seed)
        if self._spec.task == "regression":
            return self._losses(rows, values, None if own else whole)
        components = self._rates(rows)
        if not own and whole is not None:
            return whole.unjudged(values, len(rows)).model_copy(update={"components": components})
        calibrators, error, raw = self._calibration(rows)
        return FittedPart(
            values=values,
            rows=len(rows),
            calibrators=calibrators,
            calibration_error=error,
            raw_calibration_error=raw,
            components=components,
        )

    def slices(
        self, slices: ReferenceSlices, rows: pd.DataFrame, whole: FittedPart, on_part: Callable[[], None]
    ) -> FittedSlices:
        """Fit each subpopulation of crossed features, by what could be fitted for everyone."""
        known = {one.metric for one in whole.components}
        shifts = self._shifts(slices, rows, whole)
        found = []
        for place, values in enumerate(slices.values):
            on_part()
            part = self.part(rows[slices.codes == place].reset_index(drop=True), values, whole)
            kept = tuple(one for one in part.components if one.metric in known)
            own = _shrunk(place, shifts) if part.calibrated == "all" else {}
            found.append(part.model_copy(update={"components": kept, **own}))
        centres = tuple(tuple(one.centres.tolist()) for one in shifts)
        return FittedSlices(features=slices.features, centres=centres, parts=tuple(found))

    def _shifts(self, slices: ReferenceSlices, rows: pd.DataFrame, whole: FittedPart) -> list[Shifts]:
        """By how much subpopulations differ from everyone, for each class."""
        found = []
        for (label, column), calibrator in zip(
            score_columns(self._spec).items(), whole.calibrators, strict=False
        ):
            scores = rows[column].to_numpy(dtype="float64")
            chances = scores if calibrator is None else calibrator.apply(scores)
            gaps = self._truth(rows, label) - chances
            folds = rows[CHUNK].to_numpy() % FOLDS
            found.append(shrunk_shifts(scores, gaps, slices.codes, slices.values, folds))
        return found

    def _truth(self, rows: pd.DataFrame, label: str) -> NDArray[np.int64]:
        import numpy as np

        truth = rows[TRUE].to_numpy()
        return np.asarray(truth if self._spec.task == "binary" else truth == label).astype(np.int64)

    def _large_enough(self, rows: pd.DataFrame) -> bool:
        if len(rows) < OWN_ROWS:
            return False
        if self._spec.task == "regression":
            return True
        counts = rows[TRUE].astype(str).value_counts()
        labels = ("0.0", "1.0") if self._spec.task == "binary" else self._spec.labels
        return all(counts.get(label, 0) >= OWN_ROWS_OF_A_CLASS for label in labels)

    def _rates(self, rows: pd.DataFrame) -> tuple[Component, ...]:
        from nannyml.performance_estimation.confidence_based import CBPE

        spec, scores = self._spec, score_columns(self._spec)
        estimator = CBPE(
            metrics=list(self._metrics),
            y_pred_proba=scores[""] if spec.task == "binary" else scores,
            y_pred=PREDICTED,
            y_true=TRUE,
            problem_type=f"classification_{spec.task}",
            chunker=_chunker(),
            normalize_confusion_matrix=spec.normalize_confusion,
            business_value_matrix=[list(line) for line in spec.business_value] or None,
            normalize_business_value="per_prediction" if spec.per_prediction else None,
        )
        # What CBPE.fit does first: the scores as they came, under the name it looks for.
        raw = {f"uncalibrated_{name}": rows[name] for name in scores.values()}
        rows = rows.assign(**raw)
        found: list[Component] = []
        for metric in estimator.metrics:
            found += self._components(metric, rows)
        return tuple(found)

    def _components(self, metric: Any, rows: pd.DataFrame) -> list[Component]:
        try:
            metric.fit(rows)
        except Exception as problem:  # a subpopulation without one of the classes, for instance
            logging.getLogger(__name__).debug("%s cannot be fitted: %s", metric.name, problem)
            return [Component(metric=name) for name in metric.column_names]
        if metric.name == "confusion_matrix":
            return self._cells(metric, rows)
        grows = metric.name == "business_value" and not self._spec.per_prediction
        error = float(metric._sampling_error(rows))
        return [_component(metric, metric.column_name, error, len(rows), grows=grows)]

    def _cells(self, metric: Any, rows: pd.DataFrame) -> list[Component]:
        from nannyml.sampling_error import binary_classification as binary
        from nannyml.sampling_error import multiclass_classification as multiclass

        spec = self._spec
        grows = spec.normalize_confusion is None
        found = []
        several: Any = None
        if spec.task == "multiclass":
            several = multiclass.multiclass_confusion_matrix_sampling_error(
                metric._confusion_matrix_sampling_error_components, rows
            )
        for name, (line, column) in confusion_cells(spec.task, spec.labels):
            if spec.task == "binary":
                known = getattr(metric, f"_{name}_sampling_error_components")
                error = float(getattr(binary, f"{name}_sampling_error")(known, rows))
                low, high = (getattr(metric, f"{name}_{side}_threshold") for side in ("lower", "upper"))
            else:
                error = float(several[line, column])
                low, high = metric.alert_thresholds[name]
            found.append(_component(metric, name, error, len(rows), grows=grows, thresholds=(low, high)))
        return found

    def _calibration(
        self, rows: pd.DataFrame
    ) -> tuple[tuple[Calibration | None, ...], float | None, float | None]:
        import numpy as np

        found: list[Calibration | None] = []
        errors, raw_errors = [], []
        for label, column in score_columns(self._spec).items():
            truth = self._truth(rows, label)
            scores = rows[column].to_numpy()
            calibration = calibration_if_needed(truth, scores)
            found.append(calibration)
            raw, calibrated = calibration_errors(truth, scores)
            raw_errors.append(raw)
            errors.append(raw if calibration is None else calibrated)
        return tuple(found), _finite(float(np.mean(errors))), _finite(float(np.mean(raw_errors)))

    def _losses(self, rows: pd.DataFrame, values: tuple[str, ...], whole: FittedPart | None) -> FittedPart:
        from nannyml.performance_estimation.direct_loss_estimation import DLE

        features = list(self._spec.features)
        numbered = rows.assign(**{name: _encoded(rows[name], codes) for name, codes in self.encoders.items()})
        estimator = DLE(
            feature_column_names=features,
            y_pred=PREDICTED,
            y_true=TRUE,
            metrics=list(self._metrics),
            chunker=_chunker(),
            hyperparameters={**_FIXED, "seed": self._spec.seed},
        )
        components, models = [], {}
        for metric in estimator.metrics:
            if whole is not None:
                metric._train_direct_error_estimation_model = lambda **_: None
            metric.categorical_column_names = sorted(self.encoders)
            metric.fit(numbered)
            name = metric.column_name
            if whole is None:
                models[name] = self._kept(metric._dee_model.booster_.model_to_string())
            components.append(_component(metric, name, float(metric.sampling_error(numbered)), len(rows)))
        return FittedPart(
            values=values,
            rows=len(rows),
            calibrated="own" if whole is None else "all",
            components=tuple(components),
            models=models if whole is None else whole.models,
        )

    def _kept(self, model: str) -> int:
        if model not in self.models:
            self.models.append(model)
        return self.models.index(model)


def _shrunk(place: int, shifts: Sequence[Shifts]) -> dict[str, object]:
    """What a subpopulation without a calibration of its own gets; nothing where nothing is known of it."""
    if not any(one.by[0][place].any() for one in shifts):
        return {}
    lines = zip(*(one.by[:, place].tolist() for one in shifts), strict=True)
    return {"calibrated": "shrunk", "shifts": tuple(tuple(map(tuple, line)) for line in lines)}


def _chunker() -> Any:
    """A NannyML chunker that splits where the column `chunk` says."""
    from nannyml.chunk import Chunk, Chunker

    class Numbered(Chunker):  # type: ignore[misc]
        def _split(self, data: pd.DataFrame) -> list[Any]:
            return [Chunk(key=str(key), data=part) for key, part in data.groupby(CHUNK, sort=True)]

    return Numbered()


def _without_blind(
    spec: EstimateSpec, metrics: tuple[str, ...], whole: FittedPart
) -> tuple[tuple[str, ...], FittedPart]:
    """Leave out what could never alert, or refuse it where it was asked for."""
    blind = [
        one.metric for one in whole.components if one.lower_threshold is None and one.upper_threshold is None
    ]
    for metric in spec.metrics:
        if metric in blind:
            raise RefusedInput(
                f"{metric!r} is undefined on the reference rows, so it could never alert",
                remedy="Leave this metric out, or give reference rows with both predictions and outcomes.",
            )
    kept = tuple(one for one in whole.components if one.metric not in blind)
    return tuple(m for m in metrics if m not in blind), whole.model_copy(update={"components": kept})


def _numbered(column: pd.Series[Any]) -> dict[str, int]:
    """Number categories from 1 in their order, as NannyML's encoder does; a gap is a category of its own."""
    words = sorted(set(column.fillna(MISSING_CATEGORY).astype(str)))
    return {word: place for place, word in enumerate(words, start=1)}


MISSING_CATEGORY = "NML_missing_value"
"""NannyML's own word for a gap in a text feature."""


def _encoded(column: pd.Series[Any], codes: dict[str, int]) -> pd.Series[Any]:
    return column.fillna(MISSING_CATEGORY).astype(str).map(codes).fillna(0).astype("float64")


def _component(
    metric: Any,
    name: str,
    error: float,
    rows: int,
    *,
    grows: bool = False,
    thresholds: tuple[float | None, float | None] | None = None,
) -> Component:
    """What a fitted metric of NannyML says of one number; `error` is its sampling error on all `rows`."""
    low, high = thresholds or (metric.lower_threshold_value, metric.upper_threshold_value)
    root = math.sqrt(rows)
    return Component(
        metric=name,
        grows=grows,
        unit_error=_finite(error / root if grows else error * root),
        lower_threshold=_finite(low),
        upper_threshold=_finite(high),
        lower_limit=metric.lower_threshold_value_limit,
        upper_limit=metric.upper_threshold_value_limit,
    )


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
