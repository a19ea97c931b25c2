"""Forms of the lineage: record data, what it is made from, who uses it; warn of it and clear it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.facts.recorded import values_of
from core.domain.models.lineage import (
    HOW,
    ClearData,
    EndDataUse,
    EndUpstream,
    MarkDataBad,
    RecordDataSource,
    RecordDataUse,
    RecordProcesses,
    RecordUpstream,
)
from core.services.models import data_sources as services
from portal.components.forms import Ask, closed_because, form, give, listed
from portal.components.text import escape

if TYPE_CHECKING:
    from core.services.models.lineage import Lineage
    from portal.components.desk import Desk

COLUMNS_HELP = "One a line, or separated by commas."


def lineage_forms(desk: Desk, found: Lineage, initiatives: dict[str, str]) -> None:
    """Offer one form at a time; those that the desk may not use say who may.

    Parameters
    ----------
    desk
        The desk of this session.
    found
        The whole lineage, unfiltered.
    initiatives
        Id -> name of every initiative, for new uses.
    """
    forms: dict[str, Callable[[], bool | None]] = {
        "Warn of bad data": lambda: _warn(desk, found),
        "Data source": lambda: _source(desk, found),
        "Made from": lambda: _upstream(desk, found),
        "Use": lambda: _use(desk, found, initiatives),
        "Business processes": lambda: _processes(desk, found, initiatives),
    }
    chosen = st.segmented_control(
        "What to record", list(forms), default="Warn of bad data", required=True, key="lineage-form"
    )
    because = closed_because(desk, "mark_data" if chosen == "Warn of bad data" else "record_lineage")
    if because:
        st.caption(escape(because))
    elif forms[chosen]():
        st.rerun()


def _warn(desk: Desk, found: Lineage) -> None:
    if not found.sources:
        st.caption("No data source is recorded yet.")
        return
    bad = {one.source: one.bad for one in found.sources}
    names = {one.source: one.name + (" (marked as bad)" if one.bad else "") for one in found.sources}
    source = st.selectbox("Data", list(names), format_func=lambda one: names[one], key="warn-source")
    if bad[source]:
        icon, done = ":material/check_circle:", "The warning is taken back."
        ask = Ask("Take the warning back", done, icon=icon, primary=True, fixed={"source": source})
        form(desk, services.clear_data, ClearData, ask)
    else:
        icon, done = ":material/report:", "Marked as bad; everything downstream shows it now."
        ask = Ask("Mark as bad", done, icon=icon, primary=True, fixed={"source": source})
        form(desk, services.mark_data_bad, MarkDataBad, ask)


def _source(desk: Desk, found: Lineage) -> None:
    known = {one.source: one for one in found.sources}
    names = {"": "A new one", **{source: one.name for source, one in known.items()}}
    source = st.selectbox("Which", list(names), format_func=lambda one: names[one], key="source-which")
    ask = Ask(
        "Save",
        lambda given: f"{given['name']} is on record.",
        icon=":material/save:",
        primary=True,
        rows=(("name", "team"), ("location", "personal_data"), "description", "quality"),
        fixed={"source": source},
        choices={"personal_data": {None: "Say yes or no", True: "Yes", False: "No"}},
        first=values_of(known[source]) if source else {"team": desk.actor.team},
    )
    form(desk, services.record_data_source, RecordDataSource, ask)


def _upstream(desk: Desk, found: Lineage) -> bool:
    names = {one.source: one.name for one in found.sources}
    if len(names) < 2:
        st.caption("Record two data sources first.")
        return False
    with st.form("upstream"):
        left, right = st.columns(2)
        source = left.selectbox("This data", list(names), format_func=lambda one: names[one])
        origin = right.selectbox("is made from", list(names), format_func=lambda one: names[one])
        how = left.text_input("How", max_chars=2000, placeholder="Summed by week")
        columns = right.text_input("Columns that come from there", help=COLUMNS_HELP)
        with st.container(horizontal=True):
            save = st.form_submit_button("Save", type="primary", icon=":material/save:")
            end = st.form_submit_button("It no longer is", icon=":material/link_off:")
    if end:
        done = "That step is ended; the history keeps it."
        ended = give(desk, services.end_upstream, EndUpstream, done=done, source=source, upstream=origin)
        return ended is not None
    return save and (
        give(
            desk,
            services.record_upstream,
            RecordUpstream,
            done="The step is on record.",
            source=source,
            upstream=origin,
            how=how,
            columns=listed(columns),
        )
        is not None
    )


def _use(desk: Desk, found: Lineage, initiatives: dict[str, str]) -> bool:
    names = {one.source: one.name for one in found.sources}
    if not names or not initiatives:
        st.caption("Record a data source and register an initiative first.")
        return False
    with st.form("use"):
        left, right = st.columns(2)
        initiative = left.selectbox("Model", list(initiatives), format_func=lambda one: initiatives[one])
        source = right.selectbox("Data", list(names), format_func=lambda one: names[one])
        how = left.selectbox("How it uses it", list(HOW), format_func=lambda one: f"It {HOW[one]}")
        version = right.text_input("Version", max_chars=20, help="Leave it empty for all versions.")
        columns = st.text_input("Columns", help=COLUMNS_HELP)
        with st.container(horizontal=True):
            save = st.form_submit_button("Save", type="primary", icon=":material/save:")
            end = st.form_submit_button("This use is over", icon=":material/link_off:")
    one = {"source": source, "initiative": initiative, "version": version.strip(), "how": how}
    if end:
        done = "The use is ended; the history keeps it."
        return give(desk, services.end_data_use, EndDataUse, done=done, **one) is not None
    return save and (
        give(
            desk,
            services.record_data_use,
            RecordDataUse,
            done="The use is on record.",
            columns=listed(columns),
            **one,
        )
        is not None
    )


def _processes(desk: Desk, found: Lineage, initiatives: dict[str, str]) -> None:
    if not initiatives:
        st.caption("Register an initiative first.")
        return
    ask = Ask(
        "Save",
        "The business processes are on record.",
        icon=":material/save:",
        primary=True,
        rows=("initiative", "processes"),
        choices={"initiative": initiatives},
        titles={"initiative": "Model"},
        hints={"processes": ", ".join(found.choices.processes) or "Card issuing"},
    )
    form(desk, services.record_processes, RecordProcesses, ask)
