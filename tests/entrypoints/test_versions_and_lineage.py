"""Versions, documents and lineage from the command line, with JSON, as of a day, and over HTTP."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.entrypoints.conftest import LIGHT, Govern, answers

DIGEST, COMMIT = "ab" * 32, "cd" * 20


@pytest.fixture
def modelled(govern: Govern, moderate: str) -> str:
    """An initiative with a current version and a challenger, and data that the model uses."""
    add = ("version", "add", moderate)
    common = ("--algorithm", "Seasonal mean", "--task", "regression")
    assert govern(*add, "1", *common, "--metric", "mae=3.2", "--commit", COMMIT).code == 0
    said = govern(*add, "2", *common, "--metric", "mae=2.9", "--challenger")
    assert said.code == 0 and "beside the one in production or to come" in said.out
    for name in ("Shop ledger", "Weekly sums"):
        assert govern("data", "add", name, "--no-personal-data", "--team", "Shops").code == 0
    assert govern("data", "upstream", "weekly-sums", "shop-ledger", "--how", "summed by week").code == 0
    assert govern("data", "use", "weekly-sums", moderate, "--how", "training", "--column", "sum").code == 0
    assert govern("data", "serves", moderate, "--process", "Ordering").code == 0
    return moderate


def test_versions_are_listed_compared_promoted_amended_and_retired(govern: Govern, modelled: str) -> None:
    listed = govern("version", "list", modelled, "--json").json["versions"]
    assert [(row["version"], row["state"]) for row in listed] == [("2", "registered"), ("1", "candidate")]
    compared = govern("version", "compare", modelled, "1", "2", "--json").json
    (metric,) = compared["metrics"]
    assert (metric["left"], metric["right"], metric["better"]) == (3.2, 2.9, True)
    assert compared["decay"]["left"]["note"] == "No predictions are on record for this version."
    assert "No predictions are on record" in govern("version", "compare", modelled, "1", "2").out
    amended = govern("version", "amend", modelled, "2", "--commit", COMMIT, "--reason", "Left out.")
    assert "amended: code commit" in amended.out
    promoted = govern("version", "promote", modelled, "2", "--reason", "It errs less.")
    assert "is now the current version" in promoted.out
    retired = govern("version", "retire", modelled, "1", "--reason", "It is not needed any more.")
    assert "is retired" in retired.out
    states = {row["version"]: row["state"] for row in govern("show", modelled, "--json").json["versions"]}
    assert states == {"1": "retired", "2": "candidate"}


def test_the_life_of_a_use_case_is_typed(govern: Govern, moderate: str) -> None:
    closed = govern("version", "deploy", moderate)
    assert closed.code != 0 and "is blocked" in closed.err
    emergency = ("--emergency", "--reason", "The shops get no numbers since this morning.")
    said = govern("version", "deploy", moderate, *emergency)
    assert said.out.startswith(f"Without a registered version, {moderate} is in production as production")
    (run,) = govern("version", "history", moderate, "--json").json["runs"]
    assert (run["version"], run["role"], run["ended_at"]) == ("", "production", None)
    assert "runs" in govern("version", "history").out
    light = answers(LIGHT)
    shown = govern("initiative", "reassessment", moderate, *light)
    assert shown.code == 0 and "From class moderate to low; a second person has to agree." in shown.out
    anew = govern("initiative", "reassess", moderate, *light, "--note", "The shops ask for it by hand now.")
    assert "takes effect when somebody else agrees" in anew.out
    retired = govern("initiative", "retire", moderate, "--reason", "The shops were closed.")
    assert f"{moderate} is retired." in retired.out
    assert "Retired. In production: nothing." in govern("show", moderate).out
    assert "taken up again" in govern("initiative", "reopen", moderate, "--reason", "They opened again.").out


def untimed(document: str) -> str:
    """A document without the minute in which it was made."""
    return re.sub(r"\d\d:\d\d UTC", "", document)


def test_a_document_is_printed_or_written(govern: Govern, modelled: str, tmp_path: Path) -> None:
    printed = govern("document", modelled)
    assert printed.code == 0 and printed.out.startswith("# Model card: Weekly stock report")
    place = tmp_path / "out"
    place.mkdir()
    written = govern("document", modelled, "--kind", "technical", "--format", "html", "--out", str(place))
    (file,) = place.iterdir()
    assert file.name in written.out and file.name.startswith("weekly-stock-report-v1-technical-")
    assert file.read_text(encoding="utf-8").startswith("<!doctype html>")
    found = govern("document", modelled, "--json").json
    assert untimed(found["content"]) == untimed(printed.out) and "which data it uses" not in str(
        found["missing"]
    )
    text = ("document-text", modelled, "limits", "--text", "Weak in the week of a holiday.")
    assert govern(*text).code == 0
    assert "Weak in the week of a holiday" in govern("document", modelled).out
    assert "Ada Admin: Weak in" in govern("document-notes", modelled, "limits").out


def test_bad_data_is_marked_and_everything_downstream_named(govern: Govern, modelled: str) -> None:
    marked = govern("data", "bad", "shop-ledger", "--reason", "Two shops are counted twice.")
    assert "It reaches 1 initiatives" in marked.out and modelled in marked.out
    shown = govern("lineage", "--model", modelled)
    assert "Bad since" in shown.out and "Ordering" in shown.out
    found = govern("lineage", "--json").json
    states = {node["id"]: node["state"] for node in found["nodes"]}
    assert states["source:shop-ledger"] == "bad"
    assert states[f"model:{modelled}"] == states["process:Ordering"] == "affected"
    assert "affected" in govern("data", "list").out
    assert "Two shops are counted twice." in govern("data", "show", "shop-ledger").out
    assert govern("data", "clear", "shop-ledger", "--reason", "Counted once now.").code == 0
    assert govern("lineage", "--json").json["warnings"] == []
    assert govern("data", "use", "weekly-sums", modelled, "--how", "training", "--end").code == 0
    assert govern("data", "upstream", "weekly-sums", "shop-ledger", "--end").code == 0
    assert "No use of data" in govern("lineage").out


def test_every_reading_takes_a_day(govern: Govern, modelled: str) -> None:
    today = datetime.now(UTC).date()
    for command in (
        ["version", "list", modelled],
        ["version", "compare", modelled, "1", "2"],
        ["document", modelled],
        ["document-notes", modelled, "limits"],
        ["lineage"],
        ["data", "list"],
        ["data", "show", "shop-ledger"],
    ):
        assert govern(*command, "--as-of", str(today), "--json").code == 0, command
        assert govern(*command, "--as-of", str(today + timedelta(days=2)), "--json").code == 0, command
        refused = govern(*command, "--as-of", str(today + timedelta(days=20_000)))
        assert refused.code == 2 and "lies too far ahead" in refused.err


WRONG: tuple[tuple[list[str], str], ...] = (
    (["version", "compare", "ID", "1", "1"], "cannot be compared with itself"),
    (["version", "compare", "ID", "1", "9"], "has no version '9'"),
    (["version", "compare", "ID", "1", "2", "--by", "sex"], "neither version can be sliced by 'sex'"),
    (["version", "promote", "ID", "1", "--reason", "It is better."], "is the current one already"),
    (["version", "retire", "ID", "9", "--reason", "It is worse."], "has no version '9'"),
    (["version", "amend", "ID", "1", "--reason", "Left out."], "nothing would change"),
    (["version", "amend", "ID", "1", "--commit", "abc", "--reason", "Left out."], "give the full commit"),
    (["version", "list", "nope"], "no initiative 'nope'"),
    (["document", "ID", "--kind", "novel"], "kind input should be"),
    (["document", "ID", "--format", "pdf"], "form input should be"),
    (["document", "ID", "--version", "9"], "has no version '9'"),
    (["document", "ID", "--out", "/nope/nowhere/x.md"], "cannot be written"),
    (["document-text", "ID", "nope", "--text", "x"], "has no section 'nope'"),
    (["data", "use", "nope", "ID", "--how", "training"], "no data source 'nope'"),
    (["data", "use", "shop-ledger", "ID", "--how", "guessing"], "how input should be"),
    (["data", "upstream", "shop-ledger", "weekly-sums"], "made from itself"),
    (["data", "bad", "shop-ledger", "--reason", "bad"], "reason needs at least 10"),
    (["data", "clear", "shop-ledger", "--reason", "Nothing was wrong."], "is not marked as bad"),
    (["data", "show", "nope"], "holds no source 'nope'"),
    (["lineage", "--team", "Nobody"], "the lineage holds no team 'Nobody'"),
)


def test_wrong_input_is_refused_in_one_sentence(govern: Govern, modelled: str) -> None:
    for command, said in WRONG:
        refused = govern(*[modelled if part == "ID" else part for part in command])
        assert refused.code == 2, command
        assert said in refused.err, command
        assert refused.err.count("\n") == 1 and "Traceback" not in refused.err


def test_whoever_may_not_is_told_who_may(govern: Govern, modelled: str) -> None:
    for command in (
        ["version", "promote", modelled, "2", "--reason", "It is better."],
        ["data", "bad", "shop-ledger", "--reason", "Two shops twice."],
        ["document-text", modelled, "limits", "--text", "x"],
    ):
        refused = govern(*command, "--as", "otto-outsider")
        assert refused.code == 2 and "Otto Outsider may not" in refused.err
