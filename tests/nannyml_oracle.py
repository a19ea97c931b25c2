"""NannyML called directly, outside the code under test, as its tutorials call it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from core.analytics.decay.estimates import EstimatedChunk

TOLERANCE = 1e-6
CELLS = ("true_positive", "true_negative", "false_positive", "false_negative")


def published(name: str, targets: str = "", **kinds: Any) -> tuple[Any, Any]:
    """NannyML's own files by pandas: reference, and analysis joined with what came true."""
    import pandas as pd

    found = find_spec("nannyml")
    assert found is not None
    assert found.submodule_search_locations
    data = Path(found.submodule_search_locations[0]) / "datasets" / "data"
    read = pd.read_parquet if (data / f"{name}_reference.pq").exists() else pd.read_csv
    ending = "pq" if read is pd.read_parquet else "csv"
    reference, analysis = (read(data / f"{name}_{part}.{ending}") for part in ("reference", "analysis"))
    if targets:
        analysis = analysis.merge(read(data / f"{name}_{targets}.{ending}"), on="id")
    return reference, analysis


def by_nannyml(estimator_name: str, reference: Any, analysis: Any, **arguments: Any) -> Any:
    """Fit and estimate; seeded, as NannyML draws rows for the sampling error of the average precision."""
    import numpy as np
    import pandas as pd

    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
    state = np.random.get_state()
    with warnings.catch_warnings(), pd.option_context("mode.string_storage", "python"):
        warnings.simplefilter("ignore")
        import nannyml

        np.random.seed(0)
        try:
            estimator = getattr(nannyml, estimator_name)(**arguments)
            return estimator.fit(reference).estimate(analysis).to_df()
        finally:
            np.random.set_state(state)


def same(ours: Sequence[float | None], theirs: Sequence[float], scale: float = 1.0) -> bool:
    """Equal to 1e-6, None where NannyML says NaN or infinite."""
    import math

    wanted = [value if value is not None and math.isfinite(value) else None for value in theirs]
    if [value is None for value in ours] != [value is None for value in wanted]:
        return False
    pairs = [(a, b) for a, b in zip(ours, wanted, strict=True) if a is not None and b is not None]
    return [a for a, _ in pairs] == pytest.approx([b for _, b in pairs], abs=TOLERANCE * scale, rel=1e-9)


def assert_equal_to_nannyml(
    chunks: Sequence[EstimatedChunk], table: Any, metrics: Sequence[str], *, places: bool = True
) -> None:
    """Estimates, bands, thresholds and realised values to 1e-6; chunks and alerts exactly."""
    for metric in metrics:
        ours = [chunk for chunk in chunks if chunk.metric == metric]
        theirs, place = table[metric], table["chunk"]
        assert [chunk.period for chunk in ours] == list(place["period"]), metric
        assert same([chunk.estimate for chunk in ours], theirs["value"]), metric
        assert same([chunk.realised for chunk in ours], theirs["realized"]), metric
        assert same([chunk.lower_confidence for chunk in ours], theirs["lower_confidence_boundary"]), metric
        assert same([chunk.upper_confidence for chunk in ours], theirs["upper_confidence_boundary"]), metric
        assert same([chunk.lower_threshold for chunk in ours], theirs["lower_threshold"]), metric
        assert same([chunk.upper_threshold for chunk in ours], theirs["upper_threshold"]), metric
        assert same([chunk.sampling_error for chunk in ours], theirs["sampling_error"]), metric
        assert [chunk.alert for chunk in ours] == [bool(alert) for alert in theirs["alert"]], metric
        if places:
            assert [chunk.first_row for chunk in ours] == list(place["start_index"])
            assert [chunk.last_row for chunk in ours] == list(place["end_index"])
