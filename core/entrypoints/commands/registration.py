"""Registering an initiative from the command line, by options or by answering questions."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from core.domain.errors import BadInput
from core.domain.given import pairs
from core.entrypoints.commands import options
from core.entrypoints.commands.options import Json, Person, Store
from core.entrypoints.reports import process as reports
from core.entrypoints.reports.printing import complain, show_json

Answers = dict[str, tuple[str, ...]]


def register(
    context: typer.Context,
    name: Annotated[str, typer.Option("--name", help="What it is called.")] = "",
    purpose: Annotated[str, typer.Option("--purpose", help="What it is for, in a sentence.")] = "",
    team: Annotated[
        str, typer.Option("--team", help="The team; the acting person's where none is named.")
    ] = "",
    owner: Annotated[
        str, typer.Option("--owner", help="Who owns it; the acting person where none is named.")
    ] = "",
    builder: Annotated[str, typer.Option("--builder", help="Who builds it.")] = "",
    domain: Annotated[str, typer.Option("--domain", help="Business domain.")] = "other",
    short_name: Annotated[str, typer.Option("--short-name", help="Technical name; made from the name.")] = "",
    answer: Annotated[
        list[str] | None, typer.Option("--answer", help="QUESTION=OPTION; once a question, or more.")
    ] = None,
    store: Store = None,
    person: Person = None,
    as_json: Json = False,
) -> None:
    """Register an initiative; on a terminal the questions are asked one by one."""
    given = {"name": name, "purpose": purpose, "team": team, "owner": owner, "builder": builder}
    given |= {"domain": domain, "short_name": short_name}
    answers = pairs(answer or [], "--answer", "--answer consumers=internal")
    with options.reach(context, store, person) as caller:
        asked = caller.call("list_questions", {})
        if not answers:
            if not _on_terminal():
                raise _unanswered(asked["questions"])
            given, answers = _interview(given, asked)
        given["team"] = given["team"] or asked["actor"]["team"]
        result = caller.call("register_initiative", {**_named(given), "answers": answers})
    if as_json:
        show_json(result)
    else:
        reports.show_registered(result)


def _named(given: Mapping[str, str]) -> dict[str, str]:
    lacking = [f"--{field}" for field in ("name", "purpose", "team") if not given[field].strip()]
    if lacking:
        raise BadInput(f"{' and '.join(lacking)} must be given", where="register", remedy="Say what it is.")
    return {field: value for field, value in given.items() if value}


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _unanswered(questions: Sequence[Mapping[str, Any]]) -> BadInput:
    lines = [
        f"  --answer {question['id']}={'|'.join(option['id'] for option in question['options'])}"
        + (" (may be repeated)" if question["kind"] == "many" else "")
        for question in questions
    ]
    return BadInput(
        f"the {len(questions)} questions are not answered. Give an answer to each:\n" + "\n".join(lines)
    )


def _interview(given: Mapping[str, str], asked: Mapping[str, Any]) -> tuple[dict[str, str], Answers]:
    told = dict(given)
    for field, question in (("name", "What is it called?"), ("purpose", "What is it for?")):
        if not told[field]:
            told[field] = str(typer.prompt(question, err=True))
    if not told["team"] and not asked["actor"]["team"]:
        told["team"] = str(typer.prompt("Which team does it belong to?", err=True))
    return told, {question["id"]: _answer(question) for question in asked["questions"]}


def _answer(question: Mapping[str, Any]) -> tuple[str, ...]:
    found = question["options"]
    complain(f"\n{question['text']}\n  {question['help']}")
    for number, option in enumerate(found, start=1):
        complain(f"  {number}. {option['label']}")
    many = question["kind"] == "many"
    hint = "Numbers, parted by commas" if many else "Number"
    while True:
        numbers = [part.strip() for part in str(typer.prompt(hint, err=True)).split(",") if part.strip()]
        fits = all(part.isdecimal() and 1 <= int(part) <= len(found) for part in numbers)
        if numbers and fits and (many or len(numbers) == 1):
            return tuple(dict.fromkeys(str(found[int(part) - 1]["id"]) for part in numbers))
        complain(f"  Give {'one or more numbers' if many else 'one number'} from 1 to {len(found)}.")
