"""The tabs of an initiative's sheet, in the order in which people need them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from core.services.measured import business_kpi as service
from portal.components.initiative.discussion import discussion_tab
from portal.components.initiative.exceptions_view import exceptions_tab
from portal.components.initiative.history import alcoa_tab, checks_tab, evidence_tab, record_tab, versions_tab
from portal.components.initiative.rules_view import frameworks_tab, rights_tab
from portal.components.initiative.sections import requirements_tab
from portal.components.initiative.sign_off_view import perspectives_panel, sign_offs_tab
from portal.components.measured.business_kpi_view import kpi_cards, promise_form, promise_panel
from portal.components.page import empty_state, page_link
from portal.components.record import download_pack

if TYPE_CHECKING:
    from core.services.process.initiatives import InitiativeSheet
    from portal.components.desk import Desk


def business_kpi_tab(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw what the initiative promised and achieved, or offer to promise it."""
    initiative = str(sheet.initiative.initiative)
    known = desk.ask(service.business_kpis, initiative=initiative)
    if not known:
        empty_state("No business KPI is promised yet.", icon=":material/flag:")
        promise_form(desk, initiative, None, opened=False)
        return
    performance = desk.ask(service.model_performance, initiative=initiative)
    for kpi in known:
        kpi_cards(kpi, desk.moment.at.date())
        promise_panel(kpi, performance)
    label = "Record what was achieved, correct it, or revise the promise"
    page_link("business_kpi", label, icon=":material/flag:", id=initiative)


Tab = Callable[["Desk", "InitiativeSheet"], None]


def _sign_offs(desk: Desk, sheet: InitiativeSheet) -> None:
    sign_offs_tab(desk, sheet)
    perspectives_panel(desk, sheet)


def _versions(desk: Desk, sheet: InitiativeSheet) -> None:
    initiative = sheet.initiative.initiative
    with st.container(horizontal=True):
        page_link("versions", "Compare, promote or retire versions", icon=":material/compare:", id=initiative)
        page_link("documents", "Read the model card", icon=":material/article:", id=initiative)
        page_link("explanations", "See what scores come from", icon=":material/lightbulb:", id=initiative)
    versions_tab(desk, sheet)


def _evidence(desk: Desk, sheet: InitiativeSheet) -> None:
    evidence_tab(desk, sheet)
    alcoa_tab(desk, sheet)


def _rules(desk: Desk, sheet: InitiativeSheet) -> None:
    frameworks_tab(desk, sheet)
    rights_tab(desk, sheet)


def _record(desk: Desk, sheet: InitiativeSheet) -> None:
    download_pack(desk, sheet.initiative.initiative)
    record_tab(desk, sheet)


TABS: Mapping[str, Tab] = {
    "Requirements": requirements_tab,
    "Sign-offs": _sign_offs,
    "Findings and waivers": exceptions_tab,
    "Business KPI": business_kpi_tab,
    "Versions": _versions,
    "Evidence": _evidence,
    "Checks": checks_tab,
    "Rules and rights": _rules,
    "Discussion": discussion_tab,
    "Record": _record,
}
"""Title -> what draws it."""
