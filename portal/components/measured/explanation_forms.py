"""What people choose on the explanations page, kept in the address, and what brings explanations about."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.connectors.model_files import FORMATS
from core.domain.commands import make
from core.domain.errors import GovernanceError
from core.services.jobs import start_job
from core.services.measured.explanations import (
    SAMPLE_ROWS,
    AddAttributions,
    ExplainVersion,
    KeepModel,
    add_attributions,
    explain_version,
    keep_model,
)
from portal.components.desk import Desk, job_bar, show_problem
from portal.components.forms import closed_because, give
from portal.components.text import escape, humanise, number, percent
from portal.components.url_inputs import set_url, url_choice, url_text, url_value

if TYPE_CHECKING:
    from core.lake.monitoring.attributions import NotableRow
    from core.services.jobs import JobControl
    from core.services.measured.explanation_view import ExplainableVersion, ExplanationReport, GroupsApart


VIEW = ("feature", "row", "by", "first", "second")
KINDS = {"highest": "highest score", "lowest": "lowest score", "mistake": "mistake, far from the middle"}


def model_input(known: ExplainableVersion, versions: Sequence[ExplainableVersion]) -> None:
    """Let people choose another model or version; the view of this one is let go."""
    models = {}
    for one in versions:
        explained = any(v.explained for v in versions if v.initiative == one.initiative)
        models[one.initiative] = one.name + ("" if explained else " (not explained)")
    own = {
        one.version: one.version + ("" if one.explained else " (not explained)")
        for one in versions
        if one.initiative == known.initiative
    }
    left, right = st.columns([2, 1])
    with left:
        url_choice("Model", models, "id", default=known.initiative, clears=("version", *VIEW))
    with right:
        url_choice("Version, newest first", own, "version", default=known.version, clears=VIEW)


def feature_input(report: ExplanationReport) -> str:
    """Let people choose a feature; the strongest where none is named."""
    titles = {one.feature: f"{humanise(one.feature)}, {percent(one.share)} of all" for one in report.features}
    return url_choice("Feature, strongest first", titles, "feature", default=report.features[0].feature)


def follow_click(chart: str, clicked: str | None) -> None:
    """Go to the feature whose bar was clicked, once: a click that stands from before does not count again."""
    seen = st.session_state.get(f"clicked-{chart}")
    st.session_state[f"clicked-{chart}"] = clicked
    if clicked and clicked != seen:
        set_url(feature=clicked)
        st.rerun()


def row_input(notable: Sequence[NotableRow]) -> str:
    """Let people name a row, or take one that is worth a look; give its id."""
    default = notable[0].row_id if notable else ""
    left, right = st.columns([1, 1])
    titles: dict[str, str] = {}
    with left:
        for row in notable:
            score = "" if row.raw_score is None else f", score {number(row.raw_score, 2)}"
            titles.setdefault(row.row_id, f"{row.row_id}: {KINDS[row.kind]}{score}")
        chosen = url_value("row", default)
        if chosen not in titles:
            titles = {"": "Choose one of these", **titles}
        st.session_state["pick-row"] = chosen if chosen in titles else ""
        st.selectbox(
            "Worth a look",
            list(titles),
            key="pick-row",
            format_func=lambda one: titles[one],
            on_change=_row_to_address,
        )
    with right:
        typed = url_text("Or the id of a row", "row", placeholder="Row id")
    return typed.strip() or default


def _row_to_address() -> None:
    set_url(row=st.session_state["pick-row"])


def column_input(report: ExplanationReport) -> str:
    """Let people choose the column whose groups are held apart; sensitive ones stand first."""
    titles = {
        name: humanise(name) + (" (sensitive)" if name in report.sensitive else "") for name in report.groups
    }
    default = report.groups[0] if report.groups else ""
    return url_choice("Groups by", titles, "by", default=default, clears=("first", "second"))


def group_names() -> tuple[str, ...]:
    """The two groups in the address; nothing where it does not name both."""
    first, second = url_value("first"), url_value("second")
    return (first, second) if first and second and first != second else ()


def groups_input(found: GroupsApart) -> None:
    """Let people choose the two groups."""
    titles = {group.name: f"{group.name} ({group.rows:,} rows)" for group in found.groups}
    chosen = (found.gap.first.name, found.gap.second.name)
    for place, (column, label, param) in enumerate(
        zip(st.columns(2), ("First group", "Second group"), ("first", "second"), strict=True)
    ):
        st.session_state[f"group-{param}"] = chosen[place]
        with column:
            st.selectbox(
                label,
                list(titles),
                key=f"group-{param}",
                format_func=lambda one: titles[one],
                on_change=_groups_to_address,
            )


def _groups_to_address() -> None:
    set_url(first=st.session_state["group-first"], second=st.session_state["group-second"])


KIND = "explain_model"
_SCALES = {
    "": "As the task suggests",
    "log_odds": "Log odds",
    "probability": "Probability",
    "output": "The prediction itself",
    "log": "Logarithm of the prediction",
    "raw": "Another raw score",
}


def explaining_bar(desk: Desk, known: ExplainableVersion) -> bool:
    """Show explanations of this version that are at work; tell whether one is."""
    return job_bar(desk, _subject(known), kind=KIND)


def explaining_forms(desk: Desk, known: ExplainableVersion, *, kept: bool, opened: bool) -> None:
    """Offer what brings an explanation about, folded away unless there is none yet."""
    label = "Explain again, or bring attributions" if not opened else "Bring an explanation about"
    with st.expander(label, expanded=opened, icon=":material/upload_file:"):
        refused = closed_because(desk, "explain_model", known.initiative)
        if refused:
            st.caption(escape(refused))
            return
        left, right = st.columns(2)
        with left:
            _model_form(desk, known)
            if kept:
                _run_form(desk, known)
        with right:
            _upload_form(desk, known)


def explain_row(desk: Desk, known: ExplainableVersion, row: str) -> None:
    """Offer to explain one more row, by a job that other pages do not stop."""
    if closed_because(desk, "explain_model", known.initiative):
        return
    if st.button("Explain this row too", icon=":material/play_arrow:", key="explain-row"):
        _start(desk, known, rows=SAMPLE_ROWS, row=(row,))


def _model_form(desk: Desk, known: ExplainableVersion) -> None:
    with st.form("model-file", clear_on_submit=True):
        st.markdown("**Keep the model file**")
        st.caption(f"{', '.join(FORMATS.values())}. A pickle is refused: opening one can run any code.")
        file = st.file_uploader("Model file", max_upload_size=256, key="model-file-upload")
        sent = st.form_submit_button("Keep it", icon=":material/inventory_2:")
    if sent and file is not None:
        with tempfile.TemporaryDirectory() as folder:
            path = _laid(folder, file)
            named = {"initiative": known.initiative, "version": known.version, "name": file.name}
            done = "The model file is kept; its predictions can be explained."
            if give(desk, keep_model, KeepModel, done=done, **named, file=path):
                st.rerun()


def _run_form(desk: Desk, known: ExplainableVersion) -> None:
    with st.form("explain-run"):
        st.markdown("**Explain with the kept model**")
        rows = st.number_input("Rows to sample", 100, 1_000_000, SAMPLE_ROWS, step=1000)
        sent = st.form_submit_button("Explain", type="primary", icon=":material/play_arrow:")
    if sent:
        _start(desk, known, rows=int(rows), row=())


def _upload_form(desk: Desk, known: ExplainableVersion) -> None:
    with st.form("attributions"):
        st.markdown("**Add attributions made elsewhere**")
        st.caption("Parquet with the column row_id and one column a feature; raw_score where it is known.")
        file = st.file_uploader("Attributions", type=["parquet"], key="attributions-upload")
        left, right = st.columns(2)
        base = left.text_input("Base value", placeholder="-0.42", help="Score before any feature is known.")
        scale = right.selectbox("They add up to", list(_SCALES), format_func=lambda one: _SCALES[one])
        method = left.text_input("How they were made", max_chars=100, placeholder="KernelSHAP, 500 samples")
        unused = right.text_input("Columns not used", placeholder="region, channel", max_chars=500)
        sent = st.form_submit_button("Add attributions", icon=":material/upload_file:")
    if not sent or file is None:
        return
    try:
        base_value = float(base) if base.strip() else None
    except ValueError:
        st.error(escape(f"'{base[:40]}' is no number. Write the base value like -0.42."))
        return
    with tempfile.TemporaryDirectory() as folder:
        given = give(
            desk,
            add_attributions,
            AddAttributions,
            done="The attributions are on record.",
            initiative=known.initiative,
            version=known.version,
            file=_laid(folder, file),
            name=file.name,
            scale=scale,
            base_value=base_value,
            method=method,
            unused=tuple(name.strip() for name in unused.split(",") if name.strip()),
        )
    if given:
        st.rerun()


def _laid(folder: str, file: Any) -> Path:
    path = Path(folder) / "upload"
    path.write_bytes(file.getvalue())
    return path


def _start(desk: Desk, known: ExplainableVersion, *, rows: int, row: tuple[str, ...]) -> None:
    """Start the job that explains; what goes wrong in it is shown by its bar."""
    try:
        command = make(
            ExplainVersion,
            actor=desk.actor,
            at=desk.moment.at,
            initiative=known.initiative,
            version=known.version,
            rows=rows,
            row=row,
        )
    except GovernanceError as problem:
        show_problem(problem)
        return
    governance = desk.governance

    def work(control: JobControl) -> str:
        found = explain_version(governance, command, on_progress=control.follow, cancelled=control.cancelled)
        return f"{found:,} scores of version {known.version} are explained."

    start_job(KIND, _subject(known), work, desk.actor)
    st.rerun()


def _subject(known: ExplainableVersion) -> str:
    return f"{known.initiative}/{known.version}"
