"""Results on work, printed for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.entrypoints.reports.printing import NONE, as_of, day, minute, say, show_table, words

Result = Mapping[str, Any]


def show_tasks(result: Result) -> None:
    """Tasks by due day."""
    rows = result["tasks"]
    if not rows:
        say("Nothing is to be done.")
        return
    lines = [
        (
            day(row["due_on"]),
            words(row["state"]),
            row["title"],
            row["name"],
            row["owner_name"] + (" (nobody has taken it)" if row["shared"] else ""),
            row["key"],
        )
        for row in rows
    ]
    show_table(("Due", "Status", "To do", "Initiative", "Who acts", "Task"), lines)
    late = sum(row["state"] == "overdue" for row in rows)
    say(f"{len(rows)} to do, {late} overdue, {as_of(result)}.")


def show_notices(result: Result) -> None:
    """Notices, newest first."""
    rows = result["notices"]
    for one in result["news"]:
        say(f"{day(one['on'])}: {one['actor_name']} acted on {one['title']} of {one['name']}.")
    if not rows:
        say("No notice stands.")
        return
    lines = [
        (day(row["since"]), row["said"], row["when"], row["title"], row["name"], row["to_names"])
        for row in rows
    ]
    show_table(("Since", "Notice", "When", "Task", "Initiative", "To"), lines)
    say(f"{len(rows)} notices, {as_of(result)}.")


def show_hand_offs(result: Result) -> None:
    """Offers, newest first."""
    rows = result["hand_offs"]
    if not rows:
        say("No work was handed over.")
        return
    lines = [
        (
            row["hand_off"],
            row["what"],
            row["from_team"],
            row["to_name"] or row["to_team"],
            day(row["offered_at"]),
            row["answer"] or "waits for an answer",
            row["answer_reason"] or row["reason"],
        )
        for row in rows
    ]
    show_table(("Hand-off", "What", "From", "To", "Offered", "Answer", "Reason"), lines)


def show_comments(result: Result) -> None:
    """Comments, oldest first."""
    if not result["comments"]:
        say("Nobody has written a comment.")
    for row in result["comments"]:
        say(f"{minute(row['at'])} UTC, {row['actor_name']}:")
        say(f"  {row['text']}")


def show_trainings(result: Result) -> None:
    """Trainings per person."""
    lines = [
        (
            person["name"],
            person["team"],
            one["training"],
            words(one["state"]),
            day(one["attested_on"]),
            day(one["due_on"]),
        )
        for person in result["people"]
        for one in person["trainings"]
    ]
    if not lines:
        say("No role in the directory asks for a training.")
        return
    show_table(("Person", "Team", "Training", "Status", "Attested", "Due or valid until"), lines)
    current = sum(person["current"] for person in result["people"])
    say(f"{current} of {len(result['people'])} people have all their training, {as_of(result)}.")


def show_raci(result: Result) -> None:
    """The declared letters with the acts on record, deviations, and loads."""
    roles = result["roles"]
    lines = [
        (
            task["title"],
            *(_cell(task, role["id"]) for role in roles),
            task["acts"].get("other", NONE),
        )
        for task in result["tasks"]
    ]
    show_table(("Task", *(role["title"] for role in roles), "Others"), lines)
    say("Letter as declared, then acts on record; ! marks acts that the matrix does not declare.")
    if result["deviations"]:
        say()
        deviations = [
            (one["task_title"], one["name"], one["role_title"], one["acts"], one["expected"])
            for one in result["deviations"]
        ]
        show_table(("Task", "Who", "As", "Acts", "Declared"), deviations, right=(3,))
    say()
    loads = [
        (one["name"], one["team"], one["overdue"], one["this_week"], one["this_month"], one["later"])
        for one in result["loads"]
        if one["overdue"] + one["this_week"] + one["this_month"] + one["later"]
    ]
    show_table(("Person", "Team", "Overdue", "7 days", "30 days", "Later"), loads, right=(2, 3, 4, 5))


def _cell(task: Result, role: str) -> str:
    acts = task["acts"].get(role)
    letter = task["letters"].get(role, "")
    if acts is None:
        return letter or NONE
    return f"{letter or NONE} {acts}{'!' if role in task['deviating'] else ''}"


def show_perspectives(result: Result) -> None:
    """Perspectives at a gate."""
    decided = (
        f"{result['outcome']} on {day(result['decided_at'])}" if result["outcome"] else "not decided yet"
    )
    say(f"{result['gate_title']}: {decided}.")
    lines = [
        (
            one["title"],
            "missing" if one["missing"] else "took part",
            ", ".join(one["names"]) or NONE,
            ", ".join(words(did) for did in one["did"]) or NONE,
            one["to_ask"] or NONE,
        )
        for one in result["perspectives"]
    ]
    show_table(("Perspective", "Took part", "Who", "By", "Whom to ask"), lines)


SHOW: Mapping[str, Callable[[Result], None]] = {
    "tasks": show_tasks,
    "notices": show_notices,
    "hand-off list": show_hand_offs,
    "comment list": show_comments,
    "training list": show_trainings,
    "raci": show_raci,
    "perspectives": show_perspectives,
}
"""Command -> what prints its result."""
