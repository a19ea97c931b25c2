"""Drafts of the policy, what they differ in, what they would lead to, and the forms to move them on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.commands import DraftPolicy, PublishPolicy, ReviewPolicy
from core.services.rules.policies import draft_policy, publish_policy, review_policy
from portal.components.cards import Card, cards
from portal.components.forms import closed_because, give
from portal.components.page import empty_state, section
from portal.components.tables import Column, plain_table
from portal.components.text import count, escape

if TYPE_CHECKING:
    from core.services.rules.policies import DraftLine
    from core.services.rules.policy_changes import Comparison, Preview
    from portal.components.desk import Desk

_DRAFTS = [
    Column("draft", "Draft", strong=True),
    Column("version", "Version"),
    Column("state", "State", "status"),
    Column("why", "Why"),
    Column("drafted_by_name", "Drafted by", phone=False),
    Column("drafted_at", "On", "minute", phone=False),
]
_CHANGES = [
    Column("part", "Part", phone=False),
    Column("subject", "What", strong=True),
    Column("before", "In force"),
    Column("after", "Draft"),
    Column("direction", "Which is", phone=False),
]
_WORK = [
    Column("title", "Requirement", strong=True),
    Column("initiatives", "Initiatives", "number"),
    Column("overdue_at_once", "Overdue at once", "number", phone=False),
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


def draft_form(desk: Desk) -> None:
    """Ask for a policy file and why it is to change."""
    with st.expander("Draft a change", icon=":material/edit_document:"):
        because = closed_because(desk, "draft_policy")
        if because:
            st.caption(escape(because))
            return
        with st.form("draft-policy"):
            file = st.file_uploader("Policy file", type=["yaml", "yml"], max_upload_size=1)
            note = st.text_input("Why it is to change", max_chars=2000)
            st.caption("Every fault is told with its line; nothing is in force until somebody else approved.")
            pressed = st.form_submit_button("Put the draft on record", icon=":material/edit_document:")
        if not pressed:
            return
        if file is None:
            st.error("Choose the policy file first.", icon=":material/error:")
            return
        text = file.getvalue().decode("utf-8", errors="replace")
        if give(
            desk,
            draft_policy,
            DraftPolicy,
            done="The draft is on record.",
            text=text,
            name=file.name,
            note=note,
        ):
            st.rerun()


def drafts_table(rows: Sequence[DraftLine]) -> None:
    """Show the drafts, newest first."""
    plain_table(rows, _DRAFTS, caption="Drafts of the policy")


def preview_cards(seen: Preview) -> None:
    """Show in figures what the draft would do."""
    totals = seen.totals
    fallen = totals["out_after"] - totals["out_before"]
    work = sum(row["initiatives"] for row in seen.work)
    spared = sum(row["initiatives"] for row in seen.spared)
    cards(
        [
            Card(
                "Requirements asked",
                f"{totals['asked_after']:,}",
                trend=_change(totals["asked_after"] - totals["asked_before"]),
                note=f"Over {count(totals['initiatives'], 'initiative')}.",
            ),
            Card(
                "Work it makes",
                f"{work:,}",
                note=f"Requirements to prove anew. It spares {spared:,}.",
            ),
            Card(
                "Passed gates that would shut",
                f"{seen.reopened_total:,}",
                note="They open again when what is asked for is proved.",
            ),
            Card(
                "Initiatives out of policy",
                f"{totals['out_after']:,}",
                trend=_change(fallen),
                direction=(fallen > 0) - (fallen < 0),
                better=None if not fallen else fallen < 0,
                note="With something overdue on the day shown.",
            ),
        ]
    )


def _change(difference: int) -> str:
    return (
        f"{difference:+,} against the policy in force".replace("-", "\u2212") if difference else "No change"
    )


def review_panel(desk: Desk, row: DraftLine) -> None:
    """Offer to review a draft, or to put an approved one in force."""
    if desk.in_past or row.state in ("rejected", "published"):
        return
    if row.state == "approved":
        _publish(desk, row)
        return
    because = closed_because(desk, "review_policy")
    if desk.actor.id == row.drafted_by:
        because = because or "You drafted it: somebody else reviews it."
    if because:
        st.caption(escape(because))
        return
    with st.form("review-policy"):
        outcome = st.segmented_control(
            "Your decision",
            ["approved", "rejected"],
            format_func=lambda known: "Approve" if known == "approved" else "Reject",
            default="approved",
            required=True,
        )
        note = st.text_input("Why", max_chars=2000)
        pressed = st.form_submit_button("Put on record", type="primary", icon=":material/gavel:")
    if pressed and give(
        desk,
        review_policy,
        ReviewPolicy,
        done=f"Draft {row.draft} is {outcome}.",
        draft=row.draft,
        outcome=outcome,
        note=note,
    ):
        st.rerun()


def _publish(desk: Desk, row: DraftLine) -> None:
    because = closed_because(desk, "publish_policy")
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            "Put it in force", type="primary", icon=":material/publish:", disabled=bool(because)
        )
        st.caption(escape(because or "From then on every decision uses it, and it never changes."))
    if pressed and give(
        desk,
        publish_policy,
        PublishPolicy,
        done=f"Policy version {row.version} is in force.",
        draft=row.draft,
    ):
        st.rerun()


def changes_table(compared: Comparison) -> None:
    """Show every difference, cell by cell."""
    if not compared.changes:
        empty_state("Nothing differs but words.", icon=":material/check:")
        return
    rows = [
        {
            "part": change.part.capitalize(),
            "subject": change.subject,
            "before": change.before,
            "after": change.after,
            "direction": change.direction.capitalize(),
        }
        for change in compared.changes
    ]
    plain_table(rows, _CHANGES, caption="Differences from the policy in force", download="policy-changes")


def preview_tables(seen: Preview) -> None:
    """Show which work it makes and spares, who falls out of policy, and which gates would be shut."""
    parts = (
        ("Work it makes", "Requirements that have to be proved anew.", seen.work, _WORK),
        ("Work it spares", "Requirements that are open now and no longer asked for.", seen.spared, _WORK[:2]),
        ("Falls out of policy", "In policy now, with something overdue then.", seen.fallen, _FALLEN),
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
