"""Model cards and technical files made from the record, as of any moment, with people's notes beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from core.connectors.pack_files import document_html, document_markdown
from core.domain.commands import OverrideClassification, RegisterModelVersion, make
from core.domain.errors import BadInput, Conflict, Forbidden, GovernanceError, NotFound
from core.domain.models.lineage import MarkDataBad, RecordDataSource, RecordDataUse, RecordProcesses
from core.domain.models.model_card import Document, Missing, Section, Table, WriteDocumentText, sections_of
from core.services.governance import Governance
from core.services.measured.predictions import AddPredictions, add_predictions
from core.services.models.data_sources import (
    mark_data_bad,
    record_data_source,
    record_data_use,
    record_processes,
)
from core.services.models.documents import document, note_history, write_document_text
from core.services.models.versions import register_model_version
from core.services.process.classification import override_classification
from tests.conftest import BUILDER, OUTSIDER, VALIDATOR, later, register
from tests.process import agree

RATES = """
    SELECT i AS row_id, CASE WHEN i % 2 = 0 THEN 'Female' ELSE 'Male' END AS sex,
        CASE WHEN i % 2 = 0 THEN i % 3 = 0 ELSE i % 3 < 2 END::INT AS y_pred, 0.5 AS y_score,
        (i % 5 = 0)::INT AS y_true FROM range(3000) r(i)
"""


def card(governance: Governance, initiative: str, day: float, **given: str) -> Document:
    return document(governance, governance.moment(later(day)), initiative=initiative, **given)


def section(found: Document, wanted: str) -> Section:
    return next(one for one in found.sections if one.definition.id == wanted)


def missing(found: Document, wanted: str) -> list[str]:
    return [part.what for part in section(found, wanted).missing]


def words(found: Document) -> str:
    return document_markdown(found).replace("\\", "")


def write(governance: Governance, initiative: str, day: float, text: str, **given: Any) -> None:
    values = {"actor": BUILDER, "kind": "card", "section": "limits", **given}
    command = make(WriteDocumentText, at=later(day), initiative=initiative, text=text, **values)
    write_document_text(governance, command)


def add_version(governance: Governance, initiative: str, **links: Any) -> None:
    command = make(
        RegisterModelVersion,
        actor=BUILDER,
        at=later(2),
        initiative=initiative,
        version="1",
        algorithm="Gradient boosting",
        task="binary",
        **links,
    )
    register_model_version(governance, command)


@pytest.fixture
def rich(governance: Governance, tmp_path: Path) -> Governance:
    """A model with metrics, links, predictions, data that is bad, a process and an override."""
    initiative = register(governance)
    add_version(
        governance,
        initiative,
        metrics={"roc_auc": 0.81},
        data_uri="s3://data/cards",
        data_sha256="b" * 64,
    )
    file = tmp_path / "rates.parquet"
    duckdb.sql(RATES).write_parquet(str(file))
    predictions = AddPredictions(
        actor=BUILDER,
        at=later(3),
        initiative=initiative,
        version="1",
        part="analysis",
        file=file,
        task="binary",
        sensitive=("sex",),
    )
    add_predictions(governance, predictions)
    by: dict[str, Any] = {"actor": BUILDER, "at": later(4)}
    source = make(RecordDataSource, name="Card ledger", team="Data Platform", personal_data=True, **by)
    record_data_source(governance, source)
    uses = make(
        RecordDataUse,
        source="card-ledger",
        initiative=initiative,
        how="training",
        columns=("limit", "age"),
        **by,
    )
    record_data_use(governance, uses)
    record_processes(
        governance, make(RecordProcesses, initiative=initiative, processes=("Card issuing",), **by)
    )
    mark_data_bad(
        governance, make(MarkDataBad, source="card-ledger", reason="Rows of May are doubled.", **by)
    )
    lowered = make(
        OverrideClassification,
        actor=VALIDATOR,
        at=later(5),
        initiative=initiative,
        class_id="high",
        justification="It only advises, and a clerk decides every case.",
        until=later(60).date(),
        compensation="A clerk decides every case by hand.",
    )
    agree(governance, override_classification(governance, lowered), 5)
    return governance


def test_a_bare_initiative_has_every_section_and_says_what_is_missing(governance: Governance) -> None:
    initiative = register(governance)
    for kind in ("card", "technical"):
        found = card(governance, initiative, 2, kind=kind)
        assert [one.definition for one in found.sections] == list(sections_of(found.kind))
        assert missing(found, "model") == ["a current model version"]
        assert missing(found, "data") == ["which data it uses"]
        assert missing(found, "decisions") == ["any sign-off"]
        assert found.missing == sum(len(one.missing) for one in found.sections) > 5
        assert document_html(found)
    assert len(card(governance, initiative, 2, kind="technical").sections) == 15


def test_what_is_on_record_stands_in_the_card(rich: Governance) -> None:
    found = card(rich, "card-limit-advice", 6)
    text = words(found)
    for said in (
        "Advise customers on the limit of their card.",
        "Olga Owner",
        "High risk",
        "Hal Head overrode it",
        "Gradient boosting",
        "ROC AUC",
        "0.81",
        "Card ledger",
        "limit, age",
        "Card issuing",
        "Marked as bad since 9 Jan 2026 by Bram Builder: Card ledger. Reason: Rows of May are doubled.",
        "Female",
        "Limit:",
        "Reproducibility, grade 1 of 3: Metrics only",
    ):
        assert said in text, said
    assert missing(found, "performance") == missing(found, "data") == missing(found, "slices") == []
    assert missing(found, "decay") == ["estimates of its performance"]
    assert missing(found, "model")[0].startswith("for making it again: the code with its full commit") or (
        "lock file" in missing(found, "model")[0]
    )


def test_figures_of_the_slices_are_those_of_the_slices_page(rich: Governance) -> None:
    table = next(
        part
        for part in section(card(rich, "card-limit-advice", 6), "slices").parts
        if isinstance(part, Table)
    )
    rates = {row[0]: (row[1], row[2]) for row in table.rows}
    assert rates == {"Female": ("1,500", "33.3%"), "Male": ("1,500", "66.7%")}


def test_a_document_is_read_as_of_any_moment(rich: Governance) -> None:
    before = card(rich, "card-limit-advice", 1.5)
    assert before.version == "" and "Gradient boosting" not in words(before)
    middle = card(rich, "card-limit-advice", 2.5)
    assert middle.version == "1" and "Card ledger" not in words(middle)
    again = card(rich, "card-limit-advice", 2.5)
    assert document_html(middle) == document_html(again)
    assert middle.digest != card(rich, "card-limit-advice", 6).digest


def test_notes_stand_beside_the_generated_text_and_keep_their_history(governance: Governance) -> None:
    initiative = register(governance)
    before = section(card(governance, initiative, 2), "limits")
    write(governance, initiative, 3, "Weak for new customers.")
    write(governance, initiative, 4, "Weak for customers of less than a year.", actor=VALIDATOR)
    found = section(card(governance, initiative, 4), "limits")
    assert found.note is not None
    assert (found.note.author, found.note.wordings) == ("Vera Validator", 2)
    assert found.note.text == "Weak for customers of less than a year."
    assert [p for p in before.parts if not isinstance(p, Missing)] == list(found.parts)
    assert before.missing and not found.missing
    then = section(card(governance, initiative, 3), "limits").note
    assert then is not None and then.author == "Bram Builder"
    history = note_history(
        governance, governance.moment(later(4)), initiative=initiative, kind="card", section="limits"
    )
    assert [(note.author, note.wordings) for note in history] == [("Vera Validator", 2), ("Bram Builder", 1)]
    write(governance, initiative, 5, "")
    assert section(card(governance, initiative, 5), "limits").note is None
    assert section(card(governance, initiative, 5, kind="technical"), "limits").note is None


def test_two_people_writing_at_once_do_not_overwrite_each_other(governance: Governance) -> None:
    initiative = register(governance)
    write(governance, initiative, 3, "First.", seen=0)
    with pytest.raises(Conflict, match="Bram Builder wrote in “Limits” meanwhile"):
        write(governance, initiative, 4, "Second.", seen=0, actor=VALIDATOR)
    write(governance, initiative, 4, "Second.", seen=1, actor=VALIDATOR)


@pytest.mark.parametrize(
    ("given", "problem", "sentence"),
    [
        ({"text": "x", "actor": OUTSIDER}, Forbidden, "may not write in a model card"),
        ({"text": "x", "section": "nope"}, NotFound, "has no section 'nope'"),
        ({"text": "x", "section": "history"}, NotFound, "a model card has no section 'history'"),
        ({"text": "x", "kind": "novel"}, BadInput, "kind"),
        ({"text": ""}, BadInput, "nothing would change"),
        ({"text": "a\x00b"}, BadInput, "control characters"),
        ({"text": "x" * 10_001}, BadInput, "at most 10000"),
        ({"text": "x", "initiative": "nope"}, NotFound, "no initiative 'nope'"),
        ({"text": "x", "seen": 3}, Conflict, "not as you saw it"),
    ],
)
def test_wrong_input_is_one_sentence_and_stores_nothing(
    governance: Governance, given: dict[str, Any], problem: type[GovernanceError], sentence: str
) -> None:
    initiative = register(governance)
    head = governance.store.head()
    values: dict[str, Any] = {"actor": BUILDER, "kind": "card", "section": "limits"}
    values["initiative"] = initiative
    with pytest.raises(problem, match=sentence):
        write_document_text(governance, make(WriteDocumentText, at=later(3), **{**values, **given}))
    assert governance.store.head() == head


def test_asking_for_what_is_not_there_is_refused(governance: Governance) -> None:
    initiative = register(governance)
    for given, sentence in (
        ({"kind": "novel"}, "no kind of document"),
        ({"version": "9"}, "has no version '9'"),
    ):
        with pytest.raises(NotFound, match=sentence):
            card(governance, initiative, 2, **given)
    with pytest.raises(NotFound, match="no initiative"):
        card(governance, "nope", 2)
