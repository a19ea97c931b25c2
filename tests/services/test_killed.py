"""SIGKILL in the middle of registering: what was answered is there, what was not is not, and all verifies."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.connectors.settings import PROJECT
from core.lake.record.verify import verify_store
from core.lake.store import open_store

REGISTERING = """
import sys
from pathlib import Path
from core.domain.commands import RegisterModelVersion, make
from core.lake.store import open_store
from core.services.record.people import found_store
from core.services.governance import wire
from core.services.models.versions import register_model_version
from core.lake.directory import put_person
from tests.conftest import ADMIN, BUILDER, CAST, CONFIG, START, later, register

governance = wire(open_store(Path(sys.argv[1])), CONFIG)
if not governance.founded:
    found_store(governance, CONFIG, ADMIN, START, demo=False)
    for person in CAST:
        put_person(governance.store, person)
first = governance.store.head()
for number in range(10_000):
    register(governance, f"Card Limit {first} Number {number}")
    print(governance.store.head(), flush=True)
"""


@pytest.mark.parametrize("after_answers", [1, 4, 9])
def test_a_process_killed_while_registering_leaves_a_whole_record(tmp_path: Path, after_answers: int) -> None:
    answered = 0
    for _ in range(2):  # the second process starts on what the first left behind
        process = subprocess.Popen(
            [sys.executable, "-c", REGISTERING, str(tmp_path / "store")],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        for _ in range(after_answers):
            line = process.stdout.readline()
            assert line, "the process ended by itself"
            answered = int(line)
        time.sleep(0.005 * after_answers)  # into the middle of the next one
        process.kill()
        process.wait()
        process.stdout.close()

        store = open_store(tmp_path / "store")
        found = verify_store(store)
        assert found.first_break is None
        assert found.entries == store.head() >= answered
        # Registering is all or nothing: whoever is registered is classified too.
        query = (
            "SELECT count(*) FILTER (action = 'initiative_registered'), "
            "count(*) FILTER (action = 'initiative_classified') FROM record"
        )
        registered, classified = store.cursor().execute(query).fetchall()[0]
        assert registered == classified > 0
        store.close()


def test_one_byte_of_the_file_changed_is_said_in_a_sentence(tmp_path: Path) -> None:
    """A damaged file is refused or found; it never passes, and never ends in a traceback."""
    from core.domain.errors import BrokenRecord
    from core.lake.store import DATABASE

    store = open_store(tmp_path / "store")
    store.close()
    file = tmp_path / "store" / DATABASE
    content = bytearray(file.read_bytes())
    content[8] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(BrokenRecord, match="cannot be read"):
        open_store(tmp_path / "store")
