"""Rules on an initiative's sheet: frameworks from clause to proof, and the rights of people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.services.rules import ethics, initiative_frameworks, rights
from portal.components.forms import Ask, closed_because, form, give
from portal.components.page import LinkedRow, dress, empty_state, linked_rows, page_link, section
from portal.components.pills import pill_html, pills
from portal.components.rules.frameworks_view import (
    clause_html,
    clause_part,
    segments_html,
    segments_legend,
    share_words,
)
from portal.components.text import count, day, escape, escape_html, minute, sentence

if TYPE_CHECKING:
    from core.domain.rules.frameworks import Coverage
    from core.services.process.initiatives import InitiativeSheet
    from core.services.rules.frameworks import ProofLine
    from core.services.rules.initiative_frameworks import (
        ClauseAnswer,
        InitiativeFramework,
        InitiativeFrameworks,
    )
    from core.services.rules.rights import RightLine, RightsChecklist, RightsTally
    from portal.components.desk import Desk


_CLAUSE_PILLS = {"open": "clause_open"}


def frameworks_tab(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw every framework that applies, from clause to measure to proof."""
    dress("rules")
    known = sheet.initiative.initiative
    found = desk.ask(initiative_frameworks.initiative_frameworks, initiative=known)
    overall = found.overall
    section("Frameworks that apply", "Clause by clause, down to the proof. Our reading, no legal advice.")
    _tally(overall)
    own = "as recorded" if found.own_regions else "where the organisation works; none are recorded"
    st.caption(escape(f"People concerned live in {', '.join(found.regions)} ({own})."))
    _demand(desk, known)
    if not closed_because(desk, "record_regions", known):
        with st.expander("Say where the people concerned live", icon=":material/public:"):
            _regions_form(desk, found)
    segments_legend()
    for one in found.frameworks:
        share = f"{share_words(one.coverage)} covered" if one.coverage.counted else "nothing to count"
        with st.expander(escape(f"{one.framework.title}: {share}")):
            _framework(one)


def _tally(overall: Coverage) -> None:
    pills(
        [
            ("met" if overall.met == overall.counted > 0 else "clause_open", f"{overall.met} met"),
            ("clause_open", f"{overall.open} open"),
            ("gap", f"{overall.gap} gaps"),
            ("not_asked", f"{overall.not_asked} not asked"),
            ("no_target", f"{share_words(overall)} covered"),
        ]
    )


def _demand(desk: Desk, initiative: str) -> None:
    """Say how much the ethical position demands to be told, and whether the gates ask for as much."""
    demand = desk.ask(ethics.transparency_demand, initiative=initiative)
    less = " The policy asks its class for less." if demand.asked is False else ""
    by = f"Transparency by ethical position {demand.version}: {demand.level.title}."
    words = f"{by} {demand.level.demands}{less}"
    st.caption(escape(words))
    page_link("ethics", "Open the ethical position", icon=":material/balance:")


def _framework(one: InitiativeFramework) -> None:
    st.html(
        f'<div class="gp-pills">{pill_html(one.standing.value)}</div>'
        f'<div class="gp-clause-by">{escape_html(one.why)}</div>{segments_html(one.coverage)}'
        + "".join(_clause_html(answer) for answer in one.clauses)
    )
    address = {"part": "One framework", "framework": one.framework.id}
    page_link("frameworks", "Open the framework", icon=":material/gavel:", **address)


def _clause_html(answer: ClauseAnswer) -> str:
    clause, state = answer.clause, answer.state.value
    since, gap_word = clause.binding_from, "What is still a gap" if clause.measures else "Gap"
    later = "" if answer.binding or since is None else f" Binding from {day(since)}."
    return clause_html(
        escape_html(clause.number),
        escape_html(clause.title),
        clause_part("asks", clause.asks + later),
        *map(_proof_html, answer.proofs),
        clause_part("gap", f"{gap_word}: {clause.gap}") if clause.gap else "",
        side=f'<div class="gp-pills">{pill_html(_CLAUSE_PILLS.get(state, state))}</div>',
    )


def _proof_html(line: ProofLine) -> str:
    said = f"{escape_html(line.measure)}. {escape_html(line.proof)}."
    return f'<div class="gp-clause-by">{pill_html(line.status)} {said}</div>'


def _regions_form(desk: Desk, found: InitiativeFrameworks) -> None:
    ask = Ask(
        "Put it on record",
        "The regions are on record; what applies follows from them.",
        icon=":material/check:",
        primary=True,
        fixed={"initiative": found.initiative},
        choices={"regions": {region.id: region.title for region in desk.rules.frameworks.regions}},
    )
    form(desk, initiative_frameworks.record_regions, initiative_frameworks.RecordRegions, ask)


_RIGHT_PILLS = {"open": "right_open"}
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
    because = closed_because(desk, "settle_right", sheet.initiative.initiative)
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
            (_RIGHT_PILLS.get(state, state), f"{states.count(state)} {words.get(state, state)}")
            for state in shown
            if state in states
        ]
    )


def _line_html(line: RightLine) -> str:
    right = line.right
    law = f"GDPR, {escape_html(right.gdpr)}"
    law += f"<br/>CCPA, {escape_html(right.ccpa)}" if right.ccpa else ""
    state = line.state.value
    return clause_html(
        law,
        escape_html(right.title),
        clause_part("by", f"“{right.asks}”"),
        _answer_html(line),
        side=f"{pill_html(_RIGHT_PILLS.get(state, state))}"
        f'<span class="gp-seg-words">{escape_html(_deadline(line))}</span>',
    )


def _answer_html(line: RightLine) -> str:
    said = ""
    if line.state.value == "open":
        words = f"{sentence(line.why)} Think of: {line.right.think_of}"
        said = clause_part("gap", words)
    if line.state.value == "not_applicable":
        said = clause_part("asks", line.why)
    if line.how:
        said += clause_part("asks", f"{line.answered_by}: {line.how}")
    if line.recorded_at:
        by = f"Recorded {minute(line.recorded_at)} by {line.recorded_by}, entry {line.seq:,}."
        said += clause_part("by", by)
    return said


def _deadline(line: RightLine) -> str:
    if line.within_days is None:
        return "" if line.state.value == "not_applicable" else f"due within {line.right.most_days} days"
    begins = f", from {day(line.ready_on)}" if line.ready_on else ""
    return f"within {count(line.within_days, 'day')}{begins}"


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
