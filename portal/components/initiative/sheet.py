"""An initiative's sheet: which to open, and its tabs in the order in which people need them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.process.commands import (
    DecideWaiver,
    RaiseFinding,
    RequestWaiver,
    ResolveFinding,
    VerifyFinding,
    WithdrawWaiver,
)
from core.services.measured import business_kpi as service
from core.services.oversight.kpis import attention
from core.services.process import initiatives
from core.services.process.findings import (
    decide_waiver,
    findings_list,
    raise_finding,
    request_waiver,
    resolve_finding,
    verify_finding,
    waivers_list,
    withdraw_waiver,
)
from portal.components.forms import Ask, Values, form, unfolding_form
from portal.components.initiative.history import (
    alcoa_tab,
    checks_tab,
    discussion_tab,
    evidence_tab,
    record_tab,
    versions_tab,
)
from portal.components.initiative.rules_view import frameworks_tab, rights_tab
from portal.components.initiative.sections import requirements_tab
from portal.components.initiative.sign_off_view import perspectives_panel, sign_offs_tab
from portal.components.measured.business_kpi_view import kpi_cards, promise_form, promise_panel
from portal.components.page import LinkedRow, empty_state, linked_rows, page_link, panel, section
from portal.components.pills import pills, share_met
from portal.components.record import download_pack
from portal.components.text import count, day, escape
from portal.components.url_inputs import set_url

if TYPE_CHECKING:
    from core.domain.process.facts import InventoryLine
    from core.services.process.findings import FindingLine, WaiverLine
    from core.services.process.initiatives import InitiativeSheet
    from portal.components.desk import Desk


SEVERITIES = {"blocker": "Blocker", "major": "Major", "minor": "Minor"}


def exceptions_tab(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw findings, then waivers, each with what the reader may do about it."""
    initiative = sheet.initiative.initiative
    section(
        "Findings", "All but minor ones keep the gates of their step shut until somebody else verified them."
    )
    found = desk.ask(findings_list, initiative=initiative)
    if not found:
        empty_state("Nothing has been found.", icon=":material/task_alt:")
    for finding in found:
        with st.container(border=True, key=f"finding-{finding.finding}"):
            _finding(desk, sheet, finding)
    if not desk.in_past:
        with st.expander("Raise a finding", icon=":material/flag:"):
            _raise_form(desk, sheet)
    section("Waivers", "A requirement lifted for a while by somebody of the right rank.")
    held = desk.ask(waivers_list, initiative=initiative)
    if not held:
        empty_state("Nothing is waived.", icon=":material/shield:")
    for waiver in held:
        with st.container(border=True, key=f"waiver-{waiver.waiver}"):
            _waiver(desk, initiative, waiver)
    if not desk.in_past:
        with st.expander("Ask for a waiver", icon=":material/hourglass:"):
            _waiver_form(desk, sheet)


def _finding(desk: Desk, sheet: InitiativeSheet, row: FindingLine) -> None:
    state = "overdue" if row.overdue else f"finding_{row.state}"
    pills([(f"finding_{row.severity}", SEVERITIES[row.severity]), (state, "")])
    step = next((s.title for s in sheet.policy.steps if s.id == row.step), row.step)
    st.markdown(f"**{escape(row.finding)}: {escape(row.title)}**")
    if row.detail:
        st.markdown(escape(row.detail))
    st.caption(
        escape(f"{step}. {row.owner_name or 'Nobody'} mends it by {day(row.due_on)}. {_last_word(row)}")
    )
    for one in row.evidence:
        kept = {"id": one.initiative, "version": one.version, "view": "trade-off", "kept": one.sha256}
        page_link("slices", one.title, icon=":material/attach_file:", **kept)
    if desk.in_past or row.state == "closed":
        return
    known = {"initiative": row.initiative, "finding": row.finding}
    if row.state == "open":
        done = f"{row.finding} waits to be verified by somebody else."
        mended = Ask("Put on record", done, fixed=known)
        unfolding_form(desk, resolve_finding, ResolveFinding, "It is mended", ":material/build:", mended)
        return
    own = desk.actor.id in (row.owner, row.actor)
    seen = Ask(
        "Put on record",
        lambda given: f"{row.finding} is {'closed' if given['mended'] else 'open again'}.",
        fixed=known,
        because="Somebody else than who mended or owns it has to verify it." if own else "",
    )
    unfolding_form(desk, verify_finding, VerifyFinding, "Verify", ":material/fact_check:", seen)


def _last_word(row: FindingLine | WaiverLine) -> str:
    return f"{row.actor_name}: {row.note}" if row.note else ""


def _raise_form(desk: Desk, sheet: InitiativeSheet) -> None:
    names = {person.id: person.name for person in desk.governance.people()}
    steps = {step.id: step.title for step in sheet.policy.steps}
    ask = Ask(
        "Raise the finding",
        "The finding is on record.",
        icon=":material/flag:",
        rows=("title", "detail", ("severity", "step"), ("owner", "due_on")),
        fixed={"initiative": sheet.initiative.initiative},
        choices={"severity": SEVERITIES, "step": steps, "owner": names},
        first={
            "severity": "major",
            "step": list(steps)[2],
            "owner": sheet.initiative.owner,
            "due_on": desk.moment.day + timedelta(days=14),
        },
        bounds={"due_on": (desk.moment.day, None)},
    )
    form(desk, raise_finding, RaiseFinding, ask)


def _waiver(desk: Desk, initiative: str, row: WaiverLine) -> None:
    expired = row.state == "granted" and not row.holds
    pills([("expired" if expired else f"waiver_{row.state}", "")])
    st.markdown(f"**{escape(row.waiver)}: {escape(row.title)}**, until {escape(day(row.until))}")
    st.markdown(f"Because: {escape(row.reason)}")
    st.markdown(f"Meanwhile: {escape(row.compensation)}")
    st.caption(escape(_last_word(row)))
    if desk.in_past:
        return
    known = {"initiative": initiative, "waiver": row.waiver}
    if row.state == "requested":
        ask = Ask(
            "Put on record",
            lambda given: f"{row.waiver} is {given['outcome']}.",
            fixed=known,
            rows=("note", _granted),
        )
        unfolding_form(desk, decide_waiver, DecideWaiver, "Decide", ":material/gavel:", ask)
    if row.state == "requested" or row.holds:
        ask = Ask("Put on record", f"{row.waiver} is withdrawn.", fixed=known)
        unfolding_form(desk, withdraw_waiver, WithdrawWaiver, "Withdraw", ":material/undo:", ask)


def _granted() -> Values:
    return {"outcome": "granted" if st.toggle("Grant it", value=False) else "refused"}


def _waiver_form(desk: Desk, sheet: InitiativeSheet) -> None:
    class_id = sheet.initiative.class_id
    rule = sheet.policy.waiver_rule(class_id)
    open_ones = {
        state.requirement.measure.id: state.requirement.measure.title
        for state in sheet.requirements
        if not state.satisfied and state.requirement.sign_off is None and state.requirement.measure.waivable
    }
    because = "Nothing is waived for this class." if rule is None else ""
    because = because or ("" if open_ones else "Nothing is open that could be waived.")
    ranks = ", ".join(desk.rules.roles.title(role) for role in rule.approvers) if rule else ""
    days = rule.max_days if rule else 0

    def said() -> Values:
        st.caption(escape(f"{ranks} decides, for at most {days} days."))
        return {}

    ask = Ask(
        "Ask for the waiver",
        "The waiver is asked for.",
        icon=":material/hourglass:",
        rows=(said, "measure", "reason", "compensation", "until"),
        fixed={"initiative": sheet.initiative.initiative},
        choices={"measure": open_ones},
        first={"until": desk.moment.day + timedelta(days=min(30, days))},
        bounds={"until": (desk.moment.day, desk.moment.day + timedelta(days=days))},
        because=because,
    )
    form(desk, request_waiver, RequestWaiver, ask)


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
        status="overdue" if late else "failed" if line.failed else share_met(line.satisfied, line.asked)[0],
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
        page_link(
            "versions",
            "Compare, put into production or retire versions",
            icon=":material/compare:",
            id=initiative,
        )
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
