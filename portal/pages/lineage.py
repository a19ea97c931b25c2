"""Lineage: which team uses which data, how, in which models, for which business process."""

from __future__ import annotations

import streamlit as st

from core.services.models import lineage as service
from core.services.process import initiatives
from portal.components.desk import Desk, current_desk
from portal.components.models import lineage_view as view
from portal.components.models.lineage_view import lineage_forms
from portal.components.page import dress, empty_state, page_header
from portal.components.url_inputs import set_url, url_value

PARAMS = {"source": "data", "model": "model", "process": "process"}


def render() -> None:
    """Draw the lineage that the address asks for, and offer to record more."""
    desk = current_desk()
    dress("models")
    rule = "Data, what it is made of, the models that it feeds, and the business processes that those serve."
    page_header(desk, "Lineage", rule)
    whole = desk.ask(service.lineage)
    if not whole.graph.nodes:
        sentence = "No data source is recorded yet. Record one below, then who uses it."
        empty_state(sentence, icon=":material/account_tree:")
    else:
        _draw(desk, whole)
    with st.expander("Record data, its use, or a warning", icon=":material/edit:"):
        names = {one.initiative: one.name for one in desk.ask(initiatives.initiative_choices)}
        lineage_forms(desk, whole, names)


def _draw(desk: Desk, whole: service.Lineage) -> None:
    past = view.filters(whole.choices)["past"]
    found = desk.ask(service.lineage, **view.known_filters(whole.choices), past=past)
    st.caption(view.sentence(found))
    if not found.graph.nodes:
        empty_state("Nothing lies on all of these ways at once.", icon=":material/filter_alt_off:")
        if st.button("Clear the filters", icon=":material/close:"):
            set_url(**dict.fromkeys(view.FILTERS, ""))
            st.rerun()
        return
    view.warnings_panel(found)
    clicked = view.graph_panel(found)
    view.uses_panel(found)
    source = view.sources_panel(found)
    if source is not None:
        clicked = f"source:{source.source}"
    kind, _, name = (clicked or "").partition(":")
    if clicked and url_value(PARAMS[kind]) != name:
        set_url(**{**dict.fromkeys(view.FILTERS, ""), PARAMS[kind]: name})
        st.rerun()


render()
