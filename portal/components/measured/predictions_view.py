"""Batches of a model version: what is there, what was odd, and the columns kept for the next file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.facts.recorded import values_of
from core.domain.models.column_mapping import score_words
from portal.components.cards import Card, cards, facts
from portal.components.page import empty_state, panel
from portal.components.tables import Column, live_table, plain_table
from portal.components.text import NOTHING, count, number, percent

if TYPE_CHECKING:
    from core.domain.models.column_mapping import ColumnMapping
    from core.services.measured.predictions import BatchesView

BATCHES = [
    Column("recorded_at", "Added", "minute"),
    Column("role", "Role", strong=True, width=104),
    Column("rows", "Rows", "number", width=90),
    Column("labelled_share", "With outcome", "share_bar", phone=False),
    Column("first_at", "From", "day", phone=False),
    Column("last_at", "To", "day", phone=False),
    Column("source_name", "File", phone=False, width=190),
    Column("noted", "Notes", "number", phone=False),
]
NOTES = [Column("source_name", "File", strong=True), Column("note", "What was odd")]
_WORDS = {"reference": "Reference", "analysis": "Analysis"}


def batch_cards(view: BatchesView) -> None:
    """Show how many rows there are of each role, how many have an outcome, and how many notes."""
    rows = {part: sum(b.rows for b in view.batches if b.part == part) for part in _WORDS}
    labelled = sum(batch.labelled for batch in view.batches)
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


def batches_panel(view: BatchesView) -> None:
    """Show the batches, newest first, and what was odd about each."""
    if not view.batches:
        empty_state("No predictions were added to this version yet.", icon=":material/upload_file:")
        return
    with panel(
        "Batches", f"{count(len(view.batches), 'batch', 'batches')}, newest first; a batch never changes."
    ):
        lines = [
            {
                **values_of(batch),
                "role": _WORDS[batch.part],
                "labelled_share": batch.labelled / batch.rows,
                "noted": len(batch.warnings),
            }
            for batch in view.batches
        ]
        live_table(lines, BATCHES, key="batches", download="batches", alt="Batches, newest first.")
        notes = [
            {"source_name": batch.source_name, "note": note}
            for batch in view.batches
            for note in batch.warnings
        ]
        if notes:
            plain_table(notes, NOTES, caption="What was odd about each batch")


def mapping_panel(mapping: ColumnMapping) -> None:
    """Show which column is what in the next file."""
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
                ("Sensitive", ", ".join(mapping.sensitive)),
                ("Features", _features(mapping)),
            ]
        )


def _features(mapping: ColumnMapping) -> str:
    shown = ", ".join(mapping.features[:8])
    more = len(mapping.features) - 8
    return f"{shown} and {more:,} more" if more > 0 else shown
