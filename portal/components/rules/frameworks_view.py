"""Frameworks, clause by clause down to the proofs, and the ethical position, as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from math import floor
from typing import TYPE_CHECKING

import streamlit as st

from portal.components.cards import Card, cards, facts
from portal.components.charts.bars import Cell, heat_map
from portal.components.page import empty_state, page_link, panel
from portal.components.pills import pill_html
from portal.components.tables import Column, bullet_list, live_table, plain_table
from portal.components.text import capital, count, day, escape, escape_html, minute, sentence

if TYPE_CHECKING:
    from core.domain.rules.ethics import Answer, Domain, Ethics
    from core.domain.rules.frameworks import Coverage, Framework
    from core.services.rules.ethics import PublishedEthics
    from core.services.rules.frameworks import ClauseLine, FrameworkLine, FrameworkOverview, ProofLine


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
        Column(
            lambda one: capital(ethics.group_thresholds_for(one.id).rule), "Thresholds by group", phone=False
        ),
        Column(lambda one: one.limit.why, "Why", phone=False),
    ]
    plain_table(ethics.domains, columns, caption="Limits by business domain", download="ethical-limits")
    of_sets = {one.title: one.evaluation for one in ethics.domains} | {"Evaluation sets": ethics.evaluation}
    for title, limit in of_sets.items():
        if limit:
            st.caption(escape(f"{title}: {limit.sentence}; {limit.groups}. {limit.why}"))


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


def segments_html(found: Coverage) -> str:
    """Draw what is met, open and a gap as one bar; what is not asked is left out of it."""
    parts = [("met", found.met), ("open", found.open), ("gap", found.gap)]
    bar = "".join(
        f'<i class="gp-seg-{name}" style="width: {100 * number / found.counted:.2f}%"></i>'
        for name, number in parts
        if number
    )
    spoken = f"{found.met} met, {found.open} open, {found.gap} without a measure, {found.not_asked} not asked"
    return f'<span class="gp-seg" role="img" aria-label="{spoken}">{bar}</span>'


def share_words(found: Coverage) -> str:
    """A share in per cent, rounded down: never shown as reached when it is not.

    Examples
    --------
    >>> from core.domain.rules.frameworks import Coverage
    >>> share_words(Coverage(met=199, open=1)), share_words(Coverage())
    ('99%', '–')
    """
    return "–" if found.share is None else f"{floor(100 * found.share + 1e-9)}%"


def segments_legend() -> None:
    """Say what the colours of the bars mean."""
    keys = (
        ("background: #178a50", "Met: all that is asked for towards the clause is proved"),
        ("background: #c9790f", "Open: something of it is not"),
        (
            "background: repeating-linear-gradient(45deg, #dc3a3a 0 3px, #f0a3a3 3px 6px)",
            "Gap: no measure of the policy answers it",
        ),
    )
    said = "".join(f'<span><b style="{style}"></b>{words}</span>' for style, words in keys)
    st.html(f'<div class="gp-legend">{said}</div>')


NATURES = {
    "law": "Law",
    "supervisory": "What a supervisor expects",
    "guidance": "Guidance",
    "standard": "Standard",
}
_PROOFS = [
    Column("name", "Initiative", strong=True, width=190),
    Column("class_title", "Class", phone=False, width=90),
    Column("measure", "Measure", width=230),
    Column("status", "Status", "status", width=100),
    Column("due_on", "Due", "day", phone=False, width=100),
    Column("proof", "Proof", width=380),
]


def overview_cards(found: FrameworkOverview) -> None:
    """Show the overall coverage and what it is made of."""
    overall, lines = found.overall, found.lines
    counting = [line for line in lines if line.standing.value not in ("superseded", "coming")]
    applying = sum(bool(line.initiatives) for line in counting)
    old = len(lines) - len(counting)
    cards(
        [
            Card(
                "Clauses covered", share_words(overall), note="Met, of those met, open or without a measure."
            ),
            Card("Met", f"{overall.met:,}", note="Clauses, counted once per initiative that they concern."),
            Card("Open", f"{overall.open:,}", note="Something that is asked for is not proved."),
            Card("Gaps", f"{overall.gap:,}", note="No measure of the policy answers the clause."),
            Card(
                "Not asked",
                f"{overall.not_asked:,}",
                note="The class is asked for less; left out of the share.",
            ),
            Card(
                "Texts that apply",
                f"{applying} of {len(counting)}",
                note=f"{count(old, 'older or coming text')} shown and not counted.",
            ),
        ],
        min_column_width=165,
    )


def framework_wall(lines: Sequence[FrameworkLine]) -> None:
    """Show every framework with where it stands and how far it is covered."""
    segments_legend()
    st.html("".join(_wall_line(line) for line in lines))


def _wall_line(line: FrameworkLine) -> str:
    known, found = line.framework, line.coverage
    old = " gp-old" if line.standing.value in ("superseded", "coming") else ""
    reach = count(line.initiatives, "initiative") if line.initiatives else "applies to none"
    bar = segments_html(found) if found.counted else '<span class="gp-seg-words">nothing to count</span>'
    return (
        f'<div class="gp-fw{old}"><div class="gp-fw-name">{escape_html(known.short)}'
        f"<small>{escape_html(known.jurisdiction)}, {reach}</small></div>"
        f"{pill_html(line.standing.value)}{bar}"
        f'<div class="gp-fw-share">{share_words(found)}</div></div>'
    )


def class_heat(lines: Sequence[FrameworkLine], classes: Mapping[str, str]) -> None:
    """Show coverage by framework and risk class; `classes` maps id to title, from light to strict."""
    rows = [
        Cell(line.framework.short, title, one.met, one.counted, one.share)
        for line in lines
        if line.coverage.counted
        for class_id, title in classes.items()
        for one in (line.by_class[class_id],)
    ]
    st.caption("Clauses met, of those counted. A dash: no initiative of the class is concerned.")
    if rows:
        heat_map(
            rows,
            alt="Covered clauses by framework and class.",
            columns=list(classes.values()),
            key="heat",
            row_title="Framework",
            counted="Clauses",
        )


def framework_facts(line: FrameworkLine, today: date) -> None:
    """Show what a framework is: version, standing, since when, where, for whom, and its life."""
    known = line.framework
    facts(
        [
            ("Version", known.version),
            ("Kind", NATURES[known.nature]),
            ("Where", known.jurisdiction),
            ("For whom", known.sector),
            ("Since", day(known.in_force_from)),
            ("Concerns", count(line.initiatives, "initiative")),
        ]
    )
    st.html(f'<ul class="gp-dates">{"".join(_date_html(known, today))}</ul>')
    st.caption(escape(" ".join(part for part in (known.source, known.note) if part)))


def _date_html(known: Framework, today: date) -> list[str]:
    return [
        f'<li class="{"gp-past" if one.day <= today else ""}"><time>{day(one.day)}</time>'
        f"{escape_html(one.what)}</li>"
        for one in known.dates
    ]


def clause_list(clauses: Sequence[ClauseLine]) -> None:
    """Show the clauses in their order: what each asks, what answers it, and how far."""
    pieces, group = [], None
    for line in clauses:
        if line.clause.group != group:
            group = line.clause.group
            pieces.append(f'<div class="gp-group">{escape_html(group)}</div>' if group else "")
        pieces.append(_clause_html(line))
    st.html("".join(pieces))


def _clause_html(line: ClauseLine) -> str:
    clause, found = line.clause, line.coverage
    answered = "; ".join(line.measures)
    gap = "Gap" if not line.measures else "What is still a gap"
    side = (
        f'{segments_html(found)}<span class="gp-seg-words">{share_words(found)} of {found.counted} counted'
        f"{f', {found.not_asked} not asked' if found.not_asked else ''}</span>"
        if line.initiatives
        else '<span class="gp-seg-words">concerns no initiative</span>'
    )
    later = (
        ""
        if line.binding or clause.binding_from is None
        else pill_html("coming", f"From {day(clause.binding_from)}")
    )
    return clause_html(
        escape_html(clause.number),
        f"{escape_html(clause.title)} {later}",
        clause_part("asks", clause.asks),
        clause_part("by", f"Answered by: {answered}") if answered else "",
        clause_part("gap", f"{gap}: {clause.gap}") if clause.gap else "",
        side=side,
    )


def clause_html(number: str, title: str, *parts: str, side: str) -> str:
    """Draw a clause or a right: its number, its title over its parts, and where it stands at the side."""
    return (
        f'<div class="gp-clause"><div class="gp-clause-number">{number}</div><div>'
        f'<div class="gp-clause-title">{title}</div>{"".join(parts)}</div>'
        f'<div class="gp-clause-side">{side}</div></div>'
    )


def clause_part(kind: str, words: str) -> str:
    """Draw what a clause asks (`asks`), what answers it (`by`) or what does not (`gap`)."""
    return f'<div class="gp-clause-{kind}">{escape_html(words)}</div>'


def proofs_table(proofs: Sequence[ProofLine]) -> None:
    """Show what proves a clause at each initiative, what is open first."""
    if not proofs:
        empty_state("No initiative that it concerns is asked for a measure that answers this clause.")
        return
    met = sum(line.satisfied for line in proofs)
    st.caption(f"{met} of {count(len(proofs), 'requirement')} met; what is open stands first.")
    live_table(
        proofs, _PROOFS, key="proofs", download="clause-proofs", height=420, alt="Proofs of the clause"
    )
