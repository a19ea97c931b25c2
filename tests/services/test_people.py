"""The directory: names beside the record, roles on it."""

from __future__ import annotations

import pytest

from core.domain.commands import make
from core.domain.errors import BadInput, Forbidden
from core.services.governance import Governance
from core.services.record.entries import verify_record
from core.services.record.people import AddPerson, add_person
from tests.conftest import ADMIN, BUILDER, VALIDATOR, later
from tests.process import agree


def test_giving_a_role_is_on_record_and_the_name_is_not(governance: Governance) -> None:
    given = {"at": later(1), "person": "nina-new", "name": "Nina New", "roles": ("risk_audit",)}
    added = add_person(governance, make(AddPerson, actor=ADMIN, **given))
    assert governance.person("nina-new").roles == ()
    agree(governance, added.proposal, 2, actor=VALIDATOR)
    assert governance.person("nina-new").roles == ("risk_audit",)
    cursor = governance.store.cursor()
    assert cursor.execute("SELECT person, roles, actor FROM membership ORDER BY seq").fetchall() == [
        ("nina-new", [], ADMIN.id),
        ("nina-new", ["risk_audit"], VALIDATOR.id),
    ]
    governance.store.cursor().execute("DELETE FROM directory WHERE actor = 'nina-new'")
    assert verify_record(governance).first_break is None, "a person can be forgotten"


def test_only_who_may_changes_the_directory_and_roles_have_to_exist(governance: Governance) -> None:
    given = {"at": later(1), "person": "nina-new", "name": "Nina New"}
    with pytest.raises(Forbidden, match="may not change the directory"):
        add_person(governance, make(AddPerson, actor=BUILDER, **given))
    with pytest.raises(BadInput, match="'wizard' is no role"):
        add_person(governance, make(AddPerson, actor=ADMIN, roles=("wizard",), **given))
    assert "nina-new" not in [person.id for person in governance.people()]
