"""Users' files become canonical batches, or are refused with column, rows and remedy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from core.connectors.prediction_files import ColumnMap, column_map, write_canonical
from core.domain.errors import BadInput

MAPPED = ColumnMap("binary", "granted", "repaid", "case", "day", {"": "probability"})
LOANS = "case,day,probability,granted,repaid,sex,Zip\n"
GOOD = (
    "007,2026-03-01T10:00:00Z,0.91,1,1,Female,01234\n"
    "008,2026-03-02T10:00:00+02:00,0.20,0,,Male,99999\n"
    "009,2026-03-03,0,0,0,,10000\n"
)


def csv(folder: Path, text: str, name: str = "loans.csv") -> Path:
    """Write a file as a user would."""
    file = folder / name
    file.write_text(text, encoding="utf-8-sig", newline="")
    return file


def test_a_csv_becomes_a_canonical_batch(tmp_path: Path) -> None:
    target = tmp_path / "new" / "batch.parquet"
    written = write_canonical(csv(tmp_path, LOANS + GOOD), target, MAPPED, sensitive=["sex"])
    assert (written.rows, written.features, written.classes) == (3, ("sex", "Zip"), ())
    frame = pl.read_parquet(target)
    assert frame["row_id"].to_list() == ["007", "008", "009"]
    assert frame["y_score"].to_list() == [0.91, 0.2, 0.0]
    assert frame["y_pred"].to_list() == [1, 0, 0]
    assert frame["y_true"].to_list() == [1, None, 0]
    assert frame["sex"].to_list() == ["Female", "Male", None]
    assert frame["timestamp"].dtype == pl.Datetime("us")
    times = [f"{time:%d %H:%M}" for time in frame["timestamp"]]
    assert times == ["01 10:00", "02 08:00", "03 00:00"]


def test_a_parquet_file_is_read_with_its_types(tmp_path: Path) -> None:
    times = [datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)]
    frame = pl.DataFrame({"day": times, "guess": [1.5, 2], "price": [1.0, None], "rooms": [3, 4]})
    frame.write_parquet(tmp_path / "houses.parquet")
    columns = column_map(task="regression", prediction="guess", scores=[], target="price", timestamp="day")
    write_canonical(tmp_path / "houses.parquet", tmp_path / "batch.parquet", columns)
    assert pl.read_parquet(tmp_path / "batch.parquet").to_dict(as_series=False) == {
        "rooms": [3, 4],
        "row_id": ["1", "2"],
        "timestamp": [time.replace(tzinfo=None) for time in times],
        "y_pred": [1.5, 2.0],
        "y_true": [1.0, None],
    }


def test_classes_keep_their_scores(tmp_path: Path) -> None:
    text = "segment,gold,basic\ngold,0.8,0.2\nbasic,0.1,0.9\n"
    columns = column_map(task="multiclass", prediction="segment", scores=["gold=gold", "basic=basic"])
    written = write_canonical(csv(tmp_path, text), tmp_path / "batch.parquet", columns)
    assert written.classes == ("gold", "basic")
    assert pl.read_parquet(tmp_path / "batch.parquet")["y_score_basic"].to_list() == [0.2, 0.9]
    unscored = column_map(task="multiclass", prediction="segment", scores=[])
    assert write_canonical(csv(tmp_path, text), tmp_path / "b.parquet", unscored).classes == ("basic", "gold")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        (LOANS, "the file has no rows"),
        (LOANS.replace("granted", "given") + GOOD, "there is no column 'granted'"),
        (LOANS.replace("sex", "gender") + GOOD, "there is no column 'sex'"),
        (LOANS.replace("Zip", "SEX") + GOOD, "would collide"),
        (LOANS.replace("Zip", "y_true") + GOOD, "column 'y_true' would collide"),
        (LOANS.replace("Zip", "sex") + GOOD, "column 'sex' stands twice"),
        (LOANS + GOOD.replace("0.91", "1.91"), "column 'probability': '1.91' is no score, in row 1"),
        (LOANS + GOOD.replace("0.91", "high"), "column 'probability': 'high' is no number, in row 1"),
        (LOANS + GOOD.replace("0.91", ""), "column 'probability': an empty value is no number, in row 1"),
        (LOANS + GOOD.replace("0.91", "nan"), "'nan' is no number, in row 1"),
        (LOANS + GOOD.replace("0.91,1,1", "0.91,2,1"), "column 'granted': '2' is no label of a binary model"),
        (LOANS + GOOD.replace("0.91,1,1", "0.91,1,yes"), "column 'repaid': 'yes' is no number, in row 1"),
        (LOANS + GOOD.replace("0.20,0", "0.20,"), "column 'granted': an empty value is no number, in row 2"),
        (LOANS + GOOD.replace("008", "007"), "column 'case': '007' stands twice, in row 1, 2"),
        (LOANS + GOOD.replace("2026-03-03", "soon"), "column 'day': 'soon' is no time, in row 3"),
        (LOANS + GOOD + "one,too,few\n" * 9 + "a,b,c,d,e,f,g,h,i\n", "the file cannot be read"),
        (LOANS + GOOD * 9, "'007' stands twice, in row 1, 2, 3, 4, 5 and 22 more"),
    ],
)
def test_a_faulty_file_is_refused_and_nothing_written(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "loans.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        write_canonical(file, tmp_path / "batch.parquet", MAPPED, sensitive=["sex"])
    assert said in str(refused.value)
    assert refused.value.remedy
    assert not (tmp_path / "batch.parquet").exists()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("loans.parquet", b"case,day\n1,2\n", "not what its name says"),
        ("loans.csv", b"PAR1 and so on", "not what its name says"),
        ("loans.csv", b"a\0b", "not what its name says"),
        ("loans.csv", "case,größe\n1,2\n".encode("latin-1"), "cannot be read"),
        ("loans.parquet", b"PAR1 and so on", "cannot be read"),
        ("loans.xlsx", b"PK", "neither .csv nor .parquet"),
    ],
)
def test_a_file_that_is_something_else_is_refused(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=said):
        write_canonical(tmp_path / name, tmp_path / "batch.parquet", MAPPED)
    with pytest.raises(BadInput, match="cannot be read"):
        write_canonical(tmp_path / "missing.csv", tmp_path / "batch.parquet", MAPPED)


@pytest.mark.parametrize(
    ("task", "scores", "said"),
    [
        ("binary", [], "has one score"),
        ("binary", ["a", "b"], "has one score"),
        ("regression", ["a"], "has no score"),
        ("multiclass", ["a"], "each class needs a score"),
        ("multiclass", ["x=a", "x=b"], "each class needs a score"),
        ("ranking", [], "is no task"),
    ],
)
def test_scores_have_to_fit_the_task(task: str, scores: Sequence[str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        column_map(task=task, prediction="guess", scores=scores)


def test_integer_years_are_no_times(tmp_path: Path) -> None:
    file = csv(tmp_path, "year,guess\n2024,1\n2025,2\n")
    columns = column_map(task="regression", prediction="guess", scores=[], timestamp="year")
    with pytest.raises(BadInput, match="column 'year' holds no times"):
        write_canonical(file, tmp_path / "batch.parquet", columns)
