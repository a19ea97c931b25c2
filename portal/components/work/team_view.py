"""One team's sheet: cards, what is late and who acts, people's load, open work, hand-offs, checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.services.work.raci_view import OTHER, AttestTraining, attest_training
from portal.components.cards import Card, cards
from portal.components.forms import closed_because, give
from portal.components.page import LinkedRow, dress, empty_state, linked_rows, panel, section
from portal.components.pills import pill, pill_html, shape_html
from portal.components.tables import Column, bullet_list, live_table, plain_table
from portal.components.text import count, day, escape, escape_html, percent

if TYPE_CHECKING:
    from core.domain.process.facts import InventoryLine
    from core.domain.work.training import Training, TrainingStanding
    from core.services.oversight.kpis import KpiReading
    from core.services.work.hand_offs import HandOff
    from core.services.work.raci_view import Deviation, ObservedMatrix, ObservedTask, TrainedPerson
    from core.services.work.team_work import Load, TeamFigure, TeamSheet, WorkItem
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
    raci, titles = desk.rules.raci, desk.rules.roles.title
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
        for training in desk.rules.trainings.trainings
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


_PARTS = (
    ("overdue", "Overdue"),
    ("week", "Due within 7 days"),
    ("month", "Due within 30 days"),
    ("later", "Later"),
    ("shared", "Could be theirs, nobody has it"),
)


def load_bars(loads: Sequence[Load], *, most: int = 12, with_team: bool = False) -> None:
    """Show people with a bar each: overdue, due within 7 and 30 days, later, and what nobody has taken.

    All bars share one scale, so that lengths compare. People with nothing are counted below.
    """
    busy = [load for load in loads if load.own or load.shared]
    widest = max((_total(load) for load in busy[:most]), default=1)
    key = "".join(
        f'<span><i class="gp-load-{part}"></i>{escape_html(words)}</span>'
        for part, words in _PARTS
        if any(_amount(load, part) for load in busy[:most])
    )
    rows = "".join(_row(load, widest, with_team) for load in busy[:most])
    st.html(f'<div class="gp-key">{key}</div><ul class="gp-load">{rows}</ul>')
    left = [count(len(busy) - most, "more person has", "more people have") + " something to do"] * (
        len(busy) > most
    )
    left += [count(len(loads) - len(busy), "person has", "people have") + " nothing to do"] * (
        len(loads) > len(busy)
    )
    if left:
        st.caption(f"{'; '.join(left)}.")


def _amount(load: Load, part: str) -> int:
    return {
        "overdue": load.overdue,
        "week": load.this_week,
        "month": load.this_month,
        "later": load.later,
        "shared": load.shared,
    }[part]


def _total(load: Load) -> int:
    return load.own + load.shared


def _row(load: Load, widest: int, with_team: bool) -> str:
    bar = "".join(
        f'<span class="gp-load-{part}" style="width: {100 * amount / widest:.1f}%" '
        f'title="{escape_html(f"{words}: {amount}")}"></span>'
        for part, words in _PARTS
        if (amount := _amount(load, part))
    )
    late = f"<b>{load.overdue:,} late</b>, " if load.overdue else ""
    spoken = ", ".join(f"{words}: {_amount(load, part)}" for part, words in _PARTS if _amount(load, part))
    team = f"<small>{escape_html(load.team)}</small>" if with_team else ""
    return (
        f'<li><span class="gp-load-who">{escape_html(load.name)}{team}</span>'
        f'<span class="gp-load-bar" role="img" aria-label="{escape_html(spoken)}">{bar}</span>'
        f'<span class="gp-load-sum">{late}{load.own:,} open</span></li>'
    )


MOST_LATE = 6
WORK = [
    Column("due_on", "Due", "day", width=98),
    Column("state", "Status", "status", phone=False, width=108),
    Column("what", "To do", strong=True, width=215),
    Column("name", "Initiative", phone=False, width=145),
    Column("acts", "Who acts", phone=False, width=200),
    Column("remedy", "Next step", phone=False, width=265),
]
HAND_OFFS: list[Column[HandOff]] = [
    Column("what", "What", strong=True),
    Column("from_team", "From", phone=False),
    Column(lambda one: one.to_name or one.to_team, "To"),
    Column("offered_at", "Offered", "day", phone=False),
    Column(lambda one: one.answer or "waiting", "Answer", "status"),
    Column(lambda one: one.answer_reason or one.reason, "Reason", phone=False),
]
CHECKS = [
    Column("title", "Check", strong=True),
    Column("looks_at", "Looks at", phone=False),
    Column("rate", "Passed the first time", "share_bar"),
    Column("first_tries", "First tries", "number", phone=False),
    Column("passing", "Pass now", "number", phone=False),
    Column("failing", "Fail now", "number"),
    Column("cannot_tell", "Cannot tell now", "number", phone=False),
]
INITIATIVES = [
    Column("name", "Initiative", strong=True, width=260),
    Column("class_id", "Risk class", "status", phone=False),
    Column("share", "Requirements met", "share_bar"),
    Column("overdue", "Overdue", "number", phone=False),
    Column("next_gate_or_none_left", "Next gate", phone=False, width=170),
    Column("owner_name", "Owner", phone=False, width=150),
]


def team_cards(sheet: TeamSheet) -> None:
    """Show the two rates against their targets, what is late, and what is open but not yet due."""
    cards([_late(sheet), _ahead(sheet), _rate(sheet.first_tries), _rate(sheet.deadlines)])


def late_and_load(sheet: TeamSheet) -> None:
    """Show what is late with who acts, beside the people of the team with their load."""
    dress("work")
    left, right = st.columns([1.15, 1])
    late = sheet.late
    with (
        left,
        panel("Late now, and who acts", "The longest overdue first; a title leads there."),
    ):
        linked_rows([_late_row(item) for item in late[:MOST_LATE]], empty="Nothing is late.")
        if len(late) > MOST_LATE:
            st.caption(f"{len(late) - MOST_LATE} more are late; they stand first under open work.")
    with right, panel("Who has how much to do", "People of the team, on any initiative."):
        if sheet.loads:
            load_bars(sheet.loads, most=8)
        else:
            st.caption("Nobody of the directory belongs to this team.")
        if sheet.changes:
            bullet_list(sheet.changes)


def _late_row(item: WorkItem) -> LinkedRow:
    return LinkedRow(
        title=item.what,
        detail=f"{item.acts}{' acts' if item.taken else ''}. {item.name}. {item.remedy}",
        page=item.place.page,
        query=dict(item.place.query),
        status="overdue",
        status_text=f"{count(-item.days, 'day')} late",
    )


def team_work_table(sheet: TeamSheet) -> WorkItem | None:
    """Show the open work by due day; give the line that is clicked."""
    section("Open work", "Earliest due day first; click a line to open the initiative.")
    if not sheet.work:
        empty_state("Nothing is open: every requirement is met.", icon=":material/check_circle:")
        return None
    alt = "Open work of the team by due day, with who acts and the next step."
    return live_table(sheet.work, WORK, key="work", select=True, download="open-work", alt=alt)


def team_hand_offs(sheet: TeamSheet) -> None:
    """Show what the team offered to others and got from them, newest first; nothing where there is none."""
    if not sheet.hand_offs:
        return
    waiting = len(sheet.waiting)
    said = (
        f"{count(waiting, 'offer waits', 'offers wait')} for an answer." if waiting else "All are answered."
    )
    section("Handed over", f"What the team gave away and got, newest first. {said}")
    plain_table(
        sheet.hand_offs[:12], HAND_OFFS, caption="Work that the team gave to others and got from them"
    )


def team_checks_table(sheet: TeamSheet) -> None:
    """Show per check how often the first try passed, and how the latest runs stand."""
    days = sheet.first_tries.definition.window_days
    section("Checks by kind", f"First tries of the last {days} days, and how the latest runs stand.")
    if sheet.checks:
        plain_table(sheet.checks, CHECKS, caption="Checks of the team by kind")
    else:
        st.caption("No check has run yet.")


def team_initiatives_table(sheet: TeamSheet) -> InventoryLine | None:
    """Show the team's initiatives; give the line that is clicked."""
    section("Initiatives", "Click a line to open the initiative.")
    return live_table(sheet.initiatives, INITIATIVES, key="own", select=True, alt="The team's initiatives.")


def _rate(figure: TeamFigure) -> Card:
    kpi, value = figure.definition, figure.value
    goal = f"at least {percent(kpi.target)}"
    return Card(kpi.title, percent(value.value), value.status, target=goal, note=figure.note)


def _late(sheet: TeamSheet) -> Card:
    late = sheet.late
    note = "Nothing is late."
    if late:
        note = f"Longest: {count(-late[0].days, 'day')}, {late[0].name}. {late[0].acts}."
    return Card("Overdue work", f"{len(late):,}", "overdue" if late else "on_time", note=note)


def _ahead(sheet: TeamSheet) -> Card:
    ahead = sheet.ahead
    note = f"The next is due on {day(ahead[0].due_on)}. " if ahead else ""
    if sheet.reviews:
        reviews = count(sheet.reviews, "item needs", "items need")
        note += f"Of all open work, {reviews} somebody independent."
    return Card("Open, not yet due", f"{len(ahead):,}", "waiting" if ahead else "done", note=note)
