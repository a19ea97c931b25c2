"""Comments on an initiative; `@id` names a person, who has to read it or answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field

from core.domain.commands import Command, Words
from core.domain.errors import BadInput, NotFound
from core.domain.facts import work as facts
from core.domain.given import InitiativeId, argument
from core.domain.moment import Moment
from core.lake import directory
from core.lake.facts import history, newest
from core.lake.store import Store
from core.services.case import Case, begin, registered
from core.services.governance import Governance
from core.services.work.routing import cast_of

MOST_MENTIONS = 10
_MENTION = re.compile(r"(?<![\w@./])@([A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?)")


class WriteComment(Command, may="write_comment", whose="any"):
    """Write a comment on an initiative; whoever it names gets a task to read it."""

    initiative: InitiativeId
    text: Annotated[Words, Field(min_length=2, description="What you say; @id names people."), argument()]


class MarkCommentsRead(Command, may="write_comment", whose="any"):
    """Say that you have read the comments that name you."""

    initiative: InitiativeId


@dataclass(frozen=True)
class Comment:
    """A comment; `mentions` are ids, `names` what the people are called now, in the same order."""

    comment: str
    actor: str
    actor_name: str
    at: datetime
    text: str
    mentions: tuple[str, ...]
    names: tuple[str, ...]


def mentions_in(text: str) -> tuple[str, ...]:
    """Ids that a text names with `@`, each once, in their order; an address such as a@b.org names nobody.

    Examples
    --------
    >>> mentions_in("@vera-validator, please ask @ann.lee. Write to desk@example.org.")
    ('vera-validator', 'ann.lee')
    """
    return tuple(dict.fromkeys(found.lower() for found in _MENTION.findall(text)))


def comments_on(governance: Governance, moment: Moment, *, initiative: InitiativeId) -> tuple[Comment, ...]:
    """List the comments on an initiative, oldest first."""
    registered(governance, initiative, moment)
    names = directory.names(governance.store, moment)
    return tuple(
        Comment(
            one.comment,
            one.actor,
            names[one.actor],
            one.recorded_at,
            one.text,
            one.mentions,
            tuple(names[person] for person in one.mentions),
        )
        for one in history(governance.store, facts.Comment, moment, initiative)
    )


def write_comment(governance: Governance, command: WriteComment) -> str:
    """Write a comment and give its id; whoever it names gets a task to read it.

    Raises
    ------
    Forbidden
        The actor may not comment.
    BadInput
        Somebody who is not in the directory, or too many people, are named. Nothing is stored.
    """
    case = begin(governance, command)
    initiative = case.initiative.initiative
    mentions = mentions_in(command.text)
    cast = cast_of(governance, case.moment)
    unknown = [person for person in mentions if cast.find(person) is None]
    if unknown:
        raise NotFound(
            f"nobody is called {', '.join(f'@{person[:40]}' for person in unknown)}",
            where="text",
            remedy="Name people by their id, as 'governance people list' shows it.",
        )
    if len(mentions) > MOST_MENTIONS:
        raise BadInput(f"more than {MOST_MENTIONS} people are named", where="text", remedy="Name fewer.")

    def written(case: Case) -> facts.Comment:
        number = len(case.history(facts.Comment)) + 1
        return facts.Comment(
            initiative=initiative,
            comment=f"{initiative}/comment-{number}",
            text=command.text,
            mentions=mentions,
        )

    return case.put_next("comment_written", written).comment


def mark_comments_read(governance: Governance, command: MarkCommentsRead) -> None:
    """Put on record that one has read the comments on an initiative."""
    case = begin(governance, command)
    initiative = case.initiative.initiative
    unread = unread_mentions(governance.store, case.moment, initiative)
    if case.actor not in {person for _, person in unread}:
        raise BadInput("no comment there waits for you", where=initiative, remedy="Nothing is to be done.")
    case.put("comments_read", facts.CommentsRead(initiative=initiative))


def unread_mentions(
    store: Store, moment: Moment, initiative: str = ""
) -> Iterator[tuple[facts.Comment, str]]:
    """Comments with somebody they name who has neither read nor written there since, oldest first.

    Of one initiative, or of all.
    """
    comments = newest(store, facts.Comment, moment, initiative)
    read = newest(store, facts.CommentsRead, moment, initiative)
    heard = {(said.initiative, said.actor): said.seq for said in comments}
    for one in read:
        place = (one.initiative, one.actor)
        heard[place] = max(one.seq, heard.get(place, 0))
    for comment in comments:
        for person in comment.mentions:
            since = heard.get((comment.initiative, person), 0)
            if comment.seq > since and person != comment.actor:
                yield comment, person
