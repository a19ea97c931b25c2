"""How a figure is counted, folded away under it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from portal.components.tables import bullet_list
from portal.components.text import escape


def figure_help(notes: Sequence[str], *, title: str = "How this is counted") -> None:
    """Show sentences on formula, direction, zero, what is left out, and source, folded away."""
    with st.expander(escape(title), icon=":material/help:"):
        bullet_list(notes)
