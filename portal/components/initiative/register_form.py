"""The registration as people fill it in: eleven questions, what they lead to so far, and the receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.commands import RegisterInitiative, slug
from core.domain.errors import BadInput
from core.domain.given import texts_of
from core.domain.policy.checks import check_naming
from core.domain.process.commands import (
    ConfirmClass,
    ReassessInitiative,
    ReopenInitiative,
    RetireInitiative,
)
from core.services.process import initiatives
from core.services.process.classification import confirm_class, reassess_initiative, reassessment
from core.services.process.initiatives import reopen_initiative, retire_initiative
from portal.components.forms import Ask, closed_because, form, unfolding_form
from portal.components.page import page_link, panel
from portal.components.pills import pill, pills, share_met
from portal.components.tables import Column, bullet_list, plain_table
from portal.components.text import capital, count, escape, escape_html
from portal.components.url_inputs import set_url

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from core.domain.policy.policy import Measure, Policy, Question
    from core.domain.policy.requirement_list import Requirement
    from core.domain.process.requirements import RequirementState
    from core.services.process.initiatives import InitiativeSheet, Preview
    from portal.components.desk import Desk

Answers = dict[str, tuple[str, ...]]
_ROUND = "register-round"


def start_over() -> None:
    """Empty the form; what was typed for the registration before is let go."""
    st.session_state[_ROUND] = st.session_state.get(_ROUND, 0) + 1


def _key(field: str) -> str:
    return f"register-{st.session_state.get(_ROUND, 0)}-{field}"


def identity_fields(desk: Desk, policy: Policy) -> dict[str, str]:
    """Ask what it is, and who has to do with it (the first two questions)."""
    with st.container(border=True):
        st.markdown("**1. What is it?**")
        name = st.text_input(
            "Name",
            key=_key("name"),
            max_chars=100,
            placeholder="Retail credit scoring",
            persist_state="session",
        )
        _naming_hint(policy, name)
        texts = {
            field: st.text_area(
                title,
                key=_key(field),
                max_chars=2000,
                placeholder=shown.hint or None,
                height=80,
                persist_state="session",
            )
            for field, (title, shown) in texts_of(RegisterInitiative).items()
        }
    with st.container(border=True):
        st.markdown("**2. Who has to do with it, and where?**")
        left, right = st.columns(2)
        names = _people(desk)
        # Builder and team start as who sits here; somebody else who takes the seat starts as themselves.
        owner = _pick(left, "Owner, who answers for it", names, "owner", "")
        builder = _pick(right, "Builder, who makes it", names, f"builder-{desk.actor.id}", desk.actor.id)
        teams = _teams(desk)
        team = left.selectbox(
            "Team",
            teams,
            index=teams.index(desk.actor.team) if desk.actor.team in teams else None,
            key=_key(f"team-{desk.actor.id}"),
            accept_new_options=True,
            placeholder="Choose, or type a new one",
            persist_state="session",
        )
        domains = {domain.id: domain.title for domain in desk.governance.position(desk.moment).domains}
        domain = _pick(right, "Business domain", domains, "domain", "")
    return {
        "name": name,
        **texts,
        "owner": owner,
        "builder": builder,
        "team": team or "",
        "domain": domain,
    }


def _pick(place: DeltaGenerator, label: str, titles: Mapping[str, str], field: str, current: str) -> str:
    options = list(titles)
    chosen = place.selectbox(
        label,
        options,
        index=options.index(current) if current in titles else None,
        format_func=lambda option: titles.get(option, option),
        key=_key(field),
        placeholder="Choose",
        persist_state="session",
    )
    return chosen or ""


def _people(desk: Desk) -> dict[str, str]:
    return {
        person.id: f"{person.name}, {person.title.lower()}" if person.title else person.name
        for person in desk.governance.people()
    }


def _teams(desk: Desk) -> list[str]:
    teams = {one.team for one in desk.ask(initiatives.initiative_choices)}
    teams |= {person.team for person in desk.governance.people()} | {desk.actor.team}
    return sorted(team for team in teams if team)


def _naming_hint(policy: Policy, name: str) -> None:
    short = slug(name)
    if not short:
        return
    found = check_naming(short, policy.naming.pattern, policy.naming.example)
    advice = (
        "" if found.verdict == "pass" else f" {found.message[0].upper()}{found.message[1:]}. {found.remedy}"
    )
    st.caption(escape(f"Its short name will be {short}." if not advice else advice.strip()))


def kind_field(policy: Policy, *, of: str = "", first: str = "", place: int = 3) -> str:
    """Ask for the kind of model, and what it has beside, as one question; empty while it is not answered."""
    plain = {kind.id: kind for kind in policy.kinds if not kind.trait}
    chosen, *beside = first.split("+") if first else [""]
    with st.container(border=True):
        st.markdown(f"**{place}. What kind of model is it?**")
        st.caption("What a model is made of decides what can prove it.")
        kind = st.radio(
            "Kind of model",
            list(plain),
            index=list(plain).index(chosen) if chosen in plain else None,
            format_func=lambda one: escape(plain[one].title),
            captions=[escape(known.description) for known in plain.values()],
            key=_key(f"{of}kind"),
            label_visibility="collapsed",
            persist_state="session",
        )
        traits = [
            trait.id
            for trait in policy.kinds
            if trait.trait
            and st.checkbox(
                escape(trait.title),
                value=trait.id in beside,
                help=escape(trait.description),
                key=_key(f"{of}kind-{trait.id}"),
                persist_state="session",
            )
        ]
    return "+".join([kind, *traits]) if kind else ""


def question_fields(
    policy: Policy, *, of: str = "", first: Mapping[str, tuple[str, ...]] | None = None, start: int = 3
) -> Answers:
    """Ask the policy's questions; give what has been answered. What was said before stands there `first`."""
    answers: Answers = {}
    for place, question in enumerate(policy.questions, start=start):
        with st.container(border=True):
            st.markdown(f"**{place}. {escape(question.text)}**")
            st.caption(escape(question.help))
            ask = _choose_many if question.kind == "many" else _choose_one
            chosen = ask(question, of, (first or {}).get(question.id, ()))
        if chosen:
            answers[question.id] = chosen
    return answers


def _choose_one(question: Question, of: str, first: tuple[str, ...]) -> tuple[str, ...]:
    labels = {option.id: escape(option.label) for option in question.options}
    chosen = st.radio(
        question.text,
        list(labels),
        index=list(labels).index(first[0]) if first and first[0] in labels else None,
        format_func=lambda option: labels.get(option, option),
        key=_key(of + question.id),
        label_visibility="collapsed",
        persist_state="session",
    )
    return (chosen,) if chosen else ()


def _choose_many(question: Question, of: str, first: tuple[str, ...]) -> tuple[str, ...]:
    with st.container(gap="xxsmall"):
        return tuple(
            option.id
            for option in question.options
            if st.checkbox(
                escape(option.label),
                value=option.id in first,
                key=_key(f"{of}{question.id}-{option.id}"),
                persist_state="session",
            )
        )


def class_forms(desk: Desk, sheet: InitiativeSheet) -> None:
    """Offer to confirm the class where that is asked, to give the answers anew, to retire the use case."""
    known = {"initiative": sheet.initiative.initiative}
    if sheet.facts.unconfirmed:
        says = "No gate opens before." if sheet.facts.unconfirmed == "required" else "It was drawn for this."
        ask = Ask("Confirm the class", "The class is confirmed.", says=says, fixed=known)
        form(desk, confirm_class, ConfirmClass, ask)
    anew = not closed_because(desk, ReassessInitiative.may)
    if anew and st.toggle("Give the answers anew", key=f"anew-{sheet.initiative.initiative}"):
        _reassess(desk, sheet)
    if closed_because(desk, RetireInitiative.may):
        return
    if sheet.stage == "retired":
        again = Ask("Take it up again", "It is taken up again.", fixed=known)
        unfolding_form(
            desk, reopen_initiative, ReopenInitiative, "Take it up again", ":material/undo:", again
        )
    else:
        note = "What is in production ends; only what the policy keeps is asked for after that."
        end = Ask("Retire it", "It is retired.", fixed=known, note=note)
        unfolding_form(
            desk, retire_initiative, RetireInitiative, "Retire the use case", ":material/archive:", end
        )


def _reassess(desk: Desk, sheet: InitiativeSheet) -> None:
    known = sheet.initiative
    of, kinds = f"{known.initiative}-", bool(sheet.policy.kinds)
    kind = kind_field(sheet.policy, of=of, first=known.kind, place=1) if kinds else ""
    answers = question_fields(sheet.policy, of=of, first=known.answers, start=1 + kinds)
    try:
        found = desk.ask(reassessment, initiative=known.initiative, answers=answers, kind=kind)
    except BadInput as problem:
        st.caption(escape(str(problem)))
        return
    title = sheet.policy.class_title
    st.markdown(escape(f"Class {title(found.after)}, now {title(found.before)}."))
    for said, what in (
        ("Required then", found.added),
        ("No longer required", found.dropped),
        ("Gates that close", found.shut),
        ("Signatures that lapse", found.lapsed),
    ):
        if what:
            st.caption(escape(f"{said}: {', '.join(what)}."))
    ask = Ask(
        "Propose these answers" if found.lowers else "Keep these answers",
        "On record. A lower class holds when somebody else agrees.",
        fixed={"initiative": known.initiative, "answers": answers, "kind": kind},
    )
    form(desk, reassess_initiative, ReassessInitiative, ask)


def still_open(policy: Policy, identity: Mapping[str, str], kind: str, answers: Answers) -> list[str]:
    """Name what is not answered yet, in the order of the form."""
    asked = {"name": "the name", "purpose": "the purpose", "owner": "the owner", "team": "the team"}
    asked |= {"domain": "the business domain"}
    lacking = [words for field, words in asked.items() if not identity[field].strip()]
    lacking += [] if kind else ["question 3"]
    numbered = enumerate(policy.questions, start=4 if policy.kinds else 3)
    return lacking + [f"question {place}" for place, q in numbered if q.id not in answers]


def line_place() -> DeltaGenerator:
    """Make room for the line that stays in sight on narrow screens."""
    return st.container(key="gp-phone-live", horizontal=True, vertical_alignment="center", gap="small")


def live_line(place: DeltaGenerator, policy: Policy, preview: Preview, answers: Answers) -> None:
    """Draw the class so far in one line, for narrow screens."""
    with place:
        _class_pill(policy, preview, answers)
        left = len(policy.questions) - len(answers)
        asked = count(len(preview.requirements), "requirement")
        st.caption(f"{asked}; {count(left, 'answer')} to go" if left else asked)


def _class_pill(policy: Policy, preview: Preview, answers: Answers) -> None:
    if not answers:
        pill("undecided", "No class yet")
        return
    title = policy.class_title(preview.classification.class_id)
    pill(preview.classification.class_id, f"{title} risk" + ("" if preview.complete else ", so far"))


def live_panel(policy: Policy, preview: Preview, answers: Answers) -> None:
    """Draw the class so far, why, and what it asks for."""
    with panel("Class so far" if not preview.complete else "Class", key="gp-live-side"):
        _class_pill(policy, preview, answers)
        if not answers:
            st.caption("Answer the questions; the class and what it asks for appear here.")
            return
        bullet_list(preview.classification.reasons)
        mode = next(mode for mode in policy.modes if mode.id == preview.classification.mode_id)
        st.caption(escape(f"Put to work as: {mode.operationalization}."))
        requirements_by_step(policy, preview.requirements)


def requirements_by_step(policy: Policy, requirements: Sequence[Requirement]) -> None:
    """List what is required by process step, each with the days it may take."""
    by_hand = [requirement for requirement in requirements if requirement.measure.evidence]
    head = "Nothing is required by hand" if not by_hand else f"{count(len(requirements), 'requirement')}"
    parts = [f'<div class="gp-ask-title">{head}</div>']
    for step in policy.steps:
        asked = [r.measure for r in requirements if r.step == step.id]
        if asked:
            lines = "".join(_due_html(m) for m in asked)
            title = escape_html(step.title)
            parts.append(f'<div class="gp-due-step">{title}</div><ul class="gp-due">{lines}</ul>')
    st.html(f'<div class="gp-ask">{"".join(parts)}</div>')


def _due_html(measure: Measure) -> str:
    how = f"within {count(measure.due_days, 'day')}" if measure.evidence else "runs by itself"
    title, proof = escape_html(measure.title), escape_html(measure.evidence or "")
    said = f"{title}: {proof}," if proof else title
    return f'<li>{said} <span class="gp-quiet-line">{how}</span></li>'


def receipt(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw what a registration led to: the class with its reasons, and what is required by when."""
    known, title = sheet.initiative, sheet.policy.class_title(sheet.initiative.class_id)
    left = sorted((s for s in sheet.requirements if not s.satisfied), key=lambda s: s.due_on)
    with panel(f"“{known.name}” is registered"):
        met = len(sheet.requirements) - len(left)
        pills(
            [
                (known.class_id, f"{title} risk"),
                share_met(met, len(sheet.requirements)),
            ]
        )
        bullet_list(known.reasons)
        if not left and all(view.decision.is_open for view in sheet.gates):
            st.success("There is nothing more to wait for: its checks have passed and its gates are open.")
        with st.container(horizontal=True, vertical_alignment="center"):
            page_link("initiative", "Open its sheet", icon=":material/arrow_forward:", id=known.initiative)
            if st.button("Register another", type="tertiary", icon=":material/add_circle:"):
                set_url(done="")
                st.rerun()
    if left:
        with panel("What is required by when", "Nearest day first. Its sheet says how each is done."):
            plain_table(left, _receipt_columns(desk), download="requirements")


def _receipt_columns(desk: Desk) -> list[Column[RequirementState]]:
    def wanted(state: RequirementState) -> str:
        evidence = state.requirement.measure.evidence
        return capital(evidence) if evidence else "The automatic checks"

    return [
        Column(lambda state: state.requirement.measure.title, "What is required", strong=True),
        Column("due_on", "By", "day"),
        Column(lambda state: state.status.value, "Status", "status"),
        Column(
            lambda state: desk.rules.roles.title(state.requirement.measure.responsible),
            "Who is responsible",
            phone=False,
        ),
        Column(wanted, "What proves it", phone=False),
    ]
