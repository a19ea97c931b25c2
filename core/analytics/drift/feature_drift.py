"""Drift of one feature over all chunks, by every method that suits it, with its alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.analytics.drift.methods import (
    SIGNIFICANT,
    Kind,
    OutsideRows,
    SortedValues,
    alert_threshold,
    binned_kolmogorov_smirnov,
    binned_wasserstein,
    chi_squared,
    exact_distances,
    hellinger,
    jensen_shannon,
    l_infinity,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Distances = list[float | None]


@dataclass(frozen=True, slots=True)
class MethodDrift:
    """One method on one feature, over the chunks in their order, reference first.

    `distances` has None where a chunk has no value. `threshold` is None for chi-squared, which alerts by
    its `p_values`. `alerts` has None where nothing can be said.
    """

    feature: str
    kind: Kind
    method: str
    distances: tuple[float | None, ...]
    threshold: float | None
    alerts: tuple[bool | None, ...]
    p_values: tuple[float | None, ...] = ()


def thresholded(
    feature: str, kind: Kind, method: str, distances: Sequence[float | None], reference_chunks: int
) -> MethodDrift:
    """Join distances with the threshold from the reference's chunks and with their alerts."""
    threshold = alert_threshold(distances[:reference_chunks])
    if method == "kolmogorov_smirnov" and threshold is not None:
        threshold = min(threshold, 1.0)
    alerts = tuple(
        None if distance is None or threshold is None else distance > threshold for distance in distances
    )
    return MethodDrift(feature, kind, method, tuple(distances), threshold, alerts)


def number_drift(
    feature: str,
    coarse: Sequence[NDArray[np.int64]],
    outside: Sequence[OutsideRows],
    cumulated: Sequence[tuple[float | None, float | None]],
    reference_chunks: int,
) -> list[MethodDrift]:
    """Drift of a number feature.

    Parameters
    ----------
    coarse
        One a chunk, shape (bins,): rows in the Doane bins of the reference.
    outside
        One a chunk.
    cumulated
        One a chunk: Kolmogorov-Smirnov statistic and Wasserstein distance.
    """
    reference = sum(coarse[1:reference_chunks], start=coarse[0])
    found: dict[str, Distances] = {
        "jensen_shannon": [
            jensen_shannon(reference, bins, rows.rows) for bins, rows in zip(coarse, outside, strict=True)
        ],
        "hellinger": [
            hellinger(reference, bins, rows.rows) for bins, rows in zip(coarse, outside, strict=True)
        ],
        "kolmogorov_smirnov": [pair[0] for pair in cumulated],
        "wasserstein": [pair[1] for pair in cumulated],
    }
    return [thresholded(feature, "number", m, distances, reference_chunks) for m, distances in found.items()]


def binned_cumulated(
    chunks: Iterable[tuple[int, NDArray[np.int64]]],
    outside: Sequence[OutsideRows],
    reference: NDArray[np.int64],
    edges: NDArray[np.float64],
) -> list[tuple[float | None, float | None]]:
    """Kolmogorov-Smirnov and Wasserstein of each chunk, on fine bins."""
    return [
        (
            binned_kolmogorov_smirnov(reference, bins, outside[number]),
            binned_wasserstein(reference, bins, outside[number], edges),
        )
        for number, bins in chunks
    ]


def exact_cumulated(
    chunks: Iterable[tuple[int, SortedValues]], reference: SortedValues
) -> list[tuple[float | None, float | None]]:
    """Kolmogorov-Smirnov and Wasserstein of each chunk, on the values themselves."""
    return [exact_distances(reference, values) or (None, None) for _, values in chunks]


def joined(parts: Sequence[SortedValues]) -> SortedValues:
    """The values of several chunks together."""
    import numpy as np

    values, places = np.unique(np.concatenate([part.values for part in parts]), return_inverse=True)
    rows = np.zeros(len(values), dtype=np.int64)
    np.add.at(rows, places, np.concatenate([part.rows for part in parts]))
    return SortedValues(values, rows)


def text_drift(feature: str, counts: NDArray[np.int64], reference_chunks: int) -> list[MethodDrift]:
    """Drift of a text feature from its counts, of shape (chunks, categories)."""
    reference = counts[:reference_chunks].sum(axis=0)
    known = reference > 0
    found: dict[str, Distances] = {"jensen_shannon": [], "hellinger": [], "l_infinity": []}
    tests = []
    for chunk in counts:
        rows = int(chunk.sum())
        found["jensen_shannon"].append(jensen_shannon(reference[known], chunk[known], rows))
        found["hellinger"].append(hellinger(reference[known], chunk[known], rows))
        found["l_infinity"].append(l_infinity(reference, chunk))
        tests.append(chi_squared(reference, chunk))
    made = [thresholded(feature, "text", m, distances, reference_chunks) for m, distances in found.items()]
    made.append(
        MethodDrift(
            feature,
            "text",
            "chi2",
            tuple(None if test is None else test[0] for test in tests),
            None,
            tuple(None if test is None else test[1] < SIGNIFICANT for test in tests),
            tuple(None if test is None else test[1] for test in tests),
        )
    )
    return made
