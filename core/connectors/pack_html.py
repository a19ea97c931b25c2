"""The readable pages of an audit pack: one file each, without script, nothing fetched, everything escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal

Kind = Literal["good", "bad", "plain"]
_SHORT = 18
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = Path(__file__).with_name("pack.css")


@dataclass(frozen=True)
class Link:
    """Words that lead to another file of the pack."""

    text: str
    href: str


@dataclass(frozen=True)
class Mark:
    """A word with a sign: a tick, a cross or a dot, so that it says the same without colour."""

    text: str
    kind: Kind


@dataclass(frozen=True)
class Code:
    """A digest or an id, in letters of one width."""

    text: str


Cell = str | Link | Mark | Code


@dataclass(frozen=True)
class Table:
    """A titled table; `note` stands under the title, `wide` lists columns that take the room."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Page:
    """A page: where it stands, what it is about, the main facts, and the tables."""

    title: str
    over: str
    lead: str
    facts: tuple[tuple[str, Cell], ...]
    tables: tuple[Table, ...]
    foot: str


def page_html(page: Page) -> bytes:
    """Draw a page."""
    contents = "".join(
        f'<li><a href="#part-{n}">{escape(table.title)}</a> <small>{len(table.rows):,}</small></li>'
        for n, table in enumerate(page.tables)
    )
    facts = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{_cell(cell)}</dd></div>" for label, cell in page.facts
    )
    parts = "".join(_table(n, table) for n, table in enumerate(page.tables))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(page.title)}</title><style>{_STYLE.read_text(encoding='utf-8')}</style></head><body>"
        f'<header><p class="over">{escape(page.over)}</p><h1>{escape(page.title)}</h1>'
        f'<p class="lead">{escape(page.lead)}</p></header>'
        f'<dl class="facts">{facts}</dl><nav aria-label="Contents"><ul>{contents}</ul></nav>'
        f"<main>{parts}</main><footer><p>{escape(page.foot)}</p></footer></body></html>\n"
    ).encode()


def _table(place: int, table: Table) -> str:
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    opened = f'<section id="part-{place}"><h2>{escape(table.title)}</h2>{note}'
    if not table.rows:
        return f'{opened}<p class="none">None.</p></section>'
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.columns)
    lines = "".join(f"<tr>{''.join(map(_data, row))}</tr>" for row in table.rows)
    return (
        f'{opened}<div class="scroll">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div></section>"
    )


def _data(cell: Cell) -> str:
    """A cell of a table; what is short stays on one line."""
    words = cell if isinstance(cell, str) else cell.text
    return f"<td{' class=short' if len(words) <= _SHORT else ''}>{_cell(cell)}</td>"


def _cell(cell: Cell) -> str:
    match cell:
        case Link():
            return f'<a href="{escape(cell.href, quote=True)}">{escape(cell.text)}</a>'
        case Mark():
            return f'<span class="mark {cell.kind}">{escape(cell.text)}</span>'
        case Code():
            return f"<code>{escape(cell.text)}</code>"
    return escape(cell)


def columns_of(rows: Sequence[dict[str, Cell]]) -> tuple[str, ...]:
    """Labels of all rows, in the order in which they come up first."""
    return tuple(dict.fromkeys(label for row in rows for label in row))
