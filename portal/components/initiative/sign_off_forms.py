"""Forms of the sign-offs: ask, give feedback, answer, take back, delegate."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.process.commands import (
    DelegateSignOff,
    GiveFeedback,
    RequestSignOff,
    SignGate,
    WithdrawSignature,
)
from core.services.process.delegations import delegate_sign_off
from core.services.process.sign_offs import give_feedback, request_sign_off, sign_gate, withdraw_signature
from portal.components.initiative.forms import closed_because, give
from portal.components.text import escape

if TYPE_CHECKING:
    from core.services.process.sign_off_view import Choice, SignOffView
    from portal.components.desk import Desk

OUTCOMES = {"approved": "Approve", "rejected": "Reject", "abandoned": "Abandon"}
OPINIONS = {"approved": "No issue", "minor_issue": "A minor issue", "major_issue": "A major issue"}


def request_form(desk: Desk, initiative: str, view: SignOffView) -> None:
    """Offer to ask for the signatures."""
    because = closed_because(desk, "request_sign_off")
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Ask for the signatures",
            icon=":material/draw:",
            key=f"ask-sign-{view.gate}",
            disabled=bool(because),
        )
        st.caption(
            escape(because or "A new round begins; earlier answers stay on record and no longer count.")
        )
    if pressed and give(
        desk,
        request_sign_off,
        RequestSignOff,
        done=f"The signatures at “{view.gate_title}” are asked for.",
        initiative=initiative,
        gate=view.gate,
    ):
        st.rerun()


def answer_form(desk: Desk, initiative: str, view: SignOffView, choices: tuple[Choice, ...]) -> None:
    """Ask for the answer of somebody who may sign here."""
    with st.form(f"answer-{view.gate}"):
        st.markdown("**Your answer**")
        seat = _seat(choices, f"answer-seat-{view.gate}")
        outcome = st.segmented_control(
            "Answer",
            list(OUTCOMES),
            format_func=lambda known: OUTCOMES[known],
            default="approved",
            required=True,
            key=f"answer-outcome-{view.gate}",
        )
        reason = st.text_area(
            "Reason",
            max_chars=2000,
            height=80,
            key=f"answer-reason-{view.gate}",
            placeholder="Needed to reject, to abandon, and to approve against feedback",
        )
        st.caption("An approval is bound to this version, this evidence and what the policy asks for now.")
        if not st.form_submit_button("Sign", type="primary", icon=":material/draw:"):
            return
    if give(
        desk,
        sign_gate,
        SignGate,
        done=f"Your answer at “{view.gate_title}” is on record.",
        initiative=initiative,
        gate=view.gate,
        outcome=outcome,
        role=seat.role,
        reason=reason,
        on_behalf_of=seat.on_behalf_of,
    ):
        st.rerun()


def feedback_form(desk: Desk, initiative: str, view: SignOffView, choices: tuple[Choice, ...]) -> None:
    """Ask for an opinion before the decision."""
    with st.form(f"feedback-{view.gate}"):
        st.markdown("**Your feedback**")
        seat = _seat(choices, f"feedback-seat-{view.gate}")
        outcome = st.segmented_control(
            "Opinion",
            list(OPINIONS),
            format_func=lambda known: OPINIONS[known],
            default="approved",
            required=True,
            key=f"feedback-outcome-{view.gate}",
        )
        reason = st.text_area(
            "What the issue is", max_chars=2000, height=80, key=f"feedback-reason-{view.gate}"
        )
        if not st.form_submit_button("Give feedback", icon=":material/rate_review:"):
            return
    if give(
        desk,
        give_feedback,
        GiveFeedback,
        done=f"Your feedback at “{view.gate_title}” is on record.",
        initiative=initiative,
        gate=view.gate,
        outcome=outcome,
        role=seat.role,
        reason=reason,
        on_behalf_of=seat.on_behalf_of,
    ):
        st.rerun()


def withdraw_form(desk: Desk, initiative: str, view: SignOffView) -> None:
    """Offer to take one's own answer back."""
    with st.popover("Withdraw your answer", icon=":material/undo:"):
        reason = st.text_input("Why", max_chars=2000, key=f"withdraw-reason-{view.gate}")
        pressed = st.button("Withdraw", key=f"withdraw-{view.gate}")
    if pressed and give(
        desk,
        withdraw_signature,
        WithdrawSignature,
        done="Your answer is withdrawn; it stays on record.",
        initiative=initiative,
        gate=view.gate,
        reason=reason,
    ):
        st.rerun()


def delegation_form(desk: Desk) -> None:
    """Ask who may sign in the reader's place, in which role and until when."""
    roles = [
        role for role in desk.actor.roles if role in desk.governance.raci.roles or role == "head_of_risk"
    ]
    because = closed_because(desk, "delegate_sign_off")
    if because or not roles:
        st.caption(escape(because or "You have no role in which somebody could sign for you."))
        return
    names = {p.id: p.name for p in desk.governance.people() if p.id != desk.actor.id and p.roles}
    longest = desk.governance.policy(desk.moment).delegation_days
    with st.form("delegation"):
        left, middle, right = st.columns(3)
        delegate = left.selectbox("Who", list(names), format_func=lambda person: names[person])
        role = middle.selectbox("In the role", roles, format_func=desk.governance.roles.title)
        until = right.date_input(
            "Until",
            value=desk.moment.day + timedelta(days=min(14, longest)),
            min_value=desk.moment.day,
            max_value=desk.moment.day + timedelta(days=longest),
            format="YYYY-MM-DD",
        )
        reason = st.text_input("Why", max_chars=2000, placeholder="On leave for two weeks")
        st.caption("They sign nothing that either of you had a part in, and cannot hand it on.")
        if not st.form_submit_button("Delegate", icon=":material/forward_to_inbox:"):
            return
    if give(
        desk,
        delegate_sign_off,
        DelegateSignOff,
        done=f"{names[delegate]} may sign in your place until {until}.",
        delegate=delegate,
        role=role,
        until=until,
        reason=reason,
    ):
        st.rerun()


def _seat(choices: tuple[Choice, ...], key: str) -> Choice:
    """Which seat to answer in; asked only where there are several."""
    if len(choices) == 1:
        st.caption(escape(f"As {_seat_words(choices[0])}."))
        return choices[0]
    return st.selectbox("As", choices, format_func=_seat_words, key=key)


def _seat_words(choice: Choice) -> str:
    return f"{choice.title}, for {choice.on_behalf_of_name}" if choice.on_behalf_of else choice.title
