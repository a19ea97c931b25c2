"""Forms on business KPIs: promise or revise, record, correct, import."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.services.measured.business_kpi import (
    ImportObservations,
    ObserveBusinessKpi,
    SetBusinessKpi,
    import_observations,
    observe_business_kpi,
    set_business_kpi,
)
from portal.components.desk import Desk
from portal.components.forms import Ask, closed_because, form, give
from portal.components.text import escape

if TYPE_CHECKING:
    from core.services.measured.business_kpi_view import BusinessKpi

_WAYS = {"up": "Up: higher is better", "down": "Down: lower is better"}
_PROMISED = (("name", "unit"), ("baseline", "direction"), ("target", "baseline_on"), ("source", "target_on"))
_REVISED = (("unit", "direction"), ("baseline", "baseline_on"), ("target", "target_on"), ("source", "reason"))


def promise_form(desk: Desk, initiative: str, kpi: BusinessKpi | None, *, opened: bool) -> None:
    """Ask for a KPI's promise; with a KPI, for its revision."""
    label = "Revise the promise" if kpi else "Promise a business KPI"
    with st.expander(label, expanded=opened, icon=":material/flag:"):
        known = kpi.promise if kpi else None
        today = {"baseline": 0.0, "target": 0.0, "baseline_on": desk.moment.day, "target_on": desk.moment.day}
        ask = Ask(
            "Put it on record",
            "The revised promise is on record." if kpi else "The promise is on record.",
            icon=":material/flag:",
            primary=True,
            rows=_REVISED if kpi else _PROMISED,
            fixed={"initiative": initiative, **({"name": known.name} if known else {})},
            choices={"direction": _WAYS},
            first={**vars(known), "source": kpi.source} if kpi and known else today,
        )
        form(desk, set_business_kpi, SetBusinessKpi, ask)


def observation_forms(desk: Desk, kpi: BusinessKpi) -> None:
    """Ask for one observation, a correction or a withdrawal; or for many in CSV."""
    with st.expander("Record what was achieved", icon=":material/add_chart:"):
        refused = closed_because(desk, "observe_business_kpi")
        if refused:
            st.caption(escape(refused))
            return
        left, right = st.columns(2)
        with left:
            _observation_form(desk, kpi)
        with right:
            _import_form(desk, kpi)


def _observation_form(desk: Desk, kpi: BusinessKpi) -> None:
    with st.form(f"observe-{kpi.initiative}-{kpi.promise.kpi}"):
        on = st.date_input("Day", value=desk.moment.day, max_value=desk.moment.day)
        value = st.number_input(f"Achieved ({kpi.promise.unit})", value=None, format="%g", step=None)
        note = st.text_input("Note", max_chars=2000, help="The reason, where the day has a value already.")
        withdraw = st.checkbox("Withdraw the day's value")
        if not st.form_submit_button("Record", type="primary", icon=":material/add:"):
            return
    if value is None and not withdraw:
        st.error("No value was given. Type it, or withdraw the day's value.")
        return
    done = (
        "Withdrawn; what was recorded stays in the history." if withdraw else "The observation is on record."
    )
    if give(
        desk,
        observe_business_kpi,
        ObserveBusinessKpi,
        done=done,
        initiative=kpi.initiative,
        kpi=kpi.promise.kpi,
        observed_on=on,
        value=None if withdraw else value,
        note=note,
    ):
        st.rerun()


def _import_form(desk: Desk, kpi: BusinessKpi) -> None:
    ask = Ask(
        "Import",
        lambda given: f"The observations of {given['name']} are on record.",
        icon=":material/upload_file:",
        rows=("text", "note"),
        fixed={"initiative": kpi.initiative, "kpi": kpi.promise.kpi},
    )
    form(desk, import_observations, ImportObservations, ask)
