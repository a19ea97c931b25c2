"""The schema stays portable: the same tables, migrations and queries in a DuckLake on a DuckDB catalog."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import duckdb

from core.lake.record.verify import verify_store
from core.lake.store import Store, migrated
from core.services.process.initiatives import inventory
from tests.conftest import founded, later, register


def in_ducklake(folder: Path) -> Store:
    """A store whose tables lie in a DuckLake; what differs from a file of its own stands here."""
    folder.mkdir()
    connection = duckdb.connect(":memory:", config={"threads": 1})
    built_for = files("duckdb_extension_ducklake") / "extensions" / f"v{duckdb.__version__}"
    connection.execute(f"LOAD '{built_for / 'ducklake.duckdb_extension'}'")
    connection.execute(f"ATTACH 'ducklake:{folder}/catalog.ducklake' AS lake (DATA_PATH '{folder}/data')")
    # A lake that keeps small changes in its catalog takes the name row_id, which a table bears, for itself.
    connection.execute("CALL lake.set_option('data_inlining_row_limit', 0)")
    return migrated(connection, folder, "lake")


def test_a_store_in_a_ducklake_takes_what_is_done_and_verifies(tmp_path: Path) -> None:
    governance = founded(tmp_path / "store", in_ducklake)
    initiative = register(governance)
    (line,) = inventory(governance, governance.moment(later(2)))
    assert (line.initiative, line.overdue) == (initiative, 0)
    found = verify_store(governance.store)
    assert (found.first_break, found.entries) == (None, governance.store.head())
    assert list((tmp_path / "store" / "data").rglob("*.parquet")), "the rows lie in the lake"
    governance.close()
