"""Work on the command line: tasks, hand-offs, comments, notices, trainings, the matrix."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.entrypoints.conftest import Govern

MEASURE = "groups_named"


@pytest.fixture
def crew(moderate: str, govern: Govern) -> str:
    """An initiative of olga-owner's, with people of two teams on record."""
    for person, team, role in (
        ("anna-analyst", "Shops", "business_analyst"),
        ("cara-claims", "Claims", "business_stakeholder"),
    ):
        added = ("people", "add", person, "--name", person.title(), "--team", team, "--role", role)
        assert govern(*added).code == 0
    for proposal in ("C1", "C2"):
        assert govern("proposal", "agree", proposal, "--as", "vera-validator").code == 0
    return moderate


def test_work_is_listed_handed_over_and_accepted(crew: str, govern: Govern) -> None:
    key = f"requirement:{crew}:{MEASURE}"
    listed = govern("tasks", "--team", "Shops", "--json").json["tasks"]
    task = next(one for one in listed if one["key"] == key)
    assert (task["owner"], task["owner_name"]) == ("anna-analyst", "Anna-Analyst")
    assert govern("tasks").out.count(crew) > 3
    offered = govern(
        "hand-off", "offer", "--task", key, "--to-person", "cara-claims", "--reason", "She knows the groups.",
        "--as", "anna-analyst", "--json",
    )  # fmt: skip
    hand_off = offered.json["hand_off"]
    assert "waits for an answer" in govern("hand-off", "list", "--open").out
    waiting = govern("tasks", "--person", "cara-claims", "--json").json["tasks"]
    assert f"hand_off:{hand_off}" in [one["key"] for one in waiting]
    wrong = govern("hand-off", "accept", hand_off, "--as", "anna-analyst")
    assert wrong.code == 2
    assert "only the receiver may answer" in wrong.err
    assert "missing option '--reason'" in govern("hand-off", "return", hand_off).err
    assert "no such option: --reason" in govern("hand-off", "accept", hand_off, "--reason", "Because.").err
    assert govern("hand-off", "accept", hand_off, "--as", "cara-claims").code == 0
    again = govern("hand-off", "return", hand_off, "--reason", "No, not now.", "--as", "cara-claims")
    assert again.code == 2
    assert "The first answer stands" in again.err
    mine = govern("tasks", "--person", "cara-claims", "--json").json["tasks"]
    assert key in [one["key"] for one in mine]
    assert govern("verify").out.startswith("The record is whole")


def test_a_task_is_assigned_and_a_wrong_one_refused(crew: str, govern: Govern) -> None:
    key = f"requirement:{crew}:{MEASURE}"
    assert govern("assign", key, "--to", "ada-admin").code == 0
    listed = govern("tasks", "--person", "ada-admin", "--json").json["tasks"]
    assert next(one for one in listed if one["key"] == key)["assigned"] is True
    wrong = govern("assign", "requirement:x:y")
    assert (wrong.code, wrong.out) == (2, "")
    assert "no open task 'requirement:x:y'" in wrong.err
    assert "Traceback" not in wrong.err


def test_comments_reach_those_they_name(crew: str, govern: Govern) -> None:
    said = govern("comment", "add", crew, "Please look, @vera-validator.", "--json")
    assert said.json["comment"] == f"{crew}/comment-1"
    assert "Please look" in govern("comment", "list", crew).out
    unread = govern("tasks", "--person", "vera-validator", "--json").json["tasks"]
    assert [one["kind"] for one in unread if one["initiative"] == crew and one["kind"] == "mention"]
    assert govern("comment", "read", crew, "--as", "vera-validator").code == 0
    read = govern("tasks", "--person", "vera-validator", "--json").json["tasks"]
    assert not [one for one in read if one["kind"] == "mention"]
    wrong = govern("comment", "add", crew, "Hello @nobody-at-all")
    assert wrong.code == 2
    assert "@nobody-at-all" in wrong.err


def test_a_training_is_attested_for_oneself(crew: str, govern: Govern) -> None:
    assert govern("training", "attest", "governance_basics", "--as", "anna-analyst").code == 0
    people = govern("training", "list", "--json").json["people"]
    anna = next(person for person in people if person["person"] == "anna-analyst")
    assert {one["training"]: one["state"] for one in anna["trainings"]}["governance_basics"] == "current"
    assert "governance_basics" in govern("training", "list", "--team", "Shops").out
    assert govern("training", "attest", "cooking", "--as", "anna-analyst").code == 2


def test_everything_that_reads_takes_a_date_and_gives_json(crew: str, govern: Govern, store: Path) -> None:
    for command in (
        ["tasks"],
        ["tasks", "--team", "Shops"],
        ["notices"],
        ["hand-off", "list"],
        ["comment", "list", crew],
        ["training", "list"],
        ["raci", "--days", "30"],
        ["perspectives", crew, "--gate", "development"],
    ):
        said = govern(*command, "--json")
        assert said.code == 0, (command, said.err)
        assert said.json["moment"]["seq"] > 0
        plain = govern(*command)
        assert plain.code == 0, (command, plain.err)
        if crew in command or "Shops" in command:  # neither was there then
            assert past_of(govern, command).startswith("governance: no ")
        else:
            past = govern(*command, "--as-of", "2026-02-01", "--json")
            assert past.json["moment"]["at"].startswith("2026-02-01"), command
        assert govern(*command, "--as-of", "tomorrow").code == 2


def past_of(govern: Govern, command: list[str]) -> str:
    """What a command complains of when it is asked about a day before there was anything."""
    past = govern(*command, "--as-of", "2026-02-01", "--json")
    assert (past.code, past.out) == (2, "")
    return past.err
