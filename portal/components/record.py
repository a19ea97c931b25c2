"""The record on screen: proof, filters, entries and the one that is open."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.domain.commands import make
from core.domain.errors import GovernanceError, NotFound
from core.services.case import refusal
from core.services.record.audit_pack import (
    ALL,
    KIND,
    OUTGOING,
    ExportAuditPack,
    PackJob,
    finished_pack,
    pack_subject,
    start_pack,
)
from core.services.record.checkpoints import verify_against
from core.services.record.entries import replay_decision
from portal.components.cards import facts
from portal.components.desk import job_bar, show_problem
from portal.components.page import page_link, panel
from portal.components.pills import pill
from portal.components.tables import Column, download_csv, live_table
from portal.components.text import count, day, escape, minute, sentence
from portal.components.url_inputs import url_choice, url_value

if TYPE_CHECKING:
    from datetime import datetime

    from core.domain.chain import EntryLine
    from core.domain.moment import Moment
    from core.lake.record.verify import Verification
    from core.services.record.entries import EntrySheet, RecordChoices, Replay
    from portal.components.desk import Desk


KNOWN = [
    Column("title", "Requirement", strong=True, width=200),
    Column(lambda known: known.status.capitalize(), "Stood at", width=92),
    Column("due_on", "Due", width=96),
]


def replay_section(desk: Desk, seq: int) -> None:
    """Offer to decide entry `seq` again, and show what came of it."""
    words = "Decides again from the entries before this one, with the policy of that day; it records nothing."
    if st.button("Replay this decision", icon=":material/replay:", help=words, key=f"replay-{seq}"):
        st.session_state["replayed"] = seq
    if st.session_state.get("replayed") != seq:
        return
    try:
        found = desk.ask(replay_decision, seq=seq)
    except GovernanceError as problem:
        show_problem(problem)
        return
    _shown(found)


def _shown(found: Replay) -> None:
    if found.same:
        pill("pass", "Same decision")
        about = f"{found.again.outcome}, {count(len(found.again.findings), 'finding')}"
        made = (
            f"Made anew from {count(found.known_seq, 'entry', 'entries')} as of {minute(found.at)}: {about}."
        )
        st.markdown(escape(made))
    else:
        pill("fail", "Another decision")
        for difference in found.differences:
            st.markdown(escape(sentence(difference)))
    with st.expander("What was known of each requirement", icon=":material/checklist:"):
        live_table(
            found.requirements, KNOWN, key=f"known-{found.seq}", height=300, alt="Requirements as known then."
        )


WHAT = (
    "Decisions, sign-offs, evidence files, the policy and the entries of the record, with a verifier that "
    "runs on any Python and a signature over all of it. Of other initiatives it holds digests only."
)


def download_pack(desk: Desk, initiative: str = ALL) -> None:
    """Offer the audit pack of an initiative, or of all; to those who may export one.

    Parameters
    ----------
    desk
        The desk of this session.
    initiative
        Its id; `all` for everything on record.
    """
    if refusal(desk.governance, desk.moment, desk.actor, "export_audit_pack"):
        return
    made: dict[str, PackJob] = st.session_state.setdefault("audit_packs", {})
    with st.popover("Audit pack", icon=":material/folder_zip:", width="content"):
        st.caption(WHAT)
        if desk.in_past:
            st.caption(f"You are reading {day(desk.moment.at)}. Go back to today to pack any past day.")
        else:
            _order(desk, initiative, made)
        running = job_bar(desk, pack_subject(initiative), kind=KIND)
        if not running and initiative in made and finished_pack(made[initiative]):
            _fetch(made[initiative], initiative)


def _order(desk: Desk, initiative: str, made: dict[str, PackJob]) -> None:
    today = desk.moment.at.date()
    chosen = st.date_input(
        "As it stood at the end of", today, max_value=today, key=f"pack-day-{initiative}", format="YYYY-MM-DD"
    )
    if st.button("Make the pack", icon=":material/inventory_2:", key=f"pack-{initiative}"):
        command = make(
            ExportAuditPack,
            actor=desk.actor,
            at=desk.moment.at,
            initiative=initiative,
            as_of=_moment(desk, chosen),
            target=desk.governance.store.folder / OUTGOING / f"{initiative}-{secrets.token_hex(6)}.zip",
            zipped=True,
        )
        job = desk.act(start_pack, command)
        if job is not None:
            made[initiative] = job


def _moment(desk: Desk, chosen: object) -> Moment:
    """Today means now; another day its end."""
    if not hasattr(chosen, "isoformat") or chosen == desk.moment.at.date():
        return desk.moment
    return desk.governance.moment(datetime.combine(chosen, time.max, tzinfo=UTC))  # type: ignore[arg-type]


def _fetch(job: PackJob, initiative: str) -> None:
    st.download_button(
        "Download the pack",
        data=job.path.read_bytes,
        file_name=f"audit-pack-{initiative}.zip",
        mime="application/zip",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
        key=f"pack-file-{initiative}",
    )


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
                found = verify_against(desk.governance).record
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
    download_csv(everything, CSV_TITLES, name="record")
    return None if row is None else row.seq


def entry_panel(sheet: EntrySheet, *, replay: Callable[[int], None] | None = None) -> None:
    """Show one entry: who did what and when, what it put on record, and its place in the chain.

    `replay` draws what replays a gate decision, given the number of its entry.
    """
    entry = sheet.entry
    known = f" Known by: {entry.credential}." if entry.credential else ""
    said = f"{entry.what} by {entry.actor_name}, {minute(entry.recorded_at)}.{known}"
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
