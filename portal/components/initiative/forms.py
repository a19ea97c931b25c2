"""Forms of the initiative's sheet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from core.domain.commands import (
    AmendInitiative,
    OverrideClassification,
    RegisterModelVersion,
    SubmitEvidence,
)
from core.domain.process.commands import PullModel
from core.services.models.versions import register_model_version
from core.services.process.evidence import submit_evidence
from core.services.process.gates import pull_model
from core.services.process.initiatives import amend_initiative, override_classification
from portal.components.forms import Ask, Values, form, unfolding_form
from portal.components.text import escape

if TYPE_CHECKING:
    from core.domain.policy.policy import Measure
    from core.services.process.inventory import InitiativeSheet
    from portal.components.desk import Desk

TASKS = {"binary": "Yes or no", "multiclass": "One of several classes", "regression": "A number"}
LINKS = (
    ("artifact_uri", "artifact_sha256"),
    ("data_uri", "data_sha256"),
    ("code_uri", "code_commit"),
    ("environment_uri", "environment_sha256"),
    ("image_uri", "image_sha256"),
    ("metrics_uri", "metrics_sha256"),
)
_ROLES = {"champion": "The current version at once", "challenger": "A challenger beside the current one"}
_DATA_KINDS = {"": "Not said", "full": "In full", "sample": "As a sample"}


def evidence_form(desk: Desk, initiative: str, measure: Measure, *, then: Callable[[], None]) -> None:
    """Ask for evidence of a measure, a link or a file."""
    ask = Ask(
        "Submit evidence",
        f"Evidence for “{measure.title}” is on record.",
        icon=":material/upload_file:",
        primary=True,
        says=f"Wanted: {escape(measure.evidence)}.",
        rows=("title", "link", "content"),
        fixed={"initiative": initiative, "measure": measure.id},
        then=then,
    )
    form(desk, submit_evidence, SubmitEvidence, ask)


def version_form(desk: Desk, sheet: InitiativeSheet) -> None:
    """Ask for a model version with its links."""
    ask = Ask(
        "Register the version",
        _registered,
        icon=":material/add:",
        primary=True,
        rows=(("version", "algorithm"), ("task", "notes"), ("role", "data_kind"), *LINKS, "metrics"),
        fixed={"initiative": sheet.initiative.initiative},
        choices={"task": TASKS, "role": _ROLES, "data_kind": _DATA_KINDS},
        first={"version": _next_version(sheet)},
        note="What is left out can be filled in until the version is approved. Once it is current, evidence "
        "and checks of the version before it stop counting.",
    )
    form(desk, register_model_version, RegisterModelVersion, ask)


def _registered(given: Values) -> str:
    later = (
        " Its checks run when it is promoted." if given["role"] == "challenger" else " Its checks have run."
    )
    return f"Version {given['version']} is registered.{later}"


def override_form(desk: Desk, sheet: InitiativeSheet, because: str) -> None:
    """Ask for another class and the reason for it."""
    known = sheet.initiative
    ask = Ask(
        "Override the class",
        "The class is overridden, and the reason is on record.",
        icon=":material/gavel:",
        fixed={"initiative": known.initiative},
        choices={"class_id": {c.id: c.title for c in sheet.policy.classes if c.id != known.class_id}},
        because=because,
    )
    form(desk, override_classification, OverrideClassification, ask)


def amend_form(desk: Desk, sheet: InitiativeSheet) -> None:
    """Ask for another name, purpose, owner or builder."""
    known = sheet.initiative
    people = {person.id: person.name for person in desk.governance.people()}
    ask = Ask(
        "Save",
        "Amended; what it was before stays on record.",
        icon=":material/save:",
        primary=True,
        rows=(("name", "short_name"), ("owner", "builder"), "purpose"),
        fixed={"initiative": known.initiative},
        choices={role: _with(people, getattr(known, role)) for role in ("owner", "builder")},
        first={name: getattr(known, name) for name in ("name", "short_name", "purpose", "owner", "builder")},
    )
    form(desk, amend_initiative, AmendInitiative, ask)


def _with(people: Mapping[str, str], current: str) -> Mapping[str, str]:
    return people if current in people else {current: current or "–", **people}


def _next_version(sheet: InitiativeSheet) -> str:
    numbers = [int(one.version) for one in sheet.versions if one.version.isdecimal()]
    return str(max(numbers, default=0) + 1) if numbers or not sheet.versions else ""


def pull_form(desk: Desk, sheet: InitiativeSheet) -> None:
    """Offer to take a live model out of production at once, with the reason."""
    ask = Ask(
        "Pull it now",
        "The model is out of production; the reason is on record.",
        primary=True,
        fixed={"initiative": sheet.initiative.initiative},
        note="The gate is blocked on record at once; it opens again only by a new decision.",
    )
    unfolding_form(desk, pull_model, PullModel, "Pull out of production", ":material/block:", ask)
