"""Sections of a document about the process: decisions, waivers, requirements, checks, clauses, history."""

from __future__ import annotations

from core.domain.facts.models import VersionAmendment, VersionState
from core.domain.facts.process import SignOff
from core.domain.given import shown_address
from core.domain.models.model_card import Facts, Missing, Part, Table, Words
from core.domain.models.model_versions import AMENDABLE, BECAME, STATES
from core.domain.policy.checks import CHECKS
from core.domain.rules.frameworks import ClauseState
from core.lake import facts
from core.lake.record.entries import digest_at
from core.services.models.document_material import Material, day
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


def decisions(material: Material) -> tuple[Part, ...]:
    """Who let it pass which gate, and when."""
    gates = {gate.id: gate.title for gate in material.sheet.policy.gates}
    now = tuple(
        (
            view.gate.title,
            view.decision.outcome.capitalize(),
            view.recorded.outcome.capitalize() if view.recorded else "",
            day(view.recorded.recorded_at) if view.recorded else "",
            view.recorded.actor_name if view.recorded else "",
            (view.recorded.version or "") if view.recorded else "",
        )
        for view in material.sheet.gates
    )
    headings = ("Gate", "As things stand", "Recorded last", "On", "Asked by", "For version")
    parts: list[Part] = [Table("Gates", headings, now)]
    signed = tuple(
        (
            gates.get(said.gate, said.gate),
            _act(said),
            f"{material.name(said.actor)}{_for_whom(material, said.on_behalf_of)}",
            material.governance.rules(material.moment).roles.title(said.role) if said.role else "",
            day(said.recorded_at),
            said.version or "",
            said.reason,
        )
        for said in material.sign_offs
    )
    if signed:
        wanted = ("Gate", "What", "Who", "As", "On", "For version", "Reason")
        parts.append(Table("Sign-offs, oldest first; an approval may have lapsed since", wanted, signed))
    else:
        parts.append(Missing("any sign-off", "Ask for one at the gate where the policy wants it."))
    return tuple(parts)


def _act(said: SignOff) -> str:
    words = {"requested": "Asked for", "feedback": "Feedback", "decided": "Decided", "withdrawn": "Withdrawn"}
    outcome = said.outcome.replace("_", " ")
    return f"{words[said.act]}{f': {outcome}' if outcome else ''}"


def _for_whom(material: Material, actor: str) -> str:
    return f" for {material.name(actor)}" if actor else ""


def waivers(material: Material) -> tuple[Part, ...]:
    """What was let off, what is open, and until when."""
    measures = material.sheet.policy.measures
    let_off = tuple(
        (
            measures[waiver.measure].title if waiver.measure in measures else waiver.measure,
            waiver.state.capitalize(),
            waiver.reason,
            waiver.compensation,
            day(waiver.until),
            material.name(waiver.actor),
        )
        for waiver in material.waivers
    )
    open_now = tuple(
        (
            finding.title,
            finding.severity.capitalize(),
            finding.state.capitalize(),
            material.name(finding.owner),
            day(finding.due_on),
        )
        for finding in material.findings
    )
    parts: list[Part] = []
    if let_off:
        wanted = ("Measure", "State", "Reason", "Made up for by", "Until", "Last word by")
        parts.append(Table("Waivers", wanted, let_off))
    else:
        parts.append(Words("No waiver is on record."))
    if open_now:
        parts.append(Table("Findings", ("Finding", "Severity", "State", "Owner", "Due"), open_now))
    else:
        parts.append(Words("No finding is on record."))
    return tuple(parts)


def requirements(material: Material) -> tuple[Part, ...]:
    """What is asked, and what proves it."""
    states = material.sheet.requirements
    rows = tuple(
        (
            state.requirement.measure.title,
            state.requirement.consideration.title,
            state.status.value.replace("_", " ").capitalize() + (", overdue" if state.overdue else ""),
            day(state.due_on),
            day(state.expires_on),
        )
        for state in states
    )
    wanted = ("Measure", "Consideration", "Status", "Due", "Holds until")
    parts: list[Part] = [Table("Requirements of its class", wanted, rows)] if rows else []
    parts += [
        Missing(f"proof of “{state.requirement.measure.title}”", state.requirement.measure.guide)
        for state in states
        if not state.satisfied
    ]
    parts.append(_evidence(material))
    return tuple(parts)


def _evidence(material: Material) -> Part:
    measures = material.sheet.policy.measures
    rows = tuple(
        (
            line.title,
            measures[line.measure].title if line.measure in measures else line.measure,
            line.sha256 or shown_address(line.link),
            day(line.recorded_at) + (f", stands for {day(line.stands_for)}" if line.stands_for else ""),
            line.actor_name,
        )
        for line in material.evidence
    )
    if not rows:
        return Words("No evidence is on record.")
    return Table("Evidence", ("Evidence", "For", "sha256 or address", "Submitted", "By"), rows)


def checks(material: Material) -> tuple[Part, ...]:
    """The latest run of each check."""
    rows = tuple(
        (
            CHECKS[run.check_id].title if run.check_id in CHECKS else run.check_id,
            run.verdict.replace("_", " ").capitalize(),
            run.message,
            day(run.recorded_at),
        )
        for run in material.checks
    )
    if not rows:
        return (Missing("any run of a check", "Run them with 'governance check'."),)
    return (Table("Latest runs", ("Check", "Verdict", "What was seen", "On"), rows),)


def history(material: Material) -> tuple[Part, ...]:
    """Every version, and what became of it."""
    if not material.faces:
        return (Missing("any model version", "Register one with 'governance version add'."),)
    store, initiative = material.governance.store, material.sheet.initiative.initiative
    made = tuple(
        (
            face.version.version,
            STATES[face.version.state],
            face.version.algorithm,
            f"{day(face.version.recorded_at)} by {face.version.actor_name}",
            face.grade.title,
            face.version.notes,
        )
        for face in material.faces
    )
    wanted = ("Version", "State", "Algorithm", "Registered", "Reproducibility", "Notes")
    turns = tuple(
        (day(turn.recorded_at), turn.version, BECAME[turn.state], turn.reason, material.name(turn.actor))
        for turn in reversed(facts.history(store, VersionState, material.moment, initiative))
    )
    amended = tuple(
        (
            day(change.recorded_at),
            change.version,
            ", ".join(name.replace("_", " ") for name in AMENDABLE if getattr(change, name)),
            change.reason,
            material.name(change.actor),
        )
        for change in facts.history(store, VersionAmendment, material.moment, initiative)
        if change.reason
    )
    parts: list[Part] = [Table("Versions, newest first", wanted, made)]
    if turns:
        headings = ("On", "Version", "Became", "Reason", "By")
        parts.append(Table("What became of versions", headings, turns))
    if amended:
        parts.append(Table("Filled in later", ("On", "Version", "What", "Reason", "By"), amended))
    return tuple(parts)


def origin(material: Material) -> tuple[Part, ...]:
    """The point of the record that it was made from."""
    moment = material.moment
    return (
        Facts(
            (
                ("Record entry", f"{moment.seq:,}"),
                ("As of", f"{day(moment.at)}, {moment.at:%H:%M} UTC"),
                ("Policy", material.sheet.policy.version),
                ("Digest of the record up to there", digest_at(material.governance.store, moment.seq) or ""),
            )
        ),
        Words("The digest holds every entry up to this one; 'governance verify' recomputes it."),
    )
