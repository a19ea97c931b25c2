"""An initiative's sheet: which to open, and its tabs in the order in which people need them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import streamlit as st

from core.services.measured import business_kpi as service
from core.services.oversight.kpis import attention
from core.services.process import initiatives
from portal.components.initiative.discussion import discussion_tab
from portal.components.initiative.exceptions_view import exceptions_tab
from portal.components.initiative.history import alcoa_tab, checks_tab, evidence_tab, record_tab, versions_tab
from portal.components.initiative.rules_view import frameworks_tab, rights_tab
from portal.components.initiative.sections import requirements_tab
from portal.components.initiative.sign_off_view import perspectives_panel, sign_offs_tab
from portal.components.measured.business_kpi_view import kpi_cards, promise_form, promise_panel
from portal.components.page import LinkedRow, empty_state, linked_rows, page_link, panel
from portal.components.record import download_pack
from portal.components.text import count
from portal.components.url_inputs import set_url

if TYPE_CHECKING:
    from core.domain.process.facts import InventoryLine
    from core.services.process.initiatives import InitiativeSheet
    from portal.components.desk import Desk


MOST_OWN, MOST_OTHERS = 8, 6
_WORDS = {"overdue": "{} overdue", "failed": "", "expiring": "{} left"}


def choose_initiative(desk: Desk) -> None:
    """Ask which initiative to open, and lead to the reader's own and to those that need attention."""
    known = desk.ask(initiatives.initiative_choices)
    if not known:
        empty_state(
            "No initiative is registered yet.", page="register", label="Register the first initiative"
        )
        return
    names = {one.initiative: f"{one.name} ({one.team})" for one in known}
    chosen = st.selectbox(
        "Which initiative?",
        list(names),
        index=None,
        format_func=lambda one: names[one],
        key="pick-initiative",
    )
    if chosen:
        set_url(id=chosen)
        st.rerun()
    own = [line for line in desk.ask(initiatives.inventory) if line.owner == desk.actor.id]
    left, right = st.columns(2) if own else (None, st.container())
    if left:
        with left, panel("Yours", "What you answer for, the most overdue first."):
            own.sort(key=lambda line: (-line.overdue, -line.failed, line.name))
            linked_rows([_own_row(line) for line in own[:MOST_OWN]], key="own")
            if len(own) > MOST_OWN:
                st.caption(f"{len(own) - MOST_OWN} more with less to do; the list above names them all.")
    with right:
        attention_panel(desk, apart=True)


def attention_panel(desk: Desk, *, apart: bool = False) -> None:
    """Show what is overdue, failed or about to expire, and who acts; `apart`: each initiative once."""
    items = desk.ask(attention, most=0)
    if apart:
        first = {item.initiative: place for place, item in reversed(list(enumerate(items)))}
        items = tuple(items[place] for place in sorted(first.values()))
    with panel("Needs attention", "Overdue first, the strictest class on top; then failed checks."):
        linked_rows(
            [
                LinkedRow(
                    title=item.name,
                    detail=f"{item.what}. To act: {item.acts}.",
                    page="initiative",
                    query={"id": item.initiative},
                    status=item.state,
                    status_text=_WORDS[item.state].format(count(item.days, "day")),
                )
                for item in items[:MOST_OTHERS]
            ],
            empty="Nothing is overdue, failed or about to expire.",
        )


def _own_row(line: InventoryLine) -> LinkedRow:
    late = f"{line.overdue} overdue" if line.overdue else ""
    return LinkedRow(
        title=line.name,
        detail=f"{line.class_title} risk. {line.stage}. {line.satisfied} of {line.asked} requirements met.",
        page="initiative",
        query={"id": line.initiative},
        status="overdue" if late else "failed" if line.failed else "on_time",
        status_text=late,
    )


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
