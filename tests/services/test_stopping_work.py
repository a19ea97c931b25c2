"""A file that is being taken in can be stopped at any moment, and what was interrupted is swept away."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from core.domain.commands import make
from core.domain.errors import BadInput, Busy, Cancelled
from core.lake.store import WORKROOM
from core.services.governance import Governance
from core.services.jobs import cancel_job, wait_for
from core.services.measured.predictions import AddPredictions, add_predictions, start_adding
from core.services.use_case import INCOMING, MOST_NAME, fetched, lay, swept
from tests.conftest import BUILDER, later
from tests.services.test_prediction_intake import with_version

ABOUT = {"version": "1", "part": "analysis", "prediction": "y_pred", "scores": ("y_score",)}


def big(governance: Governance, folder: Path, ending: str) -> Path:
    """A file that takes seconds to take in."""
    file = folder / f"big.{ending}"
    kind = "parquet" if ending == "parquet" else "csv, HEADER"
    columns = ", ".join(f"(hash(i * {n}) % 5000)::VARCHAR AS word_{n}" for n in range(1, 9))
    governance.store.cursor().execute(
        f"COPY (SELECT i AS case_id, (i % 2)::INTEGER AS y_pred, 0.1 + 0.8 * (i % 2) AS y_score, {columns} "
        f"FROM range(400000) r(i)) TO '{file}' (FORMAT {kind})"
    )
    return file


def files(governance: Governance) -> list[str]:
    return sorted(path.name for path in governance.store.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("ending", ["parquet", "csv"])
@pytest.mark.parametrize("by", ["cancelling", "closing"])
def test_an_intake_that_is_stopped_leaves_nothing(
    governance: Governance, tmp_path_factory: pytest.TempPathFactory, ending: str, by: str
) -> None:
    initiative = with_version(governance, "binary")
    file = big(governance, tmp_path_factory.mktemp("given"), ending)
    head, before = governance.store.head(), files(governance)
    event = threading.Event() if by == "cancelling" else governance.store.stopping
    threading.Timer(0.3, event.set).start()
    command = make(AddPredictions, actor=BUILDER, at=later(3), initiative=initiative, file=file, **ABOUT)
    with pytest.raises(Cancelled, match="nothing of it is kept"):
        add_predictions(governance, command, cancelled=event)
    assert governance.store.head() == head
    assert files(governance) == before


def test_a_job_that_takes_a_file_in_is_stopped_and_removes_the_file(
    governance: Governance, tmp_path_factory: pytest.TempPathFactory
) -> None:
    initiative = with_version(governance, "binary")
    content = big(governance, tmp_path_factory.mktemp("given"), "parquet").read_bytes()
    head = governance.store.head()

    def given(laid: Path) -> AddPredictions:
        about = {**ABOUT, "initiative": initiative, "file": laid, "name": "march.parquet"}
        return make(AddPredictions, actor=BUILDER, at=later(3), **about)

    job = start_adding(governance, given(lay(governance.store.folder, content, ".parquet")))
    with pytest.raises(Busy, match="a file is being added"):
        start_adding(governance, given(lay(governance.store.folder, b"PAR1", ".parquet")))
    cancel_job(job, BUILDER)
    assert wait_for(job, 60).state == "cancelled"
    assert governance.store.head() == head
    assert not list((governance.store.folder / INCOMING).iterdir())


def test_what_interrupted_work_left_is_swept_at_start_and_by_age(tmp_path: Path) -> None:
    fresh, old = lay(tmp_path, b"new", ".csv"), lay(tmp_path, b"old", ".csv")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    (tmp_path / f"{WORKROOM}abc").mkdir()
    (tmp_path / f"{WORKROOM}abc" / "rows.parquet").write_bytes(b"rows")
    half = tmp_path / "predictions" / "one" / "analysis.part"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    assert swept(tmp_path, 3600.0) == 1
    assert (fresh.exists(), old.exists(), half.exists()) == (True, False, True)
    assert swept(tmp_path) == 3
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_name_longer_than_any_file_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="by its file name alone"):
        fetched(tmp_path, "a" * (MOST_NAME + 1))
    with pytest.raises(BadInput, match="by its file name alone"):
        fetched(tmp_path, "a" * 100_000)
