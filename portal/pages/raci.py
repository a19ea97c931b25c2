"""Responsibilities: the matrix as declared beside what the record shows, and each person's load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.services.work.raci_view import OTHER, observed_matrix
from core.services.work.team_work import loads, team_names
from portal.components.cards import Card, cards
from portal.components.desk import current_desk
from portal.components.page import dress, empty_state, page_header, panel, section
from portal.components.pills import shape_html
from portal.components.tables import Column, plain_table
from portal.components.text import count, day, escape_html, percent
from portal.components.url_inputs import url_choice
from portal.components.work.team_view import load_bars

if TYPE_CHECKING:
    from core.services.work.raci_view import Deviation, ObservedMatrix, ObservedTask
    from core.services.work.team_work import Load
    from portal.components.desk import Desk


MOST_DEVIATIONS = 10
_LOOKS = {"A/R": "do", "R": "do", "A": "a", "C": "c", "I": "c"}
_WORDS = {
    "A/R": "accountable and responsible",
    "R": "responsible",
    "A": "accountable",
    "C": "consulted",
    "I": "informed",
}


def _where(one: Deviation) -> str:
    names = [name for _, name in one.initiatives]
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "")


DEVIATIONS: list[Column[Deviation]] = [
    Column("name", "Who", strong=True),
    Column("role_title", "Acted as"),
    Column("task_title", "Task", phone=False),
    Column(lambda one: _WORDS.get(one.declared, "no part").capitalize(), "Declared for them", phone=False),
    Column("acts", "Acts", "number"),
    Column("expected", "The matrix expects", phone=False),
    Column(_where, "Initiatives", phone=False),
    Column("last_at", "Last", "day", phone=False),
]


def matrix_cards(matrix: ObservedMatrix, loads: Sequence[Load]) -> None:
    """Show how much was done as declared, what deviates, what nobody did, and who has most to do."""
    share = 1 - matrix.off / matrix.acts if matrix.acts else None
    silent = [one.task.title for one in matrix.tasks if not one.total]
    worst = loads[0] if loads and loads[0].own else None
    cards(
        [
            Card(
                "Acts as declared",
                percent(share),
                "" if share is None else ("on_target" if not matrix.off else "near_target"),
                note=f"{count(matrix.acts - matrix.off, 'act')} of {matrix.acts:,} by a role with R or A.",
            ),
            Card(
                "Acts that deviate",
                f"{matrix.off:,}",
                "alert" if matrix.off else "no_alert",
                note=f"By {count(len({d.person for d in matrix.deviations}), 'person', 'people')}, "
                "in a role that the matrix does not name for the task.",
            ),
            Card(
                "Tasks without any act",
                f"{len(silent):,}",
                "waiting" if silent else "done",
                note=", ".join(silent[:3]) + ("." if silent else "Every task has acts on record."),
            ),
            Card(
                "Most overdue",
                f"{worst.overdue:,}" if worst else "0",
                "overdue" if worst and worst.overdue else "on_time",
                note=f"{worst.name} ({worst.team or 'no team'}), {count(worst.own, 'open task')}."
                if worst
                else "Nobody has anything to do.",
            ),
        ]
    )


def matrix_table(desk: Desk, matrix: ObservedMatrix) -> None:
    """Draw the matrix: a letter where one is declared, below it the acts on record, deviations marked."""
    dress("work")
    raci, titles = desk.governance.raci, desk.governance.roles.title
    columns = [*raci.roles, *([OTHER] if any(OTHER in one.acts for one in matrix.tasks) else [])]
    head = "".join(
        f'<th scope="col">{escape_html("Others" if role == OTHER else titles(role))}</th>' for role in columns
    )
    rows = "".join(
        f'<tr><th scope="row">{escape_html(one.task.title)}</th>'
        + "".join(f"<td>{_cell(one, role)}</td>" for role in columns)
        + "</tr>"
        for one in matrix.tasks
    )
    label = "Responsibility matrix, declared and observed"
    st.html(
        f'<div class="gp-table-box"><table class="gp-raci" aria-label="{label}"><thead><tr>'
        f'<th scope="col">Task</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )
    st.html(
        '<div class="gp-key" style="margin: .5rem 0 0">'
        '<span><b class="gp-letter gp-letter-do">R</b>does it (A/R also answers for it)</span>'
        '<span><b class="gp-letter gp-letter-a">A</b>answers for it</span>'
        '<span><b class="gp-letter gp-letter-c">C</b>is asked</span>'
        '<span><b class="gp-letter gp-letter-c">I</b>is told</span>'
        f'<span><b class="gp-acts gp-off">{shape_html("triangle")}12</b>acts that nobody declared</span>'
        "</div>"
    )


def _cell(one: ObservedTask, role: str) -> str:
    letter, acts = one.task.letters.get(role, ""), one.acts.get(role, 0)
    if not letter and not acts:
        return '<span class="gp-letter-none" aria-label="no part">·</span>'
    look = f"gp-letter-{_LOOKS[letter]}" if letter else "gp-letter-none"
    shown = f'<span class="gp-letter {look}" title="{_WORDS.get(letter, "")}">{letter or "–"}</span>'
    if acts:
        off = role in one.deviating
        who = escape_html(f"{', '.join(one.people[role][:6])}: {count(acts, 'act')}")
        mark = shape_html("triangle") if off else ""
        shown += f'<span class="gp-acts{" gp-off" if off else ""}" title="{who}">{mark}{acts:,}</span>'
    return f'<span class="gp-raci-cell">{shown}</span>'


def deviations_table(deviations: Sequence[Deviation]) -> None:
    """List who acted in a role that the matrix does not name for the task, most acts first."""
    if not deviations:
        empty_state("Everybody acted as the matrix declares.", icon=":material/check_circle:")
        return
    plain_table(
        deviations[:MOST_DEVIATIONS],
        DEVIATIONS,
        download="deviations",
        caption="Acts that the matrix does not declare",
    )
    if len(deviations) > MOST_DEVIATIONS:
        st.caption(f"{len(deviations) - MOST_DEVIATIONS} more with fewer acts.")


WINDOWS = {"90": "Last 90 days", "365": "Last 12 months", "0": "The whole record"}


def render() -> None:
    """Draw the declared matrix with the observed acts, who deviates, and who has how much to do."""
    desk = current_desk()
    dress("work")
    rule = "Who does, answers for, is asked and is told; and who really acted, taken from the record."
    page_header(desk, "Responsibilities", rule)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        window = url_choice("Acts of", WINDOWS, "days", default="365", width=190)
        teams = {"": "All teams", **{name: name for name in desk.ask(team_names)}}
        team = url_choice("Team", teams, "team", width=240)
    matrix = desk.ask(observed_matrix, days=int(window), team=team)
    load = desk.ask(loads, team=team)
    matrix_cards(matrix, load)
    since = f"Acts since {day(matrix.since)}" if matrix.since else "All acts on record"
    section("Declared and observed", f"{since}; letters are Figure 8-4, figures are the record.")
    matrix_table(desk, matrix)
    section("What deviates", "An act by a role that is neither responsible nor accountable for the task.")
    deviations_table(matrix.deviations)
    with panel("Who has how much to do", "Open tasks by due day; the most overdue first."):
        load_bars(load, most=15, with_team=not team)


render()
