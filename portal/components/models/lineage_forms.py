"""Forms of the lineage: record data, what it is made from, who uses it; warn of it and clear it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

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
from portal.components.forms import closed_because, give
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
    forms: dict[str, Callable[[], bool]] = {
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


def _warn(desk: Desk, found: Lineage) -> bool:
    if not found.sources:
        st.caption("No data source is recorded yet.")
        return False
    bad = {one.source: one.bad for one in found.sources}
    names = {one.source: one.name + (" (marked as bad)" if one.bad else "") for one in found.sources}
    source = st.selectbox("Data", list(names), format_func=lambda one: names[one], key="warn-source")
    clears = bad[source]
    with st.form("warn"):
        why = st.text_area(
            "What was done about it" if clears else "What is wrong with it",
            max_chars=2000,
            height=80,
            help="At least 10 characters; everybody downstream reads it.",
        )
        label = "Take the warning back" if clears else "Mark as bad"
        icon = ":material/check_circle:" if clears else ":material/report:"
        if not st.form_submit_button(label, type="primary", icon=icon):
            return False
    if clears:
        done = "The warning is taken back."
        return give(desk, services.clear_data, ClearData, done=done, source=source, reason=why) is not None
    done = "Marked as bad; everything downstream shows it now."
    return give(desk, services.mark_data_bad, MarkDataBad, done=done, source=source, reason=why) is not None


def _source(desk: Desk, found: Lineage) -> bool:
    known = {one.source: one for one in found.sources}
    names = {"": "A new one", **{source: one.name for source, one in known.items()}}
    source = st.selectbox("Which", list(names), format_func=lambda one: names[one], key="source-which")
    kept = known.get(source)

    def before(field: str) -> str:
        return getattr(kept, field, "")

    with st.form(f"source-{source}"):
        left, right = st.columns(2)
        name = left.text_input("Name", value=before("name"), max_chars=100)
        team = right.text_input("Owning team", value=kept.team if kept else desk.actor.team, max_chars=100)
        location = left.text_input("Where it lies", value=before("location"), max_chars=500)
        personal = right.selectbox(
            "Personal data",
            (None, True, False),
            index=(None, True, False).index(kept.personal_data if kept else None),
            format_func=lambda one: {None: "Say yes or no", True: "Yes", False: "No"}[one],
        )
        description = st.text_area("What is in it", value=before("description"), max_chars=2000, height=70)
        quality = st.text_area(
            "What is known of its quality", value=before("quality"), max_chars=2000, height=70
        )
        if not st.form_submit_button("Save", type="primary", icon=":material/save:"):
            return False
    if personal is None:
        st.error("Nothing is recorded yet. Say whether it holds personal data.")
        return False
    given = give(
        desk,
        services.record_data_source,
        RecordDataSource,
        done=f"{name} is on record.",
        source=source,
        name=name,
        team=team,
        personal_data=personal,
        location=location,
        description=description,
        quality=quality,
    )
    return given is not None


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


def _processes(desk: Desk, found: Lineage, initiatives: dict[str, str]) -> bool:
    if not initiatives:
        st.caption("Register an initiative first.")
        return False
    with st.form("processes"):
        initiative = st.selectbox("Model", list(initiatives), format_func=lambda one: initiatives[one])
        processes = st.text_input(
            "Business processes that it serves",
            help=f"All of them. {COLUMNS_HELP}",
            placeholder=", ".join(found.choices.processes) or "Card issuing",
        )
        if not st.form_submit_button("Save", type="primary", icon=":material/save:"):
            return False
    given = give(
        desk,
        services.record_processes,
        RecordProcesses,
        done="The business processes are on record.",
        initiative=initiative,
        processes=listed(processes),
    )
    return given is not None


def listed(text: str) -> tuple[str, ...]:
    """Names typed one a line or separated by commas.

    Examples
    --------
    >>> listed("age, sex,,\\nregion ")
    ('age', 'sex', 'region')
    """
    names = (name.strip() for line in text.splitlines() for name in line.split(","))
    return tuple(dict.fromkeys(name for name in names if name))
