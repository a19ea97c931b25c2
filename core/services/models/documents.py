"""Model card and technical file: made from the record, with what people wrote beside it."""

from __future__ import annotations

from collections.abc import Callable

from core.analytics.decay.metrics import DECAY_METRICS
from core.analytics.slices.metrics import SLICE_METRICS
from core.domain.errors import BadInput, Conflict, NotFound
from core.domain.facts.models import DocumentText
from core.domain.given import InitiativeId, shown_address
from core.domain.models.model_card import (
    KINDS,
    Document,
    Facts,
    Kind,
    Missing,
    Note,
    OfKind,
    Part,
    Section,
    SectionId,
    Table,
    Words,
    WriteDocumentText,
    sections_of,
)
from core.domain.moment import Moment
from core.domain.policy.checks import TRUSTED_BY
from core.domain.process.facts import more_texts
from core.ground import in_words
from core.lake import directory
from core.lake.facts import history
from core.lake.record.entries import digest_at
from core.services.case import begin, registered
from core.services.governance import Governance
from core.services.measured.decay import said_against
from core.services.models import document_process
from core.services.models import document_process as document_frameworks
from core.services.models.document_process import (
    Material,
    amount,
    day,
    gather,
    level,
    list_words,
    share,
)
from core.services.models.version_comparison import metric_title

ADD_PREDICTIONS = "Add prediction batches with 'governance predictions add'."
NO_VERSION = Missing("a current model version", "Register one, or promote one that is there.")
HOW = {"binary": "yes or no", "multiclass": "one of several classes", "regression": "a number"}


def use(material: Material) -> tuple[Part, ...]:
    """Purpose, owner, and where it is put to work."""
    known = material.sheet.initiative
    mode = next((m for m in material.sheet.policy.modes if m.id == known.mode_id), None)
    processes = list(dict.fromkeys(process for line in material.data for process in line.processes))
    parts: list[Part] = [Words(known.purpose)] if known.purpose else [_missing_purpose()]
    facts = (
        ("Owner", known.owner_name or ""),
        ("Builder", known.builder_name or ""),
        ("Team", known.team),
        ("Business domain", material.governance.position(material.moment).domain_title(known.domain)),
        ("How it is put to work", mode.operationalization if mode else ""),
        ("Business processes", "; ".join(processes)),
        *more_texts(known),
    )
    return (*parts, Facts(facts))


def _missing_purpose() -> Missing:
    return Missing("the purpose", "Amend the initiative with a sentence on what it is for.")


def risk(material: Material) -> tuple[Part, ...]:
    """The class and why."""
    known, policy = material.sheet.initiative, material.sheet.policy
    title = policy.class_title(known.class_id)
    parts: list[Part] = [Words(f"{title} risk, by policy {known.policy_version}.")]
    parts += [Words(reason if reason.endswith(".") else f"{reason}.") for reason in known.reasons]
    if known.justification:
        computed = policy.class_title(known.computed_class_id)
        by = material.name(known.classified_by)
        said = f"The answers lead to {computed}. {by} overrode it: {known.justification}"
        if known.until:
            said += f" That ends on {known.until}. Instead: {known.compensation}"
        parts.append(Words(said))
    answers = []
    for question in policy.questions:
        chosen = known.answers.get(question.id, ())
        labels = [option.label for option in question.options if option.id in chosen]
        answers.append((question.text, "; ".join(labels)))
    return (*parts, Table("Answers to the classification", ("Question", "Answer"), tuple(answers)))


def model(material: Material) -> tuple[Part, ...]:
    """What was trained, and from what it can be made again."""
    face = material.face
    if face is None:
        return (NO_VERSION,)
    known, grade = face.version, face.grade
    gates = {gate.id: gate.title for gate in material.sheet.policy.gates}
    approved = ""
    if face.approval:
        gate = gates.get(face.approval.gate, face.approval.gate)
        approved = f"{day(face.approval.recorded_at)}, at the gate “{gate}”"
    facts = (
        ("Version", f"{known.version} ({material.state.lower()})"),
        ("Algorithm", known.algorithm),
        ("What it predicts", HOW.get(known.task or "", "Nothing as rows; cases judge it")),
        ("Registered", f"{day(known.recorded_at)} by {known.actor_name}"),
        ("Approved first, and frozen since", approved or "Not approved yet"),
        ("Notes", known.notes),
    )
    links = (
        ("Model file", shown_address(known.artifact_uri), known.artifact_sha256),
        ("Training data", shown_address(known.data_uri), known.data_sha256),
        ("Code", shown_address(known.code_uri), known.code_commit),
        ("Environment", shown_address(known.environment_uri), known.environment_sha256),
        ("Image of the machine", shown_address(known.image_uri), known.image_sha256),
        ("Snapshot of the metrics", shown_address(known.metrics_uri), known.metrics_sha256),
    )
    parts: list[Part] = [
        Facts(facts),
        Table("What it was made of", ("Part", "Address", "sha256 or commit"), links),
        Words(f"Reproducibility, grade {grade.rung} of 3: {grade.title}. {' '.join(grade.reasons)}"),
    ]
    if grade.rung < 2:
        lacking = [n.words for n in grade.needs if n.rung == 2 and not n.found]
        parts.append(
            Missing(
                f"for making it again: {list_words(lacking)}",
                "Register a version that records it."
                if face.approval
                else "Fill it in with 'governance version amend'.",
            )
        )
    return tuple(parts)


def data(material: Material) -> tuple[Part, ...]:
    """Which data it uses, how, and what is wrong with it."""
    parts: list[Part] = [
        Words(
            f"Marked as bad since {day(one.marked_at)} by {one.marked_by}: {one.name}. Reason: {one.reason}"
        )
        for one in material.bad
    ]
    rows = tuple(
        (
            line.source_name,
            line.owner,
            line.how.capitalize() + (f", version {line.version}" if line.version else ""),
            ", ".join(line.columns),
            "Yes" if line.personal_data else "No",
        )
        for line in material.data
    )
    if rows:
        headings = ("Data", "Owned by", "Used for", "Columns", "Personal data")
        return (*parts, Table("Data in use", headings, rows))
    return (*parts, Missing("which data it uses", "Record it with 'governance data use'."))


def performance(material: Material) -> tuple[Part, ...]:
    """The metrics recorded for this version."""
    if material.face is None:
        return (NO_VERSION,)
    metrics = material.face.version.metrics
    if not metrics:
        return (
            Missing("the metrics of this version", "Record them with 'governance version amend --metric'."),
        )
    rows = tuple(_metric_row(name, value) for name, value in metrics.items())
    return (Table("Recorded metrics", ("Metric", "Value", "Better", "What it leaves out"), rows),)


def _metric_row(name: str, value: float) -> tuple[str, str, str, str]:
    known = DECAY_METRICS.get(name) or SLICE_METRICS.get(name)
    direction = {"higher": "Higher", "lower": "Lower", "zero": "Nearest to 0"}
    better = direction.get(known.direction, "") if known else ""
    return metric_title(name), f"{value:.4g}", better, known.leaves_out if known else ""


def slices(material: Material) -> tuple[Part, ...]:
    """A metric by group, with its limit."""
    if material.face is None:
        return (NO_VERSION,)
    if not material.face.predictions:
        return (Missing("predictions to compare groups by", ADD_PREDICTIONS),)
    if not material.slices:
        return (Missing("a sensitive feature", "Name it with --sensitive when predictions are added."),)
    parts: list[Part] = []
    for one in material.slices:
        name = in_words(one.feature)
        if one.found is None:
            parts.append(Words(f"By {name} nothing can be told. {one.note}"))
            continue
        report, rule = one.found.report, one.found.rule
        limit = f"Limit: {rule}. " if rule else "No limit is set for this metric. "
        nobody = one.found.undeclared and f" It cannot be told which is good to get: {one.found.undeclared}."
        parts.append(Words(f"By {name}: {limit}{report.note}{nobody}"))
        rows = tuple(
            (
                line.label,
                f"{line.n:,}",
                level(line.value, report.metric.form),
                f"{level(line.interval.low, report.metric.form)} to "
                f"{level(line.interval.high, report.metric.form)}"
                if line.interval
                else "",
                (line.verdict or "not judged").replace("_", " ").capitalize(),
            )
            for line in report.slices
        )
        headings = ("Group", "Rows that count", report.metric.title, "95% interval", "Verdict")
        parts.append(Table(f"{report.metric.title} by {name}", headings, rows))
    parts.append(
        Words("These figures show how far groups are apart; none of them shows that a model is just.")
    )
    return tuple(parts)


def decay(material: Material) -> tuple[Part, ...]:
    """Estimates after release, and what came true."""
    if material.face is None:
        return (NO_VERSION,)
    if not material.face.predictions:
        return (Missing("predictions to watch", ADD_PREDICTIONS),)
    view = material.decay
    if view is None:
        return (Missing("estimates of its performance", "Make them with 'governance monitoring refresh'."),)
    newest, unit = view.chunks[-1], view.metric.unit
    trust = {
        "pass": "The estimates can be trusted as far as can be told: nothing speaks against them.",
        "fail": "The estimates cannot be trusted: {}.",
        "cannot_tell": "Whether the estimates can be trusted cannot be told: {}.",
    }
    facts = (
        ("Metric", view.metric.title),
        ("Newest chunk", newest.name),
        ("Estimated", share(newest.estimate, unit)),
        ("Realised", share(newest.realised, unit)),
        ("Realised worse", f"{view.realised_worse} of {amount(view.known, 'chunk')} with outcomes"),
        ("Estimated worse", f"{view.worse} of {amount(len(view.analysis), 'chunk')} after the reference"),
    )
    said = trust[view.trusted].format(said_against(view.judgement))
    return (Facts(facts), Words(f"{said[:-1]} (by {TRUSTED_BY})."))


def limits(material: Material) -> tuple[Part, ...]:
    """What is known to be weak, and what nobody can tell."""
    found = list(_limits(material))
    parts: tuple[Part, ...] = tuple(Words(text) for text in found)
    advice = Missing(
        "a description of known limits in people's own words", "Write it beside this section, with cases."
    )
    return (*parts, advice)


def _limits(material: Material) -> list[str]:
    said = [f"It uses data that is marked as bad: {one.name}." for one in material.bad]
    for one in material.slices:
        if one.found is None:
            continue
        small = [line.label for line in one.found.report.slices if line.too_small]
        if small:
            name = in_words(one.feature)
            said.append(f"Too few rows to judge, by {name}: {list_words(small)}.")
    if material.decay is not None:
        said.append(
            "Estimates of decay assume that the same inputs still lead to the same outcomes; where that "
            "changes, only realised values can show it."
        )
    for run in material.checks:
        if run.verdict == "cannot_tell":
            said.append(f"Cannot tell: {run.message.rstrip('.')}.")
    if material.face is not None and material.face.grade.rung < 3:
        said.append(f"It cannot be started again exactly as it was: {material.face.grade.title.lower()}.")
    return said


_WRITERS: dict[str, Callable[[Material], tuple[Part, ...]]] = {
    "use": use,
    "risk": risk,
    "model": model,
    "data": data,
    "performance": performance,
    "slices": slices,
    "decay": decay,
    "limits": limits,
    "decisions": document_process.decisions,
    "waivers": document_process.waivers,
    "requirements": document_process.requirements,
    "checks": document_process.checks,
    "frameworks": document_frameworks.frameworks,
    "history": document_process.history,
    "origin": document_process.origin,
}


def document(
    governance: Governance, moment: Moment, *, initiative: str, kind: str = "card", version: str = ""
) -> Document:
    """Write a model card or technical file as of a moment; without a version it is about the current one."""
    chosen = _kind(kind)
    material = gather(governance, moment, initiative, version)
    noted = _wordings(governance, moment, initiative, chosen)
    sections = []
    for definition in sections_of(chosen):
        parts, wordings = _WRITERS[definition.id](material), noted.get(definition.id, ())
        note = wordings[-1] if wordings and wordings[-1].text else None
        if definition.id == "limits" and note is not None:
            parts = parts[:-1]  # somebody has described them: nothing is missing
        sections.append(Section(definition, parts, note, len(wordings)))
    known = material.sheet.initiative
    return Document(
        chosen,
        initiative,
        known.name,
        material.version,
        moment.at,
        moment.seq,
        digest_at(governance.store, moment.seq) or "",
        tuple(sections),
    )


def note_history(
    governance: Governance,
    moment: Moment,
    *,
    initiative: InitiativeId,
    kind: OfKind = "card",
    section: SectionId,
) -> tuple[Note, ...]:
    """List what people wrote beside a section, newest first.

    Returns
    -------
    tuple of Note
        Every wording; an empty text is where one was taken back.
    """
    registered(governance, initiative, moment)
    found = _wordings(governance, moment, initiative, _kind(kind))
    return tuple(reversed(found.get(section, ())))


def write_document_text(governance: Governance, command: WriteDocumentText) -> None:
    """Write beside the generated text of a section; the generated text stays, and so do earlier wordings."""
    case = begin(governance, command)
    initiative = case.initiative.initiative
    known = {section.id: section.title for section in sections_of(command.kind)}
    if command.section not in known:
        raise NotFound(
            f"a {KINDS[command.kind].lower()} has no section '{command.section[:40]}'",
            remedy=f"Use one of: {', '.join(known)}.",
        )
    earlier = note_history(
        governance, case.moment, initiative=initiative, kind=command.kind, section=command.section
    )
    if command.seen is not None and len(earlier) != command.seen:
        raise Conflict(
            f"{earlier[0].author} wrote in “{known[command.section]}” meanwhile"
            if earlier
            else "the section is not as you saw it",
            where=command.initiative,
            remedy="Read it, then write again.",
        )
    if command.text == (earlier[0].text if earlier else ""):
        raise BadInput("nothing would change", where=command.section, remedy="Write another text.")
    said = DocumentText(initiative=initiative, kind=command.kind, section=command.section, text=command.text)
    case.put("document_text_written" if command.text else "document_text_taken_back", said)


def _wordings(
    governance: Governance, moment: Moment, initiative: str, kind: Kind
) -> dict[str, tuple[Note, ...]]:
    """Every wording beside each section, oldest first; a text is empty where one was taken back."""
    names = directory.names(governance.store, moment)
    found: dict[str, tuple[Note, ...]] = {}
    for said in history(governance.store, DocumentText, moment, initiative):
        if said.kind == kind:
            before = found.get(said.section, ())
            note = Note(names[said.actor], said.recorded_at, said.text, len(before) + 1)
            found[said.section] = (*before, note)
    return found


def _kind(kind: str) -> Kind:
    for known in KINDS:
        if known == kind:
            return known
    raise NotFound(f"'{kind[:40]}' is no kind of document", remedy=f"Use one of: {', '.join(KINDS)}.")
