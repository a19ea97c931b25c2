"""The checklist of rights on an initiative's sheet: who answers each, how, within how many days."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.services.rules import rights
from portal.components.forms import closed_because, give
from portal.components.lists import LinkedRow, linked_rows
from portal.components.page import dress, empty_state, section
from portal.components.pills import pill_html, pills
from portal.components.text import count, day, escape, escape_html, minute

if TYPE_CHECKING:
    from core.services.process.inventory import InitiativeSheet
    from core.services.rules.rights import RightLine, RightsChecklist, RightsTally
    from portal.components.desk import Desk

_PILLS = {"open": "right_open"}
_MOST_ROWS = 100


def rights_tab(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw the seven rights with where each stands, and the form that settles one."""
    dress("rules")
    section("Rights of people whose data is used", "Who answers each, how, and within how many days.")
    found = desk.ask(rights.rights_checklist, initiative=sheet.initiative.initiative)
    if not found.needed:
        empty_state(
            "The registration names no rules on personal data, so there is nothing to answer.",
            icon=":material/verified_user:",
        )
        return
    _count(found)
    because = closed_because(desk, "settle_right")
    if because:
        st.caption(escape(because))
    else:
        with st.expander("Say how a right is answered", icon=":material/edit:"):
            if _form(desk, found):
                st.rerun()
    with st.container(border=True):
        st.html("".join(_line_html(line) for line in found.lines))


def rights_table(found: Sequence[RightsTally]) -> None:
    """Show the initiatives that use personal data, those with the most open rights first."""
    if not found:
        empty_state("No initiative says that it uses personal data.", icon=":material/verified_user:")
        return
    waiting = sum(bool(tally.open) for tally in found)
    uses = f"{count(len(found), 'initiative')} that use personal data"
    st.caption(escape(f"{waiting} of {uses} have rights that nobody answers."))
    linked_rows(
        [
            LinkedRow(
                title=tally.name,
                detail=f"{tally.team}. {_rights_words(tally)}",
                page="initiative",
                query={"id": tally.initiative, "tab": "Rules and rights"},
                status="right_open" if tally.open else "planned" if tally.planned else "settled",
                status_text=f"{len(tally.open)} open" if tally.open else "",
            )
            for tally in found[:_MOST_ROWS]
        ]
    )


def _rights_words(tally: RightsTally) -> str:
    said = [f"{tally.settled} settled"]
    said += [f"{tally.planned} planned"] if tally.planned else []
    said += [f"{tally.not_applicable} not applicable"] if tally.not_applicable else []
    titles = "; ".join(title[:1].lower() + title[1:] for title in tally.open)
    return f"{', '.join(said)}.{f' Nobody answers: {titles}.' if titles else ''}"


def _count(found: RightsChecklist) -> None:
    states = [line.state.value for line in found.lines]
    shown = ("open", "planned", "settled", "not_applicable")
    words = {"not_applicable": "not applicable"}
    pills(
        [
            (_PILLS.get(state, state), f"{states.count(state)} {words.get(state, state)}")
            for state in shown
            if state in states
        ]
    )


def _line_html(line: RightLine) -> str:
    right = line.right
    law = f"GDPR, {escape_html(right.gdpr)}"
    law += f"<br/>CCPA, {escape_html(right.ccpa)}" if right.ccpa else ""
    return (
        f'<div class="gp-clause"><div class="gp-clause-number">{law}</div><div>'
        f'<div class="gp-clause-title">{escape_html(right.title)}</div>'
        f'<div class="gp-clause-by">“{escape_html(right.asks)}”</div>{_answer_html(line)}</div>'
        f'<div class="gp-clause-side">{pill_html(_PILLS.get(line.state.value, line.state.value))}'
        f'<span class="gp-seg-words">{escape_html(_deadline(line))}</span></div></div>'
    )


def _answer_html(line: RightLine) -> str:
    said = ""
    if line.state.value == "open":
        words = f"{_sentence(line.why)} Think of: {line.right.think_of}"
        said = f'<div class="gp-clause-gap">{escape_html(words)}</div>'
    if line.state.value == "not_applicable":
        said = f'<div class="gp-clause-asks">{escape_html(line.why)}</div>'
    if line.how:
        said += f'<div class="gp-clause-asks">{escape_html(line.answered_by)}: {escape_html(line.how)}</div>'
    if line.recorded_at:
        by = f"Recorded {minute(line.recorded_at)} by {line.recorded_by}, entry {line.seq:,}."
        said += f'<div class="gp-clause-by">{escape_html(by)}</div>'
    return said


def _deadline(line: RightLine) -> str:
    if line.within_days is None:
        return "" if line.state.value == "not_applicable" else f"due within {line.right.most_days} days"
    begins = f", from {day(line.ready_on)}" if line.ready_on else ""
    return f"within {count(line.within_days, 'day')}{begins}"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _form(desk: Desk, found: RightsChecklist) -> bool:
    titles = {line.right.id: line.right.title for line in found.lines}
    first = next((line.right.id for line in found.lines if line.state.value == "open"), next(iter(titles)))
    most = max(line.right.most_days for line in found.lines)
    people = {person.id: escape(person.name) for person in desk.governance.people()}
    with st.form("right"):
        left, right = st.columns(2)
        chosen = left.selectbox(
            "Right", list(titles), list(titles).index(first), format_func=lambda one: titles[one]
        )
        mine = list(people).index(desk.actor.id) if desk.actor.id in people else 0
        who = right.selectbox("Who answers", list(people), mine, format_func=lambda one: people[one])
        how = st.text_area("How, or why nobody can ask for it", max_chars=2000, height=90)
        within = left.number_input("Within how many days", 0, most, min(20, most))
        ready = right.date_input("Works from", value=None, help="Empty: it works already.")
        excluded = st.checkbox("Nobody can ask for this here")
        if not st.form_submit_button("Put it on record", type="primary", icon=":material/check:"):
            return False
    values = {"initiative": found.initiative, "right": chosen}
    done = f"“{titles[chosen]}” is on record."
    if excluded:
        given = give(desk, rights.exclude_right, rights.ExcludeRight, done=done, reason=how, **values)
    else:
        given = give(
            desk, rights.settle_right, rights.SettleRight, done=done, answered_by=who, how=how,
            within_days=int(within), ready_on=ready, **values,
        )  # fmt: skip
    return given is not None
