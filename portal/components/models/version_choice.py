"""Choosing a model version; the address keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from portal.components.url_inputs import set_url


def version_choice(titles: Mapping[str, str], known: str, *, clears: Sequence[str] = ()) -> None:
    """Let people choose a model version.

    Parameters
    ----------
    titles
        `initiative/version` -> words on screen.
    known
        The one that is shown.
    clears
        Names that leave the address with another version, as they no longer fit.
    """
    st.session_state["version-choice"] = known
    st.selectbox(
        "Model version",
        list(titles),
        key="version-choice",
        format_func=lambda one: titles.get(one, one),
        on_change=_to_address,
        args=(tuple(clears),),
    )


def _to_address(clears: tuple[str, ...]) -> None:
    initiative, _, version = st.session_state["version-choice"].rpartition("/")
    set_url(id=initiative, version=version, **dict.fromkeys(clears, ""))
