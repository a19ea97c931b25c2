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
from portal.components.forms import closed_because, give
from portal.components.text import escape

if TYPE_CHECKING:
    from core.services.measured.business_kpi_view import BusinessKpi

_WAYS = {"up": "Up: higher is better", "down": "Down: lower is better"}


def promise_form(desk: Desk, initiative: str, kpi: BusinessKpi | None, *, opened: bool) -> None:
    """Ask for a KPI's promise; with a KPI, for its revision."""
    label = "Revise the promise" if kpi else "Promise a business KPI"
    with st.expander(label, expanded=opened, icon=":material/flag:"):
        refused = closed_because(desk, "define_business_kpi")
        if refused:
            st.caption(escape(refused))
            return
        key = f"promise-{initiative}-{kpi.promise.kpi if kpi else 'new'}"
        before = kpi.promise if kpi else None
        with st.form(key):
            left, right = st.columns(2)
            name = before.name if before else left.text_input("What is measured", max_chars=100)
            unit = (right if not before else left).text_input(
                "Unit", value=before.unit if before else "", max_chars=30, placeholder="%, days, € per month"
            )
            ways = list(_WAYS)
            direction = right.selectbox(
                "Which way is better",
                ways,
                index=ways.index(before.direction) if before else 0,
                format_func=lambda one: _WAYS[one],
            )
            baseline = left.number_input(
                "Baseline", value=before.baseline if before else 0.0, format="%g", step=None
            )
            baseline_on = right.date_input(
                "Measured on", value=before.baseline_on if before else desk.moment.day
            )
            target = left.number_input(
                "Target", value=before.target if before else 0.0, format="%g", step=None
            )
            target_on = right.date_input("Promised by", value=before.target_on if before else desk.moment.day)
            source = left.text_input("Source of the figure", value=kpi.source if kpi else "", max_chars=2000)
            reason = right.text_input("Why it is revised", max_chars=2000) if kpi else ""
            if not st.form_submit_button("Put it on record", type="primary", icon=":material/flag:"):
                return
        done = "The revised promise is on record." if kpi else "The promise is on record."
        if give(
            desk,
            set_business_kpi,
            SetBusinessKpi,
            done=done,
            initiative=initiative,
            name=name,
            unit=unit,
            direction=direction,
            baseline=baseline,
            baseline_on=baseline_on,
            target=target,
            target_on=target_on,
            source=source,
            reason=reason,
        ):
            st.rerun()


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
    with st.form(f"import-{kpi.initiative}-{kpi.promise.kpi}"):
        file = st.file_uploader("Many at once: CSV", type=["csv"], help="Columns date, value, perhaps note.")
        note = st.text_input("Reason, where lines correct what is on record", max_chars=2000)
        if not st.form_submit_button("Import", icon=":material/upload_file:") or file is None:
            return
    given = give(
        desk,
        import_observations,
        ImportObservations,
        done=f"The observations of {file.name} are on record.",
        initiative=kpi.initiative,
        kpi=kpi.promise.kpi,
        text=file.getvalue(),
        name=file.name,
        note=note,
    )
    if given:
        st.rerun()
