"""Guides, shown where the work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from portal.components.page import dress
from portal.components.text import escape, escape_html

if TYPE_CHECKING:
    from portal.components.desk import Desk


def guide_for(desk: Desk, role: str, step: str, *, expanded: bool = False) -> bool:
    """Show how a role does its part of a process step; False where there is no guide for it."""
    guide = desk.governance.guides.find(role, step)
    if guide is None:
        return False
    title = desk.governance.roles.title(role)
    steps = "".join(f"<li>{escape_html(line)}</li>" for line in guide.do)
    with st.expander(f"Guide for {escape(title)}", icon=":material/menu_book:", expanded=expanded):
        dress("work")
        st.markdown(f"**{escape(guide.aim)}**")
        st.html(f'<ol class="gp-guide">{steps}</ol>')
        st.caption(escape(f"Done well: {guide.done_well}"))
        st.caption(escape(f"Avoid: {guide.avoid}"))
    return True
