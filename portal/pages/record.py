"""Record: every entry, what it put on record, and whether the chain is whole."""

from __future__ import annotations

import streamlit as st

from core.domain.errors import NotFound
from core.services import record_view
from core.services.record import verify_record
from portal.components.cards import facts
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.downloads import csv_text
from portal.components.page import empty_state, page_header, page_link, panel, section
from portal.components.pills import pill
from portal.components.tables import Column, live_table
from portal.components.text import count, escape, minute

PAGE = 100
ENTRIES = [
    Column("seq", "Entry", "number", phone=False, width=70),
    Column("recorded_at", "When", "minute"),
    Column("what", "What", width=170),
    Column("about", "About", strong=True, width=230),
    Column("actor_name", "Who", phone=False, width=130),
]
CHAIN = (
    "Entries are only ever added. Each carries a digest of its content and of the entry before it, so that a "
    "change anywhere breaks the chain from there on."
)


def render() -> None:
    """Draw the proof, the filters, the entries, and the one that is open."""
    desk = current_desk()
    page_header(desk, "Record", CHAIN)
    _verify(desk)
    filters = _filters(desk)
    total = desk.ask(record_view.entry_count, **filters)
    left, right = st.columns([1.6, 1])
    with left, panel("Entries", f"{count(total, 'entry', 'entries')}, newest first; click one to open it."):
        chosen = _entries(desk, filters, total)
    with right, panel("Entry", "What it put on record."):
        try:
            seq = chosen or record_view.find_entry(st.query_params.get("entry", str(desk.moment.seq)))
            _entry(desk.ask(record_view.entry_sheet, seq=seq))
        except NotFound as problem:
            show_problem(problem)
            page_link("record", "Open the newest entry", icon=":material/arrow_forward:")


def _verify(desk: Desk) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        if st.button("Verify now", icon=":material/verified:", help="Recomputes every digest and every file's."):
            with st.spinner("Recomputing every digest."):
                st.session_state["verified"] = (desk.moment.at, verify_record(desk.governance))
        if "verified" not in st.session_state:
            st.caption("Not verified in this visit. It takes some seconds and changes nothing.")
            return
        at, found = st.session_state["verified"]
        broken = found.first_break
        counted = f"{count(found.entries, 'entry', 'entries')} and {count(found.files, 'file')}"
        if broken is None:
            pill("pass", "Whole")
            st.markdown(escape(f"{counted} are what was recorded. Verified {minute(at)}."))
        else:
            pill("fail", "Broken")
            where = f"Entry {broken.seq:,}" if broken.seq else "The record"
            what = f"{where} ({broken.subject}): {broken.problem}."
            st.markdown(escape(f"{what} Trust nothing from there on, and restore the store from a backup."))


def _filters(desk: Desk) -> dict[str, str]:
    choices = desk.ask(record_view.record_choices)
    asked = {
        "initiative": ("Initiative", choices.initiatives),
        "action": ("What", choices.actions),
        "actor": ("Who", choices.people),
    }
    found = {}
    for place, (field, (label, names)) in zip(st.columns(3), asked.items(), strict=True):
        wanted = st.query_params.get(field, "")
        if wanted and wanted not in names:
            show_problem(NotFound(f"the record knows no '{wanted[:60]}'", remedy="All entries are shown."))
            wanted = ""
        st.session_state[field] = wanted or None
        place.selectbox(
            label,
            list(names),
            format_func=lambda one, names=names: names[one],
            key=field,
            placeholder="All",
            on_change=_to_address,
            args=(field,),
            index=None,
        )
        found[field] = wanted
    return found


def _to_address(field: str) -> None:
    chosen = st.session_state[field]
    if chosen:
        st.query_params[field] = chosen
    else:
        st.query_params.pop(field, None)
    st.session_state.pop("page", None)


render()
