"""Business KPIs on the sheet of an initiative: where each stands, drawn in full on their own page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.services.measured import business_kpi as service
from portal.components.measured.business_kpi_view import kpi_cards, promise_form, promise_panel
from portal.components.page import empty_state, page_link

if TYPE_CHECKING:
    from core.services.process.inventory import InitiativeSheet
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
