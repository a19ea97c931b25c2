"""Frameworks, rights, ALCOA grades and the ethical position on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import CONFIG
from tests.entrypoints.conftest import SCHEDULED, Govern, answers

HOW = "The shop asks the data team, which reads the customer table."


@pytest.fixture
def personal(store: Path, govern: Govern) -> str:
    """A registered initiative that uses personal data."""
    given = {**SCHEDULED, "regulations": "personal_data"}
    said = govern(
        *("register", "--name", "Weekly mailing", "--purpose", "Choose whom to write to.", "--team", "T"),
        *("--owner", "olga-owner", "--json", *answers(given)),
    )
    assert said.code == 0, said.err
    return str(said.json["initiative"])


def test_coverage_goes_from_all_frameworks_to_one_proof(
    govern: Govern, personal: str, tmp_path: Path
) -> None:
    paper = tmp_path / "note.md"
    paper.write_text("# Purpose", encoding="utf-8")
    measure = "purpose_and_personal_data"
    govern("evidence", "add", personal, measure, "--title", "Purpose note", "--file", str(paper))
    overview = govern("frameworks", "--json").json
    gdpr = next(row for row in overview["frameworks"] if row["id"] == "gdpr")
    # Of the seven rights one is met; four are open or not asked, and two have no measure.
    assert (gdpr["initiatives"], gdpr["coverage"]["met"], gdpr["coverage"]["gap"]) == (1, 1, 2)
    assert gdpr["coverage"]["share"] == gdpr["coverage"]["met"] / gdpr["coverage"]["counted"]
    shown = govern("frameworks", "--framework", "gdpr")
    assert "Articles 13 and 14" in shown.out
    assert "25" in shown.out
    proofs = govern("frameworks", "--framework", "gdpr", "--clause", "informed", "--json").json["proofs"]
    assert [(one["initiative"], one["satisfied"]) for one in proofs] == [(personal, True)]
    assert "“Purpose note” (file note.md) by Ada Admin" in proofs[0]["proof"]
    one = govern("frameworks", "--initiative", personal, "--json").json
    assert one["own_regions"] is False
    said = govern("frameworks", "--initiative", personal)
    assert "It applies because people in European Union are concerned" in said.out


def test_regions_decide_what_applies(govern: Govern, personal: str) -> None:
    said = govern("regions", personal, "singapore", "--reason", "Only sold in Singapore.")
    assert (said.code, said.out) == (0, f"{personal} concerns people in singapore.\n")
    one = govern("frameworks", "--initiative", personal, "--json").json
    ids = {framework["id"] for framework in one["frameworks"]}
    assert "singapore" in ids
    assert "gdpr" not in ids
    wrong = govern("regions", personal, "mars", "--reason", "Only sold on Mars.")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith("governance: 'mars' is no known region (regions). Use one of: eu, uk")


def test_rights_are_settled_excluded_and_shown(govern: Govern, personal: str) -> None:
    settled = govern(
        "rights", "settle", personal, "access", "--how", HOW, "--days", "20", "--from", "2031-01-01"
    )
    assert (settled.code, settled.err) == (0, "")
    assert settled.out == f"The right 'access' of {personal} is answered by ada-admin.\n"
    reason = "The model only sorts a list; a person decides."
    assert govern("rights", "exclude", personal, "object", "--reason", reason).code == 0
    found = govern("rights", "show", personal, "--json").json
    states = {line["right"]["id"]: line["state"] for line in found["lines"]}
    assert (states["access"], states["object"], states["informed"]) == ("planned", "not_applicable", "open")
    assert found["open"] == 5
    assert "5 of 7 are open." in govern("rights", "show", personal).out
    (row,) = govern("rights", "show", "--json").json["initiatives"]
    assert len(row["open"]) == 5
    late = govern("rights", "settle", personal, "access", "--how", HOW, "--days", "60")
    assert late.code == 2
    assert "60 days are more than the 30 within which an answer is due" in late.err


def test_evidence_is_graded(govern: Govern, personal: str) -> None:
    measure, link = "purpose_and_personal_data", "https://wiki.example/note"
    govern("evidence", "add", personal, measure, "--title", "Purpose note", "--link", link)
    (piece,) = govern("alcoa", personal, "--json").json["evidence"]
    grades = {grade["letter"]: grade["grade"] for grade in piece["grades"]}
    assert (grades["original"], grades["accurate"], piece["overall"]) == ("not", "cannot_tell", "not")
    assert "a link: what it leads to is kept elsewhere" in govern("alcoa", personal).out


def test_a_position_is_checked_published_and_shown_as_it_was(
    govern: Govern, personal: str, tmp_path: Path
) -> None:
    file = tmp_path / "ethics.yaml"
    shipped = (CONFIG / "ethics.yaml").read_text(encoding="utf-8")
    file.write_text(shipped.replace('version: "1.1"', 'version: "1.2"'), encoding="utf-8")
    checked = govern("ethics", "check", str(file))
    assert (checked.code, checked.out.split(": ", 1)[1][:12]) == (0, "version 1.2,")
    published = govern("ethics", "publish", str(file))
    waits = "Proposal C1 is on record; it takes effect when somebody else agrees.\n"
    assert (published.code, published.out) == (0, waits)
    assert govern("ethics", "show", "--json").json["ethics"]["version"] == "1.1"
    assert govern("proposal", "agree", "C1", "--as", "vera-validator").code == 0
    again = govern("ethics", "publish", str(file))
    assert again.code == 2
    assert "ethical position '1.2' was published before" in again.err
    now = govern("ethics", "show", "--json").json
    assert now["ethics"]["version"] == "1.2"
    assert [version["version"] for version in now["versions"]] == ["1.2", "1.1"]
    then = govern("ethics", "show", "--as-of", "2026-01-06", "--json").json
    assert then["ethics"]["version"] == "1.1"
    demanded = govern("ethics", "show", "--initiative", personal)
    assert "Demanded here: Documented for those who use it." in demanded.out
    file.write_text(shipped.replace("    low: purpose_known\n", ""), encoding="utf-8")
    wrong = govern("ethics", "check", str(file))
    assert wrong.code == 2
    assert "class 'low' has no level of transparency. Add 'low: LEVEL'." in wrong.err


def test_options_that_do_not_go_together_are_one_sentence(govern: Govern, store: Path) -> None:
    said = govern("frameworks", "--clause", "informed")
    assert said.err == "governance: a clause belongs to a framework (--clause). Give --framework too.\n"
    said = govern("frameworks", "--framework", "gdpr", "--initiative", "x")
    assert said.err.startswith("governance: one initiative is shown with all its frameworks (--framework).")
