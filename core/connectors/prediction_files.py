"""Prediction files as users have them: CSV, Parquet or Arrow, looked at from outside before any row is.

What the file is made of is judged here: its kind, encoding, names of columns, wholeness and size. What its
rows say is judged by the store (`core.lake.predictions.intake`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from core.connectors.csv_files import checked_names, csv_columns, csv_rows
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


def columns_of_file(
    path: Path, name: str, folder: Path, go_on: Callable[[], None] = lambda: None
) -> PredictionSource:
    """Find out what a file is and which columns it has, without reading all its rows.

    Parameters
    ----------
    path
        The file.
    name
        Its name as the user knows it; its ending says what it should be.
    folder
        Where a Parquet copy of an Arrow file may be written.
    go_on
        Asked now and then; raises where the work is to stop.

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
    return PredictionSource(kind, name, staged, arrow_to_parquet(path, name, staged, go_on))


def open_predictions(
    path: Path, name: str, folder: Path, go_on: Callable[[], None] = lambda: None
) -> PredictionSource:
    """Look at a whole file from outside; as `columns_of_file`, and every row of a CSV is measured.

    Raises
    ------
    BadInput
        As in `columns_of_file`, or rows of another length than the heading, or a quote that is never closed.
    """
    source = columns_of_file(path, name, folder, go_on)
    if source.kind != "csv":
        return source
    rows = csv_rows(path, name, source.columns, go_on)
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


_DICTIONARY, _RECORDS = 2, 3
"""Kinds of message that carry buffers (org.apache.arrow.flatbuf.MessageHeader)."""
_HEADER_KIND, _HEADER = 1, 2
_BUFFERS, _COMPRESSION, _DATA = 2, 3, 1
_DICTIONARIES, _BATCHES = 2, 3


def unpacked_bytes(message: Any) -> int:
    """Bytes that the buffers of one message take when unpacked.

    Parameters
    ----------
    message
        A `pyarrow.ipc.Message`.
    """
    metadata = memoryview(message.metadata)
    body = memoryview(message.body) if message.body is not None else memoryview(b"")
    try:
        root = _offset(metadata, 0)
        kind_at = _field(metadata, root, _HEADER_KIND)
        kind = metadata[kind_at] if kind_at else 0
        header = _table(metadata, root, _HEADER)
        if header is None or kind not in (_DICTIONARY, _RECORDS):
            return 0
        batch = _table(metadata, header, _DATA) if kind == _DICTIONARY else header
        return 0 if batch is None else _of_batch(metadata, batch, body)
    except (struct.error, IndexError) as error:
        raise ValueError("a message of the Arrow file is damaged") from error


def file_blocks(content: memoryview) -> list[tuple[int, int]]:
    """Where the messages with buffers lie in an Arrow file: offset and length of each, from its footer."""
    if bytes(content[-6:]) != b"ARROW1":
        raise ValueError("the file does not end as an Arrow file does")
    try:
        (size,) = struct.unpack_from("<i", content, len(content) - 10)
        footer = content[len(content) - 10 - size : len(content) - 10]
        root = _offset(footer, 0)
        return [block for field in (_DICTIONARIES, _BATCHES) for block in _blocks(footer, root, field)]
    except (struct.error, IndexError) as error:
        raise ValueError("the footer of the Arrow file is damaged") from error


def _blocks(footer: memoryview, root: int, field: int) -> list[tuple[int, int]]:
    vector = _field(footer, root, field)
    if not vector:
        return []
    start = vector + _offset(footer, vector)
    found = []
    for place in range(_offset(footer, start)):
        offset, metadata, body = struct.unpack_from("<qixxxxq", footer, start + 4 + 24 * place)
        found.append((offset, metadata + body))
    return found


def _of_batch(metadata: memoryview, batch: int, body: memoryview) -> int:
    vector = _field(metadata, batch, _BUFFERS)
    if not vector:
        return 0
    compressed = _field(metadata, batch, _COMPRESSION) != 0
    start = vector + _offset(metadata, vector)
    count = _offset(metadata, start)
    total = 0
    for place in range(count):
        offset, length = struct.unpack_from("<qq", metadata, start + 4 + 16 * place)
        if compressed and length >= 8:
            (unpacked,) = struct.unpack_from("<q", body, offset)
            total += length - 8 if unpacked == -1 else unpacked
        else:
            total += length
    return total


def _offset(data: memoryview, place: int) -> int:
    return int(struct.unpack_from("<I", data, place)[0])


def _field(data: memoryview, table: int, number: int) -> int:
    """Place of a table's field, or 0 where it is not set."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    size = struct.unpack_from("<H", data, vtable)[0]
    entry = 4 + 2 * number
    if entry >= size:
        return 0
    offset = struct.unpack_from("<H", data, vtable + entry)[0]
    return table + offset if offset else 0


def _table(data: memoryview, table: int, number: int) -> int | None:
    place = _field(data, table, number)
    return place + _offset(data, place) if place else None


BEARABLE_BYTES = 2 << 30
"""Up to this size unpacked, a file may have been packed as tightly as it likes."""
MOST_TIMES = 500
"""A larger file may unpack to so many times its own size."""
_CELL_BYTES = 8
_ROWS_A_GROUP = 122_880
_DAMAGED = "Export it again; it may have been cut off on its way."


def parquet_columns(path: Path, name: str) -> tuple[str, ...]:
    """Names of a Parquet file's columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            metadata, schema = file.metadata, file.schema_arrow
            groups = [metadata.row_group(place) for place in range(metadata.num_row_groups)]
            rows = metadata.num_rows
            stored = sum(group.total_byte_size for group in groups)
            counted = sum(group.num_rows for group in groups)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput(
            f"the file cannot be read as Parquet: {_first_line(error)}", where=name, remedy=_DAMAGED
        ) from error
    if counted != rows:
        raise BadInput(
            "the file cannot be read as Parquet: its rows do not add up", where=name, remedy=_DAMAGED
        )
    _refuse_bomb(max(stored, rows * len(schema.names) * _CELL_BYTES), path, name)
    return _checked(schema, rows, name)


def arrow_to_parquet(path: Path, name: str, target: Path, go_on: Callable[[], None]) -> tuple[str, ...]:
    """Write an Arrow file or stream as Parquet, batch by batch, and return the names of its columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        _refuse_bomb(_unpacked(path), path, name)
        with pa.memory_map(str(path)) as file:
            schema, batches = _batches(file, path)
            columns = _checked(schema, None, name)
            plain = pa.schema([pa.field(field.name, _plain_type(field.type)) for field in schema])
            rows = 0
            with pq.ParquetWriter(target, plain, compression="zstd") as writer:
                for batch in batches:
                    go_on()
                    batch.validate(full=True)
                    rows += batch.num_rows
                    pairs = zip(batch.columns, plain.types, strict=True)
                    made = pa.record_batch([_plain(column, kind) for column, kind in pairs], schema=plain)
                    writer.write_batch(made, row_group_size=_ROWS_A_GROUP)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput(
            f"the file cannot be read as Arrow: {_first_line(error)}", where=name, remedy=_DAMAGED
        ) from error
    if not rows:
        raise BadInput("the file has no rows", where=name, remedy="Export it again.")
    return columns


def _plain_type(kind: Any) -> Any:
    """The type of a column in Parquet: values in place of codes, and plain text."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    return pa.large_string() if pa.types.is_string_view(kind) else kind


def _plain(column: Any, kind: Any) -> Any:
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        words = column.dictionary.cast(kind)  # Arrow decodes no dictionary of views
        column = pa.DictionaryArray.from_arrays(column.indices, words).dictionary_decode()
    return column if column.type == kind else column.cast(kind)


def is_arrow_file(path: Path) -> bool:
    """Whether an Arrow file has a footer (IPC file, Feather 2) rather than being a stream."""
    with path.open("rb") as file:
        return file.read(6) == b"ARROW1"


def _batches(file: Any, path: Path) -> tuple[Any, Iterator[Any]]:
    import pyarrow as pa

    if is_arrow_file(path):
        reader = pa.ipc.open_file(file)
        return reader.schema, (reader.get_batch(place) for place in range(reader.num_record_batches))
    stream = pa.ipc.open_stream(file)
    return stream.schema, iter(stream)


def _unpacked(path: Path) -> int:
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        if is_arrow_file(path):
            content = file.read_buffer()
            blocks = file_blocks(memoryview(content))
            return sum(unpacked_bytes(pa.ipc.read_message(content.slice(at, size))) for at, size in blocks)
        reader, total = pa.ipc.MessageReader.open_stream(file), 0
        while True:
            try:
                total += unpacked_bytes(reader.read_next_message())
            except StopIteration:
                return total


def _checked(schema: Any, rows: int | None, name: str) -> tuple[str, ...]:
    import pyarrow as pa

    names = checked_names(schema.names, name)
    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_nested(kind):
            raise BadInput(
                f"column '{field.name}' is nested ({str(kind)[:60]})",
                where=name,
                remedy="Write each part as a column of its own, or leave it out.",
            )
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
            raise BadInput(
                f"column '{field.name}' holds bytes, not values",
                where=name,
                remedy="Write it as text, or leave it out.",
            )
    if rows == 0:
        raise BadInput("the file has no rows", where=name, remedy="Export it again.")
    return names


def _refuse_bomb(unpacked: int, path: Path, name: str) -> None:
    packed = max(1, path.stat().st_size)
    if unpacked > BEARABLE_BYTES and unpacked > MOST_TIMES * packed:
        raise BadInput(
            f"the file would unpack to {unpacked / (1 << 30):,.1f} GiB, "
            f"{unpacked // packed:,} times its size",
            where=name,
            remedy="Split it into files of fewer rows.",
        )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]
