"""A decision decided again: what was known then, and whether the answer is the one on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.domain.errors import GovernanceError
from core.services.record.replay import replay_decision
from portal.components.desk import show_problem
from portal.components.pills import pill
from portal.components.tables import Column, live_table
from portal.components.text import count, escape, minute

if TYPE_CHECKING:
    from core.services.record.replay import Replay
    from portal.components.desk import Desk

KNOWN = [
    Column("title", "Requirement", strong=True, width=200),
    Column("status", "Stood at", width=92),
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
            st.markdown(escape(f"{difference[:1].upper()}{difference[1:]}."))
    with st.expander("What was known of each requirement", icon=":material/checklist:"):
        rows = [
            {"title": known.title, "status": known.status.capitalize(), "due_on": known.due_on}
            for known in found.requirements
        ]
        live_table(rows, KNOWN, key=f"known-{found.seq}", height=300, alt="Requirements as known then.")
