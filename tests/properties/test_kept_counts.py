"""Counts of large batches are kept: added up they are those of one scan, and nothing wrong is believed."""

from __future__ import annotations

import math
import os
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from core.analytics.slices.counts import SliceCounts
from core.analytics.slices.rows import MISSING, Band, Condition
from core.ground import Task
from core.lake.memory import KeptTables
from core.lake.slices.counts import rows_by_slice, slice_cells, slice_counts
from core.lake.slices.profiles import cut_features, feature_values, quantile_cuts
from core.lake.slices.rows import Kept

Row = tuple[str | None, float | None, int, int | None, float]  # team, region, prediction, label, score
ROW = st.tuples(
    st.sampled_from(["a", "b", "it's; --", "", "é", None]),
    st.sampled_from([1.0, 2.0, 10.0, None]),
    st.integers(0, 1),
    st.sampled_from([0, 1, None]),
    st.floats(0, 1),
)
SHAPES = {
    "full": "team, region, y_pred, y_true, y_score",
    "no outcome yet": "team, region, y_pred, y_score",
    "no region": "team, y_pred, y_true, y_score",
    "whole regions": "team, region::BIGINT AS region, y_pred, y_true, y_score",
    "texts of regions": "team, region::VARCHAR AS region, y_pred, y_true, y_score",
}
BATCH = st.tuples(st.lists(ROW, min_size=1, max_size=12), st.sampled_from(sorted(SHAPES)), st.booleans())
BATCHES = st.lists(BATCH, min_size=2, max_size=4)
REUSED = settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(config={"threads": 1})
    yield connection
    connection.close()


def write(
    cursor: duckdb.DuckDBPyConnection,
    path: Path,
    rows: Sequence[Row],
    shape: str = "full",
    large: bool = True,
) -> Path:
    """A batch; a large one by a column that nobody asks for."""
    kinds = "team VARCHAR, region DOUBLE, y_pred INT, y_true INT, y_score DOUBLE"
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE batch ({kinds})")
    marks = ", ".join(["(?, ?, ?, ?, ?)"] * len(rows))
    cursor.execute(f"INSERT INTO batch VALUES {marks}", [value for row in rows for value in row])
    pad = ", CASE rowid WHEN 0 THEN repeat('x', 2_000_000) END AS pad" if large else ""
    query = f"SELECT {SHAPES[shape]}{pad} FROM batch"
    cursor.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION uncompressed)")
    return path


def same(found: SliceCounts, expected: SliceCounts) -> bool:
    names = [one.name for one in fields(SliceCounts) if one.name != "ranks"]
    sums = [name for name in names if name.startswith(("sum_", "spread_"))]
    return all(
        getattr(found, name) == pytest.approx(getattr(expected, name), abs=1e-9)
        if name in sums
        else getattr(found, name) == getattr(expected, name)
        for name in names
    )


@REUSED
@given(batches=BATCHES, task=st.sampled_from(["binary", "multiclass", "regression"]), by=st.integers(0, 3))
def test_counts_of_batches_add_up_to_those_of_one_scan(
    cursor: duckdb.DuckDBPyConnection,
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[tuple[list[Row], str, bool]],
    task: Task,
    by: int,
) -> None:
    folder = tmp_path_factory.mktemp("batches")
    paths = [write(cursor, folder / f"{at}.parquet", *batch) for at, batch in enumerate(batches)]
    items: list[str | Band] = [["team", "region"][at] for at in range(2) if by & (1 << at)]
    if len({shape for _, shape, _ in batches}) == 1 and "region" in items and batches[0][1] == "full":
        items = [Band("region", (2.0,)) if item == "region" else item for item in items]
    if all(shape == "no region" for _, shape, _ in batches):
        items = [item for item in items if item == "team"]
    whole, tables = folder / "whole.parquet", KeptTables(folder / "counts")
    given = ", ".join(f"'{path}'" for path in paths)
    cursor.execute(f"COPY (FROM read_parquet([{given}], union_by_name = true)) TO '{whole}'")
    positive = None if task == "regression" else 1
    for kept in (Kept(), Kept(conditions=[Condition("team", "!=", "b")])):
        asked: dict[str, Any] = {"positive": positive, "kept": kept}
        needs = () if task == "regression" else ("calibration",)
        try:
            expected, everyone = slice_counts(cursor, [whole], task, items, needs=needs, **asked)
        except Exception as error:
            with pytest.raises(type(error)):
                slice_counts(cursor, paths, task, items, needs=needs, tables=tables, **asked)
            continue
        for _ in range(2):  # counted, and from what is kept
            found, overall = slice_counts(cursor, paths, task, items, needs=needs, tables=tables, **asked)
            assert [each.keys for each in found] == [each.keys for each in expected]
            assert all(same(one, other) for one, other in zip(found, expected, strict=True))
            assert same(overall, everyone)
        rows = rows_by_slice(cursor, paths, task, items, tables=tables, **asked)
        assert rows == {each.keys: each.rows for each in expected}
        if items:
            cells = slice_cells(cursor, paths, task, items, tables=tables, **asked)
            assert cells.counts["rows"].sum() == everyone.rows


def a_batch(seed: int) -> list[Row]:
    chance = random.Random(seed)
    return [
        (
            chance.choice(["a", "b", None]),
            float(chance.randint(1, 3)),
            chance.randint(0, 1),
            1,
            chance.random(),
        )
        for _ in range(40)
    ]


def test_one_more_batch_is_all_that_is_counted_and_one_less_is_left_out(
    cursor: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    paths = [write(cursor, tmp_path / f"{seed}.parquet", a_batch(seed)) for seed in range(4)]
    tables = KeptTables(tmp_path / "counts")
    slice_counts(cursor, paths[:3], "binary", ["team"], tables=tables)
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "counts").rglob("*.parquet")}
    assert len(before) == 3
    found, _ = slice_counts(cursor, paths, "binary", ["team"], tables=tables)
    after = {file: file.stat().st_mtime_ns for file in (tmp_path / "counts").rglob("*.parquet")}
    assert len(after) == 4 and before.items() <= after.items()
    assert found == slice_counts(cursor, paths, "binary", ["team"])[0]
    fewer, _ = slice_counts(cursor, paths[1:], "binary", ["team"], tables=tables)
    assert fewer == slice_counts(cursor, paths[1:], "binary", ["team"])[0] != found
    assert len(list((tmp_path / "counts").rglob("*.parquet"))) == 4


def test_of_many_batches_ten_are_joined(cursor: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    paths = [write(cursor, tmp_path / f"{seed}.parquet", a_batch(seed)) for seed in range(23)]
    tables = KeptTables(tmp_path / "counts")
    for some in (paths[:19], paths[:20], paths, paths[1:]):
        for needs in ((), ("calibration",)):
            found, _ = slice_counts(cursor, some, "binary", ["team", "region"], needs=needs, tables=tables)
            expected, _ = slice_counts(cursor, some, "binary", ["team", "region"], needs=needs)
            assert [one.keys for one in found] == [one.keys for one in expected]
            assert all(same(one, other) for one, other in zip(found, expected, strict=True))


def test_of_a_hundred_batches_and_one_more_two_tables_are_read(
    cursor: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.parquet" for number in range(101)]
    for number, path in enumerate(paths):
        if number < 7:
            write(cursor, path, a_batch(number))
        else:
            os.link(paths[number % 7], path)
    tables = KeptTables(tmp_path / "counts")
    found, _ = slice_counts(cursor, paths, "binary", ["team", "region"], tables=tables)
    expected, _ = slice_counts(cursor, paths, "binary", ["team", "region"])
    assert all(same(one, other) for one, other in zip(found, expected, strict=True))
    assert len(list((tmp_path / "counts").rglob("*.parquet"))) == 101 + 10 + 1
    known, rest = tables.of(
        paths, "another", lambda file, table: table.touch(), lambda ten, table: table.touch()
    )
    assert (len(known), rest) == (2, [])


def test_a_file_that_changed_is_counted_anew(cursor: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    paths = [write(cursor, tmp_path / f"{seed}.parquet", a_batch(seed)) for seed in range(2)]
    tables = KeptTables(tmp_path / "counts")
    before, _ = slice_counts(cursor, paths, "binary", ["team"], tables=tables)
    write(cursor, paths[0], a_batch(7))
    after, _ = slice_counts(cursor, paths, "binary", ["team"], tables=tables)
    assert after == slice_counts(cursor, paths, "binary", ["team"])[0] != before


@pytest.mark.parametrize(
    "harm", ["cut off", "overwritten", "swapped", "of another question", "gone", "all gone"]
)
def test_nothing_wrong_that_is_kept_is_believed(
    cursor: duckdb.DuckDBPyConnection, tmp_path: Path, harm: str
) -> None:
    paths = [write(cursor, tmp_path / f"{seed}.parquet", a_batch(seed)) for seed in range(3)]
    tables = KeptTables(tmp_path / "counts")
    expected, _ = slice_counts(cursor, paths, "binary", ["team"], tables=tables)
    one, other, _ = sorted((tmp_path / "counts").rglob("*.parquet"))
    if harm == "cut off":
        one.write_bytes(one.read_bytes()[:-40])
    elif harm == "overwritten":
        one.write_bytes(other.read_bytes())
    elif harm == "swapped":  # under the name that another's content would have
        content, name = other.read_bytes(), f"{one.stem.split('-')[0]}-{other.stem.split('-')[1]}.parquet"
        one.unlink()
        one.with_name(name).write_bytes(content)
    elif harm == "of another question":
        shutil.rmtree(tmp_path / "counts")
        kept = Kept(conditions=[Condition("team", "!=", MISSING)])
        slice_counts(cursor, paths, "binary", ["team"], kept=kept, tables=tables)
        os.rename(next((tmp_path / "counts").iterdir()), one.parent)  # noqa: PTH104
    elif harm == "gone":
        one.unlink()
    else:
        shutil.rmtree(tmp_path / "counts")
    found, _ = slice_counts(cursor, paths, "binary", ["team"], tables=tables)
    assert found == expected
    assert {one, other} <= set((tmp_path / "counts").rglob("*.parquet"))


def test_what_cannot_be_kept_is_counted(cursor: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    paths = [write(cursor, tmp_path / f"{seed}.parquet", a_batch(seed)) for seed in range(2)]
    (tmp_path / "counts").write_text("a file where the folder should be", encoding="utf-8")
    found, _ = slice_counts(cursor, paths, "binary", ["team"], tables=KeptTables(tmp_path / "counts"))
    assert found == slice_counts(cursor, paths, "binary", ["team"])[0]


@pytest.mark.parametrize("texts", [1, 2, 200, 201])
def test_texts_are_told_apart_whether_or_not_they_are_coded(
    cursor: duckdb.DuckDBPyConnection, tmp_path: Path, texts: int
) -> None:
    rows: list[Row] = [(f"team {at % texts} 'x'", 1.0, at % 2, at % 3 % 2, 0.5) for at in range(603)]
    rows += [(None, 1.0, 1, 1, 0.5), ("", 1.0, 0, 1, 0.5), ("  ", 1.0, 0, 0, 0.5)]
    coded, plain = (
        slice_counts(
            cursor, [write(cursor, tmp_path / f"{large}.parquet", rows, large=large)], "binary", ["team"]
        )
        for large in (True, False)
    )
    assert coded == plain
    assert len(coded[0]) == texts + 1
    assert coded[0][-1].label == MISSING and coded[0][-1].rows == 3


NUMBERS = st.lists(st.sampled_from([-2.5, 0.0, 1.0, 2.0, 3.0, 1e9, None, float("nan")]), max_size=30)


@REUSED
@given(batches=st.lists(NUMBERS, min_size=2, max_size=3), bands=st.integers(2, 7))
def test_values_of_batches_are_profiled_and_cut_as_those_of_one_scan(
    cursor: duckdb.DuckDBPyConnection,
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[list[float | None]],
    bands: int,
) -> None:
    folder = tmp_path_factory.mktemp("numbers")
    tables, values = KeptTables(folder / "counts"), [value for batch in batches for value in batch]
    rows = [[(None, value, 1, 1, 0.5) for value in batch] or [(None, None, 1, 1, 0.5)] for batch in batches]
    paths = [write(cursor, folder / f"{at}.parquet", batch) for at, batch in enumerate(rows)]
    given = [value for value in values if value is not None and not math.isnan(value)]
    query = "SELECT quantile_disc(x, $shares) FROM (SELECT unnest($given::DOUBLE[]) AS x)"
    shares = tuple(step / bands for step in range(1, bands))
    ((cuts,),) = cursor.execute(query, {"shares": shares, "given": given}).fetchall()
    expected = tuple(sorted({cut for cut in cuts or () if cut > min(given)}))
    found = quantile_cuts(cursor, paths, "region", bands, tables)
    assert found == (expected or tuple(sorted(set(given))[1:2]))
    items = cut_features(cursor, paths, ["region"], {}, tables)
    assert items == cut_features(cursor, paths, ["region"], {})
    assert feature_values(cursor, paths, "region", tables) == feature_values(cursor, paths, "region")


def test_of_many_values_none_are_kept(cursor: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    paths = [tmp_path / f"{at}.parquet" for at in range(2)]
    for at, path in enumerate(paths):
        columns = f"20_000 * {at} + range AS x, 1 AS y_pred, md5(range::VARCHAR) AS pad"
        query = f"SELECT {columns} FROM range(60_000)"
        cursor.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION uncompressed)")
    tables = KeptTables(tmp_path / "counts")
    assert quantile_cuts(cursor, paths, "x", 4, tables) == quantile_cuts(cursor, paths, "x", 4)
    assert all(file.stat().st_size < 200_000 for file in (tmp_path / "counts").rglob("*.parquet"))
