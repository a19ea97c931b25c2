"""The frame of every page: title, one caption line with rule and time, sections, and the empty state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from portal.components.pills import pill
from portal.components.text import day, escape, minute

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from portal.components.desk import Desk


@dataclass(frozen=True)
class LinkedRow:
    """One thing to open.

    Attributes
    ----------
    title
        Name of the thing, shown literally.
    detail
        Why it stands here, and who acts.
    page
        Page that opens it, by file name without ending: `initiative`.
    query
        What that page should open: `{"id": "retail-credit-scoring"}`.
    status
        A key of `pills.LOOKS`.
    status_text
        Words in place of the fixed ones: `21 days late`.
    """

    title: str
    detail: str
    page: str
    query: Mapping[str, str] = field(default_factory=dict)
    status: str = ""
    status_text: str = ""


def linked_rows(items: Sequence[LinkedRow], *, key: str = "", empty: str = "Nothing today.") -> None:
    """Show things to open, the most pressing first; `empty` is the sentence for none.

    `key` tells the list from others of its page that lead to the same one.
    """
    if not items:
        st.caption(escape(empty))
    for number, item in enumerate(items):
        linked_row(item, f"{key or item.page}-{number}")


def linked_row(item: LinkedRow, key: str, beside: Callable[[], None] | None = None) -> None:
    """Show one thing to open; `beside` draws what stands after its status."""
    with st.container(key=f"gp-row-{key}", gap="xxsmall"):
        with st.container(
            horizontal=True,
            vertical_alignment="center",
            horizontal_alignment="distribute",
            gap="xsmall",
            wrap=False,
        ):
            page_link(item.page, item.title, **item.query)
            with (
                st.container(
                    horizontal=True, width="content", vertical_alignment="center", gap="xsmall", wrap=False
                )
                if beside
                else nullcontext()
            ):
                if item.status:
                    pill(item.status, item.status_text)
                if beside:
                    beside()
        st.caption(escape(item.detail))


_STYLES = Path(__file__).with_name("styles")


@cache
def _style(name: str) -> str:
    return f"<style>{(_STYLES / name).with_suffix('.css').read_text(encoding='utf-8')}</style>"


def dress(*names: str) -> None:
    """Load styles: `page` for all pages, which the shell does on every run, or those of some pieces."""
    for name in names:
        st.html(_style(name))


def page_header(desk: Desk, title: str, rule: str = "") -> None:
    """Show the title, the demo mark and one caption line: what the page shows, by which rule, as of when.

    Parameters
    ----------
    desk
        The desk of this session, for the as-of time and the demo mark.
    title
        Title of the page; text from people may stand in it.
    rule
        One plain sentence on what is shown, for example `Shares of first checks that passed.`
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(escape(title), anchor=False, width="content")
        if desk.demo:
            st.badge("Demo data", color="orange", help="Everything here was made by the demonstration.")
        if desk.in_past:
            st.badge(f"As it stood on {day(desk.moment.at)}", color="blue", icon=":material/history:")
    words = f"{escape(rule)} " if rule else ""
    st.caption(f"{words}As of {minute(desk.moment.at)}, record entry {desk.moment.seq:,}.")


def section(title: str, caption: str = "") -> None:
    """Show the heading of a part of a page, with an optional one-line caption."""
    st.header(escape(title), anchor=False)
    if caption:
        st.caption(escape(caption))


def panel(title: str, caption: str = "", *, key: str | None = None) -> DeltaGenerator:
    """Open a bordered panel with a heading; use it with `with`.

    Examples
    --------
    >>> with panel("Needs attention", "Blocked gates first."):  # doctest: +SKIP
    ...     st.write("Nothing today.")
    """
    box = st.container(border=True, key=key, height="stretch")
    with box:
        section(title, caption)
    return box


def empty_state(sentence: str, *, page: str = "", label: str = "", icon: str = ":material/inbox:") -> None:
    """Say why there is nothing here and, if `page` is given, link to what to do next.

    Parameters
    ----------
    sentence
        For example `No initiative is registered yet.`
    page
        A page of the portal by its file name without ending, for example `register`.
    label
        Text of the link.
    icon
        A Material icon, drawn from the font that Streamlit ships.
    """
    with st.container(border=True, horizontal_alignment="center", gap="xsmall"):
        st.markdown(f":gray[{icon}] {escape(sentence)}", text_alignment="center")
        if page:
            page_link(page, label or page, icon=":material/arrow_forward:")


def page_link(page: str, label: str, *, icon: str | None = None, **query: str) -> None:
    """Link to another page of the portal without reloading it.

    Parameters
    ----------
    page
        File name of the page without ending: `initiative`.
    label
        Text of the link; it is shown literally, whoever wrote it.
    icon
        A Material icon.
    query
        What the page should open, for example `id="retail-credit-scoring"`.
    """
    st.page_link(f"../pages/{page}.py", label=escape(label), icon=icon, query_params=query or None)
