"""The ethical position as people read it: answers, transparency, limits, versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from portal.components.page import page_link, panel
from portal.components.pills import pill_html
from portal.components.tables import Column, bullet_list, plain_table
from portal.components.text import capital, escape, escape_html, minute, sentence

if TYPE_CHECKING:
    from core.domain.rules.ethics import Answer, Domain, Ethics
    from core.services.rules.ethics import PublishedEthics


def answers(ethics: Ethics) -> None:
    """Show the five questions with their answers."""
    st.html("".join(_answer_html(answer) for answer in ethics.answers))


def _answer_html(answer: Answer) -> str:
    aspects = "".join(f"<span>{escape_html(one)}</span>" for one in answer.aspects)
    return (
        f'<div class="gp-rule"><div class="gp-rule-question">{escape_html(answer.question)}</div><div>'
        f'<div class="gp-aspects">{aspects}</div>'
        f'<div class="gp-stance">{escape_html(answer.stance)}</div></div></div>'
    )


def transparency(ethics: Ethics, classes: Mapping[str, str], measures: Mapping[str, str]) -> None:
    """Show the levels of transparency with the classes and domains that demand each.

    Parameters
    ----------
    ethics
        The position.
    classes, measures
        Title by id, as in the policy in force.
    """
    st.caption(
        "From the least to the most. An initiative has to reach the level of its class or of its domain, "
        "whichever is more."
    )
    st.html(f'<div class="gp-rungs">{"".join(_rungs(ethics, classes, measures))}</div>')


def _rungs(ethics: Ethics, classes: Mapping[str, str], measures: Mapping[str, str]) -> list[str]:
    found = []
    for place, level in enumerate(ethics.transparency.levels, start=1):
        asked = [key for key, wanted in ethics.transparency.classes.items() if wanted == level.id]
        domains = [key for key, wanted in ethics.transparency.domains.items() if wanted == level.id]
        by = "".join(pill_html(key, f"{classes.get(key, key)} risk") for key in asked)
        by += "".join(pill_html("not_asked", ethics.domain_title(key)) for key in domains)
        shown = measures.get(level.measure or "")
        proof = f'<div class="gp-clause-by">Shown by: {escape_html(shown)}</div>' if shown else ""
        found.append(
            f'<div class="gp-rung"><div class="gp-rung-place">{place}</div><div>'
            f'<div class="gp-clause-title">{escape_html(level.title)}</div>'
            f'<div class="gp-clause-asks">{escape_html(level.demands)}</div>{proof}</div>'
            f'<div class="gp-pills">{by}</div></div>'
        )
    return found


def limits(ethics: Ethics) -> None:
    """Show metric and limit per domain, for rates and for errors, with the reason."""
    st.caption(
        "From which difference between groups somebody has to look. A share of the overall error has no "
        "unit, so it holds for euros and for days alike. No limit makes a model just."
    )
    columns: list[Column[Domain]] = [
        Column("title", "Domain", strong=True),
        Column(lambda one: capital(one.limit.sentence), "Where a model decides yes or no"),
        Column(
            lambda one: capital(ethics.limit_for(one.id, "regression").sentence),
            "Where it gives a number",
            phone=False,
        ),
        Column(lambda one: one.limit.groups, "Which groups", phone=False),
        Column(lambda one: one.limit.why, "Why", phone=False),
    ]
    plain_table(ethics.domains, columns, caption="Limits by business domain", download="ethical-limits")


def versions(found: Sequence[PublishedEthics]) -> None:
    """Show every published version, newest first, with what it changed."""
    if not found:
        st.caption("No position has been published in this store: the shipped one holds.")
    for place, one in enumerate(found):
        held = one.in_force
        title = f"Version {held.version}{', in force' if place == 0 else ''}"
        when = f"Published {minute(held.published_at)} by {held.published_by}." if held.published_at else ""
        with panel(title, when, key=f"ethics-{place}"):
            if one.changes:
                bullet_list([sentence(change) for change in one.changes])
            else:
                st.markdown(
                    escape(
                        "The first position on record." if place == len(found) - 1 else "No demand changed."
                    )
                )
            st.caption(f"SHA-256 of its text: {held.sha256}")
            page_link("record", "Open in the record", icon=":material/history:", entry=str(held.seq))
