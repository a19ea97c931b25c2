"""Ethical position: five answers, the transparency demanded, the limits, and every published version."""

from __future__ import annotations

import streamlit as st

from core.services.rules import ethics
from portal.components.cards import facts
from portal.components.desk import current_desk
from portal.components.page import dress, page_header
from portal.components.rules import frameworks_view as view
from portal.components.text import count, minute

PARTS = ("Position", "Transparency", "Limits", "Versions")


def render() -> None:
    """Draw the position in force in four parts."""
    desk = current_desk()
    dress("rules")
    page_header(desk, "Ethical position", "What we accept and what not; checks cite its version.")
    held = desk.ask(ethics.ethics_in_force)
    position, policy = held.ethics, desk.governance.policy(desk.moment)
    published = f"{minute(held.published_at)}, by {held.published_by}" if held.published_at else "As shipped"
    facts(
        [
            ("Version in force", f"{position.version}: {position.title}"),
            ("Published", published),
            ("Limits for", count(len(position.domains), "business domain")),
            ("Record entry", f"{held.seq:,}" if held.seq else ""),
        ]
    )
    answers, told, limits, versions = st.tabs(PARTS, key="part", bind="query-params")
    with answers:
        view.answers(position)
    with told:
        classes = {known.id: known.title for known in policy.classes}
        measures = {known.id: known.title for known in policy.measures.values()}
        view.transparency(position, classes, measures)
    with limits:
        view.limits(position)
    with versions:
        view.versions(desk.ask(ethics.ethics_versions))


render()
