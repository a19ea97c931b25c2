"""Inventory: a single view of the status of all models."""

from __future__ import annotations

import streamlit as st

from core.services.process import inventory
from portal.components.desk import current_desk
from portal.components.initiative.inventory_view import (
    COLUMNS,
    FILTERS,
    inventory_counts,
    inventory_filters,
)
from portal.components.page import empty_state, page_header
from portal.components.tables import live_table
from portal.components.url_inputs import come_back, set_url


def render() -> None:
    """Draw the filters and the table; a click opens the initiative."""
    desk = current_desk()
    page_header(desk, "Inventory", "Every initiative with its class, its requirements and its verdicts.")
    everything = desk.ask(inventory.inventory)
    if not everything:
        empty_state(
            "No initiative is registered yet. Registering one takes about ten questions.",
            page="register",
            label="Register the first initiative",
            icon=":material/inventory_2:",
        )
        return
    come_back("inventory", FILTERS, stray="id")
    policy = desk.governance.policy(desk.moment)
    filters = inventory_filters(desk.governance.position(desk.moment), policy, everything)
    found = desk.ask(inventory.inventory, **filters)
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
