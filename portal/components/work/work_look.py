"""Pieces that the pages on work share: their styles, and people with their load by due day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from portal.components.text import count, escape_html

if TYPE_CHECKING:
    from core.services.measured.loads import Load

_PARTS = (
    ("overdue", "Overdue"),
    ("week", "Due within 7 days"),
    ("month", "Due within 30 days"),
    ("later", "Later"),
    ("shared", "Could be theirs, nobody has it"),
)


def load_bars(loads: Sequence[Load], *, most: int = 12, with_team: bool = False) -> None:
    """Show people with a bar each: overdue, due within 7 and 30 days, later, and what nobody has taken.

    All bars share one scale, so that lengths compare. People with nothing are counted below.
    """
    busy = [load for load in loads if load.own or load.shared]
    widest = max((_total(load) for load in busy[:most]), default=1)
    key = "".join(
        f'<span><i class="gp-load-{part}"></i>{escape_html(words)}</span>'
        for part, words in _PARTS
        if any(_amount(load, part) for load in busy[:most])
    )
    rows = "".join(_row(load, widest, with_team) for load in busy[:most])
    st.html(f'<div class="gp-key">{key}</div><ul class="gp-load">{rows}</ul>')
    left = [count(len(busy) - most, "more person has", "more people have") + " something to do"] * (
        len(busy) > most
    )
    left += [count(len(loads) - len(busy), "person has", "people have") + " nothing to do"] * (
        len(loads) > len(busy)
    )
    if left:
        st.caption(f"{'; '.join(left)}.")


def _amount(load: Load, part: str) -> int:
    return {
        "overdue": load.overdue,
        "week": load.this_week,
        "month": load.this_month,
        "later": load.later,
        "shared": load.shared,
    }[part]


def _total(load: Load) -> int:
    return load.own + load.shared


def _row(load: Load, widest: int, with_team: bool) -> str:
    bar = "".join(
        f'<span class="gp-load-{part}" style="width: {100 * amount / widest:.1f}%" '
        f'title="{escape_html(f"{words}: {amount}")}"></span>'
        for part, words in _PARTS
        if (amount := _amount(load, part))
    )
    late = f"<b>{load.overdue:,} late</b>, " if load.overdue else ""
    spoken = ", ".join(f"{words}: {_amount(load, part)}" for part, words in _PARTS if _amount(load, part))
    team = f"<small>{escape_html(load.team)}</small>" if with_team else ""
    return (
        f'<li><span class="gp-load-who">{escape_html(load.name)}{team}</span>'
        f'<span class="gp-load-bar" role="img" aria-label="{escape_html(spoken)}">{bar}</span>'
        f'<span class="gp-load-sum">{late}{load.own:,} open</span></li>'
    )
