"""Comments on an initiative; `@id` names a person, who has to read it or answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import Field

from core.domain.chain import Fact
from core.domain.commands import Command, Words
from core.domain.errors import BadInput, NotFound
from core.domain.given import InitiativeId, argument
from core.domain.moment import Moment
from core.lake.work import comments as lake
from core.services.governance import Governance
from core.services.lookups import require_initiative
from core.services.work.routing import cast_of

MOST_MENTIONS = 10
_MENTION = re.compile(r"(?<![\w@./])@([A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?)")


class WriteComment(Command):
    """Write a comment on an initiative; whoever it names gets a task to read it."""

    may: ClassVar[str] = "write_comment"

    initiative: InitiativeId
    text: Annotated[Words, Field(min_length=2, description="What you say; @id names people."), argument()]


class MarkCommentsRead(Command):
    """Say that you have read the comments that name you."""

    may: ClassVar[str] = "write_comment"

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
    """List the comments on an initiative, oldest first.

    Raises
    ------
    NotFound
        There was no such initiative.
    """
    require_initiative(governance, initiative, moment)
    cast = cast_of(governance, moment)
    return tuple(
        Comment(
            row["comment"],
            row["actor"],
            row["actor_name"],
            row["recorded_at"],
            row["text"],
            tuple(row["mentions"]),
            tuple(cast.name(person) for person in row["mentions"]),
        )
        for row in lake.comments(governance.store, moment, initiative)
    )


def write_comment(governance: Governance, command: WriteComment) -> str:
    """Write a comment and give its id; whoever it names gets a task to read it.

    Raises
    ------
    Forbidden
        The actor may not comment.
    NotFound, BadInput
        No such initiative; somebody who is not in the directory, or too many people, are named.
        Nothing is stored.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    require_initiative(governance, command.initiative, moment)
    mentions = mentions_in(command.text)
    cast = cast_of(governance, moment)
    unknown = [person for person in mentions if cast.find(person) is None]
    if unknown:
        raise NotFound(
            f"nobody is called {', '.join(f'@{person[:40]}' for person in unknown)}",
            where="text",
            remedy="Name people by their id, as 'governance people list' shows it.",
        )
    if len(mentions) > MOST_MENTIONS:
        raise BadInput(f"more than {MOST_MENTIONS} people are named", where="text", remedy="Name fewer.")

    def written(moment: Moment) -> list[Fact]:
        number = len(lake.comments(governance.store, moment, command.initiative)) + 1
        comment = f"{command.initiative}/comment-{number}"
        row = {
            "initiative": command.initiative,
            "comment": comment,
            "text": command.text,
            "mentions": list(mentions),
        }
        return [Fact("comment_written", comment, "comment", (row,), first=True)]

    return governance.store.append_next(written, actor=command.actor.id, at=command.at)[0].subject


def mark_comments_read(governance: Governance, command: MarkCommentsRead) -> None:
    """Put on record that one has read the comments on an initiative.

    Raises
    ------
    Forbidden, NotFound
        The actor may not; no such initiative.
    BadInput
        No comment there that names the actor waits to be read.
    """
    governance.roles.require(command.actor, command.may)
    moment = governance.present(command.at)
    require_initiative(governance, command.initiative, moment)
    waiting = [
        row
        for row in lake.unread_mentions(governance.store, moment)
        if row["initiative"] == command.initiative and row["person"] == command.actor.id
    ]
    if not waiting:
        raise BadInput(
            "no comment there waits for you", where=command.initiative, remedy="Nothing is to be done."
        )
    row = {"initiative": command.initiative}
    fact = Fact("comments_read", command.initiative, "comments_read", (row,))
    governance.store.append([fact], actor=command.actor.id, at=command.at)
