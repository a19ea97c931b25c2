"""Record: every entry, what it put on record, and whether the chain is whole."""

from __future__ import annotations

import functools
import math
from typing import Any

import streamlit as st

from core.domain.errors import NotFound
from core.services.record import entries
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.page import empty_state, page_header, page_link, panel
from portal.components.record import (
    entries_table,
    entry_panel,
    proof_panel,
    record_filters,
    replay_section,
)
from portal.components.text import count
from portal.components.url_inputs import set_url, url_choice, url_value

PAGE = 100
MOST_DOWNLOADED = 100_000
CHAIN = (
    "Entries are only ever added; each carries a digest of its content and of the entry before it, so that a "
    "change anywhere breaks the chain from there on."
)


def render() -> None:
    """Draw the proof, the filters, the entries, and the one that is open."""
    desk = current_desk()
    page_header(desk, "Record", CHAIN)
    proof_panel(desk)
    filters = record_filters(desk.ask(entries.record_choices))
    total = desk.ask(entries.entry_count, **filters)
    left, right = st.columns([1.85, 1])
    with left, panel("Entries", f"{count(total, 'entry', 'entries')}, newest first; click one to open it."):
        newest = _entries(desk, filters, total)
    with right:
        _entry(desk, url_value("entry") or newest)


def _entries(desk: Desk, filters: dict[str, Any], total: int) -> str:
    if not total:
        empty_state("No entry fits these filters.", page="record", label="Show all entries")
        return ""
    pages = math.ceil(total / PAGE)
    place = 1
    if pages > 1:
        spans = {str(p): f"{(p - 1) * PAGE + 1:,} to {min(p * PAGE, total):,}" for p in range(1, pages + 1)}
        place = int(url_choice("Entries shown", spans, "page", default="1", width=200))
    rows = desk.ask(entries.record_page, **filters, most=PAGE, skip=(place - 1) * PAGE)
    everything = functools.partial(desk.ask, entries.record_page, **filters, most=MOST_DOWNLOADED)
    chosen = entries_table(rows, everything=everything)
    if chosen is not None:
        set_url(entry=str(chosen))
    return str(rows[0].seq) if rows else ""


def _entry(desk: Desk, number: str) -> None:
    if not number:
        return
    try:
        sheet = desk.ask(entries.entry_sheet, seq=entries.find_entry(number))
    except NotFound as problem:
        show_problem(problem)
        page_link("record", "Open the newest entry", icon=":material/arrow_forward:")
        return
    entry_panel(sheet, replay=functools.partial(replay_section, desk))


render()
