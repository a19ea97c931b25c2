"""The audit pack on screen: choose the day, have it made, follow it, take it away."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.commands import make
from core.services.process.permitted import refusal
from core.services.record.audit_pack import ALL, ExportAuditPack
from core.services.record.pack_jobs import KIND, OUTGOING, PackJob, finished_pack, pack_subject, start_pack
from portal.components.job_bar import job_bar
from portal.components.text import day

if TYPE_CHECKING:
    from core.domain.moment import Moment
    from portal.components.desk import Desk

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
    if refusal(desk.governance, desk.actor, "export_audit_pack"):
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
