"""NannyML called as its tutorials call it, outside the code under test; its tables as long frames."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tests.oracles import SEEDS

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = ("jensen_shannon", "hellinger", "kolmogorov_smirnov", "wasserstein")
TEXTS = ("jensen_shannon", "hellinger", "chi2", "l_infinity")
PLACE = {"period": "period", "start_index": "first_row", "end_index": "last_row"}
FIGURES = {
    "value": "estimate",
    "realized": "realised",
    "lower_confidence_boundary": "lower_confidence",
    "upper_confidence_boundary": "upper_confidence",
    "lower_threshold": "lower_threshold",
    "upper_threshold": "upper_threshold",
    "sampling_error": "sampling_error",
    "alert": "alert",
}
"""NannyML's names of the columns, and ours."""


def published(name: str, targets: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """NannyML's own files by pandas: reference, and analysis joined with what came true."""
    import pandas as pd

    found = find_spec("nannyml")
    assert found is not None
    assert found.submodule_search_locations
    data = Path(found.submodule_search_locations[0]) / "datasets" / "data"
    read = pd.read_parquet if (data / f"{name}_reference.pq").exists() else pd.read_csv
    ending = "pq" if read is pd.read_parquet else "csv"
    reference, analysis, came_true = (
        read(data / f"{name}_{part}.{ending}") for part in ("reference", "analysis", targets)
    )
    return reference, analysis.merge(came_true, on="id")


def estimated(
    estimator: str, reference: pd.DataFrame, analysis: pd.DataFrame, **arguments: Any
) -> pl.DataFrame:
    """Fit and estimate: a row for each metric and chunk, under our names of the columns."""
    import numpy as np

    state = np.random.get_state()
    with _quiet():
        import nannyml

        np.random.seed(SEEDS["rows that NannyML draws"])
        try:
            fitted = getattr(nannyml, estimator)(**arguments).fit(reference)
            table = fitted.estimate(analysis).to_df()
        finally:
            np.random.set_state(state)
    metrics = [name for name in table.columns.get_level_values(0).unique() if name != "chunk"]
    place = {ours: table["chunk"][theirs].to_list() for theirs, ours in PLACE.items()}
    return pl.concat(
        pl.DataFrame(
            {"metric": [metric] * len(table), **place}
            | {ours: table[metric][theirs].to_list() for theirs, ours in FIGURES.items()},
            schema_overrides={ours: pl.Float64 for ours in FIGURES.values() if ours != "alert"},
        )
        for metric in metrics
    )


def drifted(reference: Path, analysis: Path, features: Sequence[str], **chunks: Any) -> pl.DataFrame:
    """Compare every feature by every method: a row for each chunk, with distance, limit and alert."""
    with _quiet():
        import nannyml

        calculator = nannyml.UnivariateDriftCalculator(
            column_names=list(features),
            continuous_methods=list(NUMBERS),
            categorical_methods=list(TEXTS),
            **chunks,
        )
        table = calculator.fit(_plain(reference)).calculate(_plain(analysis)).to_df()
    pairs = dict.fromkeys((one[0], one[1]) for one in table.columns if one[0] != "chunk")
    return pl.concat(
        pl.DataFrame(
            {
                "feature": feature,
                "method": method,
                "chunk": range(len(table)),
                "distance": table[feature][method]["value"].to_list(),
                "threshold": table[feature][method]["upper_threshold"].to_list(),
                "alert": [bool(alert) for alert in table[feature][method]["alert"]],
            },
            schema_overrides={"distance": pl.Float64, "threshold": pl.Float64},
        )
        for feature, method in pairs
    )


def reconstructed(reference: Path, analysis: Path, features: Sequence[str], **chunks: Any) -> pl.DataFrame:
    """Compare all features together: a row for each chunk, with the reconstruction error."""
    with _quiet():
        import nannyml

        calculator = nannyml.DataReconstructionDriftCalculator(column_names=list(features), **chunks)
        table = calculator.fit(_plain(reference)).calculate(_plain(analysis)).to_df()
    errors = table["reconstruction_error"]["value"].to_list()
    return pl.DataFrame({"chunk": range(len(errors)), "error": errors})


def _plain(path: Path) -> pd.DataFrame:
    """A file as NannyML reads it: texts as objects, numbers as numpy's."""
    import pandas as pd

    frame = pl.read_parquet(path)
    return pd.DataFrame(
        {
            name: pd.Series(frame[name].to_list(), dtype=object)
            if frame.schema[name] == pl.String
            else frame[name].to_numpy()
            for name in frame.columns
        }
    )


@contextmanager
def _quiet() -> Iterator[None]:
    import pandas as pd

    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    with warnings.catch_warnings(), pd.option_context("mode.string_storage", "python"):
        warnings.simplefilter("ignore")
        yield
