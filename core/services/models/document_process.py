"""Sections of a document about the process: decisions, waivers, requirements, checks, clauses, history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from core.analytics.decay.metrics import DecayMetric
from core.domain.errors import BadInput, NotFound
from core.domain.facts.models import VersionAmendment, VersionState
from core.domain.facts.process import CheckRun, Finding, SignOff, Waiver
from core.domain.given import shown_address
from core.domain.models.model_card import Facts, Missing, Part, Table, Words
from core.domain.models.model_versions import AMENDABLE, BECAME, STATES
from core.domain.moment import Moment
from core.domain.policy.checks import CHECKS
from core.domain.process.facts import EvidenceLine
from core.domain.rules.frameworks import ClauseState
from core.lake import facts
from core.lake.monitoring import readings as lake_monitoring
from core.lake.record.entries import digest_at
from core.services.governance import Governance
from core.services.measured import bias, slice_batches
from core.services.measured.decay import DecayReport, decay_report
from core.services.models.lineage import BadData, UseLine, bad_data_of, data_of
from core.services.models.version_comparison import VersionFace, version_faces
from core.services.process.initiatives import InitiativeSheet, initiative_sheet
from core.services.rules.initiative_frameworks import InitiativeFramework, initiative_frameworks


def day(value: date | datetime | None) -> str:
    """A day as `23 Nov 2026`; empty for none."""
    return "" if value is None else f"{value.day} {value:%b %Y}"


def amount(number: int, one: str) -> str:
    """A number with its noun: `1 chunk`, `12 chunks`."""
    return f"{number:,} {one if number == 1 else one + 's'}"


def level(value: float | None, form: str) -> str:
    """A metric of a slice; an undefined one is never a number."""
    if value is None:
        return "undefined"
    return f"{value:.1%}" if form == "rate" else f"{value:,.4g}"


def share(value: float | None, unit: str) -> str:
    """A metric of a whole model; empty where it is not known."""
    if value is None:
        return ""
    return f"{value:.1%}" if unit == "percent" else f"{value:,.4g}"


def list_words(words: Sequence[str]) -> str:
    """Words as a list in a sentence.

    Examples
    --------
    >>> list_words(["a", "b", "c"])
    'a, b and c'
    """
    *most, last = words or ("nothing",)
    return f"{', '.join(most)} and {last}" if most else last


@dataclass(frozen=True)
class SlicedFeature:
    """Slices of one sensitive feature, or in `note` why there are none."""

    feature: str
    note: str
    found: bias.BiasSlices | None


@dataclass(frozen=True)
class Material:
    """Everything that a document says; `face` is None where there is no version to describe."""

    governance: Governance
    moment: Moment
    sheet: InitiativeSheet
    faces: tuple[VersionFace, ...]
    face: VersionFace | None
    data: tuple[UseLine, ...]
    bad: tuple[BadData, ...]
    slices: tuple[SlicedFeature, ...]
    decay: DecayReport | None
    evidence: tuple[EvidenceLine, ...]
    checks: tuple[CheckRun, ...]
    sign_offs: tuple[SignOff, ...]
    waivers: tuple[Waiver, ...]
    findings: tuple[Finding, ...]
    names: dict[str, str]

    @property
    def version(self) -> str:
        """The version described; empty where there is none."""
        return self.face.version.version if self.face else ""

    @property
    def state(self) -> str:
        """What the version is to its initiative, in words."""
        return STATES[self.face.version.state] if self.face else ""

    @property
    def metric(self) -> DecayMetric | None:
        """The metric of its decay."""
        return self.decay.metric if self.decay else None

    def name(self, actor: str | None) -> str:
        """A person's name, or the id where the directory has none."""
        return self.names.get(actor or "", actor or "")


def gather(governance: Governance, moment: Moment, initiative: str, version: str) -> Material:
    """Read what a document needs; without a version the current one is described."""
    sheet = initiative_sheet(governance, moment, initiative=initiative)
    faces = version_faces(governance, moment, initiative=initiative)
    face = _described(faces, initiative, version)
    label = face.version.version if face else ""
    store = governance.store
    names = governance.names()
    data = data_of(governance, moment, initiative=initiative)
    counting = ("", label) if version else None
    return Material(
        governance,
        moment,
        sheet,
        faces,
        face,
        tuple(line for line in data if (line.version in counting if counting else line.counts)),
        bad_data_of(governance, moment, initiative=initiative),
        _slices(governance, moment, initiative, label),
        _decay(governance, moment, initiative, label),
        tuple(line for line in sheet.evidence if line.version in (None, label)),
        _latest_runs(sheet, label),
        facts.history(store, SignOff, moment, initiative),
        facts.newest_of(facts.history(store, Waiver, moment, initiative)),
        facts.newest_of(facts.history(store, Finding, moment, initiative)),
        names,
    )


def _described(faces: tuple[VersionFace, ...], initiative: str, version: str) -> VersionFace | None:
    if not version:
        return next((face for face in faces if face.version.current), None)
    found = next((face for face in faces if face.version.version == version), None)
    if found is None:
        labels = ", ".join(face.version.version for face in faces[:12])
        raise NotFound(
            f"{initiative} has no version '{version[:20]}'",
            remedy=f"Choose one of: {labels}." if labels else "Register a model version first.",
        )
    return found


def _latest_runs(sheet: InitiativeSheet, version: str) -> tuple[CheckRun, ...]:
    """The latest run of each check on the version, or on the initiative itself."""
    found: dict[str, CheckRun] = {}
    for run in sheet.check_runs:  # newest first
        if run.version in (None, version):
            found.setdefault(run.check_id, run)
    return tuple(found.values())


def _slices(
    governance: Governance, moment: Moment, initiative: str, version: str
) -> tuple[SlicedFeature, ...]:
    batches = lake_monitoring.batches(governance.store, initiative, version, moment) if version else ()
    if not batches:
        return ()
    part: slice_batches.Part = (
        "analysis" if any(batch.part == "analysis" for batch in batches) else "reference"
    )
    return tuple(
        _sliced(governance, moment, initiative, version, feature, part) for feature in batches[-1].sensitive
    )


def _sliced(
    governance: Governance,
    moment: Moment,
    initiative: str,
    version: str,
    feature: str,
    part: slice_batches.Part,
) -> SlicedFeature:
    try:
        found = bias.bias_slices(
            governance, moment, initiative=initiative, version=version, by=(feature,), part=part
        )
    except BadInput as problem:  # what cannot be sliced is said, not hidden
        return SlicedFeature(feature, str(problem), None)
    return SlicedFeature(feature, "", found)


def _decay(governance: Governance, moment: Moment, initiative: str, version: str) -> DecayReport | None:
    if not version:
        return None
    try:
        return decay_report(governance, moment, initiative=initiative, version=version)
    except NotFound:
        return None


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
