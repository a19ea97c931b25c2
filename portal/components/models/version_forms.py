"""What can be done with a version: promote, retire, fill in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.commands import AmendModelVersion, PromoteVersion, RetireVersion
from core.domain.facts.recorded import values_of
from core.services.models.versions import amend_model_version, promote_version, retire_version
from portal.components.forms import Ask, form
from portal.components.initiative.forms import LINKS

if TYPE_CHECKING:
    from core.services.models.version_comparison import VersionFace
    from portal.components.desk import Desk

_KINDS = {"": "As it is", "full": "In full", "sample": "A sample"}


def version_actions(desk: Desk, initiative: str, faces: Sequence[VersionFace]) -> None:
    """Offer to promote, retire or fill in one of the versions; say why where that is not possible."""
    titles = {face.version.version: f"{face.version.version} ({face.version.state})" for face in faces}
    by_version = {face.version.version: face for face in faces}
    version = st.selectbox("Version", list(titles), format_func=lambda one: titles[one], key="act-version")
    face = by_version[version]
    promote, retire, amend = st.tabs(["Promote", "Retire", "Fill in"])
    with promote:
        _promote(desk, initiative, face)
    with retire:
        _retire(desk, initiative, face)
    with amend:
        _amend(desk, initiative, face)


def _promote(desk: Desk, initiative: str, face: VersionFace) -> None:
    version = face.version.version
    ask = Ask(
        "Promote",
        f"Version {version} is now the current one.",
        icon=":material/upgrade:",
        primary=True,
        says="It becomes the current version; the gates are decided anew for it.",
        fixed={"initiative": initiative, "version": version},
        because="This is the current version already." if face.version.state == "champion" else "",
    )
    form(desk, promote_version, PromoteVersion, ask)


def _retire(desk: Desk, initiative: str, face: VersionFace) -> None:
    version, state = face.version.version, face.version.state
    current = "It is the current version. Without it none counts until you promote another one."
    ask = Ask(
        "Retire",
        f"Version {version} is retired.",
        icon=":material/archive:",
        primary=True,
        says=current if state == "champion" else "",
        fixed={"initiative": initiative, "version": version},
        because="This version is retired already." if state == "retired" else "",
    )
    form(desk, retire_version, RetireVersion, ask)


def _amend(desk: Desk, initiative: str, face: VersionFace) -> None:
    version = face.version.version
    there = values_of(face.version)
    on = f"{face.approval.recorded_at:%Y-%m-%d}" if face.approval else ""
    ask = Ask(
        "Fill in",
        f"Version {version} is amended.",
        icon=":material/edit:",
        primary=True,
        says="What you leave empty stays as it is; what was there before stays on record.",
        rows=(*LINKS, ("data_kind", "notes"), "metrics", "reason"),
        fixed={"initiative": initiative, "version": version},
        choices={"data_kind": _KINDS},
        titles={"environment_uri": "Address of the lock file", "metrics": "Metrics to add"},
        hints={link: str(there[link] or "Not recorded") for pair in LINKS for link in pair}
        | {"notes": face.version.notes},
        because=f"Approved on {on}, and frozen since. Register a new version instead." if on else "",
    )
    form(desk, amend_model_version, AmendModelVersion, ask)
