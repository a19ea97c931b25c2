"""Sign-offs on an initiative's sheet: who signed, who is awaited, what has changed, and what may be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.services.process.sign_off_view import (
    feedback_choices,
    request_refusal,
    sign_off_views,
    signing_choices,
)
from portal.components.initiative.sign_off_forms import (
    answer_form,
    delegation_form,
    feedback_form,
    request_form,
    withdraw_form,
)
from portal.components.page import empty_state, panel
from portal.components.pills import pill_html, shape_html
from portal.components.tables import Column, bullet_list, plain_table
from portal.components.text import count, day, escape_html

if TYPE_CHECKING:
    from core.services.process.inventory import InitiativeSheet
    from core.services.process.sign_off_view import Seats, SignOffView
    from portal.components.desk import Desk

_ACTS = [
    Column("recorded_at", "When", "minute"),
    Column("actor_name", "Who", strong=True),
    Column("said", "Said", "status"),
    Column("role_title", "As", phone=False),
    Column("on_behalf_of_name", "For", phone=False),
    Column("reason", "Reason"),
    Column("version", "Version", phone=False),
]


def sign_offs_tab(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw each gate that is signed, with the answers of this round and what the reader may do."""
    initiative = sheet.initiative.initiative
    views = desk.ask(sign_off_views, initiative=initiative)
    if not views:
        empty_state("Nobody has to sign for an initiative of this class.", icon=":material/draw:")
        return
    for view in views:
        with panel(view.gate.title, _plan_words(desk, view), key=f"sign-{view.gate.id}"):
            _stand(view)
            if not desk.in_past:
                _offers(desk, initiative, view)
            _history(view)
    if not desk.in_past:
        with st.expander("Let somebody sign in your place", icon=":material/forward_to_inbox:"):
            delegation_form(desk)


def _plan_words(desk: Desk, view: SignOffView) -> str:
    wanted = [f"{seats.approval.quorum} × {seats.title}" for seats in view.seats]
    words = f"Asks for {(', then ' if view.plan.order == 'ordered' else ', ').join(wanted)}."
    if view.plan.feedback:
        asked = ", ".join(desk.governance.roles.title(role) for role in view.plan.feedback)
        words += f" Feedback of {asked} comes first."
    if view.plan.valid_days:
        words += f" Signatures hold for {count(view.plan.valid_days, 'day')}."
    return words


def _stand(view: SignOffView) -> None:
    state = view.state
    until = f"Approved until {day(state.expires_on)}" if state.expires_on else ""
    rows = "".join(_seat_html(seats) for seats in view.seats)
    st.html(
        f'<div class="gp-pills">{pill_html(state.status.value, until)}</div><ul class="gp-due">{rows}</ul>'
    )
    if state.lapses:
        st.markdown("**Why it lapsed**")
        bullet_list([_sentence(reason) for reason in state.lapses])
    if view.decided_before and view.changed:
        st.markdown("**What has changed since the last decision**")
        bullet_list(view.changed)
    elif view.decided_before:
        st.caption("Nothing has changed since the last decision.")


def _seat_html(seats: Seats) -> str:
    full = len(seats.signed) >= seats.approval.quorum
    names = ", ".join(seats.signed) or "nobody yet"
    free = ""
    if not full:
        shown = ", ".join(seats.may_sign[:4]) or "nobody: somebody has to be given the role"
        more = f" and {len(seats.may_sign) - 4} more" if len(seats.may_sign) > 4 else ""
        free = f'<div class="gp-quiet-line">May sign: {escape_html(shown + more)}</div>'
    return (
        f"<li>{shape_html('circle' if full else 'ring')} "
        f"<strong>{escape_html(seats.title)}</strong>: {len(seats.signed)} of {seats.approval.quorum}, "
        f"{escape_html(names)}{free}</li>"
    )


def _offers(desk: Desk, initiative: str, view: SignOffView) -> None:
    asked = {"initiative": initiative, "gate": view.gate.id}
    signing = desk.ask(signing_choices, **asked, actor=desk.actor)
    advising = desk.ask(feedback_choices, **asked, actor=desk.actor)
    if signing:
        answer_form(desk, initiative, view, signing)
    if advising:
        feedback_form(desk, initiative, view, advising)
    if not desk.ask(request_refusal, **asked):
        request_form(desk, initiative, view)
    own = [s for s in view.state.signatures if s.given.actor == desk.actor.id and s.given.act == "decided"]
    if own:
        withdraw_form(desk, initiative, view)


def _history(view: SignOffView) -> None:
    if not view.acts:
        return
    with st.expander(f"All that was said here ({len(view.acts)})"):
        plain_table(view.acts[::-1], _ACTS)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
