"""Sign-offs on an initiative's sheet: who signed, who is awaited, what has changed, and what may be done."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.process.commands import (
    DelegateSignOff,
    GiveFeedback,
    MeetCondition,
    RequestSignOff,
    SignGate,
    WithdrawSignature,
)
from core.services.process.sign_off_view import (
    feedback_choices,
    request_refusal,
    sign_off_views,
    signing_choices,
)
from core.services.process.sign_offs import (
    delegate_sign_off,
    give_feedback,
    meet_condition,
    request_sign_off,
    sign_gate,
    withdraw_signature,
)
from core.services.work.raci_view import perspectives_of
from portal.components.forms import Ask, Values, action, form, unfolding_form
from portal.components.page import dress, empty_state, panel
from portal.components.pills import pill_html, shape_html
from portal.components.tables import Column, bullet_list, plain_table
from portal.components.text import count, day, escape, escape_html, humanise, sentence
from portal.components.url_inputs import url_value

if TYPE_CHECKING:
    from core.domain.work.work import PerspectiveView
    from core.services.process.initiatives import InitiativeSheet
    from core.services.process.sign_off_view import Choice, Seats, SignOffView
    from core.services.work.raci_view import DecisionPerspectives
    from portal.components.desk import Desk


def perspectives_panel(desk: Desk, sheet: InitiativeSheet, gate: str = "") -> None:
    """Draw who looked at the initiative before the newest decision at a gate, by perspective.

    Without a gate it is the one in the address, else the first that is not passed.
    """
    gates = [view.gate.id for view in sheet.gates]
    if not gates:
        return
    passed = {view.gate.id for view in sheet.gates if view.recorded and view.recorded.outcome == "open"}
    following = next((one for one in gates if one not in passed), gates[-1])
    wanted = gate or url_value("gate", following)
    found = desk.ask(
        perspectives_of,
        initiative=sheet.initiative.initiative,
        gate=wanted if wanted in gates else following,
    )
    dress("work")
    with panel("Perspectives", _caption(found)):
        st.html(f'<ul class="gp-views">{"".join(_view_html(found, view) for view in found.views)}</ul>')


def _caption(found: DecisionPerspectives) -> str:
    lacking = len(found.missing)
    when = "so far; nothing is decided"
    if found.decided_at is not None:
        when = f"up to the decision of {day(found.decided_at)}"
    said = f"{count(lacking, 'perspective is', 'perspectives are')} missing" if lacking else "All took part"
    return f"{said} at “{found.gate_title}”, {when}."


def _view_html(found: DecisionPerspectives, view: PerspectiveView) -> str:
    title = f"<b>{escape_html(view.perspective.title)}</b>"
    if view.missing:
        ask = found.to_ask.get(view.perspective.id) or "nobody holds such a role"
        return (
            f'<li class="gp-lacking">{title}{pill_html("no_part")}'
            f'<span class="gp-quiet-line">To ask: {escape_html(ask)}</span></li>'
        )
    who = ", ".join(found.names[person] for person in view.people[:3])
    did = ", ".join(humanise(kind).lower() for kind in view.did[:3])
    return (
        f"<li>{title}{pill_html('took_part', count(view.acts, 'act'))}"
        f'<span class="gp-quiet-line">{escape_html(who)}: {escape_html(did)}</span></li>'
    )


OUTCOMES = {"approved": "Approve", "rejected": "Reject", "abandoned": "Abandon"}
OPINIONS = {"approved": "No issue", "minor_issue": "A minor issue", "major_issue": "A major issue"}


def request_form(desk: Desk, initiative: str, view: SignOffView) -> None:
    """Offer to ask for the signatures."""
    ask = Ask(
        "Ask for the signatures",
        f"The signatures at “{view.gate_title}” are asked for.",
        icon=":material/draw:",
        fixed={"initiative": initiative, "gate": view.gate},
        note="A new round begins; earlier answers stay on record and no longer count.",
    )
    action(desk, request_sign_off, RequestSignOff, ask)


def answer_form(desk: Desk, initiative: str, view: SignOffView, choices: tuple[Choice, ...]) -> None:
    """Ask for the answer of somebody who may sign here."""
    ask = Ask(
        "Sign",
        f"Your answer at “{view.gate_title}” is on record.",
        icon=":material/draw:",
        primary=True,
        says="**Your answer**",
        rows=(lambda: _seat(choices), "outcome", "reason", ("condition", "condition_due"), "limits"),
        fixed={"initiative": initiative, "gate": view.gate},
        choices={"outcome": OUTCOMES},
        note="An approval is bound to this version, this evidence and what the policy asks for now.",
    )
    form(desk, sign_gate, SignGate, ask)


def feedback_form(desk: Desk, initiative: str, view: SignOffView, choices: tuple[Choice, ...]) -> None:
    """Ask for an opinion before the decision."""
    ask = Ask(
        "Give feedback",
        f"Your feedback at “{view.gate_title}” is on record.",
        icon=":material/rate_review:",
        says="**Your feedback**",
        rows=(lambda: _seat(choices), "outcome", "reason"),
        fixed={"initiative": initiative, "gate": view.gate},
        choices={"outcome": OPINIONS},
    )
    form(desk, give_feedback, GiveFeedback, ask)


def withdraw_form(desk: Desk, initiative: str, view: SignOffView) -> None:
    """Offer to take one's own answer back."""
    ask = Ask(
        "Withdraw",
        "Your answer is withdrawn; it stays on record.",
        fixed={"initiative": initiative, "gate": view.gate},
    )
    label = "Withdraw your answer"
    unfolding_form(desk, withdraw_signature, WithdrawSignature, label, ":material/undo:", ask)


def delegation_form(desk: Desk) -> None:
    """Ask who may sign in the reader's place, in which role and until when."""
    roles = [role for role in desk.actor.roles if role in desk.rules.raci.roles or role == "head_of_risk"]
    names = {p.id: p.name for p in desk.governance.people() if p.id != desk.actor.id and p.roles}
    longest = desk.governance.policy(desk.moment).delegation_days
    ask = Ask(
        "Delegate",
        lambda given: f"{names[given['delegate']]} may sign in your place until {given['until']}.",
        icon=":material/forward_to_inbox:",
        rows=(("delegate", "role", "until"), "reason"),
        choices={"delegate": names, "role": {role: desk.rules.roles.title(role) for role in roles}},
        first={"until": desk.moment.day + timedelta(days=min(14, longest))},
        bounds={"until": (desk.moment.day, desk.moment.day + timedelta(days=longest))},
        note="They sign nothing that either of you had a part in, and cannot hand it on.",
        because="" if roles else "You have no role in which somebody could sign for you.",
    )
    form(desk, delegate_sign_off, DelegateSignOff, ask)


def _seat(choices: tuple[Choice, ...]) -> Values:
    """Which seat to answer in; asked only where there are several."""
    seat = choices[0]
    if len(choices) == 1:
        st.caption(escape(f"As {_seat_words(seat)}."))
    else:
        seat = st.selectbox("As", choices, format_func=_seat_words)
    return {"role": seat.role, "on_behalf_of": seat.on_behalf_of}


def _seat_words(choice: Choice) -> str:
    return f"{choice.title}, for {choice.on_behalf_of_name}" if choice.on_behalf_of else choice.title


_ACTS = [
    Column("recorded_at", "When", "minute"),
    Column("actor_name", "Who", strong=True),
    Column("said", "Said", "status"),
    Column("role_title", "As", phone=False),
    Column("on_behalf_of_name", "For", phone=False),
    Column("reason", "Reason"),
    Column("terms", "Conditions and limits", phone=False),
    Column("version", "Version", phone=False),
]


def sign_offs_tab(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw each gate that is signed, with the answers of this round and what the reader may do."""
    initiative = sheet.initiative.initiative
    views = desk.ask(sign_off_views, initiative=initiative)
    if not views:
        empty_state("Nobody has to sign for an initiative of this class.", icon=":material/draw:")
        return
    for view in views:
        with panel(view.gate_title, _plan_words(desk, view), key=f"sign-{view.gate}"):
            _stand(view)
            if not desk.in_past:
                _offers(desk, initiative, view)
            _history(view)
    if not desk.in_past:
        with st.expander("Let somebody sign in your place", icon=":material/forward_to_inbox:"):
            delegation_form(desk)


def _plan_words(desk: Desk, view: SignOffView) -> str:
    wanted = [f"{seats.quorum} × {seats.title}" for seats in view.seats]
    words = f"Asks for {(', then ' if view.plan.order == 'ordered' else ', ').join(wanted)}."
    if view.plan.feedback:
        asked = ", ".join(desk.rules.roles.title(role) for role in view.plan.feedback)
        words += f" Feedback of {asked} comes first."
    if view.plan.valid_days:
        words += f" Signatures hold for {count(view.plan.valid_days, 'day')}."
    return words


def _stand(view: SignOffView) -> None:
    until = f"Approved until {day(view.expires_on)}" if view.expires_on else ""
    rows = "".join(_seat_html(seats) for seats in view.seats)
    st.html(
        f'<div class="gp-pills">{pill_html(view.status.value, until)}</div><ul class="gp-due">{rows}</ul>'
    )
    terms = [act.terms for act in view.acts if act.terms and act.seq in view.counting]
    if terms:
        st.markdown("**Conditions and limits**")
        bullet_list(terms)
    if view.lapses:
        st.markdown("**Why it lapsed**")
        bullet_list([sentence(reason) for reason in view.lapses])
    if view.decided_before and view.changed:
        st.markdown("**What has changed since the last decision**")
        bullet_list(view.changed)
    elif view.decided_before:
        st.caption("Nothing has changed since the last decision.")


def _seat_html(seats: Seats) -> str:
    full = len(seats.signed) >= seats.quorum
    names = ", ".join(seats.signed) or "nobody yet"
    free = ""
    if not full:
        shown = ", ".join(seats.may_sign[:4]) or "nobody: somebody has to be given the role"
        more = f" and {len(seats.may_sign) - 4} more" if len(seats.may_sign) > 4 else ""
        free = f'<div class="gp-quiet-line">May sign: {escape_html(shown + more)}</div>'
    return (
        f"<li>{shape_html('circle' if full else 'ring')} "
        f"<strong>{escape_html(seats.title)}</strong>: {len(seats.signed)} of {seats.quorum}, "
        f"{escape_html(names)}{free}</li>"
    )


def _offers(desk: Desk, initiative: str, view: SignOffView) -> None:
    asked = {"initiative": initiative, "gate": view.gate}
    signing = desk.ask(signing_choices, **asked, actor=desk.actor)
    advising = desk.ask(feedback_choices, **asked, actor=desk.actor)
    if signing:
        answer_form(desk, initiative, view, signing)
    if advising:
        feedback_form(desk, initiative, view, advising)
    if not desk.ask(request_refusal, **asked):
        request_form(desk, initiative, view)
    own = [s for s in view.signatures if s.given.actor == desk.actor.id and s.given.act == "decided"]
    if own:
        withdraw_form(desk, initiative, view)
    for said in view.waiting:
        ask = Ask(
            "It is met",
            "The condition is met; that is on record.",
            says=escape(said.terms),
            fixed={**asked, "signer": said.actor},
        )
        form(desk, meet_condition, MeetCondition, ask)


def _history(view: SignOffView) -> None:
    if not view.acts:
        return
    with st.expander(f"All that was said here ({len(view.acts)})"):
        plain_table(view.acts[::-1], _ACTS)
