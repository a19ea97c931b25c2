"""The policy in force as tables; its drafts, what they would lead to, and the forms to move them on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.domain.commands import DraftPolicy, PublishPolicy, ReviewPolicy
from core.ground import in_words
from core.services.record.proposals import (
    AgreeToProposal,
    DeclineProposal,
    WithdrawProposal,
    agree_to_proposal,
    decline_proposal,
    withdraw_proposal,
)
from core.services.rules.configuration import ProposeConfiguration, propose_configuration
from core.services.rules.policies import draft_policy, publish_policy
from core.services.rules.previews import review_policy
from portal.components.cards import Card, cards
from portal.components.forms import Ask, action, form
from portal.components.page import empty_state, page_link, panel, section
from portal.components.tables import Column, bullet_list, plain_table
from portal.components.text import count, day, escape, percent
from portal.components.url_inputs import url_choice

if TYPE_CHECKING:
    from core.domain.policy.checks import Kind
    from core.domain.policy.policy import Policy, RiskClass
    from core.domain.policy.policy_changes import PolicyChange
    from core.services.record.proposals import ProposalLine
    from core.services.rules.configuration import FileLine
    from core.services.rules.policies import DraftLine
    from core.services.rules.previews import Comparison, KpiChange, Preview
    from portal.components.desk import Desk


Rows = Sequence[Mapping[str, Any]]
_EXAMPLE = Column("example", "For example", phone=False)
MEASURES = [
    Column("measure", "Measure", strong=True),
    Column("consideration", "Consideration", phone=False),
    Column("step", "Process step", phone=False),
    Column("responsible", "Responsible"),
    Column("proof", "What proves it", phone=False),
    _EXAMPLE,
    Column("due_days", "Due after (days)", "number"),
    Column("valid", "Valid for", phone=False),
]
OPTIONS = [Column("label", "Answer"), Column("weight", "Weight", "number"), Column("effect", "Also sets")]
GATES = [
    Column("step", "Process step", strong=True),
    Column("activities", "What is done", phone=False),
    Column("gate", "Gate at its end"),
    Column("classes", "Classes that pass it"),
    Column("lapses", "Evidence lapses", phone=False),
]


def kind_note(kind: Kind) -> None:
    """Say what a kind of model is, and what its versions are made of."""
    made_of = ", ".join(in_words(part) for part in kind.made_of)
    rows = "with predictions as rows" if kind.predictions else "judged by cases"
    st.caption(escape(f"{kind.description} A version is made of: {made_of}; {rows}."))


def matrix_table(policy: Policy, rows: Rows, *, narrow: str) -> None:
    """Show consideration x class; a narrow screen keeps the class `narrow` only."""
    st.caption(
        "Each row is a ladder: rung 1 is the lightest measure. A cell names the rung that the class must "
        "reach; a higher rung stands in for it. Where a row shows several, all are asked for. A dash asks "
        "for nothing."
    )
    classes = [Column(c.id, c.title, phone=c.id == narrow) for c in policy.classes]
    names = Column("consideration", "Consideration", strong=True)
    plain_table(rows, [names, *classes], caption="Measures by consideration and risk class")


def measures_table(known: RiskClass, rows: Rows) -> None:
    """Show every measure that a class is asked for."""
    st.caption(
        "Days count from registration, classification or, for a version's own measures, the version. The "
        f"newest predictions may be {count(known.newest_chunk_days, 'day')} old where decay is checked."
    )
    told = any(row.get("example") for row in rows)  # policies of before give none
    columns = [column for column in MEASURES if told or column is not _EXAMPLE]
    plain_table(rows, columns, caption=f"Measures of {known.title}", download=f"measures-{known.id}")


def question_panels(policy: Policy, options: Mapping[str, Rows]) -> None:
    """Show every question with its answers; `options` maps the question's id to its rows."""
    bounds = ", ".join(f"{c.title} from {c.from_score}" for c in policy.classes)
    st.caption(
        escape(
            "The heaviest chosen answer of each question counts, and the weights add up to a score: "
            f"{bounds}. An answer that sets a class lifts to at least that one, whatever the score."
        )
    )
    for start in range(0, len(policy.questions), 2):
        pair = policy.questions[start : start + 2]
        for place, question in zip(st.columns(2), pair, strict=False):
            with place, panel(question.text, question.help):
                plain_table(options[question.id], OPTIONS, caption=question.text)


def modes_table(rows: Rows, stars: Mapping[str, str]) -> None:
    """Show the operationalization modes with their stars; `stars` maps field to title."""
    st.caption("How a project is put to work, by how critical it is: the more stars, the more of it.")
    names = [Column("criticality", "Criticality", strong=True), Column("operationalization", "Mode")]
    columns = [Column(field, title) for field, title in stars.items()]
    plain_table(rows, [*names, *columns], caption="Operationalization modes")


def gates_table(rows: Rows) -> None:
    """Show the process steps in order with the gates at their ends."""
    st.caption("A gate asks for what its own step and the steps before it require of the class.")
    plain_table(rows, GATES, caption="Process steps and gates")


def raci_table(rows: Rows, roles: Mapping[str, str], notes: Sequence[str]) -> None:
    """Show who answers for each task; `roles` maps field to title."""
    st.caption("Every task has exactly one accountable role. A dash: the role has no part in the task.")
    columns = [Column(role, title) for role, title in roles.items()]
    plain_table(rows, [Column("task", "Task", strong=True), *columns], caption="Responsibility matrix")
    bullet_list(notes)


_DRAFTS = [
    Column("draft", "Draft", strong=True),
    Column("version", "Version"),
    Column("state", "State", "status"),
    Column("first_day", "Holds from", "day"),
    Column("why", "Why"),
    Column("drafted_by_name", "Drafted by", phone=False),
    Column("drafted_at", "On", "minute", phone=False),
]
_CHANGES: list[Column[PolicyChange]] = [
    Column(lambda change: change.part.capitalize(), "Part", phone=False),
    Column("subject", "What", strong=True),
    Column("before", "In force"),
    Column("after", "Draft"),
    Column(lambda change: change.direction.capitalize(), "Which is", phone=False),
]
_WORK = [
    Column("title", "Requirement", strong=True),
    Column("initiatives", "Initiatives", "number"),
    Column("overdue_at_once", "Overdue after the transition", "number", phone=False),
]
_FALLEN = [
    Column("name", "Initiative", strong=True),
    Column("team", "Team"),
    Column("class_title", "Class", phone=False),
    Column("overdue", "Overdue", "number"),
]
_REOPENED = [
    Column("name", "Initiative", strong=True),
    Column("team", "Team", phone=False),
    Column("gate_title", "Gate that would be shut"),
]
_MOVED = [
    Column("from_title", "Class now", strong=True),
    Column("to_title", "Answers would lead to"),
    Column("initiatives", "Initiatives", "number"),
]


_FILES: list[Column[FileLine]] = [
    Column("file", "File", strong=True),
    Column("title", "What it says", phone=False),
    Column("version", "Version"),
    Column("since", "Since", "day"),
    Column("published_by", "By", phone=False),
    Column("seq", "Entry", "number", phone=False),
    Column("coming", "Coming"),
]


def files_panel(lines: Sequence[FileLine]) -> None:
    """Show by which version of each file things are decided, and which file in the folder says otherwise."""
    section(
        "What decides", "The versions on record; a file in the folder has no effect until it is agreed to."
    )
    plain_table(lines, _FILES, caption="Files of the configuration", download="configuration")
    for line in lines:
        if line.differs:
            st.warning(escape(f"{line.differs}."))
    page_link("policy_changes", "Propose a file", icon=":material/arrow_forward:")


def file_form(desk: Desk) -> None:
    """Ask for a file of the configuration; its name says which it is."""
    with st.expander("Propose a file of the configuration", icon=":material/tune:"):
        ask = Ask(
            "Propose it",
            "The file is proposed.",
            icon=":material/tune:",
            rows=("text", "holds_from"),
            note="Roles, KPIs, trainings and the like. It decides once somebody else agrees.",
        )
        form(desk, propose_configuration, ProposeConfiguration, ask)


def draft_form(desk: Desk) -> None:
    """Ask for a policy file and why it is to change."""
    with st.expander("Draft a change", icon=":material/edit_document:"):
        ask = Ask(
            "Put the draft on record",
            "The draft is on record.",
            icon=":material/edit_document:",
            rows=("text", "note", "holds_from"),
            note="Every fault is told with its line; nothing is in force until somebody else approved.",
        )
        form(desk, draft_policy, DraftPolicy, ask)


def drafts_table(rows: Sequence[DraftLine]) -> None:
    """Show the drafts, newest first."""
    plain_table(rows, _DRAFTS, caption="Drafts of the policy")


def preview_cards(seen: Preview) -> None:
    """Show in figures what the draft would do."""
    totals, later = seen.totals, seen.settled
    fallen = later.out_after - later.out_before
    unknown = f" {count(seen.effort_unknown, 'requirement')} without a figure." if seen.effort_unknown else ""
    work = sum(row.initiatives for row in seen.work)
    spared = sum(row.initiatives for row in seen.spared)
    cards(
        [
            Card(
                "Requirements asked",
                f"{totals.asked_after:,}",
                trend=_change(totals.asked_after - totals.asked_before),
                note=f"Over {count(totals.initiatives, 'initiative')}.",
            ),
            Card(
                "Work it makes",
                f"{work:,}",
                note=f"Requirements to prove anew. It spares {spared:,}.",
            ),
            Card(
                "Effort of it",
                f"{seen.effort_days:,.0f} days",
                note=f"Person-days, as the policy says of each measure.{unknown}",
            ),
            Card(
                "Passed gates that would shut",
                f"{seen.reopened_total:,}",
                note="They open again when what is asked for is proved.",
            ),
            Card(
                "Initiatives out of policy",
                f"{later.out_after:,}",
                trend=_change(fallen),
                direction=(fallen > 0) - (fallen < 0),
                better=None if not fallen else fallen < 0,
                note=f"On {day(seen.settled_on)}, after all transitions, if nothing is done.",
            ),
        ]
    )


def _change(difference: int) -> str:
    return (
        f"{difference:+,} against the policy in force".replace("-", "\u2212") if difference else "No change"
    )


def _answered_by(one: ProposalLine) -> str:
    return "" if one.state == "proposed" else one.actor_name


def review_panel(desk: Desk, row: DraftLine) -> None:
    """Offer to review a draft, or to put an approved one in force."""
    if desk.in_past or row.state in ("rejected", "published"):
        return
    if row.state == "approved":
        _publish(desk, row)
        return
    ask = Ask(
        "Put on record",
        lambda given: f"Draft {row.draft} is {given['outcome']}.",
        icon=":material/gavel:",
        primary=True,
        fixed={"draft": row.draft},
        choices={"outcome": {"approved": "Approve", "rejected": "Reject"}},
        because="You drafted it: somebody else reviews it." if desk.actor.id == row.drafted_by else "",
    )
    form(desk, review_policy, ReviewPolicy, ask)


_PROPOSALS: list[Column[ProposalLine]] = [
    Column("proposal", "Proposal", strong=True),
    Column(lambda one: " ".join(one.says), "What it changes"),
    Column("state", "State", "status"),
    Column("proposed_by_name", "Proposed by", phone=False),
    Column(_answered_by, "Answered by", phone=False),
    Column("recorded_at", "On", "minute", phone=False),
]


def proposals_panel(desk: Desk, lines: Sequence[ProposalLine]) -> None:
    """Show what takes two people, and offer what waits to those who may answer."""
    if not lines:
        return
    section(
        "Proposals", "A lower class, another limit, a role that signs: it holds once somebody else agrees."
    )
    plain_table(lines, _PROPOSALS, caption="Proposals", download="proposals")
    waiting = [one for one in lines if one.state == "proposed"]
    if not waiting or desk.in_past:
        return
    names = {one.proposal: f"{one.proposal}: {one.says[0]}" for one in waiting}
    chosen = url_choice("Proposal to answer", names, "proposal", default=waiting[0].proposal, width=520)
    _answer(desk, next(one for one in waiting if one.proposal == chosen))


def _answer(desk: Desk, one: ProposalLine) -> None:
    bullet_list(one.says)
    st.caption(escape(f"Answered by: {' or '.join(one.reviewer_titles)}, with no part in it."))
    fixed = {"proposal": one.proposal}
    if one.proposed_by == desk.actor.id:
        taken = Ask("Take it back", f"{one.proposal} is withdrawn.", icon=":material/undo:", fixed=fixed)
        form(desk, withdraw_proposal, WithdrawProposal, taken)
        return
    mine = set(desk.actor.roles) & set(one.reviewers)
    because = "" if mine else f"It is answered by: {' or '.join(one.reviewer_titles)}."
    agree, decline = st.columns(2)
    with agree:
        said = f"{one.proposal} is agreed to."
        ask = Ask("Agree", said, icon=":material/check:", fixed=fixed, because=because)
        form(desk, agree_to_proposal, AgreeToProposal, ask)
    with decline:
        said = f"{one.proposal} is declined."
        ask = Ask("Decline", said, icon=":material/block:", fixed=fixed, because=because)
        form(desk, decline_proposal, DeclineProposal, ask)


def _publish(desk: Desk, row: DraftLine) -> None:
    ask = Ask(
        "Put it in force",
        f"Policy version {row.version} is published"
        + (f" and holds from {day(row.holds_from)}." if row.holds_from else ", and holds."),
        icon=":material/publish:",
        primary=True,
        fixed={"draft": row.draft},
        note="From its day on every decision uses it, and it never changes.",
    )
    action(desk, publish_policy, PublishPolicy, ask)


def changes_table(compared: Comparison) -> None:
    """Show every difference, cell by cell."""
    if not compared.changes:
        empty_state("Nothing differs but words.", icon=":material/check:")
        return
    plain_table(
        compared.changes, _CHANGES, caption="Differences from the policy in force", download="policy-changes"
    )


_KPIS: list[Column[KpiChange]] = [
    Column("title", "KPI", strong=True),
    Column("day", "On", "day"),
    Column(lambda kpi: _kpi(kpi, kpi.before), "Without the draft"),
    Column(lambda kpi: _kpi(kpi, kpi.after), "With it"),
    Column("status_after", "Against its target", "status", phone=False),
]
_RANKS = [
    Column("team", "Team", strong=True),
    Column("before", "Without the draft", "number"),
    Column("after", "With it", "number"),
]


def _moved_kpis(seen: Preview) -> list[KpiChange]:
    return [kpi for kpi in seen.kpis if kpi.before != kpi.after]


def _kpi(kpi: KpiChange, value: float | None) -> str:
    if value is None:
        return "Cannot be told"
    return percent(value) if kpi.unit == "share" else f"{value:,.0f}"


def preview_tables(seen: Preview) -> None:
    """Show which work it makes and spares, who falls out of policy, and which gates would be shut."""
    parts = (
        ("Work it makes", "Requirements that have to be proved anew.", seen.work, _WORK),
        ("Work it spares", "Requirements that are open now and no longer asked for.", seen.spared, _WORK[:2]),
        (
            "Falls out of policy",
            f"With something overdue on {day(seen.settled_on)} by the draft alone, if nothing is done.",
            seen.fallen,
            _FALLEN,
        ),
        ("KPIs", "By what holds without the draft, and with it.", _moved_kpis(seen), _KPIS),
        ("Ranks by deadlines met", f"On {day(seen.settled_on)}, if nothing is done.", seen.ranks, _RANKS),
        (
            "Passed gates that would be shut",
            "Open on record, blocked by the draft.",
            seen.reopened,
            _REOPENED,
        ),
        (
            "Answers that lead elsewhere",
            "They stay in their class until somebody classifies them again.",
            seen.reclassified,
            _MOVED,
        ),
    )
    if not any(rows for _, _, rows, _ in parts):
        empty_state("It changes nothing for any initiative.", icon=":material/check:")
    for title, caption, rows, columns in parts:
        if rows:
            section(title, caption)
            plain_table(rows, columns, caption=title)
    if seen.cut:
        st.caption("Long lists are cut at 200 lines; the figures above are not.")
