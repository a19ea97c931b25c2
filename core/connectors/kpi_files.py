"""Observations of a business KPI in CSV: read whole, and refused with the line and the remedy."""

from __future__ import annotations

import csv
import io
import math
from datetime import date
from typing import NamedTuple

from core.domain.errors import BadInput

MOST_ROWS, MOST_BYTES = 10_000, 2 * 1024**2
_WHERE = "observations"
_COLUMNS = ("date", "value", "note")


class ObservedValue(NamedTuple):
    """One line: the day, what was achieved, and a note."""

    observed_on: date
    value: float
    note: str


def read_observations(content: bytes, name: str) -> tuple[ObservedValue, ...]:
    """Read `date,value` and perhaps `note`, by commas or semicolons, in UTF-8 with or without a mark.

    Raises
    ------
    BadInput
        Naming the line that cannot be read and how to mend it.
    """
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
