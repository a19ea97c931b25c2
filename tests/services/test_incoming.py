"""Files that are laid for the portal to fetch: each under a name of its own, and none left behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.domain.errors import BadInput, NotFound
from core.services.use_case import INCOMING, fetched, laid


def test_what_is_laid_is_fetched_and_gone_afterwards(tmp_path: Path) -> None:
    given = tmp_path / "scores.CSV"
    given.write_text("a\n1\n")
    with laid(tmp_path / "store", given) as name:
        assert fetched(tmp_path / "store", name).read_text() == "a\n1\n"
        assert name.endswith(".csv")
    with pytest.raises(NotFound, match="does not lie there"):
        fetched(tmp_path / "store", name)


def test_two_files_of_one_name_never_share_a_path(tmp_path: Path) -> None:
    """What read a path once may remember it: another file under the same path would be read wrongly."""
    given = tmp_path / "reference.parquet"
    given.write_bytes(b"first")
    with laid(tmp_path, given) as first:
        pass
    given.write_bytes(b"second")
    with laid(tmp_path, given) as second:
        assert first != second


def test_many_at_once_do_not_take_the_folder_from_each_other(tmp_path: Path) -> None:
    given = tmp_path / "scores.csv"
    given.write_text("a\n1\n")

    def lay(_: int) -> str:
        with laid(tmp_path, given) as name:
            return fetched(tmp_path, name).read_text()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lay, range(400))) == {"a\n1\n"}
    assert not list((tmp_path / INCOMING).iterdir())


def test_a_file_that_cannot_be_read_is_said_with_its_path(tmp_path: Path) -> None:
    with (
        pytest.raises(BadInput, match="cannot be read: No such file") as refused,
        laid(tmp_path, tmp_path / "x"),
    ):
        pass
    assert refused.value.where == str(tmp_path / "x")
    assert not list((tmp_path / INCOMING).iterdir())


@pytest.mark.parametrize("name", ["", ".", "..", "../store.duckdb", "/etc/passwd", "a/b"])
def test_more_than_a_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="by its file name alone"):
        fetched(tmp_path, name)
