"""Lists of things to open: a linked name, why it stands here, and its status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import streamlit as st

from portal.components.page import page_link
from portal.components.pills import pill
from portal.components.text import escape


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


def linked_rows(items: Sequence[LinkedRow], *, empty: str = "Nothing today.") -> None:
    """Show things to open, the most pressing first; `empty` is the sentence for none."""
    if not items:
        st.caption(escape(empty))
    for number, item in enumerate(items):
        with st.container(key=f"gp-row-{item.page}-{number}", gap="xxsmall"):
            with st.container(
                horizontal=True,
                vertical_alignment="center",
                horizontal_alignment="distribute",
                gap="xsmall",
                wrap=False,
            ):
                page_link(item.page, item.title, **item.query)
                if item.status:
                    pill(item.status, item.status_text)
            st.caption(escape(item.detail))
