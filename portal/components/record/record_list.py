"""The record on screen: proof, filters, entries and the one that is open."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.domain.errors import NotFound
from core.services.record.entries import verify_record
from portal.components.cards import facts
from portal.components.desk import show_problem
from portal.components.downloads import csv_text
from portal.components.page import page_link, panel
from portal.components.pills import pill
from portal.components.record.pack_download import download_pack
from portal.components.tables import Column, live_table
from portal.components.text import count, escape, minute
from portal.components.url_inputs import url_choice, url_value

if TYPE_CHECKING:
    from datetime import datetime

    from core.domain.chain import EntryLine
    from core.lake.record.verify import Verification
    from core.services.record.record_view import EntrySheet, RecordChoices
    from portal.components.desk import Desk

ENTRIES = [
    Column("seq", "Entry", "number", phone=False, width=62),
    Column("recorded_at", "When", "minute", phone=False, width=138),
    Column("what", "What", width=148),
    Column("about", "About", strong=True, width=190),
    Column("actor_name", "Who", phone=False, width=108),
]
CSV_TITLES = {
    "seq": "Entry",
    "recorded_at": "When (UTC)",
    "what": "What",
    "about": "About",
    "actor_name": "Who",
    "content_digest": "Digest of the content",
    "digest": "Digest of the entry",
}


def proof_panel(desk: Desk) -> None:
    """Offer to verify the record, with what the last verification of this visit found, and the audit pack."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        words = "Recomputes the digest of every entry and every file; it changes nothing."
        if st.button("Verify now", icon=":material/verified:", help=words):
            with st.spinner("Recomputing every digest."):
                found = verify_record(desk.governance)
            st.session_state["verified"] = (found, desk.moment.at)
        if "verified" in st.session_state:
            verified_status(*st.session_state["verified"])
        else:
            st.caption("Not verified in this visit. It takes some seconds and changes nothing.")
        download_pack(desk)


def verified_status(found: Verification, at: datetime) -> None:
    """Say whether the record is whole, or which entry is the first that is not."""
    broken = found.first_break
    if broken is None:
        pill("pass", "Whole")
        counted = f"{count(found.entries, 'entry', 'entries')} and {count(found.files, 'file')}"
        purged = f"; {count(found.purged, 'file')} forgotten on purpose" if found.purged else ""
        st.markdown(escape(f"{counted} are what was recorded{purged}; verified as of {minute(at)}."))
        for note in found.notes:
            st.caption(escape(f"Note: {note}."))
        return
    pill("fail", "Broken")
    where = f"Entry {broken.seq:,}" if broken.seq else "The record"
    what = f"{where}, {broken.subject}: {broken.problem}."
    st.markdown(escape(f"{what} Trust nothing from there on, and restore the store from a backup."))


def record_filters(choices: RecordChoices) -> dict[str, Any]:
    """Draw the filters kept in the address; a value that the record does not know is named and left out."""
    asked = (
        ("initiative", "Initiative", "initiative", "All initiatives", choices.initiatives),
        ("action", "What", "kind of entry", "Everything", choices.actions),
        ("actor", "Who", "person", "Everybody", choices.people),
    )
    found = {}
    for place, (field, label, noun, everything, names) in zip(st.columns(3), asked, strict=True):
        wanted = url_value(field)
        if wanted and wanted not in names:
            remedy = "The filter is left out; choose another."
            show_problem(NotFound(f"the record knows no {noun} '{wanted[:60]}'", remedy=remedy))
        with place:
            found[field] = url_choice(label, {"": everything, **names}, field, clears=("page", "entry"))
    return found


def entries_table(rows: Sequence[EntryLine], *, everything: Callable[[], Sequence[EntryLine]]) -> int | None:
    """Show a page of entries; give the number of the one that is clicked.

    Parameters
    ----------
    rows
        The entries of this page.
    everything
        Gives all entries that the filters let through, asked for when the file is downloaded.
    """
    alt = "Entries of the record, newest first."
    row = live_table(rows, ENTRIES, key="entries", select=True, height=560, alt=alt)
    st.download_button(
        "Download CSV",
        data=lambda: (
            "\ufeff"
            + csv_text(
                [{name: getattr(one, name) for name in CSV_TITLES} for one in everything()], CSV_TITLES
            )
        ).encode("utf-8"),
        file_name="record.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="download-record",
    )
    return None if row is None else row.seq


def entry_panel(sheet: EntrySheet, *, replay: Callable[[int], None] | None = None) -> None:
    """Show one entry: who did what and when, what it put on record, and its place in the chain.

    `replay` draws what replays a gate decision, given the number of its entry.
    """
    entry = sheet.entry
    said = f"{entry.what} by {entry.actor_name}, {minute(entry.recorded_at)}."
    with panel(f"Entry {entry.seq:,}", said):
        if sheet.initiative:
            page_link("initiative", entry.about, icon=":material/description:", id=sheet.initiative)
        facts(sheet.shared)
        if sheet.differing:
            _lines(sheet.differing)
        if replay is not None and entry.action == "gate_decided":
            replay(entry.seq)
        with st.expander("Its place in the chain", icon=":material/link:"):
            facts(
                [
                    ("Digest of its content", entry.content_digest),
                    ("Digest of the entry before it", entry.previous_digest),
                    ("Its own digest", entry.digest),
                ]
            )


def _lines(lines: Sequence[Mapping[str, str]]) -> None:
    labels = dict.fromkeys(label for line in lines for label in line)
    st.caption(f"{count(len(lines), 'row')}; what differs between them:")
    columns = [Column(label, label, width=104) for label in labels]
    live_table(lines, columns, key="rows", height=330, alt="Rows that the entry put on record.")
