"""Inventory: a single view of the status of all models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import streamlit as st

from core.services.process import initiatives
from portal.components.desk import Desk, current_desk
from portal.components.page import empty_state, page_header
from portal.components.tables import Column, live_table
from portal.components.text import count
from portal.components.url_inputs import come_back, set_url, url_choice, url_choices, url_text

if TYPE_CHECKING:
    from core.domain.process.facts import InventoryLine


STATUSES: dict[Literal["", "live", "in_progress", "overdue", "failing", "retired"], str] = {
    "": "Any status",
    "live": "Live",
    "in_progress": "Not live yet",
    "overdue": "Something overdue",
    "failing": "A check failed",
    "retired": "Retired",
}
FILTERS = ("q", "class", "team", "domain", "kind", "status")
COLUMNS = [
    Column("name", "Initiative", strong=True, width=190),
    Column("class_id", "Risk class", "status", width=92),
    Column(
        "answers_class_id",
        "By answers",
        "status",
        phone=False,
        width=92,
        help="The class of its answers, where it was overridden: lower ones end on a day.",
    ),
    Column("kind_title", "Kind", phone=False, width=150),
    Column("team", "Team", phone=False, width=138),
    Column("owner_name", "Owner", phone=False, width=108),
    Column("stage", "Stage", phone=False, width=134, help="Live, or the next gate not recorded as open."),
    Column(
        "share", "Met", "share_bar", phone=False, width=84, help="Share of its requirements that are met."
    ),
    Column("overdue", "Late", "number", width=50, help="Requirements past their due day."),
    Column("bias", "Bias", "status", phone=False, width=94, help="Latest check on the current version."),
    Column("decay", "Decay", "status", phone=False, width=94, help="Latest check on the current version."),
]


def filtered(desk: Desk, everything: Sequence[InventoryLine]) -> Sequence[InventoryLine]:
    """Draw the search box and the filters; give what they let through."""
    ethics, policy = desk.governance.position(desk.moment), desk.governance.policy(desk.moment)
    teams = sorted({line.team for line in everything})
    titles = {line.domain: ethics.domain_title(line.domain) for line in everything}
    domains = dict(sorted(titles.items(), key=lambda item: item[1]))
    with st.container(horizontal=True, gap="small"):
        return desk.ask(
            initiatives.inventory,
            search=url_text("Search", "q", placeholder="Name, purpose, owner or team", width=300),
            classes=url_choices("Risk class", {c.id: c.title for c in policy.classes}, "class", width=170),
            teams=url_choices("Team", {team: team for team in teams}, "team", width=170),
            domains=url_choices("Domain", domains, "domain", width=170),
            kinds=url_choices("Kind", {kind.id: kind.title for kind in policy.kinds}, "kind", width=170)
            if policy.kinds
            else (),
            status=url_choice("Status", STATUSES, "status", width=170),
        )


def inventory_counts(found: Sequence[InventoryLine], total: int) -> str:
    """Say how many initiatives are shown, and how they stand."""
    shown = count(total, "initiative") if len(found) == total else f"{len(found):,} of {total:,} initiatives"
    live = sum(line.live for line in found)
    late = sum(line.overdue > 0 for line in found)
    failed = sum(line.failed > 0 for line in found)
    return f"{shown}: {live:,} live, {late:,} with something overdue, {failed:,} with a failed check."


def render() -> None:
    """Draw the filters and the table; a click opens the initiative."""
    desk = current_desk()
    page_header(desk, "Inventory", "Every initiative with its class, its requirements and its verdicts.")
    everything = desk.ask(initiatives.inventory)
    if not everything:
        empty_state(
            "No initiative is registered yet. Registering one takes eleven questions.",
            page="register",
            label="Register the first initiative",
            icon=":material/inventory_2:",
        )
        return
    come_back("inventory", FILTERS, stray="id")
    found = filtered(desk, everything)
    st.caption(f"{inventory_counts(found, len(everything))} Click a line to open it.")
    if not found:
        empty_state("No initiative fits these filters.", icon=":material/filter_alt_off:")
        if st.button("Clear the filters", icon=":material/close:"):
            set_url(**dict.fromkeys(FILTERS, ""))
            st.rerun()
        return
    row = live_table(
        found,
        COLUMNS,
        key="inventory",
        select=True,
        download="inventory",
        height=620,
        alt="All initiatives with their class, stage, requirements and verdicts",
    )
    if row is not None:
        st.switch_page("../pages/initiative.py", query_params={"id": row.initiative})


render()
