"""Tables with readable column names: a live one to sort, search and click, and a plain one to read."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import floor
from typing import TYPE_CHECKING, Any, Generic, Literal, cast

import streamlit as st

from portal.components.cards import sparkline_html
from portal.components.pills import GLYPHS, STREAMLIT_COLOURS, look_of, pill_html
from portal.components.text import NOTHING, day, escape, escape_html, minute, number, percent, points

Kind = Literal["text", "number", "percent", "points", "day", "minute", "status", "share_bar", "trend"]
if TYPE_CHECKING:
    from typing_extensions import TypeVar

    Row = TypeVar("Row", default=Any)
else:
    from typing import TypeVar

    Row = TypeVar("Row")
"""A mapping, or a value with the fields as attributes."""
_RIGHT = {"number", "percent", "points"}
_WIDTHS: dict[Kind, int] = {
    "number": 76,
    "percent": 80,
    "points": 100,
    "day": 104,
    "minute": 158,
    "status": 128,
    "share_bar": 122,
    "trend": 100,
}
_CLICK_BOX = 40
_ROW_HEIGHT = 36
_HEAD_HEIGHT = 33


@dataclass(frozen=True)
class Column(Generic[Row]):
    """One column of a table.

    Attributes
    ----------
    field
        Name of the value in the rows, or how it follows from a row.
    title
        Name on screen: words, never an identifier.
    kind
        `text`, `number`, `percent` (a share 0..1), `points` (a difference of shares), `day`, `minute`
        (UTC), `status` (a key of `pills.LOOKS`), `share_bar` (a share 0..1 as a bar) or `trend` (a list of
        numbers as a small line).
    digits
        Decimals of numbers.
    phone
        False leaves the column out on a narrow screen.
    width
        Pixels in a live table; None takes what suits the kind. Room that is left is shared out evenly.
    strong
        True marks the name of the row: heavier in a plain table, wider in a live one.
    help
        One sentence shown when pointing at the title (live tables).
    """

    field: str | Callable[[Row], object]
    title: str
    kind: Kind = "text"
    digits: int = 0
    phone: bool = True
    width: int | None = None
    strong: bool = False
    help: str | None = None

    def of(self, row: Row) -> Any:
        """The value of a row: an item of a mapping, or an attribute."""
        return self.field(row) if callable(self.field) else _read(row, self.field)


def _read(row: object, field: str) -> Any:
    return row.get(field) if isinstance(row, Mapping) else getattr(row, field)


def live_table(
    rows: Sequence[Row],
    columns: Sequence[Column[Row]],
    *,
    key: str,
    select: bool = False,
    download: str = "",
    height: int | Literal["auto"] = "auto",
    alt: str = "",
) -> Row | None:
    """Show a table that people sort, search and click; narrow screens get the columns marked for them.

    Parameters
    ----------
    rows
        The rows; fields that no column names are not shown and not sent to the browser.
    columns
        The columns in their order.
    key
        A name that no other table of the page has.
    select
        True lets people click a row.
    download
        File name (without ending) of a CSV with the same columns; empty offers none.
    height
        Pixels at most, or `auto` for about ten rows.
    alt
        One sentence that says what the table shows, for people who do not see it.

    Returns
    -------
    Row | None
        The row that is clicked, or None.
    """
    narrow = [column for column in columns if column.phone]
    chosen = None
    views = [("wide", list(columns)), ("phone", narrow)] if len(narrow) < len(columns) else [("all", narrow)]
    for view, shown in views:
        with st.container(key=f"gp-{view}-{key}"):
            picked = _frame(rows, shown, key=f"{key}-{view}", select=select, height=height, alt=alt)
        chosen = picked if picked is not None else chosen
    if download:
        _offer_csv(rows, columns, download)
    return chosen


def _frame(
    rows: Sequence[Row],
    columns: Sequence[Column[Row]],
    *,
    key: str,
    select: bool,
    height: int | Literal["auto"],
    alt: str,
) -> Row | None:
    import pandas as pd

    frame = pd.DataFrame({c.title: [_live_value(c, c.of(row)) for row in rows] for c in columns})
    widths = _widths(columns, narrow=key.endswith("-phone"))
    config = {c.title: _live_config(c, rows, widths[c.title]) for c in columns}
    common: dict[str, Any] = {
        "hide_index": True,
        "column_config": config,
        "height": height if height == "auto" else min(height, len(rows) * _ROW_HEIGHT + _HEAD_HEIGHT),
        "key": key,
        "alt": alt or None,
        "row_height": _ROW_HEIGHT,
        "placeholder": NOTHING,
    }
    if not select:
        st.dataframe(frame, **common)
        return None
    modes: list[Literal["single-row", "single-cell"]] = ["single-row", "single-cell"]  # the box, or any cell
    state = cast(Any, st.dataframe(frame, on_select="rerun", selection_mode=modes, **common))
    picked = [*state.selection.rows, *(cell[0] for cell in state.selection.cells)]
    return rows[picked[0]] if picked and picked[0] < len(rows) else None


def _live_value(column: Column, value: Any) -> Any:
    if column.kind == "status":
        return [] if value is None else [_glyph_text(str(value))]
    if column.kind == "trend":
        return None if value is None else [float(item) for item in value]
    if column.kind == "text":
        return NOTHING if value is None or value == "" else str(value)
    if column.kind == "share_bar":  # rounded down: never shown as reached when it is not
        return None if value is None else floor(float(value) * 100 + 1e-9) / 100
    if column.kind in {"percent", "points"}:
        return None if value is None else float(value) * 100
    return value


def _glyph_text(status: str) -> str:
    look = look_of(status)
    return f"{GLYPHS[look.shape]} {look.text}"


def _widths(columns: Sequence[Column], *, narrow: bool) -> dict[str, int]:
    """Give each column its pixels; the row's name gives way where the others would be cut off."""
    wanted = {c.title: c.width or _WIDTHS.get(c.kind) or (220 if c.strong else 120) for c in columns}
    least, room = (110, 350) if narrow else (160, 1080)
    lacking = sum(wanted.values()) + _CLICK_BOX - room
    for column in columns:
        if lacking > 0 and column.strong:
            wanted[column.title] = max(least, wanted[column.title] - lacking)
    return wanted


def _live_config(column: Column, rows: Sequence[object], width: int) -> Any:
    common: dict[str, Any] = {
        "label": column.title,
        "width": width,
        "help": column.help,
    }
    makers = st.column_config
    if column.kind == "status":
        values = (column.of(row) for row in rows)
        present = sorted({str(value) for value in values if value is not None})
        return makers.MultiselectColumn(
            options=[_glyph_text(status) for status in present],
            color=cast(Any, [STREAMLIT_COLOURS[look_of(status).tone] for status in present]),
            **common,
        )
    if column.kind in _RIGHT:
        unit = {"percent": "%%", "points": " points"}.get(column.kind, "")
        sign = "+" if column.kind == "points" else ""
        return makers.NumberColumn(format=f"%{sign},.{column.digits}f{unit}", **common)
    if column.kind == "share_bar":
        return makers.ProgressColumn(format="percent", min_value=0.0, max_value=1.0, **common)
    if column.kind == "trend":
        return makers.LineChartColumn(**common)
    if column.kind == "day":
        return makers.DateColumn(format="D MMM YYYY", **common)
    if column.kind == "minute":
        return makers.DatetimeColumn(format="D MMM YYYY, HH:mm", timezone="UTC", **common)
    return makers.TextColumn(**common)


def plain_table(
    rows: Sequence[Row], columns: Sequence[Column[Row]], *, download: str = "", caption: str = ""
) -> None:
    """Show a short table to read: crisp text, pills, and fewer columns on a narrow screen.

    Parameters
    ----------
    rows
        At most about 100 rows; use `live_table` for more.
    columns
        The columns in their order; `phone=False` hides one on a narrow screen.
    download
        File name (without ending) of a CSV with the same columns; empty offers none.
    caption
        One sentence that says what the table shows, read aloud to people who do not see it.
    """
    head = "".join(f'<th scope="col" class="{_classes(c)}">{escape_html(c.title)}</th>' for c in columns)
    body = "".join(
        "<tr>"
        + "".join(f'<td class="{_classes(c)}">{_cell_html(c, c.of(row))}</td>' for c in columns)
        + "</tr>"
        for row in rows
    )
    label = f' aria-label="{escape_html(caption)}"' if caption else ""
    st.html(
        f'<div class="gp-table-box"><table class="gp-table"{label}><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
    if download:
        _offer_csv(rows, columns, download)


def _offer_csv(rows: Sequence[object], columns: Sequence[Column], name: str) -> None:
    """Offer the columns as people read them: statuses in words, times in UTC, shares as plain numbers."""
    readable = [{c.title: _csv_value(c, c.of(row)) for c in columns} for row in rows]
    download_csv(readable, {c.title: c.title for c in columns}, name=name)


def _csv_value(column: Column, value: Any) -> Any:
    if column.kind == "status":
        return None if value is None else look_of(str(value)).text
    if column.kind == "minute" and isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if column.kind == "day" and isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    return value


def _classes(column: Column) -> str:
    names = ["gp-num"] if column.kind in _RIGHT else []
    names += ["gp-tight"] if column.kind in {"status", "day", "minute"} else []
    names += ["gp-strong"] if column.strong else []
    names += [] if column.phone else ["gp-wide"]
    return " ".join(names)


def _cell_html(column: Column, value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    if column.kind == "status":
        return pill_html(str(value))
    if column.kind == "share_bar":
        filled = min(max(float(value), 0.0), 1.0) * 100
        return (
            f'<div class="gp-bar"><span class="gp-bar-track"><span class="gp-bar-fill" '
            f'style="width: {filled:.1f}%"></span></span><span class="gp-bar-text">'
            f"{percent(float(value), column.digits)}</span></div>"
        )
    if column.kind == "trend":
        return sparkline_html([float(item) for item in value]) or NOTHING
    return escape_html(_words(column, value))


def _words(column: Column, value: Any) -> str:
    if column.kind == "number":
        return number(float(value), column.digits)
    if column.kind == "percent":
        return percent(float(value), column.digits)
    if column.kind == "points":
        return points(float(value), column.digits)
    if column.kind == "day" and isinstance(value, date):
        return day(value)
    if column.kind == "minute" and isinstance(value, datetime):
        return minute(value)
    return str(value)


def bullet_list(items: Sequence[str]) -> None:
    """Show short sentences as a list; each is shown literally."""
    st.markdown("\n".join(f"- {escape(item)}" for item in items))


_STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


_UNSEEN = ("Zs", "Zl", "Zp", "Cf", "Cc")
"""Blanks, and marks that nobody sees, as Unicode sorts them."""


def defuse(cell: object) -> object:
    """Put an apostrophe before a text that a spreadsheet would run as a formula; numbers stay numbers.

    Examples
    --------
    >>> defuse('=HYPERLINK("http://x")')
    '\\'=HYPERLINK("http://x")'
    >>> defuse("\\ufeff\\u00a0=1+1").startswith("'")
    True
    >>> defuse(-0.5)
    -0.5
    """
    if isinstance(cell, str) and (cell.startswith(_STARTERS) or _seen(cell).startswith(_STARTERS)):
        return "'" + cell
    return cell


def _seen(cell: str) -> str:
    """A text from its first visible character on: spreadsheets skip blanks and marks before a formula."""
    return next((cell[at:] for at, char in enumerate(cell) if unicodedata.category(char) not in _UNSEEN), "")


def csv_text(rows: Sequence[object], titles: Mapping[str, str]) -> str:
    """Write rows as CSV with readable column names and defused text cells.

    Parameters
    ----------
    rows
        Mappings, or values with the fields as attributes.
    titles
        Field of the row -> name of the column, in the order of the columns.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([defuse(title) for title in titles.values()])
    for row in rows:
        writer.writerow([defuse(_cell(_read(row, field))) for field in titles])
    return out.getvalue()


def download_csv(
    rows: Sequence[object] | Callable[[], Sequence[object]], titles: Mapping[str, str], *, name: str
) -> None:
    """Offer rows, or what gives them once they are asked for, as a CSV file named without its ending."""
    st.download_button(
        "Download CSV",
        data=lambda: ("\ufeff" + csv_text(rows() if callable(rows) else rows, titles)).encode("utf-8"),
        file_name=f"{name}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"download-{name}",
    )


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, list | tuple | set | frozenset):
        return "; ".join(str(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, int | float) else str(value)


def figure_help(notes: Sequence[str], *, title: str = "How this is counted") -> None:
    """Show sentences on formula, direction, zero, what is left out, and source, folded away."""
    with st.expander(escape(title), icon=":material/help:"):
        bullet_list(notes)
