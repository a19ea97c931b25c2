"""A page as text: words, figures, inputs, tables and charts in the order in which they stand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

import pyarrow as pa
from streamlit.testing.v1 import AppTest

FIRST_ROWS = 4
_INPUTS = {"checkbox", "date_input", "number_input", "text_area", "text_input", "toggle"}
_SILENT = {"space", "empty", "skeleton"}
_LINE_ENDS = {"div", "p", "li", "tr", "table", "ul", "ol", "h1", "h2", "h3", "h4", "section", "dl", "br"}
_UNSEEN = {"style", "script"}
_TOLD = ("href", "title", "alt", "aria-label")


def page_text(at: AppTest, tab: str = "") -> str:
    """What the page and its sidebar show; of a page with tabs, only what stands in the one that is named."""
    lines = [line for place in (at.sidebar, at.main) for line in _block(place)]
    if tab:
        start = lines.index(f"[tab] {tab}")
        after = (place for place in range(start + 1, len(lines)) if lines[place].startswith("[tab]"))
        lines = lines[start : next(after, None)]
    return "\n".join(lines) + "\n"


def _block(block: Any) -> Iterator[str]:
    inner = block.proto.popover if block.type == "popover" else block.proto
    if label := getattr(inner, "label", ""):
        yield f"[{block.type}] {label}"
    for place in sorted(block.children):
        child = block.children[place]
        yield from _block(child) if hasattr(child, "children") else _element(child)


def _element(element: Any) -> Iterator[str]:
    if element.type in _SILENT:
        return
    if element.type == "html":
        yield from html_lines(element.value)
    elif element.type == "dataframe":
        yield from _dataframe(element.proto)
    elif element.type == "vega_lite_chart":
        yield from _chart(element.proto)
    else:
        yield _said(element)


def _said(element: Any) -> str:
    """An element in a line: its kind, its words, what is chosen or stands in it, and its help."""
    proto = element.proto
    options = [getattr(option, "content", option) for option in getattr(proto, "options", ())]
    words = [getattr(proto, "label", ""), getattr(proto, "body", "")]
    if element.type == "page_link":
        words.append(f"leads to {proto.page} {proto.query_string}".rstrip())
    elif options or element.type in _INPUTS:
        words.append(f"= {_shown(element, options)}")
    words += [f"({len(options)} options)"] if options else []
    words += ["(disabled)"] if getattr(proto, "disabled", False) else []
    words += [f"<{getattr(proto, name)}>" for name in ("placeholder", "help") if getattr(proto, name, "")]
    return " ".join([f"[{element.type}]", *(" / ".join(word.splitlines()) for word in words if word)])


def _shown(element: Any, options: Sequence[str]) -> str:
    """What stands in an input, in the words of the page."""
    if not options or element.value is None:
        return str(element.value)
    places = element.indices if hasattr(element, "indices") else [element.index]
    return "; ".join(options[place] for place in places)


def _dataframe(proto: Any) -> Iterator[str]:
    columns = json.loads(proto.columns or "{}")
    titles = {name: (told or {}).get("label") or name for name, told in columns.items()}
    yield f"[dataframe] {proto.alt}"
    yield from _table(_arrow(proto.arrow_data.data or proto.lazy_data.initial_chunk.data), titles)
    yield from (
        f"  <{titles[name]}: {told['help']}>" for name, told in columns.items() if (told or {}).get("help")
    )


def _chart(proto: Any) -> Iterator[str]:
    yield f"[chart] {proto.alt}"
    for data in (proto.data, *(named.data for named in proto.datasets)):
        if data.data:
            yield from _table(_arrow(data.data), {})
    yield f"  words: {'; '.join(dict.fromkeys(_spec_words(json.loads(proto.spec))))}"


def _spec_words(spec: Any, under: str = "") -> Iterator[str]:
    """Titles, formats and fixed values of a chart's specification, in their order."""
    if isinstance(spec, Mapping):
        for key, value in spec.items():
            yield from _spec_words(value, key)
    elif isinstance(spec, list):
        for value in spec:
            yield from _spec_words(value, under)
    elif under in {"title", "text", "format", "words", "label"} and isinstance(spec, str):
        yield spec


def _arrow(data: bytes) -> pa.Table:
    return pa.ipc.open_stream(data).read_all()


def _table(table: pa.Table, titles: Mapping[str, str]) -> Iterator[str]:
    """Columns, how many rows, and the first of them."""
    shown = [name for name in table.column_names if not name.startswith("__index")]
    yield f"  {table.num_rows} rows of: {' | '.join(titles.get(name, name) for name in shown)}"
    for row in table.select(shown).slice(0, FIRST_ROWS).to_pylist():
        yield f"  {' | '.join(_cell(value) for value in row.values())}"


def _cell(value: Any) -> str:
    match value:
        case float():
            return f"{value:.9g}"
        case list():
            shown = ", ".join(_cell(item) for item in value[:FIRST_ROWS])
            return shown if len(value) <= FIRST_ROWS else f"{shown} and {len(value) - FIRST_ROWS} more"
        case None:
            return "-"
    return " / ".join(str(value).splitlines())


def html_lines(body: str) -> list[str]:
    """The words of a piece of HTML, a line a block, with where its links lead and what is read aloud."""
    reader = _Words()
    reader.feed(body)
    reader.close()
    return [line for line in reader.lines if line]


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.lines = [""]
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        if tag in _LINE_ENDS:
            self.lines.append("")
        for name, value in attrs:
            if name in _TOLD and value:
                self._add(f"<{value}>")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN
        if tag in _LINE_ENDS:
            self.lines.append("")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._add(" ".join(data.split()))

    def _add(self, words: str) -> None:
        if words:
            self.lines[-1] = f"{self.lines[-1]} {words}".strip()
