"""What the decay page asks: which model and version, and for new estimates by a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.commands import make
from core.services.measured.refresh import (
    CHUNK_ROWS,
    REFRESH,
    RefreshMonitoring,
    refresh_subject,
    start_refresh,
)
from core.services.process.permitted import refusal
from portal.components.job_bar import job_bar
from portal.components.text import humanise
from portal.components.url_inputs import url_choice

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.services.measured.decay_view import MonitoredVersion
    from portal.components.desk import Desk

_ROWS = "rows"
_CHUNKS = {
    _ROWS: "By number of rows",
    "day": "By day",
    "week": "By week",
    "month": "By month",
    "quarter": "By quarter",
    "year": "By year",
}


def refresh_bar(desk: Desk, known: MonitoredVersion) -> None:
    """Show how far a refresh is, and offer one to those who may; it goes on when the page is left."""
    running = job_bar(desk, refresh_subject(known.initiative, known.version), kind=REFRESH)
    if running or desk.in_past or refusal(desk.governance, desk.actor, "refresh_monitoring"):
        return
    words = "Estimate anew" if known.estimated else "Estimate performance"
    with st.popover(words, icon=":material/refresh:"):
        _form(desk, known)


def _form(desk: Desk, known: MonitoredVersion) -> None:
    rule = st.selectbox("Chunks", list(_CHUNKS), format_func=lambda one: _CHUNKS[one], key="refresh-rule")
    size = CHUNK_ROWS
    if rule == _ROWS:
        size = int(
            st.number_input(
                "Rows a chunk",
                min_value=100,
                max_value=1_000_000,
                value=CHUNK_ROWS,
                step=500,
                key="refresh-size",
            )
        )
    st.caption(
        "NannyML learns from the reference once for each rule of chunks, which takes 10 seconds and more; "
        "after that only the estimates are made. You may leave this page meanwhile."
    )
    if st.button("Start", type="primary", key="refresh-start"):
        command = make(
            RefreshMonitoring,
            actor=desk.actor,
            at=desk.moment.at,
            initiative=known.initiative,
            version=known.version,
            chunk_size=size if rule == _ROWS else None,
            period=None if rule == _ROWS else rule,
        )
        if desk.act(start_refresh, command) is not None:
            st.rerun()


def divide_choices(choices: tuple[str, ...]) -> dict[str, str]:
    """Features to divide people by, as people read them; everyone first."""
    return {"": "Everyone", **{choice: humanise(choice) for choice in choices}}


def pick_version(
    places: Sequence[DeltaGenerator], known: MonitoredVersion, versions: Sequence[MonitoredVersion]
) -> None:
    """Let people choose the model and its version; each says how it stands."""
    newest = {one.initiative: one for one in reversed(versions)}
    models = {one.initiative: f"{one.name}{_state(one)}" for one in reversed(newest.values())}
    own = {
        one.version: f"{one.version}{_state(one)}" for one in versions if one.initiative == known.initiative
    }
    with places[0]:
        clears = ("version", "metric", "by")
        url_choice("Model", models, "id", default=known.initiative, clears=clears)
    with places[1]:
        url_choice("Version, newest first", own, "version", default=known.version, clears=("metric", "by"))


def _state(one: MonitoredVersion) -> str:
    return " (estimated worse)" if one.worse else "" if one.estimated else " (not estimated)"
