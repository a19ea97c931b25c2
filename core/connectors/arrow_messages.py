"""How large an Arrow file becomes when it is unpacked, read from its messages without unpacking it.

Arrow compresses each buffer on its own and writes the unpacked length before it. The tables in the
messages are FlatBuffers; only the few fields needed here are followed. Source: Arrow columnar format 1.5,
"IPC", and FlatBuffers' internals.
"""

from __future__ import annotations

import struct
from typing import Any

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

    Raises
    ------
    ValueError
        The message is damaged.
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
    """Where the messages with buffers lie in an Arrow file: offset and length of each, from its footer.

    Raises
    ------
    ValueError
        The footer is lacking or damaged.
    """
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
