"""Perspectives in the decision at a gate: who brought each, and which are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.services.work.perspectives import perspectives_of
from portal.components.page import dress, panel
from portal.components.pills import pill_html
from portal.components.text import count, day, escape_html, humanise
from portal.components.url_inputs import url_value

if TYPE_CHECKING:
    from core.domain.work.perspectives import PerspectiveView
    from core.services.process.inventory import InitiativeSheet
    from core.services.work.perspectives import DecisionPerspectives
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
