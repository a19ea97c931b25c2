"""Frameworks on an initiative's sheet: what applies and why, where each clause stands, and its proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.services.rules import ethics, initiative_frameworks
from portal.components.forms import Ask, closed_because, form
from portal.components.page import dress, page_link, section
from portal.components.pills import pill_html, pills
from portal.components.rules.rules_look import segments_html, segments_legend, share_words
from portal.components.text import day, escape, escape_html

if TYPE_CHECKING:
    from core.domain.rules.coverage import Coverage
    from core.services.process.inventory import InitiativeSheet
    from core.services.rules.frameworks import ProofLine
    from core.services.rules.initiative_frameworks import (
        ClauseAnswer,
        InitiativeFramework,
        InitiativeFrameworks,
    )
    from portal.components.desk import Desk

_PILLS = {"open": "clause_open"}


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
    if not closed_because(desk, "record_regions"):
        with st.expander("Say where the people concerned live", icon=":material/public:"):
            _form(desk, found)
    segments_legend()
    for one in found.frameworks:
        share = f"{share_words(one.coverage)} covered" if one.coverage.counted else "nothing to count"
        with st.expander(escape(f"{one.framework.title}: {share}")):
            _framework(one)


def _tally(overall: Coverage) -> None:
    pills(
        [
            ("met", f"{overall.met} met"),
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
    gap = f'<div class="gp-clause-gap">{gap_word}: {escape_html(clause.gap)}</div>' if clause.gap else ""
    return (
        f'<div class="gp-clause"><div class="gp-clause-number">{escape_html(clause.number)}</div><div>'
        f'<div class="gp-clause-title">{escape_html(clause.title)}</div>'
        f'<div class="gp-clause-asks">{escape_html(clause.asks + later)}</div>'
        f"{''.join(map(_proof_html, answer.proofs))}{gap}</div>"
        f'<div class="gp-clause-side"><div class="gp-pills">{pill_html(_PILLS.get(state, state))}'
        "</div></div></div>"
    )


def _proof_html(line: ProofLine) -> str:
    said = f"{escape_html(line.measure)}. {escape_html(line.proof)}."
    return f'<div class="gp-clause-by">{pill_html(line.status)} {said}</div>'


def _form(desk: Desk, found: InitiativeFrameworks) -> None:
    ask = Ask(
        "Put it on record",
        "The regions are on record; what applies follows from them.",
        icon=":material/check:",
        primary=True,
        fixed={"initiative": found.initiative},
        choices={"regions": {region.id: region.title for region in desk.governance.frameworks.regions}},
    )
    form(desk, initiative_frameworks.record_regions, initiative_frameworks.RecordRegions, ask)
