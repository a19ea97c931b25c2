"""Findings and waivers on an initiative's sheet, with the forms to raise, mend, verify, ask and decide."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.domain.process.commands import (
    DecideWaiver,
    RaiseFinding,
    RequestWaiver,
    ResolveFinding,
    VerifyFinding,
    WithdrawWaiver,
)
from core.services.process.findings import findings_list, raise_finding, resolve_finding, verify_finding
from core.services.process.waivers import decide_waiver, request_waiver, waivers_list, withdraw_waiver
from portal.components.initiative.forms import closed_because, give
from portal.components.page import empty_state, section
from portal.components.pills import pills
from portal.components.text import day, escape

if TYPE_CHECKING:
    from core.services.process.findings import FindingLine
    from core.services.process.inventory import InitiativeSheet
    from core.services.process.waivers import WaiverLine
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
    if desk.in_past or row.state == "closed":
        return
    if row.state == "open":
        because = closed_because(desk, "resolve_finding")
        with _unfolding("It is mended", "build", because, key=f"resolve-box-{row.finding}"):
            note = st.text_input("How", max_chars=2000, key=f"resolve-{row.finding}")
            if st.button("Put on record", key=f"resolve-button-{row.finding}") and give(
                desk,
                resolve_finding,
                ResolveFinding,
                done=f"{row.finding} waits to be verified by somebody else.",
                initiative=row.initiative,
                finding=row.finding,
                note=note,
            ):
                st.rerun()
        return
    _verify(desk, row)


def _unfolding(label: str, icon: str, because: str, *, key: str) -> AbstractContextManager[Any]:
    """A form behind a button, shut where `because` says why; its key keeps it from opening as another one."""
    return st.popover(label, icon=f":material/{icon}:", disabled=bool(because), help=because or None, key=key)


def _verify(desk: Desk, row: FindingLine) -> None:
    because = closed_because(desk, "verify_finding")
    if desk.actor.id in (row.owner, row.actor):
        because = because or "Somebody else than who mended or owns it has to verify it."
    with _unfolding("Verify", "fact_check", because, key=f"verify-box-{row.finding}"):
        note = st.text_input("What you saw", max_chars=2000, key=f"verify-{row.finding}")
        mended = st.toggle("It is mended", value=True, key=f"mended-{row.finding}")
        if st.button("Put on record", key=f"verify-button-{row.finding}") and give(
            desk,
            verify_finding,
            VerifyFinding,
            done=f"{row.finding} is {'closed' if mended else 'open again'}.",
            initiative=row.initiative,
            finding=row.finding,
            mended=mended,
            note=note,
        ):
            st.rerun()


def _last_word(row: FindingLine | WaiverLine) -> str:
    return f"{row.actor_name}: {row.note}" if row.note else ""


def _raise_form(desk: Desk, sheet: InitiativeSheet) -> None:
    because = closed_because(desk, "raise_finding")
    if because:
        st.caption(escape(because))
        return
    steps = {step.id: step.title for step in sheet.policy.steps}
    names = {person.id: person.name for person in desk.governance.people()}
    with st.form("raise-finding"):
        title = st.text_input("What is wrong", max_chars=100)
        detail = st.text_area("More words", max_chars=2000, height=80)
        left, right = st.columns(2)
        severity = left.selectbox(
            "How much it matters", list(SEVERITIES), index=1, format_func=lambda known: SEVERITIES[known]
        )
        step = right.selectbox("Process step", list(steps), index=2, format_func=lambda known: steps[known])
        known = list(names)
        owner_place = known.index(sheet.initiative.owner) if sheet.initiative.owner in known else 0
        owner = left.selectbox(
            "Who mends it", known, index=owner_place, format_func=lambda known: names[known]
        )
        due_on = right.date_input(
            "By", value=desk.moment.day + timedelta(days=14), min_value=desk.moment.day, format="YYYY-MM-DD"
        )
        if not st.form_submit_button("Raise the finding", icon=":material/flag:"):
            return
    if give(
        desk,
        raise_finding,
        RaiseFinding,
        done="The finding is on record.",
        initiative=sheet.initiative.initiative,
        title=title,
        detail=detail,
        severity=severity,
        step=step,
        owner=owner,
        due_on=due_on,
    ):
        st.rerun()


def _waiver(desk: Desk, initiative: str, row: WaiverLine) -> None:
    expired = row.state == "granted" and not row.holds
    pills([("expired" if expired else f"waiver_{row.state}", "")])
    st.markdown(f"**{escape(row.waiver)}: {escape(row.title)}**, until {escape(day(row.until))}")
    st.markdown(f"Because: {escape(row.reason)}")
    st.markdown(f"Meanwhile: {escape(row.compensation)}")
    st.caption(escape(_last_word(row)))
    if desk.in_past:
        return
    if row.state == "requested":
        _decide(desk, initiative, row)
    if row.state == "requested" or row.holds:
        _withdraw(desk, initiative, row)


def _decide(desk: Desk, initiative: str, row: WaiverLine) -> None:
    because = closed_because(desk, "decide_waiver")
    with _unfolding("Decide", "gavel", because, key=f"decide-box-{row.waiver}"):
        note = st.text_input("Why", max_chars=2000, key=f"decide-{row.waiver}")
        grants = st.toggle("Grant it", value=False, key=f"grants-{row.waiver}")
        if st.button("Put on record", key=f"decide-button-{row.waiver}") and give(
            desk,
            decide_waiver,
            DecideWaiver,
            done=f"{row.waiver} is {'granted' if grants else 'refused'}.",
            initiative=initiative,
            waiver=row.waiver,
            outcome="granted" if grants else "refused",
            note=note,
        ):
            st.rerun()


def _withdraw(desk: Desk, initiative: str, row: WaiverLine) -> None:
    because = closed_because(desk, "request_waiver")
    with _unfolding("Withdraw", "undo", because, key=f"withdraw-box-{row.waiver}"):
        note = st.text_input("Why", max_chars=2000, key=f"withdraw-{row.waiver}")
        if st.button("Put on record", key=f"withdraw-button-{row.waiver}") and give(
            desk,
            withdraw_waiver,
            WithdrawWaiver,
            done=f"{row.waiver} is withdrawn.",
            initiative=initiative,
            waiver=row.waiver,
            note=note,
        ):
            st.rerun()


def _waiver_form(desk: Desk, sheet: InitiativeSheet) -> None:
    because = closed_because(desk, "request_waiver")
    class_id = sheet.initiative.class_id
    rule = sheet.policy.waiver_rule(class_id)
    open_ones = {
        state.requirement.measure.id: state.requirement.measure.title
        for state in sheet.requirements
        if not state.satisfied and state.requirement.sign_off is None and state.requirement.measure.waivable
    }
    if because or rule is None or not open_ones:
        nothing = "Nothing is open that could be waived." if rule else "Nothing is waived for this class."
        st.caption(escape(because or nothing))
        return
    ranks = ", ".join(desk.governance.roles.title(role) for role in rule.approvers)
    with st.form("ask-waiver"):
        st.caption(escape(f"{ranks} decides, for at most {rule.max_days} days."))
        measure = st.selectbox("Requirement", list(open_ones), format_func=lambda known: open_ones[known])
        reason = st.text_input("Why it cannot be met now", max_chars=2000)
        compensation = st.text_input("What is done meanwhile", max_chars=2000)
        until = st.date_input(
            "Until",
            value=desk.moment.day + timedelta(days=min(30, rule.max_days)),
            min_value=desk.moment.day,
            max_value=desk.moment.day + timedelta(days=rule.max_days),
            format="YYYY-MM-DD",
        )
        if not st.form_submit_button("Ask for the waiver", icon=":material/hourglass:"):
            return
    if give(
        desk,
        request_waiver,
        RequestWaiver,
        done="The waiver is asked for.",
        initiative=sheet.initiative.initiative,
        measure=measure,
        reason=reason,
        compensation=compensation,
        until=until,
    ):
        st.rerun()
