"""Commands on work: tasks, hand-offs, comments, notices, trainings, responsibilities, perspectives."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from core.entrypoints.commands import options
from core.entrypoints.commands.options import AsOf, Initiative, Json, Person, Store
from core.entrypoints.reports import work as reports
from core.entrypoints.reports.printing import say

Of = Annotated[str, typer.Option("--person", help="Whose, by id.")]
Team = Annotated[str, typer.Option("--team", help="Which team's.")]
HandOff = Annotated[str, typer.Argument(metavar="HAND_OFF", help="The offer, as 'hand-off list' shows it.")]

hand_off = typer.Typer(help="Work that moves between teams and people.")
comment = typer.Typer(help="Comments on initiatives; @id names people.")
training = typer.Typer(help="Trainings by role, attested for oneself.")


def tasks(
    context: typer.Context,
    of: Of = "",
    team: Team = "",
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """List what is to be done, by due day: of a person, of a team, or all."""
    values = {"person": of, "team": team, "as_of": as_of}
    options.report(
        context, "list_tasks", values, reports.show_tasks, store=store, person=person, as_json=as_json
    )


def assign(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help="The task, as 'governance tasks' shows it.")],
    to: Annotated[str, typer.Option("--to", help="Who gets it, by id; you where nobody is named.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why, if it needs saying.")] = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Put somebody of your team on a task, or take it yourself."""
    values = {"task": task, "person": to, "reason": reason}

    def told(result: Any) -> None:
        say(f"{result['task']} is now with {result['person']}.")

    options.report(context, "assign_task", values, told, store=store, person=person, as_json=as_json)


def notices(
    context: typer.Context,
    of: Of = "",
    team: Team = "",
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """List reminders, questions, escalations and news as they stand; nothing has to have run before."""
    values = {"person": of, "team": team, "as_of": as_of}
    options.report(
        context, "list_notices", values, reports.show_notices, store=store, person=person, as_json=as_json
    )


@hand_off.command("offer")
def offer(
    context: typer.Context,
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence.")],
    initiative: Annotated[str, typer.Option("--initiative", help="A whole initiative, by id.")] = "",
    task: Annotated[str, typer.Option("--task", help="One task, as 'governance tasks' shows it.")] = "",
    to_team: Annotated[str, typer.Option("--to-team", help="The team that gets it.")] = "",
    to_person: Annotated[str, typer.Option("--to-person", help="The person who gets it, by id.")] = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Offer an initiative or a task to a team or a person."""
    values = {
        "initiative": initiative,
        "task": task,
        "to_team": to_team,
        "to_person": to_person,
        "reason": reason,
    }

    def told(result: Any) -> None:
        say(f"{result['hand_off']} waits for the answer of {result['to']}.")

    options.report(context, "offer_hand_off", values, told, store=store, person=person, as_json=as_json)


@hand_off.command("accept")
def accept(
    context: typer.Context,
    which: HandOff,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Accept an offer to you or your team; the work is yours from then on."""
    values = {"hand_off": which, "answer": "accept"}
    options.report(context, "answer_hand_off", values, _answered, store=store, person=person, as_json=as_json)


@hand_off.command("return")
def give_back(
    context: typer.Context,
    which: HandOff,
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence.")],
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Return an offer with a reason; the work stays where it is."""
    values = {"hand_off": which, "answer": "return", "reason": reason}
    options.report(context, "answer_hand_off", values, _answered, store=store, person=person, as_json=as_json)


@hand_off.command("withdraw")
def withdraw(
    context: typer.Context,
    which: HandOff,
    reason: Annotated[str, typer.Option("--reason", help="Why, in a sentence.")],
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Take back an offer that nobody has answered yet."""
    values = {"hand_off": which, "reason": reason}
    options.report(
        context, "withdraw_hand_off", values, _answered, store=store, person=person, as_json=as_json
    )


def _answered(result: Any) -> None:
    say(f"{result['hand_off']} is {result['answer']}.")


@hand_off.command("list")
def list_hand_offs(
    context: typer.Context,
    initiative: Annotated[str, typer.Option("--initiative", help="Of one initiative.")] = "",
    team: Annotated[str, typer.Option("--team", help="That this team gave or got.")] = "",
    open_only: Annotated[bool, typer.Option("--open", help="Only those that wait for an answer.")] = False,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """List offers and their answers, newest first."""
    values = {"initiative": initiative, "team": team, "open_only": open_only, "as_of": as_of}
    options.report(
        context, "list_hand_offs", values, reports.show_hand_offs, store=store, person=person, as_json=as_json
    )


@comment.command("add")
def add_comment(
    context: typer.Context,
    initiative: Initiative,
    text: Annotated[str, typer.Argument(help="What you say; @id names people.")],
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Write a comment on an initiative; whoever it names gets a task to read it."""
    values = {"initiative": initiative, "text": text}

    def told(result: Any) -> None:
        say(f"{result['comment']} is on record.")

    options.report(context, "write_comment", values, told, store=store, person=person, as_json=as_json)


@comment.command("list")
def list_comments(
    context: typer.Context,
    initiative: Initiative,
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """List the comments on an initiative, oldest first."""
    values = {"initiative": initiative, "as_of": as_of}
    options.report(
        context, "list_comments", values, reports.show_comments, store=store, person=person, as_json=as_json
    )


@comment.command("read")
def mark_read(
    context: typer.Context,
    initiative: Initiative,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Say that you have read the comments that name you."""

    def told(result: Any) -> None:
        say(f"The comments on {result['initiative']} count as read.")

    values = {"initiative": initiative}
    options.report(context, "mark_comments_read", values, told, store=store, person=person, as_json=as_json)


@training.command("list")
def list_trainings(
    context: typer.Context,
    team: Team = "",
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """List who has which training, and until when."""
    values = {"team": team, "as_of": as_of}
    options.report(
        context, "list_trainings", values, reports.show_trainings, store=store, person=person, as_json=as_json
    )


@training.command("attest")
def attest(
    context: typer.Context,
    which: Annotated[str, typer.Argument(metavar="TRAINING", help="The training, as 'training list' says.")],
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Attest a training for yourself."""

    def told(result: Any) -> None:
        say(f"{result['training']} is attested; it holds until {result['valid_until']}.")

    values = {"training": which}
    options.report(context, "attest_training", values, told, store=store, person=person, as_json=as_json)


def raci(
    context: typer.Context,
    days: Annotated[int, typer.Option("--days", help="Acts of so many days; 0 = the whole record.")] = 0,
    team: Team = "",
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show the responsibility matrix beside what the record shows, and each person's load."""
    values = {"days": days, "team": team, "as_of": as_of}
    options.report(
        context, "read_raci", values, reports.show_raci, store=store, person=person, as_json=as_json
    )


def perspectives(
    context: typer.Context,
    initiative: Initiative,
    gate: Annotated[str, typer.Option("--gate", help="The gate, such as deployment.")],
    as_of: AsOf = "",
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Show which perspectives took part in the decision at a gate, and which were missing."""
    values = {"initiative": initiative, "gate": gate, "as_of": as_of}
    options.report(
        context,
        "read_perspectives",
        values,
        reports.show_perspectives,
        store=store,
        person=person,
        as_json=as_json,
    )
