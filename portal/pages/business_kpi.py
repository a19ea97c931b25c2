"""Business KPIs: what each initiative promised at scoping, and what was achieved of it."""

from __future__ import annotations

import streamlit as st

from core.domain.errors import NotFound
from core.services.measured import business_kpi as service
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.measured import business_kpi_view as forms
from portal.components.measured import business_kpi_view as view
from portal.components.page import empty_state, page_header, page_link
from portal.components.url_inputs import set_url, url_choice, url_value


def render() -> None:
    """Draw the KPIs of the initiative in the address, or those of all."""
    desk = current_desk()
    rule = "Promised at scoping and achieved since, by the observations on record."
    page_header(desk, "Business KPIs", rule)
    names = desk.ask(service.initiative_names)
    if not names:
        sentence = "No initiative is registered yet, so nothing is promised."
        empty_state(sentence, page="register", label="Register the first initiative", icon=":material/flag:")
        return
    url_choice("Initiative", {"": "All initiatives", **names}, "id", clears=("kpi",), width=574)
    try:
        if url_value("id"):
            _one(desk, url_value("id"))
        else:
            _all(desk)
    except NotFound as problem:
        show_problem(problem)
        page_link("business_kpi", "Show the KPIs of all initiatives", icon=":material/arrow_forward:")


def _all(desk: Desk) -> None:
    lines = desk.ask(service.promised_kpis)
    if not lines:
        empty_state("No business KPI is promised yet. Choose an initiative to promise one.")
        return
    view.standing_cards(lines)
    clicked = view.kpi_list(lines)
    if clicked is not None:
        set_url(id=clicked.initiative, kpi=clicked.promise.kpi)
        st.rerun()


def _one(desk: Desk, initiative: str) -> None:
    known = desk.ask(service.business_kpis, initiative=initiative)
    if not known:
        empty_state("This initiative has promised no business KPI.", icon=":material/flag:")
        forms.promise_form(desk, initiative, None, opened=True)
        return
    titles = {kpi.promise.kpi: kpi.promise.name for kpi in known}
    chosen = next(iter(titles))
    if len(titles) > 1:
        chosen = url_choice("KPI", titles, "kpi", default=chosen, width=574)
    kpi = next(one for one in known if one.promise.kpi == chosen)
    view.kpi_cards(kpi, desk.moment.at.date())
    view.promise_panel(kpi, desk.ask(service.model_performance, initiative=initiative))
    forms.observation_forms(desk, kpi)
    view.history_panel(kpi)
    forms.promise_form(desk, initiative, kpi, opened=False)
    forms.promise_form(desk, initiative, None, opened=False)
    view.kpi_links(kpi)


render()
