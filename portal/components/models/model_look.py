"""Styles that the pages of versions, documents and lineage share."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

_STYLES = Path(__file__).with_name("models.css")


@cache
def _styles() -> str:
    return f"<style>{_STYLES.read_text(encoding='utf-8')}</style>"


def dress_models() -> None:
    """Load the styles of warnings, ladders and sides."""
    st.html(_styles())
