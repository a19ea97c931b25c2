"""Comments on an initiative: the thread, with those named marked, and a form to write."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.errors import NotFound
from core.services.work.comments import (
    MarkCommentsRead,
    WriteComment,
    comments_on,
    mark_comments_read,
    write_comment,
)
from core.services.work.routing import names_of
from portal.components.forms import Ask, closed_because, give, press
from portal.components.page import dress, panel
from portal.components.text import escape, escape_html, minute, plain

if TYPE_CHECKING:
    from core.services.process.initiatives import InitiativeSheet
    from core.services.work.comments import Comment
    from portal.components.desk import Desk

LATEST = 12


def discussion(desk: Desk, initiative: str, *, key: str = "", latest: int = LATEST) -> None:
    """Draw the newest comments on an initiative, oldest first, and let people answer and name others."""
    dress("work")
    try:
        comments = desk.ask(comments_on, initiative=initiative)
    except NotFound:
        return
    if not comments:
        st.caption("Nobody has written a comment yet.")
    if len(comments) > latest:
        st.caption(f"The latest {latest} of {len(comments)} comments.")
    if comments:
        thread = "".join(_comment_html(desk, comment) for comment in comments[-latest:])
        st.html(f'<ul class="gp-thread">{thread}</ul>')
    because = closed_because(desk, "write_comment")
    if because:
        st.caption(escape(because))
        return
    _form(desk, initiative, key or initiative)


def _form(desk: Desk, initiative: str, key: str) -> None:
    names = desk.ask(names_of)
    with st.form(f"comment-{key}", border=False, clear_on_submit=True):
        text = st.text_area(
            "Write a comment",
            max_chars=2000,
            height=84,
            placeholder="Name people with @id, or below.",
        )
        named = st.multiselect(
            "Who has to read it",
            [person for person in names if person != desk.actor.id],
            format_func=lambda person: names[person],
            placeholder="Nobody in particular",
        )
        sent = st.form_submit_button("Comment", icon=":material/send:")
    if sent:
        said = " ".join([*(f"@{person}" for person in named if f"@{person}" not in text), text])
        done = "Your comment is on record."
        if give(desk, write_comment, WriteComment, done=done, initiative=initiative, text=said):
            st.rerun()


def mark_read_button(desk: Desk, initiative: str) -> None:
    """Offer to say that the comments that name the reader were read."""
    fixed = {"initiative": initiative}
    ask = Ask("Mark as read", "The comments count as read.", icon=":material/done_all:", fixed=fixed)
    press(desk, mark_comments_read, MarkCommentsRead, ask, key="mark-read")


def _comment_html(desk: Desk, comment: Comment) -> str:
    mine = ' class="gp-mine"' if desk.actor.id in comment.mentions else ""
    return (
        f"<li{mine}><b>{escape_html(comment.actor_name)}</b> "
        f'<span class="gp-quiet-line">{escape_html(minute(comment.at))}</span><br>'
        f"{marked_html(comment.text, dict(zip(comment.mentions, comment.names, strict=True)))}</li>"
    )


def marked_html(text: str, names: dict[str, str]) -> str:
    """Escape a comment, and put the names of those it mentions in place of their ids."""
    if not names:
        return escape_html(text)
    longest_first = sorted(names, key=len, reverse=True)
    known = {person.lower(): name for person, name in names.items()}
    pattern = rf"@({'|'.join(map(re.escape, longest_first))})(?![A-Za-z0-9\-])"
    parts = re.split(pattern, plain(text), flags=re.IGNORECASE)
    # re.split puts what was named at the odd places.
    return "".join(
        f'<span class="gp-at">@{escape_html(known[part.lower()])}</span>' if place % 2 else html.escape(part)
        for place, part in enumerate(parts)
    )


def discussion_tab(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw the comments on the initiative of a sheet."""
    with panel("Discussion", "Whoever is named finds it under My work until they have read it or answered."):
        discussion(desk, sheet.initiative.initiative, key="sheet", latest=30)
