"""Users' prediction files, one real file a case: refused with column, rows and remedy, or noted and kept."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.connectors import prediction_files
from core.domain.commands import RegisterModelVersion, make
from core.domain.errors import BadInput, Conflict, NotFound
from core.domain.facts.measured import PredictionBatch
from core.domain.moment import Moment
from core.lake.monitoring import readings as monitoring
from core.services.governance import Governance
from core.services.measured.bias import slice_choices
from core.services.measured.predictions import AddedBatch, AddPredictions, add_predictions, prediction_batches
from core.services.models.versions import register_model_version
from core.services.record.entries import verify_record
from tests.conftest import ADMIN, BUILDER, at_rest, founded, later, register

HEAD = "case,day,probability,granted,repaid,sex,income\n"
GOOD = (
    "007,2026-03-01T10:00:00Z,0.91,1,1,Female,1200.5\n"
    "008,2026-03-02T10:00:00Z,0.20,0,,Male,900\n"
    "009,2026-03-03T10:00:00Z,0,0,0,Male,1000\n"
)
MAPPED: dict[str, Any] = {
    "prediction": "granted",
    "scores": ("probability",),
    "target": "repaid",
    "row_id": "case",
    "timestamp": "day",
    "sensitive": ("sex",),
}


Untaken = tuple[Governance, str]


@pytest.fixture
def initiative(governance: Governance) -> str:
    return with_version(governance, "binary")


@pytest.fixture(scope="module")
def untaken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Untaken]:
    """A version to which files are offered that are refused: one store for all, as none may come in."""
    governance = founded(tmp_path_factory.mktemp("untaken") / "store")
    initiative = with_version(governance, "binary")
    with at_rest(governance):
        yield governance, initiative


def with_version(governance: Governance, task: str, version: str = "1") -> str:
    known = "card-limit-advice" if version != "1" else register(governance)
    given = {"initiative": known, "version": version, "algorithm": "Boosting", "task": task}
    register_model_version(governance, make(RegisterModelVersion, actor=BUILDER, at=later(2), **given))
    return known


def add(
    governance: Governance,
    initiative: str,
    file: Path,
    *,
    part: str = "analysis",
    days: float = 90,
    version: str = "1",
    **given: Any,
) -> AddedBatch:
    about = {"initiative": initiative, "version": version, "part": part, "file": file}
    return add_predictions(governance, make(AddPredictions, actor=ADMIN, at=later(days), **about, **given))


def kept_batches(governance: Governance, initiative: str) -> tuple[PredictionBatch, ...]:
    return monitoring.batches(governance.store, initiative, "1", now(governance))


def now(governance: Governance) -> Moment:
    return governance.moment(later(400))


def csv(folder: Path, text: str, name: str = "loans.csv") -> Path:
    file = folder / name
    file.write_bytes(text.encode())
    return file


def refused(governance: Governance, initiative: str, file: Path, **given: Any) -> BadInput:
    """Add a file that is refused; nothing may be stored, neither in the record nor as a file."""
    head = governance.store.head()
    with pytest.raises(BadInput) as problem:
        add(governance, initiative, file, **given)
    assert governance.store.head() == head
    assert not list(governance.store.folder.rglob("*.parquet"))
    assert not list(governance.store.folder.glob("tmp*"))
    assert problem.value.remedy.endswith((".", ")", "?"))
    return problem.value


CASES: list[tuple[str, str, str]] = [
    # what is wrong, what the file says, what is answered
    ("a heading without rows", HEAD, "the file has no rows (loans.csv)"),
    ("no file at all", "", "the file is empty (loans.csv). Export it again."),
    (
        "a column that is not there",
        HEAD.replace("granted", "given") + GOOD,
        "there is no column 'granted' (loans.csv). Use one of: case, day, probability, given",
    ),
    (
        "a column in other letters",
        HEAD.replace("granted", "Granted") + GOOD,
        "there is no column 'granted'",
    ),
    ("a sensitive column that is not there", HEAD.replace("sex", "gender") + GOOD, "no column 'sex'"),
    ("one name twice", HEAD.replace("income", "sex") + GOOD, "column 'sex' stands twice"),
    (
        "one name in two spellings",
        HEAD.replace("income", "SEX") + GOOD,
        "columns 'sex' and 'SEX' would collide: capital letters do not tell them apart",
    ),
    ("a column without a name", HEAD.replace("income", "") + GOOD, "column 7 has no name"),
    (
        "a name of the store",
        HEAD.replace("income", "y_true") + GOOD,
        "column 'y_true' would collide with the target of the store",
    ),
    (
        "a row that is too short",
        HEAD + GOOD + "010,2026-03-04,0.5\n",
        "the heading has 7 columns, but row 4 has 3 ('010,2026-03-04,0.5'); so in row 4 (loans.csv). "
        "Write every row in full",
    ),
    (
        "rows that are too long",
        HEAD + GOOD.replace("1200.5", "1200,5"),
        "the heading has 7 columns, but row 1 has 8 ('007,2026-03-01T10:00:00Z,0.91,1,1,Female,1200,5')",
    ),
    (
        "a quote that is never closed",
        HEAD + GOOD.replace("Female", '"Female'),
        "a quote that opens in row 1 is never closed (loans.csv). Close it",
    ),
    (
        "more after a closing quote",
        HEAD + GOOD.replace("Female", '"Fe"male'),
        "row 1 goes on after a closing quote",
    ),
    (
        "semicolons",
        (HEAD + GOOD).replace(",", ";"),
        "its names are separated by semicolons (loans.csv). Export it with a comma between columns",
    ),
    ("tabs", (HEAD + GOOD).replace(",", "\t"), "its names are separated by tabs"),
    (
        "decimal commas in the score",
        HEAD + GOOD.replace("0.91", '"0,91"'),
        "column 'probability' has decimal commas: '0,91' (row 1) (loans.csv). "
        "Export it with a decimal point.",
    ),
    (
        "decimal commas in a feature",
        HEAD + GOOD.replace("1200.5", '"1200,5"'),
        "column 'income' has decimal commas: '1200,5' (row 1)",
    ),
    (
        "a score that is no number",
        HEAD + GOOD.replace("0.91", "high"),
        "column 'probability' holds values that are no numbers: 'high' (row 1)",
    ),
    (
        "an empty score",
        HEAD + GOOD.replace("0.20", ""),
        "column 'probability' has empty values: an empty value (row 2)",
    ),
    ("NaN", HEAD + GOOD.replace("0.91", "NaN"), "column 'probability' has values that are not finite: 'NaN'"),
    ("infinity", HEAD + GOOD.replace("0.91", "inf"), "has values that are not finite: 'inf' (row 1)"),
    (
        "scores beyond 1",
        HEAD + GOOD.replace("0.91", "1.2").replace("0.20", "-0.1"),
        "column 'probability' has scores outside 0 to 1: '1.2' (row 1), '-0.1' (row 2)",
    ),
    (
        "scores in per cent",
        HEAD + GOOD.replace("0.91", "91").replace("0.20", "20"),
        "column 'probability' looks like per cent (0 to 91): '91' (row 1), '20' (row 2) (loans.csv). "
        "Divide the scores by 100, so that they run from 0 to 1.",
    ),
    (
        "per cent signs",
        HEAD + GOOD.replace("0.91", "91%"),
        "column 'probability' has percentages: '91%' (row 1)",
    ),
    (
        "a label of another model",
        HEAD + GOOD.replace("0.91,1,1", "0.91,2,1"),
        "column 'granted' has labels other than the declared ones (0, 1): '2' (row 1) (loans.csv). "
        "Use 0 and 1, or declare the two labels, the negative first (--class).",
    ),
    (
        "a word for an outcome",
        HEAD + GOOD.replace("0.91,1,1", "0.91,1,yes"),
        "column 'repaid' has labels other than the declared ones (0, 1): 'yes' (row 1)",
    ),
    (
        "no prediction",
        HEAD + GOOD.replace("0.20,0", "0.20,"),
        "column 'granted' has rows without a prediction: an empty value (row 2)",
    ),
    (
        "one id twice",
        HEAD + GOOD.replace("008", "007"),
        "column 'case' has ids that stand twice: '007' (row 1, 2) (loans.csv). Give every row its own id.",
    ),
    (
        "ids many times",
        HEAD + GOOD * 9,
        "column 'case' has ids that stand twice: '007' (row 1, 4, 7, 10, 13, …), '008' (row 2, 5, 8, 11, 14",
    ),
    (
        "no id",
        HEAD + GOOD.replace("009", " "),
        "column 'case' has rows without an id: an empty value (row 3)",
    ),
    (
        "a word for a time",
        HEAD + GOOD.replace("2026-03-03T10:00:00Z", "soon"),
        "column 'day' holds values that are no times: 'soon' (row 3)",
    ),
    (
        "a day that does not exist",
        HEAD + GOOD.replace("2026-03-03", "2026-02-30"),
        "column 'day' holds values that are no times: '2026-02-30T10:00:00Z' (row 3)",
    ),
    ("no time", HEAD + GOOD.replace("2026-03-02T10:00:00Z", ""), "column 'day' has rows without a time"),
    (
        "ambiguous dates",
        HEAD + GOOD.replace("2026-03-03T10:00:00Z", "03/04/2026"),
        "column 'day' has ambiguous dates, which may begin with the day or with the month: "
        "'03/04/2026' (row 3) (loans.csv). Write them as year-month-day, like 2026-03-31.",
    ),
    (
        "dates with points",
        HEAD + GOOD.replace("2026-03-03T10:00:00Z", "3.4.2026 10:00"),
        "has ambiguous dates",
    ),
    (
        "a time zone by name",
        HEAD + GOOD.replace("2026-03-03T10:00:00Z", "2026-03-03 10:00:00 CET"),
        "column 'day' has time zones that cannot be read: '2026-03-03 10:00:00 CET' (row 3) (loans.csv). "
        "Write the offset from UTC instead",
    ),
    (
        "a time zone by place",
        HEAD + GOOD.replace("2026-03-03T10:00:00Z", "2026-03-03T10:00:00 Europe/Berlin"),
        "has time zones that cannot be read",
    ),
    (
        "times with a zone and without",
        HEAD + GOOD.replace("2026-03-03T10:00:00Z", "2026-03-03T10:00:00"),
        "column 'day' has times with a zone and times without: '2026-03-01T10:00:00Z' (row 1), "
        "'2026-03-03T10:00:00' (row 3)",
    ),
    (
        "several time zones",
        HEAD + GOOD.replace("2026-03-03T10:00:00Z", "2026-03-03T10:00:00-05:00"),
        "column 'day' mixes time zones: '2026-03-01T10:00:00Z' (row 1), '2026-03-03T10:00:00-05:00' (row 3)",
    ),
    (
        "a year that stands for nothing",
        HEAD + GOOD.replace("2026-03-03", "9999-12-31"),
        "column 'day' has times outside the years 1900 to 2200",
    ),
]


@pytest.mark.parametrize(("text", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_faulty_csv_is_refused_and_nothing_stored(
    untaken: Untaken, tmp_path: Path, text: str, said: str
) -> None:
    for start in ("", "\ufeff") if text else ("",):  # with a byte order mark and without
        assert said in str(refused(*untaken, csv(tmp_path, start + text), **MAPPED))


def test_several_columns_at_fault_are_all_named(untaken: Untaken, tmp_path: Path) -> None:
    text = HEAD + GOOD.replace("0.91", "x").replace("2026-03-03T10:00:00Z", "soon")
    problem = refused(*untaken, csv(tmp_path, text), **MAPPED)
    assert "column 'day' holds values that are no times" in str(problem)
    assert "also at fault: 'probability'" in str(problem)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("latin.csv", (HEAD + GOOD.replace("Male", "Männlich")).encode("cp1252"), "row 2 is not UTF-8"),
        ("latin.csv", "größe,a\n1,2\n".encode("latin-1"), "the heading is not UTF-8; read as Windows-1252"),
        ("wide.csv", (HEAD + GOOD).encode("utf-16"), "the file is UTF-16, not UTF-8"),
        ("wide.csv", (HEAD + GOOD).encode("utf-16-be"), "it holds zero bytes"),
        ("book.csv", b"PK\x03\x04 and so on", "the file is packed with zip"),
        (
            "loans.csv",
            b"\x1f\x8b\x08 and so on",
            "the file is packed with gzip (loans.csv). Unpack it first.",
        ),
        ("loans.xlsx", b"PK and so on", "'.xlsx' is none of .csv"),
        ("loans.parquet", (HEAD + GOOD).encode(), "not what its name says (.parquet): it looks like CSV"),
        ("loans.csv", b"PAR1 and so on", "not what its name says (.csv): it looks like Parquet"),
        ("loans.parquet", b"PAR1 and so on", "the file cannot be read as Parquet"),
        ("loans.arrow", b"ARROW1\0\0 and so on", "the file cannot be read as Arrow"),
        ("loans.csv", b"ARROW1\0\0 and so on", "it looks like Arrow"),
        ("long.csv", HEAD.encode() + b'"' + b"a" * 200_000 + b'"\n', "longer than 131,072 characters"),
    ],
)
def test_a_file_that_is_something_else_is_refused(
    untaken: Untaken, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)
    assert said in str(refused(*untaken, tmp_path / name, **MAPPED))


def test_a_file_that_is_not_there_is_refused(untaken: Untaken, tmp_path: Path) -> None:
    problem = refused(*untaken, tmp_path / "missing.csv", **MAPPED)
    assert "the file cannot be read: No such file or directory (missing.csv)" in str(problem)


def frame(rows: int = 200, **columns: Any) -> pl.DataFrame:
    """Binary predictions; a column given as None is left out."""
    numbers = list(range(rows))
    made: dict[str, Any] = {
        "case": [f"c{n:05d}" for n in numbers],
        "probability": [n % 100 / 100 for n in numbers],
        "granted": [int(n % 100 >= 50) for n in numbers],
        "repaid": [int(n % 100 >= 40) for n in numbers],
        "sex": ["Female" if n % 2 else "Male" for n in numbers],
        "income": [1000.5 + n % 7 for n in numbers],
    }
    made |= columns
    return pl.DataFrame({name: values for name, values in made.items() if values is not None})


FRAME: dict[str, Any] = {key: MAPPED[key] for key in MAPPED if key != "timestamp"}


def parquet(folder: Path, table: pl.DataFrame, name: str = "loans.parquet") -> Path:
    table.write_parquet(folder / name)
    return folder / name


def broken_after_its_mark(folder: Path) -> Path:
    file = parquet(folder, frame(5000))
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    return file


def damaged_inside(folder: Path) -> Path:
    file = parquet(folder, frame(20_000, income=[float(n) * 1.1 for n in range(20_000)]))
    content = bytearray(file.read_bytes())
    content[8 : len(content) - 4000] = bytes(255 - byte for byte in content[8 : len(content) - 4000])
    file.write_bytes(content)
    return file


def nested(folder: Path) -> Path:
    return parquet(folder, frame(income=[[1.0, 2.0]] * 200))


def inner_structs(folder: Path) -> Path:
    return parquet(folder, frame(income=[{"gross": 1.0}] * 200))


def bytes_inside(folder: Path) -> Path:
    return parquet(folder, frame(income=[b"\xff\xfe"] * 200))


def twice_in_arrow(folder: Path) -> Path:
    table = frame().to_arrow()
    doubled = pa.Table.from_arrays([*table.columns, table["sex"]], names=[*table.column_names, "sex"])
    with pa.ipc.new_file(folder / "loans.arrow", doubled.schema) as writer:
        writer.write_table(doubled)
    return folder / "loans.arrow"


def cut_off_arrow(folder: Path) -> Path:
    file = folder / "loans.arrow"
    frame(5000).write_ipc(file)
    file.write_bytes(file.read_bytes()[:-2000])
    return file


def no_rows(folder: Path) -> Path:
    return parquet(folder, frame().head(0))


def integer_years(folder: Path) -> Path:
    return parquet(folder, frame(day=[2024] * 200))


def not_a_number(folder: Path) -> Path:
    return parquet(folder, frame(probability=[0.5, float("nan"), *[0.5] * 198]))


def endless(folder: Path) -> Path:
    return parquet(folder, frame(probability=[0.5, float("-inf"), *[0.5] * 198]))


def no_score(folder: Path) -> Path:
    return parquet(folder, frame(probability=[None, *[0.5] * 199]))


FILES: list[tuple[Callable[[Path], Path], str, dict[str, Any]]] = [
    (broken_after_its_mark, "the file cannot be read as Parquet", {}),
    (damaged_inside, "the file cannot be read", {}),
    (nested, "column 'income' is nested (", {}),
    (inner_structs, "column 'income' is nested (struct<gross: double>)", {}),
    (bytes_inside, "column 'income' holds bytes, not values", {}),
    (twice_in_arrow, "column 'sex' stands twice", {}),
    (cut_off_arrow, "the file cannot be read as Arrow", {}),
    (no_rows, "the file has no rows", {}),
    (not_a_number, "column 'probability' has values that are not finite: 'nan' (row 2)", {}),
    (endless, "column 'probability' has values that are not finite: '-inf' (row 2)", {}),
    (no_score, "column 'probability' has empty values: an empty value (row 1)", {}),
    (integer_years, "column 'day' holds no times but bigint values: '2024' (row 1)", {"timestamp": "day"}),
]


@pytest.mark.parametrize(("make_file", "said", "more"), FILES, ids=[case[0].__name__ for case in FILES])
def test_a_faulty_binary_file_is_refused_and_nothing_stored(
    untaken: Untaken,
    tmp_path: Path,
    make_file: Callable[[Path], Path],
    said: str,
    more: dict[str, Any],
) -> None:
    assert said in str(refused(*untaken, make_file(tmp_path), **FRAME, **more))


def test_a_parquet_bomb_is_refused_before_it_is_unpacked(
    untaken: Untaken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Millions of equal rows fit into some kilobytes; the footer says so."""
    monkeypatch.setattr(prediction_files, "BEARABLE_BYTES", 1 << 27)
    schema = pa.schema([(name, pa.int8()) for name in ("case", "probability", "granted", "repaid", "sex")])
    one = pa.array([0] * 1_000_000, pa.int8())
    with pq.ParquetWriter(tmp_path / "bomb.parquet", schema, compression="zstd") as writer:
        for _ in range(8):
            writer.write_batch(pa.record_batch([one] * 5, schema=schema), row_group_size=1_000_000)
    problem = refused(*untaken, tmp_path / "bomb.parquet", **FRAME)
    assert "the file would unpack to 0.3 GiB" in str(problem)
    assert "Split it into files of fewer rows." in str(problem)


def test_an_arrow_bomb_is_refused_before_it_is_unpacked(
    untaken: Untaken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_files, "BEARABLE_BYTES", 1 << 20)
    table = pa.table({"probability": pa.array([0.0] * 4_000_000)})
    for name, opened in (("bomb.arrow", pa.ipc.new_file), ("bomb.arrows", pa.ipc.new_stream)):
        packed = pa.ipc.IpcWriteOptions(compression="zstd")
        with opened(tmp_path / name, table.schema, options=packed) as writer:
            writer.write_table(table)
        assert "the file would unpack to 0.0 GiB" in str(refused(*untaken, tmp_path / name, **FRAME))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (frame(99), "a reference of 99 rows is too small to compare with"),
        (frame(200, repaid=[1] * 200), "column 'repaid' holds one class only, 1, in all 200 rows"),
    ],
    ids=["far too small", "of one class"],
)
def test_a_reference_that_teaches_nothing_is_refused(
    untaken: Untaken, tmp_path: Path, table: pl.DataFrame, said: str
) -> None:
    problem = refused(*untaken, parquet(tmp_path, table), part="reference", **FRAME)
    assert said in str(problem)


def test_ids_of_an_earlier_batch_of_the_version_are_refused(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    add(governance, initiative, parquet(tmp_path, frame()), part="reference", **FRAME)
    later_rows = frame(case=[f"c{n + 198:05d}" for n in range(200)])
    head = governance.store.head()
    with pytest.raises(BadInput) as problem:
        add(governance, initiative, parquet(tmp_path, later_rows, "march.parquet"))
    assert str(problem.value) == (
        "column 'case' has ids that an earlier batch of this version holds: 'c00198' (row 1), 'c00199' "
        "(row 2) (march.parquet). Leave out the rows that were added before."
    )
    assert governance.store.head() == head


def test_the_same_file_again_is_a_conflict(governance: Governance, initiative: str, tmp_path: Path) -> None:
    file = csv(tmp_path, HEAD + GOOD)
    add(governance, initiative, file, **MAPPED)
    with pytest.raises(Conflict, match="this batch was added before"):
        add(governance, initiative, file)


def test_a_file_before_any_names_says_that_they_are_lacking(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    problem = refused(governance, initiative, csv(tmp_path, HEAD + GOOD))
    assert "no columns are named, and none are kept for this version" in str(problem)
    with pytest.raises(NotFound, match="has no version '7'"):
        add(governance, initiative, csv(tmp_path, HEAD + GOOD), version="7", **MAPPED)


def test_a_csv_becomes_a_canonical_batch_with_ids_as_text(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    text = (HEAD + GOOD).replace("\n009", "\n\n009")  # an empty line says nothing
    added = add(governance, initiative, csv(tmp_path, "\ufeff" + text), **MAPPED)
    assert (added.rows, added.labelled) == (3, 2)
    (batch,) = kept_batches(governance, initiative)
    assert batch.columns == ("sex", "income", "row_id", "timestamp", "y_score", "y_pred", "y_true")
    kept = pl.read_parquet(batch.path)
    assert kept["row_id"].to_list() == ["007", "008", "009"]
    assert kept["y_score"].to_list() == [0.91, 0.2, 0.0]
    assert kept["y_true"].to_list() == [1, None, 0]
    assert kept["income"].to_list() == [1200.5, 900.0, 1000.0]
    assert str(kept["timestamp"][1]) == "2026-03-02 10:00:00"
    assert verify_record(governance).first_break is None


def test_codes_with_leading_zeros_and_long_numbers_stay_text(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    text = "granted,p,zip,account,rooms,note\n1,0.9,01234,12345678901234567890,3,NA\n0,0.1,99999,2,NA,\n"
    columns = {"prediction": "granted", "scores": ("p",)}
    added = add(governance, initiative, csv(tmp_path, text), **columns)
    kept = pl.read_parquet(kept_batches(governance, initiative)[0].path)
    assert kept["zip"].to_list() == ["01234", "99999"]
    assert kept["rooms"].to_list() == [3, None]
    assert kept["note"].to_list() == [None, None]
    assert kept["row_id"].to_list() == ["1", "2"]
    (note,) = [note for note in added.warnings if note.startswith("Column 'rooms'")]
    assert "holds numbers, and 'NA' in 1 row (first: row 2): read as missing" in note


def test_offsets_are_taken_off_and_daylight_saving_is_told(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    text = HEAD + GOOD.replace("03-01T10:00:00Z", "03-01T10:00:00+01:00").replace(
        "03-02T10:00:00Z", "07-02 10:00+02:00"
    ).replace("03-03T10:00:00Z", "03-03T10:00:00.250+0100")
    added = add(governance, initiative, csv(tmp_path, text), days=300, **MAPPED)
    kept = pl.read_parquet(kept_batches(governance, initiative)[0].path)
    assert [f"{time:%m-%d %H:%M:%S.%f}" for time in kept["timestamp"]] == [
        "03-01 09:00:00.000000",
        "07-02 08:00:00.000000",
        "03-03 09:00:00.250000",
    ]
    assert any("two offsets, as with daylight saving" in note for note in added.warnings)


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "feather", "arrows"])
def test_parquet_and_arrow_give_the_same_batch(
    governance: Governance, initiative: str, tmp_path: Path, suffix: str
) -> None:
    table = frame().with_columns(
        day=pl.lit(datetime(2026, 3, 1, 10, tzinfo=UTC)), sex=pl.col("sex").cast(pl.Categorical)
    )
    file = tmp_path / f"loans.{suffix}"
    if suffix == "parquet":
        table.write_parquet(file)
    elif suffix == "arrows":
        table.write_ipc_stream(file, compression="zstd")
    else:
        table.write_ipc(file, compression="lz4" if suffix == "feather" else "uncompressed")
    add(governance, initiative, file, **MAPPED)
    kept = pl.read_parquet(kept_batches(governance, initiative)[0].path)
    assert kept["sex"].to_list() == frame()["sex"].to_list()
    assert kept["y_score"].to_list() == frame()["probability"].to_list()
    assert {str(time) for time in kept["timestamp"]} == {"2026-03-01 10:00:00"}
    assert kept.schema["y_pred"] == pl.Int8


def test_the_mapping_is_kept_and_used_for_the_next_file(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    add(governance, initiative, parquet(tmp_path, frame()), part="reference", **FRAME)
    march = frame(case=[f"m{n}" for n in range(200)], repaid=None, extra=[1] * 200)
    added = add(governance, initiative, parquet(tmp_path, march, "march.parquet"))
    assert "The file has no column 'repaid': true outcomes are not known yet." in added.warnings
    assert "1 columns that are no features of this version were left out: 'extra'." in added.warnings
    april = frame(case=[f"a{n}" for n in range(200)])
    assert add(governance, initiative, parquet(tmp_path, april, "april.parquet")).labelled == 200
    view = prediction_batches(governance, now(governance), initiative=initiative, version="1")
    assert view.mapping is not None
    assert (view.mapping.target, view.mapping.features) == ("repaid", ("sex", "income"))
    assert view.kinds == {"sex": "text", "income": "number"}
    assert [batch.source_name for batch in view.batches] == [
        "april.parquet",
        "march.parquet",
        "loans.parquet",
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"income": None}, "there is no column 'income', which this version's earlier batches have"),
        (
            {"income": ["much"] * 2 + ["12.5"] * 198},
            "column 'income' holds numbers in this version, but here also others: "
            "'much' (row 1), 'much' (row 2)",
        ),
        ({"income": ["12,5"] * 200}, "column 'income' has decimal commas: '12,5' (row 1)"),
    ],
    ids=["a feature is lacking", "words where numbers were", "commas where points were"],
)
def test_the_next_file_has_to_fit_the_earlier_ones(
    governance: Governance, initiative: str, tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    add(governance, initiative, parquet(tmp_path, frame()), part="reference", **FRAME)
    head = governance.store.head()
    wrong = frame(case=[f"m{n}" for n in range(200)], **changed)
    with pytest.raises(BadInput) as problem:
        add(governance, initiative, parquet(tmp_path, wrong, "march.parquet"))
    assert said in str(problem.value)
    assert governance.store.head() == head


def test_a_binary_model_may_declare_its_own_labels(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    words = [("no", "yes")[n % 2] for n in range(200)]
    table = frame(granted=words, repaid=words)
    add(governance, initiative, parquet(tmp_path, table), classes=("no", "yes"), **FRAME)
    kept = pl.read_parquet(kept_batches(governance, initiative)[0].path)
    assert kept["y_pred"].to_list()[:2] == [0, 1]


@pytest.mark.parametrize("words", [("no", "yes"), (0, 1)])
def test_declared_labels_stay_when_a_file_by_the_stores_names_is_added(
    governance: Governance, initiative: str, tmp_path: Path, words: tuple[str | int, ...]
) -> None:
    def named(*labels: str | int) -> pl.DataFrame:
        said = [labels[n % 2] for n in range(200)]
        return pl.DataFrame({"y_pred": said, "y_true": said, "y_score": [n % 2 * 0.5 for n in range(200)]})

    first = add(governance, initiative, parquet(tmp_path, named("no", "yes")), classes=("no", "yes"))
    assert first.mapping.classes == ("no", "yes")
    second = add(governance, initiative, parquet(tmp_path, named(*reversed(words)), "next.parquet"))
    assert second.mapping.classes == ("no", "yes")
    batch = kept_batches(governance, initiative)[-1]
    assert pl.read_parquet(batch.path)["y_pred"].to_list()[:2] == [1, 0]
    view = prediction_batches(governance, now(governance), initiative=initiative, version="1")
    assert view.mapping is not None and view.mapping.labels == ("no", "yes")


def test_class_scores_that_were_rounded_are_divided_by_their_sum_and_told(
    governance: Governance, tmp_path: Path
) -> None:
    initiative = with_version(governance, "multiclass")
    rows = ["a,a,0.34,0.33,0.32", "b,b,0.20,0.59,0.21", "c,c,0.25,0.25,0.50", "c,c,0.25,0.35,0.50"]
    text = "\n".join(["kind,truth,pa,pb,pc", *rows, ""])
    columns = {"prediction": "kind", "target": "truth", "scores": ("a=pa", "b=pb", "c=pc")}
    added = add(governance, initiative, csv(tmp_path, text), **columns)
    assert any("of 1 rows add up to 1 only within 0.015" in one for one in added.warnings)
    assert any("of 1 rows do not add up to 1, by more than the 0.015" in one for one in added.warnings)
    (batch,) = kept_batches(governance, initiative)
    kept = pl.read_parquet(batch.path)
    scores = kept.select("y_score_a", "y_score_b", "y_score_c").rows()
    assert scores[0] == pytest.approx([0.34 / 0.99, 0.33 / 0.99, 0.32 / 0.99])
    assert [sum(row) for row in scores] == pytest.approx([1, 1, 1, 1.1])
    assert scores[1:] == [(0.2, 0.59, 0.21), (0.25, 0.25, 0.5), (0.25, 0.35, 0.5)]


def test_classes_keep_their_scores_and_strange_ones_are_refused(
    governance: Governance, tmp_path: Path
) -> None:
    initiative = with_version(governance, "multiclass")
    text = "segment,truth,gold,basic\ngold,gold,0.8,0.2\nbasic,,0.1,0.7\n"
    columns = {"prediction": "segment", "target": "truth", "scores": ("gold=gold", "basic=basic")}
    added = add(governance, initiative, csv(tmp_path, text), **columns)
    assert added.mapping.classes == ("gold", "basic")
    assert any(
        "of 1 rows do not add up to 1, by more than the 0.010" in one and "divide each" in one
        for one in added.warnings
    )
    (batch,) = kept_batches(governance, initiative)
    assert batch.classes == ("gold", "basic")
    assert pl.read_parquet(batch.path)["y_score_basic"].to_list() == [0.2, 0.7]
    with pytest.raises(BadInput) as problem:
        add(governance, initiative, csv(tmp_path, text.replace("basic,,", "tin,,"), "next.csv"))
    assert "column 'segment' has labels other than the declared ones (gold, basic): 'tin' (row 2)" in str(
        problem.value
    )


def test_a_regression_takes_numbers(governance: Governance, tmp_path: Path) -> None:
    initiative = with_version(governance, "regression")
    columns = {"prediction": "guess", "target": "price"}
    assert add(governance, initiative, csv(tmp_path, "guess,price\n1.5,\n-2e3,7\n"), **columns).labelled == 1
    with pytest.raises(BadInput, match="column 'guess' holds values that are no numbers: 'dear'"):
        add(governance, initiative, csv(tmp_path, "guess,price\ndear,1\n", "next.csv"))
    with pytest.raises(BadInput, match="a regression has no score"):
        add(governance, initiative, csv(tmp_path, "guess,price\n2,1\n", "next.csv"), scores=("price",))


def one_row_group(rows: int = 200) -> pl.DataFrame:
    return frame(rows, sex=["Other", None, *["Female", "Male"] * (rows // 2 - 1)])


ODD: list[tuple[str, Callable[[], pl.DataFrame], str]] = [
    ("a group of one row", one_row_group, "Sensitive column 'sex': 1 group has one row only ('Other')."),
    (
        "missing sensitive values",
        one_row_group,
        "Sensitive column 'sex': 1 of 200 rows have no value.",
    ),
    (
        "partial targets",
        lambda: frame(repaid=[1, 0] * 50 + [None] * 100),
        "100 of 200 rows have no true outcome yet.",
    ),
    (
        "inverted predictions",
        lambda: frame(repaid=[int(n % 100 < 40) for n in range(200)]),
        "The scores rank backwards (ROC AUC 0.000, below 0.5): they may be those of the other class.",
    ),
    (
        "thousands of groups",
        lambda: frame(4000, income=[f"street {n // 2}" for n in range(4000)]),
        "Column 'income' has 2,000 different values; most slices will be too small to judge.",
    ),
    (
        "groups that differ in normalisation",
        lambda: frame(sex=["Ren\u00e9e", "Rene\u0301e"] * 100),
        "Column 'sex' has values that differ only in blanks, capitals or form of characters: 'Ren\u00e9e' "
        "(encoded in 2 ways); they count as different groups. Join them (--join sex).",
    ),
    ("few rows", frame, "Only 200 rows: most figures will have wide intervals."),
    ("no value in a column", lambda: frame(income=[None] * 200), "Column 'income' has no value in any row."),
    (
        "infinite features",
        lambda: frame(income=[float("inf")] * 200),
        "Column 'income' has infinite values; they count as missing.",
    ),
    ("one prediction for all", lambda: frame(granted=[1] * 200), "Every row has the same prediction, 1."),
]


@pytest.mark.parametrize(("table", "note"), [case[1:] for case in ODD], ids=[case[0] for case in ODD])
def test_what_is_odd_but_legal_is_kept_with_a_note(
    governance: Governance, initiative: str, tmp_path: Path, table: Callable[[], pl.DataFrame], note: str
) -> None:
    added = add(governance, initiative, parquet(tmp_path, table()), **FRAME)
    assert note in added.warnings
    view = prediction_batches(governance, now(governance), initiative=initiative, version="1")
    assert note in view.batches[0].warnings


def test_a_time_ahead_of_now_is_told(governance: Governance, initiative: str, tmp_path: Path) -> None:
    added = add(governance, initiative, csv(tmp_path, HEAD + GOOD), days=3, **MAPPED)
    assert "The newest time, 2026-03-03 10:00 UTC, lies ahead of now." in added.warnings


def test_five_thousand_columns_are_taken(governance: Governance, initiative: str, tmp_path: Path) -> None:
    more = {f"f{n}": [n % 3, 1] for n in range(5000)}
    table = pl.DataFrame({"p": [0.2, 0.8], "granted": [0, 1], **more})
    added = add(governance, initiative, parquet(tmp_path, table), prediction="granted", scores=("p",))
    assert any(note.startswith("5,003 columns") for note in added.warnings)
    assert len(kept_batches(governance, initiative)[0].columns) == 5003


def test_a_wide_csv_is_taken_as_well(governance: Governance, initiative: str, tmp_path: Path) -> None:
    names = [f"f{n}" for n in range(200)]
    text = io.StringIO()
    text.write(",".join(["granted", "p", *names]) + "\n")
    text.writelines(",".join(["1", "0.5", *["3"] * 200]) + "\n" for _ in range(50))
    columns = {"prediction": "granted", "scores": ("p",)}
    assert add(governance, initiative, csv(tmp_path, text.getvalue()), **columns).rows == 50


class Counting:
    """A cursor that keeps what it was asked."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, asked: list[str]) -> None:
        self._cursor, self._asked = cursor, asked

    def execute(self, query: str, *given: object) -> duckdb.DuckDBPyConnection:
        self._asked.append(query)
        return self._cursor.execute(query, *given)

    def __getattr__(self, name: str) -> object:
        return getattr(self._cursor, name)


def wide(folder: Path, columns: int) -> Path:
    """Numbers, whole ones and texts in turn; three rows."""
    row = ",".join(["1.5", "3", "word"][n % 3] for n in range(columns))
    heading = ",".join(["granted", "p", *(f"f{n}" for n in range(columns))])
    return csv(
        folder, "\n".join([heading, *[f"{n % 2},0.{n},{row}" for n in range(3)]]) + "\n", f"{columns}.csv"
    )


def test_twice_the_columns_take_twice_the_work(
    governance: Governance, initiative: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each query binds all columns, and an expression that stands twice is sought among all others.

    So the queries may grow by few, and a query names a column once; else the cost grows with the square.
    """
    asked: list[str] = []
    opened = governance.store.cursor
    monkeypatch.setattr(governance.store, "cursor", lambda: Counting(opened(), asked))
    needed = []
    for columns in (600, 1200):
        with_version(governance, "binary", f"wide-{columns}")
        asked.clear()
        about = {"prediction": "granted", "scores": ("p",), "version": f"wide-{columns}"}
        file = wide(tmp_path, columns)
        add(governance, initiative, file, **about)
        add(
            governance, initiative, csv(tmp_path, file.read_text().replace("1.5", "2.5"), "next.csv"), **about
        )
        slice_choices(governance, now(governance), initiative=initiative, version=f"wide-{columns}")
        of_files = [query for query in asked if "read_parquet" in query]
        needed.append(len(of_files))
        for name in ('"f0"', '"f1"', '"f2"'):
            named = [query.count(name) for query in of_files]
            assert max(named) <= 3 and sum(named) <= 24, name
    assert needed[1] - needed[0] <= 25, needed


def test_rows_never_come_in_another_order(governance: Governance, initiative: str, tmp_path: Path) -> None:
    rows = 300_000
    query = f"SELECT range AS case, 0.5 AS probability, range % 2 AS granted FROM range({rows})"
    duckdb.sql(query).write_csv(str(tmp_path / "many.csv"))
    columns = {"prediction": "granted", "scores": ("probability",), "row_id": "case"}
    add(governance, initiative, tmp_path / "many.csv", **columns)
    kept = pl.read_parquet(kept_batches(governance, initiative)[0].path)
    assert kept["row_id"].to_list() == [str(n) for n in range(rows)]


def portfolio(first: int, last: int, step: float = 0.001, time: bool = True) -> pl.DataFrame:
    """People with a time and a score each; a `step` of the score makes them alike or not."""
    n = range(first, last)
    known = {
        "score": [round((k * 0.6180339887 % 1) // step * step, 6) for k in n],
        "granted": [k % 2 for k in n],
        "repaid": [k % 3 % 2 for k in n],
        "sex": ["FM"[k % 2] for k in n],
        "income": [900 + k * 7919 % 1000 if step < 0.01 else k % 3 for k in n],
    }
    if time:
        known["day"] = [datetime(2026, 3, 1, k % 24, k % 60, tzinfo=UTC) for k in n]
    return pl.DataFrame(known)


TWINS = "400 rows are equal to rows of the batch april.parquet, added on 2026-04-05, in all columns"
OF: dict[str, Any] = {"prediction": "granted", "scores": ("score",), "target": "repaid"}


def noted(governance: Governance, initiative: str, folder: Path, *frames: pl.DataFrame, **given: Any) -> str:
    """What is said of the last of some files, all but that one called april."""
    said = ""
    for place, table in enumerate(frames):
        file = parquet(folder, table).rename(folder / ("april.parquet" if place == 0 else f"{place}.parquet"))
        said = "\n".join(add(governance, initiative, file, days=90 + place, **given).warnings)
    return said


@pytest.mark.parametrize(
    "again",
    [
        lambda table: table,
        lambda table: table.sample(fraction=1, shuffle=True, seed=1),
        lambda table: table.select(reversed(table.columns)),
        lambda table: table.with_columns(pl.col("income").cast(pl.Float64), extra=pl.lit("new")),
        lambda table: table.drop("repaid"),
        lambda table: table.with_columns(case=pl.int_range(pl.len()).cast(pl.String)),
    ],
)
@pytest.mark.parametrize("time", [True, False])
def test_rows_of_an_earlier_export_are_told(
    governance: Governance,
    initiative: str,
    tmp_path: Path,
    again: Callable[[pl.DataFrame], pl.DataFrame],
    time: bool,
) -> None:
    given = {**OF, "timestamp": "day"} if time else OF
    second = again(portfolio(0, 460, time=time))
    given_ids = {"row_id": "case"} if "case" in second.columns else {}
    noted(governance, initiative, tmp_path, portfolio(0, 400, time=time), **given)
    file = parquet(tmp_path, second)
    said = "\n".join(add(governance, initiative, file, days=91, **given, **given_ids).warnings)
    assert TWINS + (" and the time;" if time else ";") in said
    assert "Withdraw one of the batches" in said


def test_rows_that_stand_twice_in_one_file_are_told(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    table = pl.concat([portfolio(0, 400), portfolio(0, 460)])
    said = noted(governance, initiative, tmp_path, table, **OF, timestamp="day")
    assert "400 rows are equal to another row of the file in all columns and the time" in said


def test_nobody_is_alarmed_where_rows_are_alike_by_nature_or_have_ids(
    governance: Governance, initiative: str, tmp_path: Path
) -> None:
    few = [portfolio(k * 5000, k * 5000 + 5000, step=0.2, time=False) for k in range(3)]
    assert "equal to" not in noted(governance, initiative, tmp_path, *few, **OF)
    with_version(governance, "binary", "ids")
    own = [portfolio(0, 400).with_columns(case=pl.int_range(k, k + 400).cast(pl.String)) for k in (0, 500)]
    about = {**OF, "timestamp": "day", "row_id": "case", "version": "ids"}
    assert "equal to" not in noted(governance, initiative, tmp_path, *own, **about)


def test_months_that_do_not_meet_are_not_read_again(
    governance: Governance, initiative: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    months = [portfolio(0, 400).with_columns(pl.col("day").dt.offset_by(f"{k}mo")) for k in range(4)]
    asked: list[str] = []
    opened = governance.store.cursor
    monkeypatch.setattr(governance.store, "cursor", lambda: Counting(opened(), asked))
    assert "equal to" not in noted(governance, initiative, tmp_path, *months, **OF, timestamp="day")
    assert not [query for query in asked if "$earlier" in query]
