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
from portal.components.forms import Ask, Values, action, form, unfolding_form
from portal.components.text import escape

if TYPE_CHECKING:
    from core.services.process.sign_off_view import Choice, SignOffView
    from portal.components.desk import Desk

OUTCOMES = {"approved": "Approve", "rejected": "Reject", "abandoned": "Abandon"}
OPINIONS = {"approved": "No issue", "minor_issue": "A minor issue", "major_issue": "A major issue"}


def request_form(desk: Desk, initiative: str, view: SignOffView) -> None:
    """Offer to ask for the signatures."""
    ask = Ask(
        "Ask for the signatures",
        f"The signatures at “{view.gate_title}” are asked for.",
        icon=":material/draw:",
        fixed={"initiative": initiative, "gate": view.gate},
        note="A new round begins; earlier answers stay on record and no longer count.",
    )
    action(desk, request_sign_off, RequestSignOff, ask)


def answer_form(desk: Desk, initiative: str, view: SignOffView, choices: tuple[Choice, ...]) -> None:
    """Ask for the answer of somebody who may sign here."""
    ask = Ask(
        "Sign",
        f"Your answer at “{view.gate_title}” is on record.",
        icon=":material/draw:",
        primary=True,
        says="**Your answer**",
        rows=(lambda: _seat(choices), "outcome", "reason"),
        fixed={"initiative": initiative, "gate": view.gate},
        choices={"outcome": OUTCOMES},
        note="An approval is bound to this version, this evidence and what the policy asks for now.",
    )
    form(desk, sign_gate, SignGate, ask)


def feedback_form(desk: Desk, initiative: str, view: SignOffView, choices: tuple[Choice, ...]) -> None:
    """Ask for an opinion before the decision."""
    ask = Ask(
        "Give feedback",
        f"Your feedback at “{view.gate_title}” is on record.",
        icon=":material/rate_review:",
        says="**Your feedback**",
        rows=(lambda: _seat(choices), "outcome", "reason"),
        fixed={"initiative": initiative, "gate": view.gate},
        choices={"outcome": OPINIONS},
    )
    form(desk, give_feedback, GiveFeedback, ask)


def withdraw_form(desk: Desk, initiative: str, view: SignOffView) -> None:
    """Offer to take one's own answer back."""
    ask = Ask(
        "Withdraw",
        "Your answer is withdrawn; it stays on record.",
        fixed={"initiative": initiative, "gate": view.gate},
    )
    label = "Withdraw your answer"
    unfolding_form(desk, withdraw_signature, WithdrawSignature, label, ":material/undo:", ask)


def delegation_form(desk: Desk) -> None:
    """Ask who may sign in the reader's place, in which role and until when."""
    roles = [
        role for role in desk.actor.roles if role in desk.governance.raci.roles or role == "head_of_risk"
    ]
    names = {p.id: p.name for p in desk.governance.people() if p.id != desk.actor.id and p.roles}
    longest = desk.governance.policy(desk.moment).delegation_days
    ask = Ask(
        "Delegate",
        lambda given: f"{names[given['delegate']]} may sign in your place until {given['until']}.",
        icon=":material/forward_to_inbox:",
        rows=(("delegate", "role", "until"), "reason"),
        choices={"delegate": names, "role": {role: desk.governance.roles.title(role) for role in roles}},
        first={"until": desk.moment.day + timedelta(days=min(14, longest))},
        bounds={"until": (desk.moment.day, desk.moment.day + timedelta(days=longest))},
        note="They sign nothing that either of you had a part in, and cannot hand it on.",
        because="" if roles else "You have no role in which somebody could sign for you.",
    )
    form(desk, delegate_sign_off, DelegateSignOff, ask)


def _seat(choices: tuple[Choice, ...]) -> Values:
    """Which seat to answer in; asked only where there are several."""
    seat = choices[0]
    if len(choices) == 1:
        st.caption(escape(f"As {_seat_words(seat)}."))
    else:
        seat = st.selectbox("As", choices, format_func=_seat_words)
    return {"role": seat.role, "on_behalf_of": seat.on_behalf_of}


def _seat_words(choice: Choice) -> str:
    return f"{choice.title}, for {choice.on_behalf_of_name}" if choice.on_behalf_of else choice.title
