"""Forms of the initiative's sheet: each gives one command, and keeps what was typed when it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from core.domain.commands import (
    AmendInitiative,
    Command,
    OverrideClassification,
    RegisterModelVersion,
    SubmitEvidence,
    make,
)
from core.domain.errors import BadInput, GovernanceError
from core.domain.process.commands import PullModel
from core.services.models.versions import register_model_version
from core.services.process.evidence import submit_evidence
from core.services.process.gates import pull_model
from core.services.process.initiatives import amend_initiative, override_classification
from core.services.process.permitted import refusal
from portal.components.desk import Desk, show_problem
from portal.components.text import escape

if TYPE_CHECKING:
    from core.domain.policy.policy import Measure
    from core.services.governance import Governance
    from core.services.process.inventory import InitiativeSheet

C = TypeVar("C", bound=Command)
TASKS = {"binary": "Yes or no", "multiclass": "One of several classes", "regression": "A number"}
_LINKS = (
    ("artifact_uri", "Address of the model file", "s3://models/scoring/1"),
    ("artifact_sha256", "Its sha256", "64 hexadecimal digits"),
    ("data_uri", "Address of the training data", "s3://data/scoring"),
    ("data_sha256", "Its sha256", "64 hexadecimal digits"),
    ("code_uri", "Address of the code", "https://git.example.org/scoring"),
    ("code_commit", "Full commit", "40 or 64 hexadecimal digits"),
    ("environment_uri", "Address of the environment's lock file", "https://git.example.org/scoring/lock"),
    ("environment_sha256", "Its sha256", "64 hexadecimal digits"),
    ("image_uri", "Address of the image of the machine", "oci://images/scoring"),
    ("image_sha256", "Its sha256", "64 hexadecimal digits"),
    ("metrics_uri", "Address of the snapshot of the metrics", "s3://metrics/scoring/1"),
    ("metrics_sha256", "Its sha256", "64 hexadecimal digits"),
)
_ROLES = {"champion": "The current version at once", "challenger": "A challenger beside the current one"}
_DATA_KINDS = {"": "Not said", "full": "In full", "sample": "As a sample"}


@dataclass(frozen=True)
class Given:
    """A command that was let through, with the service's answer (which may be None)."""

    answer: Any


def give(
    desk: Desk, service: Callable[[Governance, C], Any], kind: type[C], /, *, done: str, **values: Any
) -> Given | None:
    """Make a command of what was typed and give it; a refusal is shown in one sentence and gives None."""
    try:
        command = make(kind, actor=desk.actor, at=desk.moment.at, **values)
    except GovernanceError as problem:
        show_problem(problem)
        return None
    return desk.act(lambda governance, made: Given(service(governance, made)), command, done=done)


def closed_because(desk: Desk, action: str) -> str:
    """Say why this desk may not take an action, or nothing where it may."""
    if desk.in_past:
        return "You are reading an earlier day, where nothing can be changed."
    return refusal(desk.governance, desk.actor, action)


def evidence_form(desk: Desk, initiative: str, measure: Measure) -> bool:
    """Ask for evidence of a measure, a link or a file; True when it was submitted."""
    with st.form(f"evidence-{measure.id}"):
        st.markdown(f"Wanted: {escape(measure.evidence)}.")
        title = st.text_input("Title of the evidence", max_chars=100, placeholder="Log of the retraining run")
        link = st.text_input("Link", max_chars=500, placeholder="https://…")
        file = st.file_uploader("Or a file", help="Kept by its digest, up to 25 MiB.", max_upload_size=25)
        if not st.form_submit_button("Submit evidence", type="primary", icon=":material/upload_file:"):
            return False
    given = give(
        desk,
        submit_evidence,
        SubmitEvidence,
        done=f"Evidence for “{measure.title}” is on record.",
        initiative=initiative,
        measure=measure.id,
        title=title,
        link=link.strip(),
        file_name=file.name if file else "",
        content=file.getvalue() if file else b"",
    )
    return given is not None


def version_form(desk: Desk, sheet: InitiativeSheet) -> bool:
    """Ask for a model version with its links; True when it was registered."""
    with st.form("version"):
        left, right = st.columns(2)
        label = left.text_input("Version", value=_next_version(sheet), max_chars=20)
        algorithm = right.text_input("Algorithm", max_chars=100, placeholder="Gradient boosting")
        task = left.selectbox("What it predicts", list(TASKS), format_func=lambda task: TASKS[task])
        notes = right.text_input("Notes", max_chars=2000, placeholder="What changed since the last version")
        role = left.selectbox("It becomes", list(_ROLES), format_func=lambda one: _ROLES[one])
        kind = right.selectbox(
            "Training data is kept", list(_DATA_KINDS), format_func=lambda one: _DATA_KINDS[one]
        )
        links = {
            field: (left, right)[place % 2].text_input(title, placeholder=hint, key=f"version-{field}")
            for place, (field, title, hint) in enumerate(_LINKS)
        }
        metrics = st.text_area(
            "Metrics",
            placeholder="roc_auc = 0.81",
            help="One metric a line, as name = value.",
            height=90,
            key="version-metrics",
        )
        st.caption(
            "What is left out can be filled in until the version is approved. Once it is current, evidence "
            "and checks of the version before it stop counting."
        )
        if not st.form_submit_button("Register the version", type="primary", icon=":material/add:"):
            return False
    try:
        values = metrics_typed(metrics)
    except BadInput as problem:
        show_problem(problem)
        return False
    given = give(
        desk,
        register_model_version,
        RegisterModelVersion,
        done=f"Version {label} is registered."
        + (" Its checks run when it is promoted." if role == "challenger" else " Its checks have run."),
        initiative=sheet.initiative.initiative,
        version=label.strip(),
        algorithm=algorithm,
        task=task,
        notes=notes,
        role=role,
        data_kind=kind,
        metrics=values,
        **{field: value.strip() for field, value in links.items()},
    )
    return given is not None


def override_form(desk: Desk, sheet: InitiativeSheet) -> bool:
    """Ask for another class and the reason for it; True when it was overridden."""
    known = sheet.initiative
    others = {c.id: c.title for c in sheet.policy.classes if c.id != known.class_id}
    with st.form("override"):
        class_id = st.selectbox("Put it into class", list(others), format_func=lambda chosen: others[chosen])
        why = st.text_area(
            "Reason", max_chars=2000, help="At least 20 characters; it stays on record.", height=90
        )
        if not st.form_submit_button("Override the class", icon=":material/gavel:"):
            return False
    given = give(
        desk,
        override_classification,
        OverrideClassification,
        done="The class is overridden, and the reason is on record.",
        initiative=known.initiative,
        class_id=class_id,
        justification=why,
    )
    return given is not None


def amend_form(desk: Desk, sheet: InitiativeSheet) -> bool:
    """Ask for another name, purpose, owner or builder; True when it was amended."""
    known = sheet.initiative
    people = {person.id: person.name for person in desk.governance.people()}
    with st.form("amend"):
        left, right = st.columns(2)
        name = left.text_input("Name", value=known.name, max_chars=100)
        short_name = right.text_input("Short name", value=known.short_name, max_chars=64)
        purpose = st.text_area("Purpose", value=known.purpose, max_chars=2000, height=90)
        owner = _person("Owner", people, known.owner, left)
        builder = _person("Builder", people, known.builder, right)
        if not st.form_submit_button("Save", type="primary", icon=":material/save:"):
            return False
    given = give(
        desk,
        amend_initiative,
        AmendInitiative,
        done="Amended; what it was before stays on record.",
        initiative=known.initiative,
        name=name,
        short_name=short_name,
        purpose=purpose,
        owner=owner or None,
        builder=builder or None,
    )
    return given is not None


def metrics_typed(text: str) -> dict[str, float]:
    """Read metrics typed one a line as `name = value`.

    Raises
    ------
    BadInput
        Naming the line that cannot be read.

    Examples
    --------
    >>> metrics_typed("roc_auc = 0.81")
    {'roc_auc': 0.81}
    """
    found: dict[str, float] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, _, value = line.replace(":", "=").partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError as error:
            raise BadInput(
                f"'{line[:60]}' is no metric", where="metrics", remedy="Write one a line: roc_auc = 0.81."
            ) from error
    return found


def _person(label: str, people: Mapping[str, str], current: str, place: Any) -> str:
    options = list(people) if current in people else [current, *people]
    titles = {person: people.get(person, person or "–") for person in options}
    chosen = place.selectbox(label, options, index=options.index(current), format_func=titles.get)
    return str(chosen)


def _next_version(sheet: InitiativeSheet) -> str:
    numbers = [int(one.version) for one in sheet.versions if one.version.isdecimal()]
    return str(max(numbers, default=0) + 1) if numbers or not sheet.versions else ""


def pull_form(desk: Desk, sheet: InitiativeSheet) -> None:
    """Offer to take a live model out of production at once, with the reason."""
    because = closed_because(desk, "pull_model")
    with st.popover(
        "Pull out of production", icon=":material/block:", disabled=bool(because), help=because or None
    ):
        reason = st.text_input("Why", max_chars=2000, key="pull-reason")
        st.caption("The gate is blocked on record at once; it opens again only by a new decision.")
        pressed = st.button("Pull it now", type="primary", key="pull-now")
    if pressed and give(
        desk,
        pull_model,
        PullModel,
        done="The model is out of production; the reason is on record.",
        initiative=sheet.initiative.initiative,
        reason=reason,
    ):
        st.rerun()
