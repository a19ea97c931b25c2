"""Policy changes: proposals and drafts, what each would change, and who lets it through."""

from __future__ import annotations

import streamlit as st

from core.domain.errors import GovernanceError
from core.services.record.proposals import proposals
from core.services.rules.policies import DraftLine, policy_drafts
from core.services.rules.previews import compare_policy, preview_policy
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.page import empty_state, page_header, section
from portal.components.rules.policy_view import (
    changes_table,
    draft_form,
    drafts_table,
    file_form,
    preview_cards,
    preview_tables,
    proposals_panel,
    review_panel,
)
from portal.components.text import day
from portal.components.url_inputs import url_choice


def render() -> None:
    """Draw the drafts, and for one of them its comparison, its preview and what may be done."""
    desk = current_desk()
    rule = "A policy is drafted, previewed, approved by somebody else, and then never changes."
    page_header(desk, "Policy changes", rule)
    proposals_panel(desk, desk.ask(proposals))
    drafts = desk.ask(policy_drafts)
    if not desk.in_past:
        draft_form(desk)
        file_form(desk)
    if not drafts:
        empty_state("Nobody has drafted a change yet.", page="policy", label="Read the policy in force")
        return
    drafts_table(drafts)
    names = {row.draft: f"{row.draft}, version {row.version}" for row in drafts}
    chosen = url_choice("Draft", names, "draft", default=drafts[0].draft, width=320)
    _draft(desk, next(row for row in drafts if row.draft == chosen))


def _draft(desk: Desk, row: DraftLine) -> None:
    draft = row.draft
    try:
        compared = desk.ask(compare_policy, draft=draft)
        seen = desk.ask(preview_policy, draft=draft)
    except GovernanceError as problem:
        show_problem(problem)
        return
    section(
        f"What {draft} would do",
        f"Version {seen.after} over all initiatives as they stand, from {day(seen.holds_from)} on, beside "
        f"{seen.before}, which holds then without it.",
    )
    if seen.sealed:
        st.caption(f"Kept when it was approved, with all its figures: SHA-256 {seen.sealed}")
    preview_cards(seen)
    review_panel(desk, row)
    what, work = st.tabs(("What differs", "What it leads to"), key="changes", bind="query-params")
    with what:
        changes_table(compared)
    with work:
        preview_tables(seen)


render()
