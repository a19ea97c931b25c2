"""Prediction rows in the order of their chunks, as bounded Arrow batches of just the columns that are needed.

An area under a curve needs the rows in order, and an error model needs the features; nothing else leaves
DuckDB row by row. Rows come in the order of time where they have times, else as the files have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from core.analytics.decay.by_nannyml import CHUNK, MISSING_CATEGORY, PREDICTED, TRUE, score_columns
from core.analytics.decay.calibrations import shifted
from core.analytics.decay.fit import FittedFeature, FittedModel, FittedPart, FittedSlices
from core.analytics.decay.sums import UNKNOWN
from core.analytics.job_specs import EstimateSpec, RefusedInput
from core.analytics.slices.rows import MISSING, Band
from core.lake.monitoring.decay_inputs import SCAN, TIME, PartRows
from core.lake.slices.profiles import cut_continuous
from core.lake.slices.rows import NUMBERS, natural_order, number_sql, text_sql

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[Any]]

BATCH_ROWS = 500_000
MOST_SLICES = 200
_ORDERED = "ORDER BY timestamp, list_position($paths, filename), file_row_number"


@dataclass(frozen=True)
class Slicing:
    """Subpopulations by crossed features: the words of each feature, and which combinations there are.

    `places` maps the combined number of a row's words to the place of its combination in `values`.
    """

    features: tuple[FittedFeature, ...]
    words: tuple[tuple[str, ...], ...]
    values: tuple[tuple[str, ...], ...]

    def places(self) -> NDArray[np.uint16]:
        import numpy as np

        size = 1
        for words in self.words:
            size *= len(words)
        known = np.zeros(size, np.uint16)
        for place, values in enumerate(self.values):
            known[self._combined(values)] = place
        return known

    def _combined(self, values: Sequence[str]) -> int:
        combined = 0
        for words, value in zip(self.words, values, strict=True):
            combined = combined * len(words) + words.index(value)
        return combined

    def sql(self, columns: Mapping[str, str], place: int, parameters: dict[str, Any]) -> str:
        """SQL of the combined number; adds its parameters.

        A map of one column is looked up once a word where Parquet keeps a dictionary, not once a row.
        """
        parts, stride = [], 1
        for at, (feature, words) in reversed(list(enumerate(zip(self.features, self.words, strict=True)))):
            name = f"words_{place}_{at}"
            parameters[name] = list(words)
            parameters[f"{name}_numbers"] = [number * stride for number in range(len(words))]
            label = _label_sql(feature, columns, f"cut_{place}_{at}", parameters)
            parts.append(f"map(${name}, ${name}_numbers)[{label}]")
            stride *= len(words)
        return f"CAST({' + '.join(parts)} AS INTEGER)"


def find_slicings(
    cursor: duckdb.DuckDBPyConnection,
    spec: EstimateSpec,
    reference: PartRows,
    analysis: PartRows,
    fitted: FittedModel | None,
) -> list[Slicing]:
    """The subpopulations that occur in either part; numbers are cut in bands of the reference."""
    found = []
    for names in spec.by:
        for name in names:
            for part in (reference, analysis):
                if name not in part.columns:
                    raise RefusedInput(
                        f"{part.name!r} has no column {name!r} to tell subpopulations by",
                        remedy="Leave it out, or add predictions that have it.",
                    )
        features = _features(cursor, names, reference, fitted)
        values = _combinations(cursor, features, (reference, analysis))
        if len(values) > MOST_SLICES:
            raise RefusedInput(
                f"{' by '.join(names)} makes {len(values)} subpopulations, more than {MOST_SLICES}",
                remedy="Cross fewer features.",
            )
        words = tuple(tuple(dict.fromkeys(line[at] for line in values)) for at in range(len(names)))
        found.append(Slicing(features, words, values))
    return found


def fitted_slices(model: FittedModel, slicing: Slicing) -> FittedSlices | None:
    """The fit of these subpopulations, where there is one."""
    return next((one for one in model.slices if one.features == slicing.features), None)


def slice_fits(fitted: FittedModel, slicing: Slicing) -> tuple[tuple[FittedPart, ...], ...]:
    """The fit of each subpopulation, and those without a fold; one that the stored fit does not know is
    taken as everyone."""
    stored = fitted_slices(fitted, slicing)
    known = {part.values: part for part in stored.parts} if stored else {}
    centres = stored.centres if stored else ()
    parts = (known.get(values) or fitted.whole.unjudged(values, 0) for values in slicing.values)
    return tuple(_shifted(fitted.whole, part, centres) for part in parts)


def _shifted(
    whole: FittedPart, part: FittedPart, centres: Sequence[Sequence[float]]
) -> tuple[FittedPart, ...]:
    if not part.shifts:
        return (part,)
    return tuple(
        part.model_copy(update={"calibrators": tuple(map(shifted, whole.calibrators, centres, line))})
        for line in part.shifts
    )


def _features(
    cursor: duckdb.DuckDBPyConnection,
    names: tuple[str, ...],
    reference: PartRows,
    fitted: FittedModel | None,
) -> tuple[FittedFeature, ...]:
    if fitted is not None:
        for one in fitted.slices:
            if tuple(feature.name for feature in one.features) == names:
                return one.features
    cut = cut_continuous(cursor, reference.paths, names)
    return tuple(
        FittedFeature(name=item.feature, cuts=item.cuts)
        if isinstance(item, Band)
        else FittedFeature(name=item)
        for item in cut
    )


def _combinations(
    cursor: duckdb.DuckDBPyConnection, features: tuple[FittedFeature, ...], parts: Sequence[PartRows]
) -> tuple[tuple[str, ...], ...]:
    found: set[tuple[str, ...]] = set()
    for part in parts:
        parameters: dict[str, Any] = {"paths": part.paths, "most": MOST_SLICES + 1}
        labels = [
            _label_sql(feature, part.columns, f"cut_{at}", parameters) for at, feature in enumerate(features)
        ]
        query = f"SELECT DISTINCT {', '.join(labels)} FROM {SCAN} LIMIT $most"
        found |= set(cursor.execute(query, parameters).fetchall())
    order = [Band(f.name, f.cuts).labels if f.cuts else None for f in features]

    def natural(values: tuple[str, ...]) -> list[Any]:
        return [
            natural_order((value,)) if labels is None else [(value == MISSING, _index(labels, value), value)]
            for value, labels in zip(values, order, strict=True)
        ]

    return tuple(sorted(found, key=natural))


def _index(labels: Sequence[str], value: str) -> float:
    return float(labels.index(value)) if value in labels else float("inf")


def _label_sql(
    feature: FittedFeature, columns: Mapping[str, str], name: str, parameters: dict[str, Any]
) -> str:
    if not feature.cuts:
        return text_sql(feature.name, columns[feature.name])
    if not columns[feature.name].startswith(NUMBERS):
        raise RefusedInput(
            f"{feature.name!r} holds numbers in one part and words in the other",
            remedy="Add predictions that agree.",
        )
    number = number_sql(feature.name)
    parameters[name] = [*Band(feature.name, feature.cuts).labels]
    steps = []
    for place, cut in enumerate(feature.cuts):
        parameters[f"{name}_{place}"] = float(cut)
        steps.append(f" + CAST({number} >= ${name}_{place} AS INTEGER)")
    band = f"list_extract(CAST(${name} AS VARCHAR[]), 1{''.join(steps)})"
    return f"CASE WHEN {number} IS NULL THEN '{MISSING}' ELSE {band} END"


def row_batches(
    cursor: duckdb.DuckDBPyConnection,
    part: PartRows,
    spec: EstimateSpec,
    slicings: Sequence[Slicing] = (),
    *,
    encoders: Mapping[str, Mapping[str, int]] | None = None,
) -> Iterator[Arrays]:
    """Read the rows of a part in the order of their chunks.

    Parameters
    ----------
    cursor, part, spec
        Where from, and what is needed.
    slicings
        Each adds a column `by_<place>`: the place of the row's subpopulation.
    encoders
        The numbers of text features. Without them those of a regression stay texts, as a fit needs them, and
        those of a classifier are left out, as nothing needs them.

    Yields
    ------
    dict of arrays
        At most `BATCH_ROWS` rows: `y_pred` and `y_true` (codes of classes as int8, -1 where unknown; numbers
        of a regression), scores and features as float64, `at` (microseconds since 1970) where there are
        times, `period` where chunks are periods.
    """
    parameters: dict[str, Any] = {"paths": part.paths}
    chosen = _columns(spec, part, parameters, encoders)
    if part.timed:
        chosen["at"] = f"epoch_us({TIME})"
        if spec.period is not None:
            moment = f"make_timestamp(epoch_us({TIME}))"
            chosen["period"] = f"epoch_us(CAST(date_trunc('{spec.period}', {moment}) AS TIMESTAMP))"
    known = []
    for place, slicing in enumerate(slicings):
        chosen[f"by_{place}"] = slicing.sql(part.columns, place, parameters)
        known.append(slicing.places())
    names = ", ".join(f'{sql} AS "{name}"' for name, sql in chosen.items())
    source = SCAN if part.ordered else SCAN.replace(")", ", filename = true, file_row_number = true)")
    query = f"SELECT {names} FROM {source} {'' if part.ordered else _ORDERED}"
    for batch in cursor.execute(query, parameters).to_arrow_reader(BATCH_ROWS):
        arrays = {
            name: column.to_numpy(zero_copy_only=False)
            for name, column in zip(chosen, batch.columns, strict=True)
        }
        for place, places in enumerate(known):
            arrays[f"by_{place}"] = places[arrays[f"by_{place}"]]
        yield arrays


def _columns(
    spec: EstimateSpec,
    part: PartRows,
    parameters: dict[str, Any],
    encoders: Mapping[str, Mapping[str, int]] | None,
) -> dict[str, str]:
    there = TRUE in part.columns
    if spec.task == "multiclass":
        parameters["labels"] = list(spec.labels)
        code = "CAST(coalesce(list_position($labels, {}::VARCHAR), 0) - 1 AS TINYINT)"
        truth = code.format(TRUE) if there else f"CAST({UNKNOWN} AS TINYINT)"
        chosen = {PREDICTED: code.format(PREDICTED), TRUE: truth}
    elif spec.task == "binary":
        known = f"CASE WHEN isfinite(y_true::DOUBLE) THEN y_true::TINYINT ELSE {UNKNOWN}::TINYINT END"
        chosen = {
            PREDICTED: "y_pred::TINYINT",
            TRUE: f"coalesce({known}, {UNKNOWN}::TINYINT)" if there else f"CAST({UNKNOWN} AS TINYINT)",
        }
    else:
        truth = "coalesce(y_true::DOUBLE, 'NaN'::DOUBLE)" if there else "'NaN'::DOUBLE"
        chosen = {PREDICTED: "y_pred::DOUBLE", TRUE: truth}
    if spec.task == "regression" or encoders is not None:
        for place, name in enumerate(spec.features):
            chosen[name] = _feature(name, place, spec, parameters, encoders)
    return chosen | {
        name: f'"{quoted}"::DOUBLE'
        for name, quoted in ((name, name.replace('"', '""')) for name in score_columns(spec).values())
    }


MOST_WORDS = 200
"""Words of a text feature up to which it is an input that chunks are told apart by."""


def feature_words(
    cursor: duckdb.DuckDBPyConnection, spec: EstimateSpec, part: PartRows
) -> dict[str, dict[str, int]]:
    """The words of text features as numbers, from 1 on; features with too many words are left out."""
    found = {}
    for name in spec.categorical_features:
        text = f"""coalesce("{name.replace('"', '""')}"::VARCHAR, '{MISSING_CATEGORY}')"""
        query = f"SELECT DISTINCT {text} AS word FROM {SCAN} ORDER BY word LIMIT {MOST_WORDS + 1}"
        words = [str(row[0]) for row in cursor.execute(query, {"paths": part.paths}).fetchall()]
        if len(words) <= MOST_WORDS:
            found[name] = {word: place for place, word in enumerate(words, start=1)}
    return found


def _feature(
    name: str,
    place: int,
    spec: EstimateSpec,
    parameters: dict[str, Any],
    encoders: Mapping[str, Mapping[str, int]] | None,
) -> str:
    quoted = name.replace('"', '""')
    if name not in spec.categorical_features:
        return f"coalesce(\"{quoted}\"::DOUBLE, 'NaN'::DOUBLE)"
    text = f'"{quoted}"::VARCHAR'
    if encoders is None:
        return text
    parameters[f"known_{place}"] = list(encoders[name])  # numbered from 1 in their order
    filled = f"coalesce({text}, '{MISSING_CATEGORY}')"
    return f"CAST(coalesce(list_position($known_{place}, {filled}), 0) AS DOUBLE)"


def chunk_numbers(spec: EstimateSpec, rows: int, period: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """The number of each row's chunk, in order."""
    import numpy as np

    if period is None:
        return np.arange(rows) // int(spec.chunk_size or 1)
    return np.cumsum(np.diff(period, prepend=period[:1]) != 0)


__all__ = ["BATCH_ROWS", "CHUNK", "Slicing", "chunk_numbers", "find_slicings", "fitted_slices", "row_batches"]
