"""Prediction files as users have them: CSV, Parquet or Arrow, looked at from outside before any row is.

What the file is made of is judged here: its kind, encoding, names of columns, wholeness and size. What its
rows say is judged by the store (`core.lake.predictions.intake`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.connectors.prediction_arrow import arrow_to_parquet, parquet_columns
from core.connectors.prediction_csv import csv_columns, csv_rows
from core.domain.errors import BadInput, unreadable

FileKind = Literal["csv", "parquet", "arrow"]
SUFFIXES: dict[str, FileKind] = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
"""Endings of a file's name -> kind."""
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_CONTINUES = b"\xff\xff\xff\xff"
_REST = "Give it its right suffix, or export it again."


@dataclass(frozen=True)
class PredictionSource:
    """A file that is sound from outside.

    Attributes
    ----------
    kind
        What the user gave.
    name
        The file's name, for messages.
    file
        What to read: the user's file, or the Parquet file that was made from it.
    columns
        Names in the order of the file.
    rows
        Rows counted while reading; None where the file itself says so.
    """

    kind: FileKind
    name: str
    file: Path
    columns: tuple[str, ...]
    rows: int | None = None


def columns_of_file(path: Path, name: str, folder: Path) -> PredictionSource:
    """Find out what a file is and which columns it has, without reading all its rows.

    Parameters
    ----------
    path
        The file.
    name
        Its name as the user knows it; its ending says what it should be.
    folder
        Where a Parquet copy of an Arrow file may be written.

    Raises
    ------
    BadInput
        It is no CSV, Parquet or Arrow file, not the one its name says, damaged, nested or too large.
    """
    kind = _kind(path, name)
    if kind == "csv":
        return PredictionSource(kind, name, path, csv_columns(path, name))
    if kind == "parquet":
        return PredictionSource(kind, name, path, parquet_columns(path, name))
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / f"{path.stem}.from-arrow.parquet"
    return PredictionSource(kind, name, staged, arrow_to_parquet(path, name, staged))


def open_predictions(path: Path, name: str, folder: Path) -> PredictionSource:
    """Look at a whole file from outside; as `columns_of_file`, and every row of a CSV is measured.

    Raises
    ------
    BadInput
        As in `columns_of_file`, or rows of another length than the heading, or a quote that is never closed.
    """
    source = columns_of_file(path, name, folder)
    if source.kind != "csv":
        return source
    rows = csv_rows(path, name, source.columns)
    return PredictionSource(source.kind, name, path, source.columns, rows)


def _kind(path: Path, name: str) -> FileKind:
    try:
        with path.open("rb") as file:
            start = file.read(8)
            file.seek(0, 2)
            size = file.tell()
            file.seek(max(0, size - 4))
            end = file.read(4)
    except OSError as error:
        raise unreadable(name, error) from error
    if not start:
        raise BadInput("the file is empty", where=name, remedy="Export it again.")
    for mark, packer in _PACKED.items():
        if start.startswith(mark):
            raise BadInput(f"the file is packed with {packer}", where=name, remedy="Unpack it first.")
    suffix = Path(name).suffix.lower()
    if suffix and suffix not in SUFFIXES:
        raise BadInput(
            f"'{suffix}' is none of {', '.join(SUFFIXES)}", where=name, remedy="Export it as one of these."
        )
    seen = _seen(start, end)
    said = SUFFIXES.get(suffix, seen)
    if said != seen:
        what = "CSV" if seen == "csv" else f"{seen.title()}"
        raise BadInput(
            f"the file is not what its name says ({suffix}): it looks like {what}", where=name, remedy=_REST
        )
    return said


def _seen(start: bytes, end: bytes) -> FileKind:
    if start.startswith(b"PAR1") or end == b"PAR1":
        return "parquet"
    if start.startswith((b"ARROW1", _CONTINUES)):
        return "arrow"
    return "csv"
