"""Counts for drift, feature by feature and chunk by chunk, reduced by DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from core.analytics.drift.methods import Moments, OutsideRows, SortedValues
from core.domain.models.column_mapping import is_canonical
from core.lake.monitoring.drift_rows import DriftRows
from core.lake.predictions.intake_columns import in_parts, quoted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_KEPT = "x IS NOT NULL AND NOT isnan(x)"


def drift_features(rows: DriftRows) -> list[str]:
    """Columns that can drift, numbers and texts, in the order of the reference; times are none."""
    return [
        name
        for name, kind in rows.types.items()
        if not is_canonical(name) and (rows.is_number(name) or kind in ("VARCHAR", "BOOLEAN"))
    ]


def distinct_texts(rows: DriftRows, names: Sequence[str]) -> dict[str, int]:
    """About how many different values each text feature has, over all batches."""
    found: dict[str, int] = {}
    for part in in_parts(names):
        columns = {f"x{n}": f"CAST({quoted(name)} AS VARCHAR)" for n, name in enumerate(part)}
        asked = ", ".join(f"approx_count_distinct({column})" for column in columns)
        (counts,) = rows.ask(f"SELECT {asked} FROM ({rows.scan(columns)})")
        found |= dict(zip(part, counts, strict=True))
    return found


def number_moments(rows: DriftRows, names: Sequence[str]) -> dict[str, Moments | None]:
    """What each number feature of the reference looks like; None where it has no finite value."""
    found: dict[str, Moments | None] = {}
    for part in in_parts(names):
        columns = {f"x{n}": _finite(name) for n, name in enumerate(part)}
        scan = rows.scan(columns, "reference")
        asked = ", ".join(f"count({c}), min({c}), max({c}), fsum({c}) / count({c})" for c in columns)
        (first,) = rows.ask(f"SELECT {asked} FROM ({scan})")
        means = {f"mean{n}": first[4 * n + 3] for n in range(len(part))}
        asked = ", ".join(
            f"fsum(({c} - $mean{n}) ** 2) / count({c}), fsum(({c} - $mean{n}) ** 3) / count({c})"
            for n, c in enumerate(columns)
        )
        (second,) = rows.ask(f"SELECT {asked} FROM ({scan})", means)
        for n, name in enumerate(part):
            count, low, high, _ = first[4 * n : 4 * n + 4]
            found[name] = _moments(count, low, high, *second[2 * n : 2 * n + 2]) if count else None
    return found


def _moments(count: int, low: float, high: float, variance: float, third: float) -> Moments:
    deviation = float(variance) ** 0.5
    skewness = third / deviation**3 if deviation > 0 else 0.0
    return Moments(int(count), float(low), float(high), deviation, float(skewness))


def outside_rows(rows: DriftRows, name: str, low: float, high: float) -> list[OutsideRows]:
    """One a chunk: rows with a value, and those below `low` or above `high`."""
    query = f"""
        SELECT chunk, count(*), count(*) FILTER (WHERE x < $low), count(*) FILTER (WHERE x > $high),
            coalesce(fsum($low - x) FILTER (WHERE x < $low), 0),
            coalesce(fsum(x - $high) FILTER (WHERE x > $high), 0)
        FROM ({rows.scan({"x": _double(name)})}) WHERE {_KEPT} GROUP BY chunk
    """
    found = dict.fromkeys(range(len(rows.chunks)), OutsideRows(0, 0, 0, 0.0, 0.0))
    for chunk, *counts in rows.ask(query, {"low": low, "high": high}):
        found[chunk] = OutsideRows(*counts)
    return list(found.values())


def histograms(
    rows: DriftRows, name: str, edges: NDArray[np.float64]
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Rows of each bin, chunk after chunk; a bin holds its lower edge, the last one both.

    Parameters
    ----------
    edges
        Shape (bins + 1,), rising by equal steps (numpy's `linspace`).

    Yields
    ------
    tuple
        Number of the chunk, and its counts of shape (bins,).
    """
    import numpy as np

    bins = len(edges) - 1
    values = {"low": float(edges[0]), "high": float(edges[-1]), "bins": bins, "edges": edges.tolist()}
    for first, last in rows.groups_of_chunks(bins):
        query = f"""
            WITH near AS (
                SELECT chunk, x,
                    least($bins - 1, CAST(floor((x - $low) / ($high - $low) * $bins) AS INTEGER)) AS i
                FROM ({rows.scan({"x": _double(name)})})
                WHERE {_KEPT} AND x BETWEEN $low AND $high AND chunk BETWEEN $first AND $last
            )
            SELECT chunk, i - CAST(x < $edges[i + 1] AS INTEGER)
                + CAST(i < $bins - 1 AND x >= $edges[i + 2] AS INTEGER) AS i, count(*) AS n
            FROM near GROUP BY ALL
        """
        found = rows.columns(query, {**values, "first": first, "last": last})
        table = np.zeros((last - first + 1, bins), dtype=np.int64)
        np.add.at(table, (found["chunk"].astype(np.int64) - first, found["i"]), found["n"].astype(np.int64))
        for place in range(last - first + 1):
            yield first + place, table[place]


def sorted_values(rows: DriftRows, name: str) -> Iterator[tuple[int, SortedValues]]:
    """Different values in rising order with the rows of each, chunk after chunk."""
    import numpy as np

    for first, last in rows.groups_of_chunks():
        query = f"""
            SELECT chunk, x, count(*) AS n FROM ({rows.scan({"x": _double(name)})})
            WHERE {_KEPT} AND chunk BETWEEN $first AND $last GROUP BY ALL ORDER BY chunk, x
        """
        found = rows.columns(query, {"first": first, "last": last})
        chunks = np.asarray(found["chunk"], dtype=np.int64)
        borders = np.searchsorted(chunks, np.arange(first, last + 2))
        for place in range(last - first + 1):
            some = slice(borders[place], borders[place + 1])
            yield (
                first + place,
                SortedValues(
                    np.asarray(found["x"][some], dtype=np.float64),
                    np.asarray(found["n"][some], dtype=np.int64),
                ),
            )


def category_counts(rows: DriftRows, name: str) -> tuple[list[str], NDArray[np.int64]]:
    """Rows of each category in each chunk.

    Returns
    -------
    tuple
        The categories, and counts of shape (chunks, categories). Missing values are no category.
    """
    import numpy as np

    query = f"""
        SELECT chunk, x, count(*) AS n FROM ({rows.scan({"x": f"CAST({quoted(name)} AS VARCHAR)"})})
        WHERE x IS NOT NULL GROUP BY ALL
    """
    found = rows.ask(query)
    places: dict[str, int] = {}
    for _, value, _ in found:
        places.setdefault(value, len(places))
    table = np.zeros((len(rows.chunks), len(places)), dtype=np.int64)
    for chunk, value, count in found:
        table[chunk, places[value]] = count
    return list(places), table


def _double(name: str) -> str:
    return f"CAST({quoted(name)} AS DOUBLE)"


def _finite(name: str) -> str:
    value = _double(name)
    return f"CASE WHEN isfinite({value}) THEN {value} END"
