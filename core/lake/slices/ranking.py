"""The order of the scores by slice. It takes three narrow columns to Python, and nothing else does."""

from __future__ import annotations

from typing import Any

import duckdb

from core.analytics.slices.ranks import RankSums, rank_sums
from core.domain.errors import BadInput
from core.ground.figure import Task
from core.lake.slices.columns import as_number, run
from core.lake.slices.rows import PickedRows, is_positive, outcome_sql, scanned, score_sql

_GROUPS = """
WITH groups AS (SELECT DISTINCT {raws} FROM ({rows})),
    named AS (SELECT {raws}, struct_pack({slices}) AS slice FROM groups)
SELECT {raws}, dense_rank() OVER (ORDER BY slice) - 1 AS id, slice FROM named
"""


def slice_ranks(
    cursor: duckdb.DuckDBPyConnection, picked: PickedRows, task: Task
) -> tuple[dict[tuple[Any, ...], RankSums], RankSums | None]:
    """Rank the scores within each slice, exactly.

    Parameters
    ----------
    cursor
        An open DuckDB cursor; nothing is written.
    picked
        What is scanned and by which keys.
    task
        "binary" or "multiclass".

    Returns
    -------
    tuple
        Slice values as the counts name them (band indexes for bands) -> what the order comes down to; and the
        same over all rows. Empty and None where the files hold no score.

    Raises
    ------
    BadInput
        More than 100,000 slices.

    Notes
    -----
    Formula: see `rank_sums`. Rows without a label or a finite score take no part. Source: ours.
    """
    score = score_sql(task, picked.columns, picked.parameters["positive"])
    if score is None:
        return {}, None
    actual = outcome_sql("y_true", task, picked.columns)
    wanted = f"{score} AS score, {as_number(actual)} AS actual, {is_positive(actual, task)} AS won"
    rows = scanned(picked, wanted)
    places = range(len(picked.keys))
    if not picked.keys:
        ids = "SELECT CAST(0 AS UINTEGER) AS id"
        slices: dict[int, tuple[Any, ...]] = {0: ()}
        joined = f"FROM ({rows})"
    else:
        raws = ", ".join(f"raw{place}" for place in places)
        named = ", ".join(f"slice{place} := {name}" for place, name in enumerate(picked.named))
        groups = _GROUPS.format(raws=raws, rows=scanned(picked, "1 AS one"), slices=named)
        query = f"SELECT DISTINCT id, slice FROM ({groups})"
        found = run(cursor, query, picked.given(query))
        slices = {row[0]: tuple(row[1][f"slice{place}"] for place in places) for row in found}
        on = " AND ".join(f"r.raw{place} IS NOT DISTINCT FROM g.raw{place}" for place in places)
        ids = "SELECT CAST(g.id AS UINTEGER) AS id"
        joined = f"FROM ({rows}) r JOIN ({groups}) g ON {on}"
    if len(slices) > 100_000:
        raise BadInput("this makes more than 100,000 slices", remedy="Slice by fewer features or bands.")
    query = f"{ids}, score, won {joined} WHERE score IS NOT NULL AND actual IS NOT NULL"
    columns = cursor.execute(query, picked.given(query)).fetchnumpy()
    order = columns["score"].argsort()
    scores, won = columns["score"][order], columns["won"][order]
    kind = "uint16" if len(slices) < 65_536 else "uint32"  # short whole numbers are sorted fastest
    place = columns["id"].astype(kind)[order]
    sums = rank_sums(place, scores, won, len(slices), rising=True)
    everyone = sums[0] if not picked.keys else rank_sums(0 * place, scores, won, 1, rising=True)[0]
    return {slices[at]: sums[at] for at in range(len(slices))}, everyone
