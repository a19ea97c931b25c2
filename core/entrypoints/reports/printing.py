"""Printing for people and for programs; nothing that users wrote can steer the terminal."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from core.ground import Result, in_words

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor, screen
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]).*?(?:\x07|\x1b\\|\x9c|$)"  # titles, links, clipboard
    r"|\x1b[ -/]*[0-~]",
    re.DOTALL,
)
_WIDTH_OF_A_PIPE = 200
NONE = "–"
Column = str | tuple[str, Callable[[Any], object]] | Callable[[Result], object]


def clean(text: object) -> str:
    """Text on one line, without escape sequences and without characters that do not show.

    Examples
    --------
    >>> clean("Credit\\x1b[2J\\nscoring\\u202e")
    'Credit scoring'
    """
    bare = _ESCAPES.sub("", str(text))
    spaced = "".join(" " if char.isspace() else char for char in bare)
    return "".join(char for char in spaced if char.isprintable())


def say(text: str = "") -> None:
    """Print a line for people."""
    sys.stdout.write(f"{clean(text)}\n")


def complain(text: str) -> None:
    """Print on standard error; each line of the text stays a line."""
    for line in text.splitlines() or [""]:
        sys.stderr.write(f"{clean(line)}\n")


def show_json(result: object) -> None:
    """Print a result for programs: in ASCII, so that any terminal and any locale takes it."""
    sys.stdout.write(json.dumps(result, indent=2) + "\n")


def show_table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[int] = ()
) -> None:
    """Print a table; `right` names the columns of numbers. The first column is never wrapped."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDTH_OF_A_PIPE
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for place, heading in enumerate(headings):
        table.add_column(
            heading, justify="right" if place in right else "left", no_wrap=place == 0, overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(clean(NONE if cell is None else cell)) for cell in row))
    Console(width=width, highlight=False, markup=False, emoji=False).print(table)


def show_rows(
    rows: Sequence[Result],
    columns: Mapping[str, Column],
    *,
    empty: str = "",
    right: Sequence[int] = (),
) -> bool:
    """Print rows of a result under headings, or the sentence that there is none; say whether there are any.

    A column is a field of the row (a time, `..._at`, is shown by its day), a field with what writes its
    value, or what makes the cell of a row.
    """
    cells = [[_cell(row, column) for column in columns.values()] for row in rows]
    if rows or not empty:
        show_table(tuple(columns), cells, right=right)
    else:
        say(empty)
    return bool(rows)


def _cell(row: Result, column: Column) -> object:
    if isinstance(column, str):
        return day(row[column]) if column.endswith("_at") else row[column]
    return column(row) if callable(column) else column[1](row[column[0]])


def words(name: object) -> str:
    """A name as people read it.

    Examples
    --------
    >>> words("cannot_tell"), words(None)
    ('cannot tell', '–')
    """
    return NONE if name in (None, "") else in_words(str(name))


def dashed(value: object) -> object:
    """A value, or a dash where there is none."""
    return value or NONE


def listed(names: Iterable[str]) -> str:
    """Names in a row, or a dash where there is none."""
    return ", ".join(names) or NONE


def figure(value: float | None, unit: str = "") -> str:
    """A number as people read it; `unit` is share (shown in per cent), count, days, or none.

    Examples
    --------
    >>> figure(0.8125, "share"), figure(3.0, "count"), figure(None), figure(0.03417)
    ('81.2%', '3', '–', '0.0342')
    """
    if value is None:
        return NONE
    if unit == "share":
        return f"{value:.1%}"
    if unit in ("count", "days"):
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.2f}"


def counted(number: int) -> str:
    """A count with its thousands apart."""
    return f"{number:,}"


def yes_or_no(true: object) -> str:
    """Whether something is so, in a word."""
    return "yes" if true else "no"


def share(value: float | None) -> str:
    """A share in per cent."""
    return figure(value, "share")


def day(text: str | None) -> str:
    """The day of a time or day in JSON."""
    if not text:
        return NONE
    return (datetime.fromisoformat(text).date() if "T" in text else date.fromisoformat(text)).isoformat()


def minute(text: str | None) -> str:
    """A time in JSON to the minute, in UTC."""
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M") if text else NONE


def interval(found: Mapping[str, float] | None, unit: str = "") -> str:
    """An interval as people read it."""
    return ends(found["low"], found["high"], unit) if found else NONE


def ends(low: float | None, high: float | None, unit: str = "") -> str:
    """The two ends of a band."""
    return NONE if low is None and high is None else f"{figure(low, unit)} to {figure(high, unit)}"


def as_of(result: Result) -> str:
    """From which moment a result was read."""
    return f"as of {minute(result['moment']['at'])} UTC"
