"""ALCOA grades on an initiative's sheet: the five letters of each piece of evidence, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.services.process import alcoa
from portal.components.cards import Card, cards
from portal.components.page import dress, panel, section
from portal.components.pills import pill_html
from portal.components.text import count, escape_html, minute

if TYPE_CHECKING:
    from core.domain.process.alcoa import LetterGrade
    from core.services.process.alcoa import AlcoaSheet, GradedEvidence
    from core.services.process.inventory import InitiativeSheet
    from portal.components.desk import Desk

_MOST = 60
_LESS = ("partly", "not", "cannot_tell")


def alcoa_tab(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw how far the evidence is attributable, legible, contemporaneous, original and accurate."""
    dress("rules")
    found = desk.ask(alcoa.alcoa_sheet, initiative=sheet.initiative.initiative)
    if not found.evidence:
        return  # the list of evidence above says that there is none
    section("How well the evidence is kept", "ALCOA: pieces that count now and have each letter in full.")
    _letters(found)
    now = [one for one in found.evidence if one.counts]
    before = [one for one in found.evidence if not one.counts]
    caption = (
        f"{count(len(now), 'piece')} that {'counts' if len(now) == 1 else 'count'} now, newest first. "
        "Graded from the record alone; grey says what a grade cannot see."
    )
    with panel("Grades of each piece", caption):
        st.html("".join(_piece_html(one) for one in now[:_MOST]))
    if before:
        with st.expander(f"{count(len(before), 'piece')} of older versions, which no longer count"):
            st.html("".join(_piece_html(one) for one in before[:_MOST]))


def _letters(found: AlcoaSheet) -> None:
    """One card a letter: how many pieces that count have it in full."""
    shown = []
    for letter, grades in found.by_letter.items():
        counts = {grade.value: number for grade, number in grades.items()}
        rest = [f"{counts[grade]} {grade.replace('_', ' ')}" for grade in _LESS if counts[grade]]
        note = ", ".join(rest) or "every piece, in full"
        shown.append(Card(letter.capitalize(), f"{counts['full']} of {sum(counts.values())}", note=note))
    cards(shown, min_column_width=150)


def _piece_html(one: GradedEvidence) -> str:
    bound = f", version {one.version}" if one.version else ""
    lapsed = "; it no longer counts, as a newer version is current" if not one.counts else ""
    said = f"{one.measure}{bound}{lapsed}. {minute(one.recorded_at)} by {one.actor_name}, entry {one.seq:,}."
    grades = "".join(_grade_html(grade) for grade in one.grades)
    return (
        f'<div class="gp-piece"><div class="gp-piece-title">{escape_html(one.title)}</div>'
        f'<div class="gp-piece-line">{escape_html(said)}</div><div class="gp-grades">{grades}</div></div>'
    )


def _grade_html(grade: LetterGrade) -> str:
    reason = f"{grade.reason[:1].upper()}{grade.reason[1:]}."
    return (
        f'<div class="gp-grade"><div class="gp-grade-head"><span>{grade.letter.capitalize()}</span>'
        f"{pill_html(grade.grade.value)}</div><p>{escape_html(reason)}</p>"
        f'<p class="gp-blind">Cannot see {escape_html(grade.blind)}.</p></div>'
    )
