"""The section of a document on frameworks: which clauses apply, and whether they are answered."""

from __future__ import annotations

from core.domain.models.model_card import Missing, Part, Table, Words
from core.domain.rules.coverage import ClauseState
from core.services.models.document_material import Material
from core.services.rules.initiative_frameworks import InitiativeFramework, initiative_frameworks

_STATES = {
    ClauseState.MET: "Answered",
    ClauseState.OPEN: "Open",
    ClauseState.NOT_ASKED: "Not asked of its class",
    ClauseState.GAP: "No measure answers it",
}


def frameworks(material: Material) -> tuple[Part, ...]:
    """Which clauses apply, and whether they are answered."""
    initiative = material.sheet.initiative.initiative
    found = initiative_frameworks(material.governance, material.moment, initiative=initiative)
    if not found.frameworks:
        return (Missing("any framework that applies", "Say where the people live whom it concerns."),)
    wanted = ("Framework", "Version", "Standing", "Why it applies", "Answered", "Open", "Not asked", "Gaps")
    rows = tuple(_row(one) for one in found.frameworks)
    parts: list[Part] = [Table("What applies", wanted, rows)]
    clauses = tuple(
        (
            one.framework.short,
            f"{answer.clause.number}: {answer.clause.title}",
            _STATES[answer.state],
            "; ".join(dict.fromkeys(line.measure for line in answer.proofs)),
        )
        for one in found.frameworks
        for answer in one.clauses
        if answer.state in (ClauseState.OPEN, ClauseState.GAP)
    )
    if clauses:
        parts.append(Table("Clauses that are not answered", ("Framework", "Clause", "State", "By"), clauses))
    parts.append(Words("The mapping is a reading of the texts in other words; the texts themselves decide."))
    return tuple(parts)


def _row(one: InitiativeFramework) -> tuple[str, ...]:
    cover = one.coverage
    counts = (cover.met, cover.open, cover.not_asked, cover.gap)
    standing = one.standing.value.replace("_", " ").capitalize()
    return (one.framework.title, one.framework.version, standing, one.why, *(str(count) for count in counts))
