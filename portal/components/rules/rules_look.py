"""Styles and bars that frameworks, the ethical position, rights and grades share."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from core.domain.rules.coverage import Coverage


def segments_html(found: Coverage) -> str:
    """Draw what is met, open and a gap as one bar; what is not asked is left out of it."""
    parts = [("met", found.met), ("open", found.open), ("gap", found.gap)]
    bar = "".join(
        f'<i class="gp-seg-{name}" style="width: {100 * number / found.counted:.2f}%"></i>'
        for name, number in parts
        if number
    )
    spoken = f"{found.met} met, {found.open} open, {found.gap} without a measure, {found.not_asked} not asked"
    return f'<span class="gp-seg" role="img" aria-label="{spoken}">{bar}</span>'


def share_words(found: Coverage) -> str:
    """A share in per cent, rounded down: never shown as reached when it is not.

    Examples
    --------
    >>> from core.domain.rules.coverage import Coverage
    >>> share_words(Coverage(met=199, open=1)), share_words(Coverage())
    ('99%', '–')
    """
    return "–" if found.share is None else f"{floor(100 * found.share + 1e-9)}%"


def segments_legend() -> None:
    """Say what the colours of the bars mean."""
    keys = (
        ("background: #178a50", "Met: all that is asked for towards the clause is proved"),
        ("background: #c9790f", "Open: something of it is not"),
        (
            "background: repeating-linear-gradient(45deg, #dc3a3a 0 3px, #f0a3a3 3px 6px)",
            "Gap: no measure of the policy answers it",
        ),
    )
    said = "".join(f'<span><b style="{style}"></b>{words}</span>' for style, words in keys)
    st.html(f'<div class="gp-legend">{said}</div>')
