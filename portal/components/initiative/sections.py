"""Upper parts of an initiative's sheet: what it is, why its class, its gates and its requirements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.commands import (
    AmendInitiative,
    DecideGate,
    DeployVersion,
    OverrideClassification,
    RegisterModelVersion,
    RunChecks,
    SubmitEvidence,
)
from core.domain.given import texts_of
from core.domain.models.model_versions import ROLES
from core.domain.policy.checks import PARTS
from core.domain.process.commands import PullModel
from core.domain.process.facts import more_texts
from core.domain.process.gates import finding_for
from core.services.case import override_refusal, proof_refusal
from core.services.models.versions import deploy_version, register_model_version
from core.services.process.checks import run_checks
from core.services.process.classification import override_classification
from core.services.process.evidence import submit_evidence
from core.services.process.gates import decide_gate, pull_model
from core.services.process.initiatives import amend_initiative
from core.services.rules.initiative_frameworks import clause_references
from portal.components.cards import facts
from portal.components.forms import Ask, Values, action, closed_because, form, press, unfolding_form
from portal.components.initiative.register_form import class_forms
from portal.components.page import panel
from portal.components.pills import pill, pill_html, pills, shape_html, share_met
from portal.components.tables import bullet_list
from portal.components.text import count, day, escape, escape_html, sentence
from portal.components.url_inputs import url_value

if TYPE_CHECKING:
    from core.domain.policy.checks import Kind
    from core.domain.policy.policy import Measure
    from core.domain.process.gates import Finding
    from core.domain.process.requirements import RequirementState
    from core.services.process.initiatives import GateView, InitiativeSheet
    from portal.components.desk import Desk


TASKS = {"binary": "Yes or no", "multiclass": "One of several classes", "regression": "A number"}
_ROLES = {"champion": "The current version, if none is in production", "challenger": "A version beside it"}
_DATA_KINDS = {"": "Not said", "full": "In full", "sample": "As a sample"}


def evidence_form(desk: Desk, initiative: str, measure: Measure, *, then: Callable[[], None]) -> None:
    """Ask for evidence of a measure, a link or a file."""
    ask = Ask(
        "Submit evidence",
        f"Evidence for “{measure.title}” is on record.",
        icon=":material/upload_file:",
        primary=True,
        says=f"Wanted: {escape(measure.evidence)}.",
        rows=("title", ("link", "stands_for"), "content"),
        fixed={"initiative": initiative, "measure": measure.id},
        bounds={"stands_for": (None, desk.moment.day)},
        then=then,
    )
    form(desk, submit_evidence, SubmitEvidence, ask)


def links_of(kind: Kind) -> list[tuple[str, ...]]:
    """Fields that say what a version of a kind is made of, as they stand side by side."""
    parts = [part for name, part in PARTS.items() if name in kind.parts]
    fields = [[f for f in (*part.beside, *part.locked_by) if f != "data_kind"] for part in parts]
    alone = [field for row in fields if len(row) == 1 for field in row]
    pairs = [tuple(row) for row in fields if len(row) > 1]
    pairs += [tuple(alone[place : place + 2]) for place in range(0, len(alone), 2)]
    return [*pairs, ("metrics_uri", "metrics_sha256")]


def version_form(desk: Desk, sheet: InitiativeSheet) -> None:
    """Ask for a model version with what its kind is made of."""
    kind = sheet.policy.kind(sheet.initiative.kind)
    tasks: dict[str, str] = {task: title for task, title in TASKS.items() if task in kind.tasks}
    tasks = tasks if kind.predictions else {"": "Nothing as rows; cases judge it", **tasks}
    ask = Ask(
        "Register the version",
        _registered,
        icon=":material/add:",
        primary=True,
        rows=(
            ("version", "algorithm"),
            ("task", "notes") if kind.tasks else "notes",
            ("role", "data_kind") if "data" in kind.parts else "role",
            *links_of(kind),
            "metrics",
        ),
        fixed={"initiative": sheet.initiative.initiative},
        choices={"task": tasks, "role": _ROLES, "data_kind": _DATA_KINDS},
        first={"version": _next_version(sheet)},
        note="What is left out can be filled in until the version is approved. Once it is current, evidence "
        "and checks of the version before it stop counting; while one is in production it stands beside, "
        "until it is put forward.",
    )
    form(desk, register_model_version, RegisterModelVersion, ask)


def _registered(given: Values) -> str:
    return f"Version {given['version']} is registered."


def override_form(desk: Desk, sheet: InitiativeSheet, because: str) -> None:
    """Ask for another class and the reason for it."""
    known = sheet.initiative
    ask = Ask(
        "Override the class",
        "On record. A stricter class holds at once, a lower one when somebody else agrees.",
        icon=":material/gavel:",
        fixed={"initiative": known.initiative},
        choices={"class_id": {c.id: c.title for c in sheet.policy.classes if c.id != known.class_id}},
        because=because,
    )
    form(desk, override_classification, OverrideClassification, ask)


def amend_form(desk: Desk, sheet: InitiativeSheet) -> None:
    """Ask for other names, people and texts."""
    known, texts = sheet.initiative, texts_of(AmendInitiative)
    people = {person.id: person.name for person in desk.governance.people()}
    ask = Ask(
        "Save",
        "Amended; what it was before stays on record.",
        icon=":material/save:",
        primary=True,
        rows=(("name", "short_name"), ("owner", "builder"), *texts),
        fixed={"initiative": known.initiative},
        choices={role: _with(people, getattr(known, role)) for role in ("owner", "builder")},
        first={name: getattr(known, name) for name in ("name", "short_name", "owner", "builder", *texts)},
    )
    form(desk, amend_initiative, AmendInitiative, ask)


def _with(people: Mapping[str, str], current: str) -> Mapping[str, str]:
    return people if current in people else {current: current or "–", **people}


def _next_version(sheet: InitiativeSheet) -> str:
    numbers = [int(one.version) for one in sheet.versions if one.version.isdecimal()]
    return str(max(numbers, default=0) + 1) if numbers or not sheet.versions else ""


def pull_form(desk: Desk, sheet: InitiativeSheet) -> None:
    """Offer to take a live model out of production at once, with the reason."""
    ask = Ask(
        "Pull it now",
        "The model is out of production; the reason is on record.",
        primary=True,
        fixed={"initiative": sheet.initiative.initiative},
        note="It goes into production again only through the open gate.",
    )
    unfolding_form(desk, pull_model, PullModel, "Pull out of production", ":material/block:", ask)


def deploy_form(desk: Desk, initiative: str, version: str) -> None:
    """Offer to put a version into production, or the use itself where it has none."""
    ask = Ask(
        "Put into production",
        "It is in production; since when is on record.",
        icon=":material/rocket_launch:",
        primary=True,
        says="Only through the gate that makes live; the version that is in production is replaced.",
        fixed={"initiative": initiative, "version": version},
        choices={"role": ROLES},
    )
    form(desk, deploy_version, DeployVersion, ask)


def findings_list(findings: Sequence[Finding]) -> None:
    """Show findings, blockers first, each with what to do next; colour never speaks alone."""
    ordered = sorted(findings, key=lambda finding: finding.severity != "blocker")
    body = "".join(_finding_html(finding) for finding in ordered)
    st.html(f'<ul class="gp-findings">{body}</ul>')


def _finding_html(finding: Finding) -> str:
    ink = "bad" if finding.severity == "blocker" else "watch"
    mark = shape_html("square" if finding.severity == "blocker" else "half").replace(
        "gp-shape", f"gp-shape gp-{ink}-ink", 1
    )
    said = "" if finding.severity == "blocker" else "Soon: "
    return (
        f"<li>{mark}{said}{escape_html(sentence(finding.message))} "
        f'<span class="gp-quiet-line">{escape_html(finding.remedy)}</span></li>'
    )


MOST_FINDINGS = 6
MOST_CLAUSES = 3
_OPEN_FORM = "evidence-for"


def sheet_head(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw the pills and facts under the title, why the class, and what may be changed."""
    known, governance = sheet.initiative, desk.governance
    late = sum(state.overdue for state in sheet.requirements)
    met = sum(state.satisfied for state in sheet.requirements)
    mode = next((mode for mode in sheet.policy.modes if mode.id == known.mode_id), None)
    shown = [(known.class_id, f"{sheet.policy.class_title(known.class_id)} risk")]
    if known.class_id != known.computed_class_id:
        until = f"Until {day(known.until)}; " if known.until else "Overridden; "
        shown += [("waived", f"{until}{sheet.policy.class_title(known.computed_class_id)} by its answers")]
    shown += [("retired", f"Retired on {day(sheet.facts.retired_on)}")] if sheet.facts.retired_on else []
    shown += [("waiting", f"Legal hold since {day(sheet.hold.recorded_at)}")] if sheet.hold else []
    shown += [("waiting", "Class not confirmed yet")] if sheet.facts.unconfirmed else []
    shown += [("done", "Live")] if sheet.live else []
    shown += [share_met(met, len(sheet.requirements))]
    shown += [("overdue", f"{late} overdue")] if late else []
    waived = [state for state in sheet.requirements if state.status.value == "waived"]
    shown += [("waived", f"{count(len(waived), 'requirement')} waived")] if waived else []
    shown += [("failed", count(len(sheet.facts.findings), "open finding"))] if sheet.facts.findings else []
    pills(shown)
    facts(
        [
            ("Owner", known.owner_name),
            ("Builder", known.builder_name),
            ("Kind", sheet.policy.kind(known.kind).title),
            ("Team", known.team),
            ("Domain", governance.position(desk.moment).domain_title(known.domain)),
            ("How it is put to work", mode.operationalization if mode else ""),
            *more_texts(known),
            *([("Legal hold", sheet.hold.reason)] if sheet.hold else []),
        ]
    )
    left, right = st.columns(2)
    with left, st.expander("Why this class", icon=":material/balance:"):
        _why(desk, sheet)
    with right, st.expander("Change what is registered", icon=":material/edit:"):
        amend_form(desk, sheet)


def _why(desk: Desk, sheet: InitiativeSheet) -> None:
    known, policy = sheet.initiative, sheet.policy
    bullet_list(known.reasons)
    if known.justification:
        computed = policy.class_title(known.computed_class_id)
        by = desk.governance.names().get(known.classified_by, "Somebody")
        said = f"The answers lead to {computed}. {by} overrode it, because: {known.justification}"
        if known.until:
            verb = "holds" if known.until >= desk.moment.day else "held"
            said += f" It {verb} until {day(known.until)}. Instead: {known.compensation}"
        st.markdown(escape(said))
    on = day(known.registered_at)
    st.caption(escape(f"Registered on {on}; classified by policy {known.policy_version}."))
    override_form(desk, sheet, override_refusal(desk.governance, desk.moment, desk.actor, known.initiative))
    class_forms(desk, sheet)


def gates_panel(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw the gates in their order, and for one of them what keeps it shut and the question to ask."""
    following = next((view for view in sheet.gates if not _passed(view)), sheet.gates[-1])
    with panel("Gates", "Open or blocked as things stand today; only a recorded answer counts."):
        steps = "".join(_step_html(view, following=view is following) for view in sheet.gates)
        st.html(f'<ol class="gp-steps">{steps}</ol>')
        titles = {view.gate.id: view.gate.title for view in sheet.gates}
        wanted = url_value("gate", following.gate.id)
        chosen = st.segmented_control(
            "Gate",
            list(titles),
            default=wanted if wanted in titles else following.gate.id,
            required=True,
            format_func=lambda gate: titles[gate],
            key=f"gate-{sheet.initiative.initiative}",
            label_visibility="collapsed",
        )
        _gate(desk, sheet, next(view for view in sheet.gates if view.gate.id == chosen))


def _passed(view: GateView) -> bool:
    return view.recorded is not None and view.recorded.outcome == "open"


def _step_html(view: GateView, *, following: bool) -> str:
    blockers = sum(finding.severity == "blocker" for finding in view.decision.findings)
    now = "Open now" if view.decision.is_open else f"Blocked: {count(blockers, 'thing')} to do"
    recorded = "Nothing recorded yet"
    if view.recorded is not None:
        recorded = f"Recorded {view.recorded.outcome} on {day(view.recorded.recorded_at)}"
    look = "gp-step-open" if _passed(view) else ("gp-step-next" if following else "")
    return (
        f'<li class="{look}"><span class="gp-step-title">{escape_html(view.gate.title)}</span>'
        f"{pill_html(view.decision.outcome, now)}"
        f'<span class="gp-quiet-line">{escape_html(recorded)}</span></li>'
    )


def _gate(desk: Desk, sheet: InitiativeSheet, view: GateView) -> None:
    findings = view.decision.findings
    if not findings:
        st.markdown(f"Nothing keeps {_quoted(view.gate.title)} shut.")
    findings_list(findings[:MOST_FINDINGS])
    if len(findings) > MOST_FINDINGS:
        with st.expander(f"{len(findings) - MOST_FINDINGS} more"):
            findings_list(findings[MOST_FINDINGS:])
    ask = Ask(
        "Ask for a decision",
        f"The answer for “{view.gate.title}” is on record.",
        icon=":material/gavel:",
        primary=view.decision.is_open and not _passed(view),
        fixed={"initiative": sheet.initiative.initiative, "gate": view.gate.id},
        note="The answer, open or blocked, is put on record with its reasons.",
    )
    action(desk, decide_gate, DecideGate, ask)
    if view.gate == sheet.policy.live_gate and not desk.in_past:
        if sheet.live:
            pull_form(desk, sheet)
        if view.decision.is_open and not _runs(sheet):
            deploy_form(desk, sheet.initiative.initiative, sheet.facts.version or "")


def _runs(sheet: InitiativeSheet) -> bool:
    """Whether what the gates are asked about is in production."""
    current = next((one for one in sheet.versions if one.current), None)
    return current.state == "production" if current else sheet.live


def _quoted(words: str) -> str:
    return f"“{escape(words)}”"


def requirements_tab(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw the requirements by process step, each with its status, and offer what may be done."""
    because = closed_because(desk, "submit_evidence", sheet.initiative.initiative)
    with st.container(horizontal=True, vertical_alignment="center"):
        run_checks_button(desk, sheet, key="checks-above")
        if because:
            st.caption(escape(f"Evidence: {because}"))
    for step in sheet.policy.steps:
        asked = [state for state in sheet.requirements if state.requirement.step == step.id]
        if asked:
            met = sum(state.satisfied for state in asked)
            with panel(f"{step.title}: {met} of {len(asked)} met", step.activities, key=f"step-{step.id}"):
                for state in asked:
                    _requirement(desk, sheet, state, offered=not because)


def run_checks_button(desk: Desk, sheet: InitiativeSheet, *, key: str) -> None:
    """Offer to run the checks that apply, or say who may."""
    done = "The checks have run; every run is on record."
    fixed = {"initiative": sheet.initiative.initiative}
    ask = Ask("Run the checks", done, icon=":material/rule:", fixed=fixed)
    press(desk, run_checks, RunChecks, ask, key=key)


def _requirement(desk: Desk, sheet: InitiativeSheet, state: RequirementState, *, offered: bool) -> None:
    measure = state.requirement.measure
    with st.container(key=f"gp-req-{state.requirement.id.replace(':', '-')}", gap="xsmall"):
        words, status = st.columns([4.2, 1.6])
        words.html(_requirement_html(desk, sheet, state))
        with (
            status,
            st.container(
                horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="xsmall"
            ),
        ):
            pill("overdue" if state.overdue else state.status.value, _standing(sheet, state, desk))
            wanted = offered and measure.evidence is not None and state.status.value != "met"
            about = (desk.governance, desk.moment, desk.actor, sheet.initiative.initiative)
            refused = proof_refusal(*about, measure) if wanted else ""
            if wanted and not refused and st.button("Submit evidence", key=f"prove-{measure.id}"):
                closed = st.session_state.get(_OPEN_FORM) == measure.id
                st.session_state[_OPEN_FORM] = "" if closed else measure.id
        if refused:
            st.caption(escape(refused))
        opened = wanted and not refused and st.session_state.get(_OPEN_FORM) == measure.id
        if opened:
            evidence_form(desk, sheet.initiative.initiative, measure, then=_fold)


def _fold() -> None:
    st.session_state[_OPEN_FORM] = ""


def _standing(sheet: InitiativeSheet, state: RequirementState, desk: Desk) -> str:
    if state.overdue:
        what = {"failed": "Failed", "cannot_tell": "Cannot tell"}.get(state.status.value, "Missing")
        return f"{what}, {count((desk.moment.day - state.due_on).days, 'day')} late"
    return ""


def _requirement_html(desk: Desk, sheet: InitiativeSheet, state: RequirementState) -> str:
    measure = state.requirement.measure
    role = desk.rules.roles.title(measure.responsible)
    lines = [f'<div class="gp-ask-title">{escape_html(state.requirement.title)}</div>']
    finding = finding_for(sheet.policy, state, sheet.facts, desk.moment.day)
    if not state.satisfied:
        lines.append(f'<div class="gp-ask-next">{escape_html(measure.guide)}</div>')
        if measure.example:
            lines.append(f'<div class="gp-ask-next">For example: {escape_html(measure.example)}.</div>')
    if finding is not None:
        said = finding.message.split(": ", 1)[-1]
        lines.append(
            f'<div class="gp-ask-next">{escape_html(sentence(said))} {escape_html(finding.remedy)}</div>'
        )
    lines.append(f'<div class="gp-quiet-line">{escape_html(_facts_of(state, role))}</div>')
    why = desk.ask(clause_references, initiative=sheet.initiative.initiative).get(measure.id, ())
    if why:
        more = f" and {len(why) - MOST_CLAUSES} more" if len(why) > MOST_CLAUSES else ""
        lines.append(
            f'<div class="gp-quiet-line">Why: {escape_html("; ".join(why[:MOST_CLAUSES]) + more)}.</div>'
        )
    return f'<div class="gp-ask">{"".join(lines)}</div>'


def _facts_of(state: RequirementState, role: str) -> str:
    parts = [state.requirement.consideration.title, f"{role} is responsible"]
    if not state.satisfied:
        parts.append(f"due {day(state.due_on)}")
    elif state.proved_by.id != state.requirement.measure.id:
        parts.append(f"met by a stricter measure, {state.proved_by.title.lower()}")
    if state.satisfied and state.expires_on is not None:
        parts.append(f"holds until {day(state.expires_on)}")
    return "; ".join(parts) + "."
