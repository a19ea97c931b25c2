"""Batches of a model version: what is there, what was odd, the columns kept, and adding a file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.connectors.prediction_files import SUFFIXES
from core.domain.errors import GovernanceError
from core.domain.models.column_mapping import KINDS, NEITHER, score_words
from core.services.measured.predictions import (
    ADDING,
    AddPredictions,
    WithdrawPredictions,
    preview_file,
    start_adding,
    withdraw_predictions,
)
from core.services.models.amendments import AmendColumns, DeclareOutcome, amend_columns, declare_outcome
from core.services.use_case import lay
from portal.components.cards import Card, cards, facts
from portal.components.desk import Desk, job_bar, show_problem
from portal.components.forms import Ask, closed_because, give, listed, unfolding_form
from portal.components.page import empty_state, panel
from portal.components.tables import Column, live_table, plain_table
from portal.components.text import NOTHING, count, escape, number, percent

if TYPE_CHECKING:
    from core.domain.models.column_mapping import ColumnMapping
    from core.services.measured.predictions import BatchesView, BatchLine, FilePreview


_WORDS = {"reference": "Reference", "analysis": "Analysis"}
BATCHES: list[Column[BatchLine]] = [
    Column("recorded_at", "Added", "minute"),
    Column(lambda batch: _WORDS[batch.part], "Role", strong=True, width=104),
    Column("rows", "Rows", "number", width=90),
    Column(lambda batch: batch.labelled / batch.rows, "With outcome", "share_bar", phone=False),
    Column("first_at", "From", "day", phone=False),
    Column("last_at", "To", "day", phone=False),
    Column("source_name", "File", phone=False, width=190),
    Column(lambda batch: len(batch.warnings), "Notes", "number", phone=False),
    Column(
        lambda batch: "Purged" if batch.purged else "Withdrawn" if batch.withdrawn else "In use",
        "Status",
        width=100,
    ),
]
NOTES = [Column("source_name", "File", strong=True), Column("note", "What was odd")]


def batch_cards(view: BatchesView) -> None:
    """Show how many rows there are of each role, how many have an outcome, and how many notes."""
    counting = [batch for batch in view.batches if not (batch.purged or batch.withdrawn)]
    rows = {part: sum(b.rows for b in counting if b.part == part) for part in _WORDS}
    labelled = sum(batch.labelled for batch in counting)
    notes = sum(len(batch.warnings) for batch in view.batches)
    total = sum(rows.values())
    cards(
        [
            Card("Reference rows", number(rows["reference"]), note="Rows on which the model was validated."),
            Card("Rows in use", number(rows["analysis"]), note="Rows from production."),
            Card(
                "With a true outcome",
                percent(labelled / total) if total else NOTHING,
                note="Only these show what came true.",
            ),
            Card("Notes", number(notes), note="What was odd about a file and legal all the same."),
        ],
        min_column_width=200,
    )


def batches_panel(desk: Desk, view: BatchesView) -> None:
    """Show the batches, newest first, what was odd about each, and withdraw one."""
    if not view.batches:
        empty_state("No predictions were added to this version yet.", icon=":material/upload_file:")
        return
    with panel(
        "Batches", f"{count(len(view.batches), 'batch', 'batches')}, newest first; a batch never changes."
    ):
        live_table(view.batches, BATCHES, key="batches", download="batches", alt="Batches, newest first.")
        notes = [
            {"source_name": batch.source_name, "note": note}
            for batch in view.batches
            for note in (*_withdrawal(batch), *batch.warnings, *_amended(batch))
        ]
        if notes:
            plain_table(notes, NOTES, caption="What was odd about each batch")
        _withdraw_box(desk, view)


def _amended(batch: BatchLine) -> tuple[str, ...]:
    return (f"Read as amended: {batch.amended}",) if batch.amended else ()


def _withdrawal(batch: BatchLine) -> tuple[str, ...]:
    went = {"Withdrawn": batch.withdrawn, "Rows purged": batch.purged}
    return tuple(
        f"{what} on {gone.recorded_at:%Y-%m-%d} by {gone.actor_name}: {gone.reason}"
        for what, gone in went.items()
        if gone
    )


def _withdraw_box(desk: Desk, view: BatchesView) -> None:
    counting = [batch for batch in view.batches if not (batch.purged or batch.withdrawn)]
    ask = Ask(
        "Withdraw",
        "The batch counts no more.",
        rows=("batch", "reason"),
        fixed={"initiative": view.initiative, "version": view.version},
        choices={"batch": {batch.sha256: _called(batch) for batch in counting}},
        note="It stays on record, and earlier days still show it.",
        because="" if counting else "No batch is in use.",
    )
    label = "Withdraw a batch"
    unfolding_form(desk, withdraw_predictions, WithdrawPredictions, label, ":material/remove_circle:", ask)


def _called(batch: BatchLine) -> str:
    name = f"{batch.source_name}, " if batch.source_name else ""
    return f"{name}{_WORDS[batch.part]}, {count(batch.rows, 'row')}, {batch.recorded_at:%Y-%m-%d}"


def mapping_panel(desk: Desk, view: BatchesView, mapping: ColumnMapping) -> None:
    """Show which column is what in the next file, and which outcome is good to get."""
    with panel("Columns kept for the next file", "Name them anew with a file to change them."):
        scores = ", ".join(score_words(mapping))
        facts(
            [
                ("Prediction", mapping.prediction),
                ("Score", scores),
                ("True outcome", mapping.target),
                ("Id", mapping.row_id or "rows are numbered"),
                ("Time", mapping.timestamp),
                ("Labels", ", ".join(mapping.labels[:8])),
                ("Favourable", _favourable(mapping, view.favourable)),
                ("Sensitive", ", ".join(mapping.sensitive)),
                ("Features", _features(mapping)),
                *((title, said) for title, said in _declared(mapping).items() if said),
            ]
        )
        _amend_box(desk, view)
        if mapping.task != "regression":
            _declare_box(desk, view, mapping)


def _declare_box(desk: Desk, view: BatchesView, mapping: ColumnMapping) -> None:
    outcomes = (*(mapping.labels or view.favourable or ()), NEITHER)
    proposed = _proposed(view, outcomes)
    ask = Ask(
        "Declare",
        "The favourable outcome is on record.",
        rows=("favourable", "note"),
        fixed={"initiative": view.initiative, "version": view.version},
        choices={"favourable": {outcome: outcome for outcome in outcomes}},
        titles={"favourable": "Good to get", "note": "Why"},
        first={"favourable": proposed},
        note=f"{_SAID} {_taken_over(view)}What was declared before stays on record.",
    )
    unfolding_form(desk, declare_outcome, DeclareOutcome, "Favourable outcome", ":material/thumb_up:", ask)


def _proposed(view: BatchesView, outcomes: Sequence[str]) -> list[str]:
    """What another version's declaration names, as far as this one has it."""
    if view.proposed is None:
        return []
    return [one for one in view.proposed.favourable or (NEITHER,) if one in outcomes]


def _taken_over(view: BatchesView) -> str:
    if view.proposed is None:
        return ""
    return f"Filled in as declared of version {view.proposed.version}; it counts once it is on record. "


def _declared(mapping: ColumnMapping) -> dict[str, str]:
    joined = ", ".join(mapping.joins)
    return {
        "Missing": ", ".join(mapping.missing),
        "Joined": joined,
        "Zone of times": mapping.zone,
        "Weight of rows": mapping.weight,
    }


def _amend_box(desk: Desk, view: BatchesView) -> None:
    ask = Ask(
        "Amend",
        "The batches are read anew.",
        rows=(("missing", "join"), ("kinds", "zone"), "weight", "note"),
        fixed={"initiative": view.initiative, "version": view.version},
        titles={name: label for name, (label, _) in _READ.items()}
        | {"zone": "Zone of times without one", "weight": _WEIGHT, "note": "Why"},
        note="All batches of the version are read anew, and the checks that judged them run anew.",
    )
    unfolding_form(
        desk, amend_columns, AmendColumns, "Amend how values are read", ":material/edit_note:", ask
    )


def _favourable(mapping: ColumnMapping, declared: Sequence[str] | None) -> str:
    if mapping.task == "regression":
        return ""
    return "not declared yet" if declared is None else ", ".join(declared) or "neither"


def _features(mapping: ColumnMapping) -> str:
    shown = ", ".join(mapping.features[:8])
    more = len(mapping.features) - 8
    return f"{shown} and {more:,} more" if more > 0 else shown


_SAID = f"What is good to get for the person concerned; {NEITHER} where no outcome is better than another."
_NONE = "(none)"
ROLES = {
    "reference": "Reference: rows on which the model was validated",
    "analysis": "Analysis: rows from production",
}
CAPTION = (
    "CSV in UTF-8, Parquet or Arrow. The whole file is checked before anything is kept; a refusal names "
    "the column, the first rows and what to do. Which column is what is kept for the version's next file."
)


def upload_panel(desk: Desk, view: BatchesView) -> None:
    """Ask for a file, show what its columns are taken for, and add it."""
    with panel("Add a file", CAPTION):
        closed = closed_because(desk, "add_predictions", view.initiative)
        if closed:
            st.info(escape(closed), icon=":material/lock:")
            return
        if job_bar(desk, f"{view.initiative}/{view.version}", kind=ADDING):
            return
        role = st.radio("Role", list(ROLES), format_func=ROLES.__getitem__, index=1, horizontal=True)
        counter = st.session_state.get("upload-round", 0)
        given = st.file_uploader(
            "File",
            type=[suffix.removeprefix(".") for suffix in SUFFIXES],
            key=f"upload-{view.initiative}-{view.version}-{counter}",
        )
        if given is not None:
            _with_file(given, lambda file: _map_and_add(desk, view, role, file, given.name))


def _with_file(given: Any, work: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"upload{Path(given.name).suffix.lower()}"
        file.write_bytes(given.getbuffer())
        work(file)


def _map_and_add(desk: Desk, view: BatchesView, role: str, file: Path, name: str) -> None:
    about = {"initiative": view.initiative, "version": view.version}
    try:
        preview = preview_file(desk.governance, desk.moment, **about, file=file, name=name)
    except GovernanceError as problem:
        show_problem(problem)
        return
    with st.form("add-predictions", border=False):
        mapped = _mapping_fields(preview)
        if not view.batches:
            mapped |= _reading_fields()
        if view.favourable is None:
            mapped["favourable"] = _favourable_field(preview.mapping, view)
        if not st.form_submit_button("Check and add", type="primary", icon=":material/upload_file:"):
            return
    mine = lay(desk.governance.store.folder, file.read_bytes(), file.suffix)
    values = {**about, "part": role, "file": mine, "name": name, **mapped}
    if give(desk, start_adding, AddPredictions, done="", **values) is None:
        mine.unlink(missing_ok=True)
    else:
        st.session_state["upload-round"] = st.session_state.get("upload-round", 0) + 1
        st.rerun()


def _mapping_fields(preview: FilePreview) -> dict[str, Any]:
    known, columns = preview.mapping, preview.columns
    said = "As kept for this version" if preview.kept else "As the names suggest; correct what is wrong"
    st.caption(f"{count(len(columns), 'column')}. {said}.")
    places = st.columns(3)
    return {
        "task": known.task,
        "prediction": _column(places[0], "Prediction", columns, known.prediction, needed=True),
        "target": _column(places[1], "True outcome", columns, known.target),
        "row_id": _column(places[2], "Id of the row", columns, known.row_id),
        "timestamp": _column(places[0], "Time", columns, known.timestamp),
        "scores": _scores(places[1], preview),
        "sensitive": tuple(
            places[2].multiselect(
                "Sensitive columns", columns, default=[c for c in known.sensitive if c in columns]
            )
        ),
    }


def _reading_fields() -> dict[str, Any]:
    """How values are read, said with the first file; later it is amended for all batches at once."""
    with st.expander("How values are read", icon=":material/format_list_bulleted:"):
        st.caption("Guessed from the values and told as notes; declare here what a guess would get wrong.")
        lists = {name: listed(st.text_input(label, help=said)) for name, (label, said) in _READ.items()}
        zone = st.text_input("Zone of times without one", placeholder="Europe/Paris")
        return {**lists, "zone": zone, "weight": st.text_input(_WEIGHT)}


_WEIGHT = "Column that says how many rows a row stands for"

_READ = {
    "missing": (
        "Values that stand for none, comma between",
        "Like ? for every column, or age=-999 for one.",
    ),
    "join": (
        "Columns whose like values are one, comma between",
        "Values that differ only in blanks, capitals, form of characters or leading zeros.",
    ),
    "kinds": (
        "Kinds of columns, comma between",
        f"Like zip=code; kinds are {', '.join(KINDS)}.",
    ),
}


def _column(place: Any, label: str, columns: Sequence[str], known: str, *, needed: bool = False) -> str:
    options = list(columns) if needed else [_NONE, *columns]
    index = options.index(known) if known in options else 0
    chosen = str(place.selectbox(label, options, index=index))
    return "" if chosen == _NONE else chosen


def _scores(place: Any, preview: FilePreview) -> tuple[str, ...]:
    known = preview.mapping.scores
    if preview.mapping.task == "regression":
        return ()
    if preview.mapping.task == "binary":
        return tuple(filter(None, (_column(place, "Score (0 to 1)", preview.columns, known.get("", "")),)))
    pairs = ", ".join(f"{label}={column}" for label, column in known.items())
    return listed(place.text_input("Scores, CLASS=COLUMN, comma between", value=pairs))


def _favourable_field(mapping: ColumnMapping, view: BatchesView) -> tuple[str, ...]:
    """The outcomes that are good to get, asked for until somebody says."""
    label = "Favourable outcome"
    if mapping.task == "regression":
        return ()
    said = f"{_SAID} {_taken_over(view)}"
    if view.proposed is not None:
        st.caption(escape(_taken_over(view)))
    if mapping.labels:
        outcomes = [*mapping.labels, NEITHER]
        return tuple(st.multiselect(label, outcomes, default=_proposed(view, outcomes), help=said))
    first = ", ".join(view.proposed.favourable or (NEITHER,)) if view.proposed else ""
    return listed(st.text_input(f"{label}, comma between, or {NEITHER}", value=first, help=said))
