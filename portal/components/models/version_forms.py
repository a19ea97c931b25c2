"""What can be done with a version: promote, retire, fill in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.commands import AmendModelVersion, PromoteVersion, RetireVersion
from core.domain.errors import BadInput
from core.domain.facts.recorded import values_of
from core.services.models.versions import amend_model_version, promote_version, retire_version
from portal.components.desk import show_problem
from portal.components.forms import closed_because, give, metrics_typed
from portal.components.text import escape

if TYPE_CHECKING:
    from core.services.models.version_comparison import VersionFace
    from portal.components.desk import Desk

_FIELDS = (
    ("artifact_uri", "Address of the model file"),
    ("artifact_sha256", "Its sha256"),
    ("data_uri", "Address of the training data"),
    ("data_sha256", "Its sha256"),
    ("code_uri", "Address of the code"),
    ("code_commit", "Full commit"),
    ("environment_uri", "Address of the lock file"),
    ("environment_sha256", "Its sha256"),
    ("image_uri", "Address of the image of the machine"),
    ("image_sha256", "Its sha256"),
    ("metrics_uri", "Address of the snapshot of the metrics"),
    ("metrics_sha256", "Its sha256"),
)
_KINDS = {"": "As it is", "full": "In full", "sample": "A sample"}


def version_actions(desk: Desk, initiative: str, faces: Sequence[VersionFace]) -> None:
    """Offer to promote, retire or fill in one of the versions; say why where that is not possible."""
    titles = {face.version.version: f"{face.version.version} ({face.version.state})" for face in faces}
    by_version = {face.version.version: face for face in faces}
    version = st.selectbox("Version", list(titles), format_func=lambda one: titles[one], key="act-version")
    face = by_version[version]
    promote, retire, amend = st.tabs(["Promote", "Retire", "Fill in"])
    with promote:
        if _promote(desk, initiative, face):
            st.rerun()
    with retire:
        if _retire(desk, initiative, face):
            st.rerun()
    with amend:
        if _amend(desk, initiative, face):
            st.rerun()


def _promote(desk: Desk, initiative: str, face: VersionFace) -> bool:
    because = closed_because(desk, "promote_version")
    if not because and face.version.state == "champion":
        because = "This is the current version already."
    if because:
        st.caption(escape(because))
        return False
    version = face.version.version
    with st.form("promote"):
        st.markdown("It becomes the current version; the gates are decided anew for it.")
        why = st.text_area("Why", max_chars=2000, height=70, key="promote-why")
        if not st.form_submit_button("Promote", type="primary", icon=":material/upgrade:"):
            return False
    done = f"Version {version} is now the current one."
    one = {"initiative": initiative, "version": version, "reason": why}
    return give(desk, promote_version, PromoteVersion, done=done, **one) is not None


def _retire(desk: Desk, initiative: str, face: VersionFace) -> bool:
    because = closed_because(desk, "retire_version")
    if not because and face.version.state == "retired":
        because = "This version is retired already."
    if because:
        st.caption(escape(because))
        return False
    version = face.version.version
    with st.form("retire"):
        if face.version.state == "champion":
            st.markdown("It is the current version. Without it none counts until you promote another one.")
        why = st.text_area("Why", max_chars=2000, height=70, key="retire-why")
        if not st.form_submit_button("Retire", type="primary", icon=":material/archive:"):
            return False
    one = {"initiative": initiative, "version": version, "reason": why}
    return give(desk, retire_version, RetireVersion, done=f"Version {version} is retired.", **one) is not None


def _amend(desk: Desk, initiative: str, face: VersionFace) -> bool:
    because = closed_because(desk, "register_model_version")
    if not because and face.approval:
        on = f"{face.approval.recorded_at:%Y-%m-%d}"
        because = f"Approved on {on}, and frozen since. Register a new version instead."
    if because:
        st.caption(escape(because))
        return False
    version = face.version.version
    with st.form(f"amend-{version}"):
        st.markdown("What you leave empty stays as it is; what was there before stays on record.")
        left, right = st.columns(2)
        there = values_of(face.version)
        links = {
            field: (left, right)[place % 2].text_input(
                label,
                placeholder=str(there[field] or "Not recorded"),
                key=f"amend-{version}-{field}",
            )
            for place, (field, label) in enumerate(_FIELDS)
        }
        kind = left.selectbox("Training data is kept", list(_KINDS), format_func=lambda one: _KINDS[one])
        notes = right.text_input("Notes", max_chars=2000, placeholder=face.version.notes)
        metrics = st.text_area("Metrics to add", placeholder="roc_auc = 0.81", height=70)
        why = st.text_input("Why", max_chars=2000, placeholder="It was left out at registration")
        if not st.form_submit_button("Fill in", type="primary", icon=":material/edit:"):
            return False
    try:
        values = metrics_typed(metrics)
    except BadInput as problem:
        show_problem(problem)
        return False
    given = give(
        desk,
        amend_model_version,
        AmendModelVersion,
        done=f"Version {version} is amended.",
        initiative=initiative,
        version=version,
        reason=why,
        notes=notes,
        data_kind=kind,
        metrics=values,
        **{field: value.strip() for field, value in links.items()},
    )
    return given is not None
