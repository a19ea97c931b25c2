"""Files to take away: CSV whose text cells cannot run as formulas in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

import streamlit as st

_STARTERS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def defuse(cell: object) -> object:
    """Put an apostrophe before a text that a spreadsheet would run as a formula; numbers stay numbers.

    Examples
    --------
    >>> defuse('=HYPERLINK("http://x")')
    '\\'=HYPERLINK("http://x")'
    >>> defuse(-0.5)
    -0.5
    """
    if isinstance(cell, str) and (cell.startswith(_STARTERS) or cell.lstrip(" ").startswith(_STARTERS)):
        return "'" + cell
    return cell


def csv_text(rows: Sequence[Mapping[str, object]], titles: Mapping[str, str]) -> str:
    """Write rows as CSV with readable column names and defused text cells.

    Parameters
    ----------
    rows
        One mapping a row.
    titles
        Field of the row -> name of the column, in the order of the columns.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([defuse(title) for title in titles.values()])
    for row in rows:
        writer.writerow([defuse(_cell(row.get(field))) for field in titles])
    return out.getvalue()


def download_csv(
    rows: Sequence[Mapping[str, object]], titles: Mapping[str, str], *, name: str, label: str = "Download CSV"
) -> None:
    """Offer rows as a CSV file; `name` is the file's name without its ending."""
    st.download_button(
        label,
        data=lambda: ("\ufeff" + csv_text(rows, titles)).encode("utf-8"),
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
