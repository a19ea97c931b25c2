"""Register: eleven questions lead to a class and the list of what it asks for."""

from __future__ import annotations

import streamlit as st

from core.domain.commands import RegisterInitiative
from core.domain.errors import NotFound
from core.ground import LEARNED
from core.services.process import initiatives
from core.services.process.initiatives import preview_classification, register_initiative
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.forms import closed_because, give
from portal.components.initiative.register_form import (
    Answers,
    identity_fields,
    kind_field,
    line_place,
    live_line,
    live_panel,
    question_fields,
    receipt,
    start_over,
    still_open,
)
from portal.components.page import dress, page_header
from portal.components.text import escape
from portal.components.url_inputs import set_url, url_value


def render() -> None:
    """Draw the questions beside what they lead to, or the receipt of a registration."""
    desk = current_desk()
    dress("sheets")
    done = url_value("done")
    if done:
        page_header(desk, "Registered", "The class, why, and what it asks for.")
        try:
            receipt(desk, desk.ask(initiatives.initiative_sheet, initiative=done))
        except NotFound as problem:
            show_problem(problem)
        return
    rule = "Eleven questions; the class and what it asks for appear while you answer."
    page_header(desk, "Register", rule)
    _ask(desk)


def _ask(desk: Desk) -> None:
    policy = desk.governance.policy(desk.moment)
    closed = closed_because(desk, "register_initiative")
    if closed:
        st.info(escape(f"{closed} You can still try the questions."), icon=":material/info:")
    line = line_place()
    questions, side = st.columns([1.75, 1], gap="medium")
    with questions:
        identity = identity_fields(desk, policy)
        kind = kind_field(policy) if policy.kinds else LEARNED
        answers = question_fields(policy, start=4 if policy.kinds else 3)
        pressed = st.button(
            "Register", type="primary", icon=":material/check:", disabled=bool(closed), key="register"
        )
        lacking = ", ".join(still_open(policy, identity, kind, answers))
        if pressed and lacking:
            st.error(f"Nothing is registered yet. Answer {lacking}, then press Register again.")
        elif pressed:
            _register(desk, {**identity, "kind": kind}, answers)
        elif lacking:
            st.caption(f"Still to answer: {lacking}.")
    preview = desk.ask(preview_classification, answers, kind or LEARNED)
    live_line(line, policy, preview, answers)
    with side:
        live_panel(policy, preview, answers)


def _register(desk: Desk, identity: dict[str, str], answers: Answers) -> None:
    given = give(
        desk, register_initiative, RegisterInitiative, done="Registered.", answers=answers, **identity
    )
    if given is not None:
        start_over()
        set_url(done=given.answer.initiative)
        st.rerun()


render()
