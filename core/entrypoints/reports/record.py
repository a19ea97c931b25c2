"""What the command line prints of the record: whether it is whole, replays, entries, and people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.entrypoints.reports.printing import Column, day, minute, say, show_rows, show_table, words
from core.ground import Result


def show_verification(result: Result) -> None:
    """Whether the record is whole."""
    purged = f", {result['purged']:,} files forgotten on purpose" if result["purged"] else ""
    counted = f"{result['entries']:,} entries, {result['files']:,} files{purged}"
    broken = result["first_break"]
    if broken is None:
        say(f"The record is whole: {counted}.")
        signed = result["checkpoint"]
        if signed is not None:
            say(f"It goes on from the checkpoint of {minute(signed['at'])} UTC at entry {signed['seq']:,}.")
    else:
        place = f"entry {broken['seq']}" if broken["seq"] is not None else "the record"
        say(f"The record is broken at {place} ({broken['subject']}): {broken['problem']}.")
    for note in (*result["notes"], *result["configuration"]):
        say(f"Note: {note}.")


def show_replay(result: Result) -> None:
    """A decision on record beside the one made anew."""
    recorded = result["recorded"]
    say(
        f"{result['gate_title']} of {result['initiative']}: {recorded['outcome']} "
        f"on {minute(result['at'])} UTC, policy {recorded['policy_version']}, "
        f"{len(recorded['findings'])} findings."
    )
    lines = [(known["title"], known["status"], known["due_on"]) for known in result["requirements"]]
    show_table(("What was known", "Stood at", "Due"), lines)
    if result["same"]:
        say(f"Made anew from the first {result['known_seq']:,} entries, the decision is the same.")
    for difference in result["differences"]:
        say(f"Not the same: {difference}.")


def show_record(result: Result) -> None:
    """Entries of the record, newest first."""
    columns: Mapping[str, Column] = {
        "Entry": "seq",
        "UTC": ("recorded_at", minute),
        "By": "actor_name",
        "What": ("action", words),
        "Subject": "subject",
        "Digest": ("digest", lambda digest: digest[:12]),
    }
    show_rows(result["entries"], columns)


def show_people(result: Result) -> None:
    """The directory, a person a line."""
    lines = [
        (person["id"], person["name"], person["title"], person["team"], _roles_or_leave(person))
        for person in result["people"]
    ]
    show_table(("Id", "Name", "Title", "Team", "Roles"), lines)


def _roles_or_leave(person: Result) -> str:
    return f"left on {day(person['left_on'])}" if person["left_on"] else ", ".join(person["role_titles"])


def show_person(result: Result) -> None:
    """Where somebody belonged, a line each."""
    lines = [
        (
            *(day(one["recorded_at"]), one["until"], one["name"]),
            "left" if one["has_left"] else one["team"] or "",
            ", ".join(one["role_titles"]),
            one["actor_name"],
        )
        for one in result["history"]
    ]
    show_table(("From", "Until", "Name", "Team", "Roles", "Recorded by"), lines)


def show_deputies(result: Result) -> None:
    """Who acts for whom, a line each."""
    columns: Mapping[str, Column] = {
        "Deputy": "deputy_name",
        "Acts for": "person_name",
        "From": ("since", day),
        "Until": ("until", day),
        "Because": "reason",
    }
    show_rows(result["deputies"], columns, empty="Nobody acts for anybody.")


def show_tokens(result: Result) -> None:
    """Tokens, a line each: whose, what for, until when."""
    lines = [
        (
            *(one["token"], one["person_name"], one["state"], day(one["expires_at"])),
            ", ".join(one["operations"]) or "all",
            ", ".join(one["initiatives"]) or "all",
        )
        for one in result["tokens"]
    ]
    show_table(("Token", "Acts as", "State", "Until", "Operations", "Initiatives"), lines)


def show_proposals(result: Result) -> None:
    """What was proposed, and what became of it."""
    for one in result["proposals"]:
        who = f"{one['proposed_by_name']} proposed it on {day(one['recorded_at'])}"
        if one["state"] != "proposed":
            who = f"proposed by {one['proposed_by_name']}; {one['state']} by {one['actor_name']}"
        say(f"{one['proposal']} {words(one['state'])}: {' '.join(one['says'])} ({who})")
        if one["state"] == "proposed":
            say(f"    Waits for: {' or '.join(one['reviewer_titles'])}.")
    if not result["proposals"]:
        say("Nothing was proposed.")


SHOW: Mapping[str, Callable[[Result], None]] = {
    "verify": show_verification,
    "replay": show_replay,
    "record": show_record,
    "people list": show_people,
    "people history": show_person,
    "people deputies": show_deputies,
    "token list": show_tokens,
    "proposal list": show_proposals,
}
"""Command -> what prints its result."""
