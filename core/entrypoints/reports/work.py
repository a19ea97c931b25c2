"""Results on work, printed for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.entrypoints.reports.printing import (
    NONE,
    Column,
    as_of,
    dashed,
    day,
    listed,
    minute,
    say,
    show_rows,
    show_table,
    words,
)
from core.ground import Result


def show_tasks(result: Result) -> None:
    """Tasks by due day."""
    tasks = result["tasks"]
    columns: Mapping[str, Column] = {
        "Due": "due_on",
        "Status": ("state", words),
        "To do": "title",
        "Initiative": "name",
        "Who acts": lambda task: task["owner_name"] + (" (nobody has taken it)" if task["shared"] else ""),
        "Task": "key",
    }
    if show_rows(tasks, columns, empty="Nothing is to be done."):
        late = sum(task["state"] == "overdue" for task in tasks)
        say(f"{len(tasks)} to do, {late} overdue, {as_of(result)}.")


def show_notices(result: Result) -> None:
    """Notices, newest first."""
    rows = result["notices"]
    for one in result["news"]:
        say(f"{day(one['on'])}: {one['actor_name']} acted on {one['title']} of {one['name']}.")
    columns: Mapping[str, Column] = {
        "Since": ("since", day),
        "Notice": "said",
        "When": "when",
        "Task": "title",
        "Initiative": "name",
        "To": "to_names",
    }
    if show_rows(rows, columns, empty="No notice stands."):
        say(f"{len(rows)} notices, {as_of(result)}.")


def show_hand_offs(result: Result) -> None:
    """Offers, newest first."""
    columns: Mapping[str, Column] = {
        "Hand-off": "hand_off",
        "What": "what",
        "From": "from_team",
        "To": lambda offer: offer["to_name"] or offer["to_team"],
        "Offered": "offered_at",
        "Answer": lambda offer: offer["answer"] or "waits for an answer",
        "Reason": lambda offer: offer["answer_reason"] or offer["reason"],
    }
    show_rows(result["hand_offs"], columns, empty="No work was handed over.")


def show_comments(result: Result) -> None:
    """Comments, oldest first."""
    if not result["comments"]:
        say("Nobody has written a comment.")
    for comment in result["comments"]:
        say(f"{minute(comment['at'])} UTC, {comment['actor_name']}:")
        say(f"  {comment['text']}")


def show_trainings(result: Result) -> None:
    """Trainings per person."""
    people = result["people"]
    columns: Mapping[str, Column] = {
        "Person": "name",
        "Team": "team",
        "Training": "training",
        "Status": ("state", words),
        "Attested": "attested_on",
        "Due or valid until": "due_on",
    }
    trainings = [{**person, **one} for person in people for one in person["trainings"]]
    if show_rows(trainings, columns, empty="No role in the directory asks for a training."):
        current = sum(person["current"] for person in people)
        say(f"{current} of {len(people)} people have all their training, {as_of(result)}.")


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
    columns: Mapping[str, Column] = {
        "Perspective": "title",
        "Took part": ("missing", lambda missing: "missing" if missing else "took part"),
        "Who": ("names", listed),
        "By": ("did", lambda did: listed(map(words, did))),
        "Whom to ask": ("to_ask", dashed),
    }
    show_rows(result["perspectives"], columns)


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
