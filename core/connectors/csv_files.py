"""CSV files: predictions as a stream (encoding, heading, rows of equal length), observations of a KPI whole.

Of predictions nothing is kept in memory but one row. What the rows say is for the store to judge.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple, TextIO

from core.domain.errors import BadInput

MOST_CELL_CHARACTERS = 131_072
"""A cell longer than this is no value of a prediction file, and a way to fill the memory."""
_BLOCK = 1 << 20
_SHOWN = 5
_OFTEN = 10_000
"""Rows after which it is asked whether to go on."""
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "upright strokes"}
_MARKS = {
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def csv_columns(path: Path, name: str) -> tuple[str, ...]:
    """Names in the heading."""
    _refuse_other_encoding(path, name)
    with path.open(encoding="utf-8-sig", newline="") as text:
        heading = next(_rows(text, name), [])
    if not any(heading):
        raise BadInput("the first row has no names of columns", where=name, remedy="Add a heading.")
    return _checked_heading(heading, name)


def csv_rows(path: Path, name: str, columns: Sequence[str], go_on: Callable[[], None]) -> int:
    """Rows of a CSV file below its heading, all of them as long as the heading.

    `go_on` is asked now and then, and raises where the work is to stop.
    """
    wrong: list[tuple[int, list[str]]] = []
    wrongs = number = 0
    with path.open(encoding="utf-8-sig", newline="") as text:
        rows = _rows(text, name)
        next(rows, None)
        for row in rows:
            if not row and len(columns) > 1:
                continue  # an empty line, as at the end of many files
            number += 1
            if number % _OFTEN == 0:
                go_on()
            if len(row) != len(columns) and row:
                wrongs += 1
                if len(wrong) < _SHOWN:
                    wrong.append((number, row))
    if wrong:
        raise _ragged(wrong, wrongs, len(columns), name)
    if not number:
        raise BadInput("the file has no rows", where=name, remedy="Export it again.")
    return number


def _rows(text: TextIO, name: str) -> Iterator[list[str]]:
    number = -1
    try:
        for row in csv.reader(text, strict=True):
            number += 1
            yield row
    except csv.Error as error:
        raise _unreadable(str(error), number + 1, name) from error


def _unreadable(said: str, row: int, name: str) -> BadInput:
    place = f"row {row:,}" if row else "the heading"
    if "unexpected end of data" in said:
        return BadInput(
            f"a quote that opens in {place} is never closed",
            where=name,
            remedy="Close it, or write a quote inside a value twice.",
        )
    if "field larger" in said:
        return BadInput(
            f"a value in {place} is longer than {MOST_CELL_CHARACTERS:,} characters, or a quote before it "
            "is never closed",
            where=name,
            remedy="Close the quote, or leave the column out.",
        )
    if "expected after" in said:
        return BadInput(
            f"{place} goes on after a closing quote",
            where=name,
            remedy="Write a quote inside a value twice.",
        )
    return BadInput(f"{place} cannot be read: {said}", where=name, remedy="Export the file again.")


def _ragged(wrong: list[tuple[int, list[str]]], wrongs: int, expected: int, name: str) -> BadInput:
    number, row = wrong[0]
    numbers = ", ".join(f"{place:,}" for place, _ in wrong)
    more = f" and {wrongs - len(wrong):,} more" if wrongs > len(wrong) else ""
    shown = ",".join(row)[:60]
    few = len(row) < expected
    return BadInput(
        f"the heading has {expected:,} columns, but row {number:,} has {len(row):,} ('{shown}'); "
        f"so in row {numbers}{more}",
        where=name,
        remedy="Write every row in full, and put a value that holds a comma in quotes."
        if not few
        else "Write every row in full; a value that is missing still needs its comma.",
    )


def _checked_heading(heading: Sequence[str], name: str) -> tuple[str, ...]:
    if len(heading) == 1:
        for mark, words in _OTHER_SEPARATORS.items():
            if mark in heading[0]:
                raise BadInput(
                    f"the heading is one column, '{heading[0][:60]}': its names are separated by {words}",
                    where=name,
                    remedy="Export it with a comma between columns and a point in decimals.",
                )
    return checked_names(heading, name)


def checked_names(names: Sequence[str], name: str) -> tuple[str, ...]:
    """Names of columns, each there and each once."""
    for place, column in enumerate(names, start=1):
        if not column.strip():
            raise BadInput(
                f"column {place} has no name",
                where=name,
                remedy="Name it or leave it out (pandas writes one unless told index=False).",
            )
    seen: dict[str, str] = {}
    for column in names:
        other = seen.get(column.casefold())
        seen[column.casefold()] = column
        if other == column:
            raise BadInput(f"column '{column}' stands twice", where=name, remedy="Rename one of them.")
        if other is not None:
            raise BadInput(
                f"columns '{other}' and '{column}' would collide: capital letters do not tell them apart",
                where=name,
                remedy="Rename one of them.",
            )
    return tuple(names)


def _refuse_other_encoding(path: Path, name: str) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 0
    with path.open("rb") as file:
        start = file.read(4)
        for mark, encoding in _MARKS.items():
            if start.startswith(mark):
                raise BadInput(f"the file is {encoding}, not UTF-8", where=name, remedy="Export it as UTF-8.")
        file.seek(0)
        while block := file.read(_BLOCK):
            if b"\0" in block:
                raise BadInput(
                    "the file is not what its name says (.csv): it holds zero bytes",
                    where=name,
                    remedy="Give it its right suffix, or export it as UTF-8.",
                )
            try:
                decoder.decode(block)
            except UnicodeDecodeError as error:
                raise _not_utf8(error, line, name) from error
            line += block.count(b"\n")


def _not_utf8(error: UnicodeDecodeError, lines_before: int, name: str) -> BadInput:
    data = bytes(error.object)
    row = lines_before + data[: error.start].count(b"\n")
    around = data[max(0, data.rfind(b"\n", 0, error.start) + 1) : error.start + 20].split(b"\n")[0]
    guess = around.decode("cp1252", errors="replace")[-40:]
    place = f"row {row:,}" if row else "the heading"
    return BadInput(
        f"{place} is not UTF-8; read as Windows-1252 it says '{guess}'",
        where=name,
        remedy="Export the file as UTF-8.",
    )


MOST_ROWS, MOST_BYTES = 10_000, 2 * 1024**2
_WHERE = "observations"
_COLUMNS = ("date", "value", "note")


class ObservedValue(NamedTuple):
    """One line: the day, what was achieved, and a note."""

    observed_on: date
    value: float
    note: str


def read_observations(content: bytes, name: str) -> tuple[ObservedValue, ...]:
    """Read `date,value` and perhaps `note`, by commas or semicolons, in UTF-8 with or without a mark."""
    called = name[:80]
    if len(content) > MOST_BYTES:
        raise BadInput(f"'{called}' is larger than 2 MiB", where=_WHERE, remedy="Split it.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"'{called}' is not UTF-8", where=_WHERE, remedy="Save it as CSV UTF-8.") from error
    first = text.split("\n", 1)[0]
    divider = ";" if first.count(";") > first.count(",") else ","
    try:
        lines = list(csv.reader(io.StringIO(text), delimiter=divider, strict=True))
    except csv.Error as error:
        raise BadInput(
            f"'{called}' is not whole CSV: {error}", where=_WHERE, remedy="Export it again."
        ) from error
    heads = [head.strip().casefold() for head in lines[0]] if lines else []
    if heads[:2] != ["date", "value"] or not set(heads) <= set(_COLUMNS) or len(set(heads)) < len(heads):
        raise BadInput(
            f"the first line of '{called}' is not date{divider}value",
            where=_WHERE,
            remedy="Name the columns date, value and, if there is one, note.",
        )
    found = [
        _line(cells, number, len(heads))
        for number, cells in enumerate(lines[1:], start=2)
        if any(cell.strip() for cell in cells)
    ]
    if not found:
        raise BadInput(f"'{called}' holds no observation", where=_WHERE, remedy="Add a line a day.")
    if len(found) > MOST_ROWS:
        raise BadInput(f"'{called}' holds more than {MOST_ROWS:,} lines", where=_WHERE, remedy="Split it.")
    days = [one.observed_on for one in found]
    twice = next((day for day in days if days.count(day) > 1), None)
    if twice is not None:
        raise BadInput(f"{twice} is there twice", where=_WHERE, remedy="Keep one line a day.")
    return tuple(found)


def _line(cells: list[str], number: int, width: int) -> ObservedValue:
    where = f"{_WHERE}, line {number}"
    if len(cells) != width:
        raise BadInput(
            f"the line has {len(cells)} cells, the first one {width}",
            where=where,
            remedy="Write a decimal point, not a comma, and quote cells that hold the divider.",
        )
    try:
        day = date.fromisoformat(cells[0].strip())
    except ValueError as error:
        raise BadInput(
            f"'{cells[0][:40]}' is no day", where=where, remedy="Write it like 2026-03-31."
        ) from error
    try:
        value = float(cells[1].strip())
    except ValueError as error:
        raise BadInput(
            f"'{cells[1][:40]}' is no number", where=where, remedy="Write it like 12.5, without a unit."
        ) from error
    if not math.isfinite(value):
        raise BadInput(f"'{cells[1][:40]}' is no finite number", where=where, remedy="Leave the line out.")
    return ObservedValue(day, value, cells[2].strip() if width > 2 else "")
