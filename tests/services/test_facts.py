"""Every fact table has one class, and what is put on record by class is read back as it was."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from core.domain.errors import BrokenRecord
from core.domain.facts.process import Finding, SignOffActKind, Waiver
from core.domain.facts.recorded import ORIGIN, Recorded, entry_of
from core.domain.facts.rules import PolicyDraft
from core.domain.facts.work import HandOffAnswer
from core.domain.life_cycles import (
    DATA_MARK,
    DRAFT,
    FINDING,
    HAND_OFF,
    SIGN_OFF,
    VERSION,
    WAIVER,
    LifeCycle,
    Refusal,
)
from core.domain.models.model_versions import State
from core.domain.moment import Moment
from core.domain.process.sign_offs import SignOffStatus
from core.lake.facts import history, latest, newest
from core.lake.store import TABLES, Store, added_columns, open_memory_store, require_classes
from tests.conftest import later

EXAMPLES: dict[object, Any] = {
    str: "loans",
    int: 3,
    float: 0.5,
    bool: True,
    datetime: datetime(2026, 3, 31, 12),  # noqa: DTZ001 - the record keeps UTC without a zone
    date: date(2026, 3, 31),
}


def example(hint: object) -> Any:
    """A value of a field's type; None where it may be."""
    inner = get_args(hint)
    if get_origin(hint) is Literal:
        return inner[-1]
    if get_origin(hint) is tuple:
        return (example(inner[0]),)
    return None if inner else EXAMPLES[hint]


def made(kind: type[Recorded]) -> Recorded:
    hints = get_type_hints(kind)
    return kind(
        **{field.name: example(hints[field.name]) for field in fields(kind) if field.name not in ORIGIN}
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_memory_store(tmp_path)


@pytest.mark.parametrize("kind", TABLES.values(), ids=list(TABLES))
def test_a_fact_is_read_back_as_it_was_put(store: Store, kind: type[Recorded]) -> None:
    fact = replace(made(kind), actor="ada")
    store.append([entry_of("happened", fact)], actor="ada", at=later(0))
    head = store.head()
    moment = Moment(head, later(0))
    initiative = str(getattr(fact, "initiative", None) or "")
    found = history(store, kind, moment, initiative)
    if initiative or "initiative" not in store.columns[kind.table]:
        assert found == (replace(fact, seq=1, recorded_at=found[0].recorded_at),)
    assert len(newest(store, kind, moment)) == 1


def test_the_newest_of_a_name_holds_in_one_initiative_and_in_all(store: Store) -> None:
    waiver = replace(made(Waiver), initiative="loans", waiver="W1")
    assert isinstance(waiver, Waiver)
    other = replace(waiver, initiative="claims")
    again = replace(waiver, state="granted")
    for said in (waiver, replace(waiver, waiver="W2"), other, again):
        store.append([entry_of("waiver_said", said)], actor="ada", at=later(0))
    moment = Moment(4, later(0))
    assert [(w.waiver, w.state) for w in newest(store, Waiver, moment, "loans")] == [
        ("W2", waiver.state),
        ("W1", "granted"),
    ]
    assert {w for w in newest(store, Waiver, moment) if w.initiative == "loans"} == set(
        newest(store, Waiver, moment, "loans")
    )
    before = latest(store, Waiver, Moment(3, later(0)), "loans", waiver="W1")
    assert before is not None and before.state == waiver.state


@pytest.mark.parametrize(
    "change",
    [
        lambda tables: tables.pop("waiver"),
        lambda tables: tables["waiver"].pop("note"),
        lambda tables: tables["waiver"].update(note="DOUBLE"),
        lambda tables: tables.update(rumour={"text": "VARCHAR"}),
    ],
    ids=["a table less", "a column less", "another type", "a table more"],
)
def test_tables_that_are_not_those_of_the_classes_are_refused(store: Store, change: Any) -> None:
    tables = {table: dict(columns) for table, columns in store.columns.items()}
    require_classes(tables)
    change(tables)
    with pytest.raises(BrokenRecord, match=r"table (waiver|rumour) as migrated is not the one"):
        require_classes(tables)


def test_a_migration_may_add_columns_and_alter_nothing_else(tmp_path: Path) -> None:
    adding = tmp_path / "0001_more.sql"
    adding.write_text(
        "-- ALTER is told of here only\nALTER TABLE waiver ADD COLUMN why VARCHAR DEFAULT '';\n"
        "ALTER TABLE waiver ADD COLUMN days INTEGER;\n"
        "ALTER TABLE finding ADD COLUMN cost INTEGER DEFAULT 0;\n"
    )
    assert added_columns(tmp_path) == {"waiver": {"why": "", "days": None}, "finding": {"cost": 0}}
    (tmp_path / "0002_less.sql").write_text("alter table waiver drop column note;\n")
    added_columns.cache_clear()
    with pytest.raises(BrokenRecord, match=r"0002_less\.sql alters a table"):
        added_columns(tmp_path)


def test_a_version_may_become_what_it_is_not() -> None:
    for step in VERSION.steps:
        assert {*step.before} <= set(get_args(State)) and step.after not in step.before


def test_data_is_marked_only_where_it_is_sound_and_cleared_only_where_it_is_bad() -> None:
    steps = [(step.before, step.after) for step in DATA_MARK.steps]
    assert steps == [(("sound",), "bad"), (("bad",), "sound")]


@pytest.mark.parametrize(
    ("cycle", "kind", "more"),
    [
        (FINDING, Finding, ()),
        (WAIVER, Waiver, ()),
        (DRAFT, PolicyDraft, ()),
        (HAND_OFF, HandOffAnswer, ("open",)),
    ],
)
def test_a_life_cycle_knows_the_states_of_its_fact_and_no_others(
    cycle: LifeCycle, kind: type[Recorded], more: tuple[str, ...]
) -> None:
    states = {*get_args(get_type_hints(kind)[cycle.column]), *more}
    said = {state for step in cycle.steps for state in (*step.before, step.after)}
    assert said == states
    assert len({step.after for step in cycle.steps}) == len(cycle.steps)


def test_wherever_a_sign_off_stands_each_act_is_let_through_or_answered() -> None:
    acts = {step.after: step for step in SIGN_OFF.steps}
    assert set(acts) == set(get_args(SignOffActKind))
    for act in ("requested", "feedback", "decided"):
        said = acts[act].otherwise
        assert not isinstance(said, Refusal)
        assert {*acts[act].before, *said} == set(SignOffStatus)
        assert not set(acts[act].before) & set(said)
