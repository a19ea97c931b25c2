"""Trainings: the reader's own with their attestation, and who of a team has which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.services.work.training import AttestTraining, attest_training
from portal.components.cards import Card, cards
from portal.components.forms import closed_because, give
from portal.components.page import panel
from portal.components.pills import pill, pill_html
from portal.components.tables import bullet_list
from portal.components.text import count, day, escape, escape_html, percent

if TYPE_CHECKING:
    from core.domain.work.training import Training, TrainingStanding
    from core.services.oversight.kpis import KpiReading
    from core.services.work.training import TrainedPerson
    from portal.components.desk import Desk


def training_cards(own: TrainedPerson | None, shown: Sequence[TrainedPerson], kpi: KpiReading) -> None:
    """Show the reader's own trainings, the people shown, and the KPI of everybody."""
    mine = own.standings if own else ()
    current = sum(one.current for one in mine)
    trained = sum(person.current for person in shown)
    late = sum(one.state in ("overdue", "lapsed") for person in shown for one in person.standings)
    value = kpi.value
    cards(
        [
            Card(
                "Your trainings",
                f"{current} of {len(mine)}" if mine else "None",
                ("done" if current == len(mine) else "due_soon") if mine else "",
                note=_next(mine) if mine else "None of your roles asks for one.",
            ),
            Card(
                "People trained, as shown below",
                f"{trained} of {len(shown)}",
                "on_target" if trained == len(shown) else "near_target",
                note="With every training that their roles ask for.",
            ),
            Card(
                "Overdue or lapsed, as shown below",
                f"{late:,}",
                "overdue" if late else "on_time",
                note="Single trainings; each person has several.",
            ),
            Card(
                kpi.definition.title,
                percent(value.value),
                value.status,
                target=f"at least {percent(kpi.definition.target)}",
                series=[point for _, point in kpi.course if point is not None],
                target_value=kpi.definition.target,
                note=f"{value.numerator or 0:,.0f} of {value.n:,} people, in all teams.",
            ),
        ]
    )


def _next(standings: Sequence[TrainingStanding]) -> str:
    nearest = min(standings, key=lambda one: one.due_on)
    word = "Holds until" if nearest.current else "Due"
    return f"{word} {day(nearest.due_on)}: {nearest.training.title}."


def own_trainings(desk: Desk, own: TrainedPerson | None) -> None:
    """List the reader's trainings, what is due first, each with what it covers and its attestation."""
    with panel("Your trainings", "An attestation is your own word, on record under your name."):
        if own is None:
            st.caption("None of your roles asks for a training.")
            return
        for standing in sorted(own.standings, key=lambda one: (one.current, one.due_on)):
            _training(desk, standing)


def _training(desk: Desk, standing: TrainingStanding) -> None:
    training = standing.training
    with st.container(border=True, gap="xsmall"):
        with st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute", wrap=False
        ):
            st.markdown(f"**{escape(training.title)}**")
            pill(standing.state, standing_words(standing))
        st.caption(escape(f"{training.minutes} minutes. {training.why}"))
        if standing.state == "current":
            return
        bullet_list(training.covers)
        because = closed_because(desk, "attest_training")
        agreed = st.checkbox(
            escape(training.statement),
            key=f"agree-{training.id}",
            disabled=bool(because),
            help=because or None,
        )
        pressed = st.button(
            "Attest",
            key=f"attest-{training.id}",
            type="primary",
            icon=":material/verified:",
            disabled=not agreed or bool(because),
        )
        if pressed and give(
            desk,
            attest_training,
            AttestTraining,
            done=f"“{training.title}” is attested; it holds for {count(training.valid_days, 'day')}.",
            training=training.id,
        ):
            st.rerun()


def standing_words(standing: TrainingStanding) -> str:
    """Where a training stands, with its day."""
    on = day(standing.due_on)
    return {
        "current": f"Until {on}",
        "renewal_due": f"Renew by {on}",
        "due": f"Due {on}",
        "overdue": f"Due since {on}",
        "lapsed": f"Lapsed {on}",
    }[standing.state]


def people_table(desk: Desk, people: Sequence[TrainedPerson]) -> None:
    """Show people by trainings: a pill where a role asks for one, a dash where none does."""
    known = [
        training
        for training in desk.governance.trainings.trainings
        if any(standing.training.id == training.id for person in people for standing in person.standings)
    ]
    if not known:
        st.caption("Nobody here has a role that asks for a training.")
        return
    head = "".join(f'<th scope="col">{escape_html(training.title)}</th>' for training in known)
    rows = "".join(_person_html(person, known) for person in sorted(people, key=_urgency))
    st.html(
        '<div class="gp-table-box"><table class="gp-table" aria-label="Trainings by person">'
        f'<thead><tr><th scope="col">Person</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _urgency(person: TrainedPerson) -> tuple[int, str]:
    late = sum(one.state in ("overdue", "lapsed") for one in person.standings)
    return -late, person.person.name


def _person_html(person: TrainedPerson, known: Sequence[Training]) -> str:
    by_id = {standing.training.id: standing for standing in person.standings}
    cells = "".join(
        f'<td class="gp-tight">{pill_html(one.state, standing_words(one)) if one else "–"}</td>'
        for one in (by_id.get(training.id) for training in known)
    )
    who = f'{escape_html(person.person.name)}<br><span class="gp-quiet-line">'
    return f'<tr><td class="gp-strong">{who}{escape_html(person.person.team)}</span></td>{cells}</tr>'
