"""Inputs whose value lives in the page's address, so that a view can be sent and kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

import streamlit as st

K = TypeVar("K", bound=str)

_RECALLED = "address-recalled"
"""What the address is read to say beside what it says, until it is written or another page is drawn."""


def url_value(param: str, default: str = "") -> str:
    """Read one value of the address."""
    return (url_values(param) or ("",))[-1] or default


def url_values(param: str) -> tuple[str, ...]:
    """Read all values that the address gives to a name, in their order."""
    return tuple(st.query_params.get_all(param)) or st.session_state.get(_RECALLED, {}).get(param, ())


def set_url(**params: str | Sequence[str]) -> None:
    """Write values into the address, all at once (one step of the browser's history); empty ones leave it."""
    _change_kept_view(params)
    params = {**st.session_state.pop(_RECALLED, {}), **params}
    known = {param: value for param, value in params.items() if value or param in st.query_params}
    if known:
        st.query_params.update({p: v if v and isinstance(v, str) else list(v) for p, v in known.items()})


def come_back(page: str, params: Sequence[str], stray: str) -> None:
    """Give a page its own address again after the browser's Back, which brings the values of the page left.

    Parameters
    ----------
    page
        Name of the page that draws.
    params
        Names in its address that make its view; they are remembered for this visit.
    stray
        A name that only the address of another page holds.
    """
    kept = f"address-{page}"
    if stray in st.query_params:
        set_url(**{stray: "", **st.session_state.get(kept, {})})
    st.session_state[kept] = {param: url_values(param) for param in params}


_MODEL = "model-looked-at"


def recall_model(page: str) -> None:
    """Let an address without a model mean the one looked at last in this visit, as this page showed it.

    The address itself stays as it is until somebody chooses, so that the browser's Back leads back.
    """
    kept = st.session_state.get(_MODEL)
    if kept and "id" not in st.query_params:
        st.session_state[_RECALLED] = {**kept["model"], **kept["views"].get(page, {})}
    else:
        forget_recalled()


def keep_model(page: str, initiative: str, version: str, view: Sequence[str] = ()) -> None:
    """Remember for this visit the model that a page shows, and its view of it by names in the address."""
    model = {"id": (initiative,), "version": (version,)}
    kept = st.session_state.get(_MODEL)
    if not kept or kept["model"] != model:  # views of another model do not fit
        kept = st.session_state[_MODEL] = {"model": model, "views": {}}
    kept["views"][page] = {param: url_values(param) for param in view}
    kept["page"] = page


def _change_kept_view(params: Mapping[str, str | Sequence[str]]) -> None:
    """What is chosen now, and what leaves the address with it, is not to be recalled as it was before."""
    kept = st.session_state.get(_MODEL, {})
    view = kept.get("views", {}).get(kept.get("page"), {})
    for param, value in params.items():
        if param in view:
            view[param] = (value,) if value and isinstance(value, str) else tuple(value)


def forget_model() -> None:
    """Let the model go that was looked at: it is not there.

    Where only the visit named it and not the address, the page is drawn anew without it.
    """
    st.session_state.pop(_MODEL, None)
    if st.session_state.pop(_RECALLED, None):
        st.rerun()


def forget_recalled() -> None:
    """Read the address alone again; the shell does so before each page."""
    st.session_state.pop(_RECALLED, None)


def url_text(label: str, param: str, *, placeholder: str = "", width: int | None = None) -> str:
    """Ask for a text that is kept in the address."""
    value = url_value(param)
    st.session_state[_key(param)] = value
    st.text_input(
        label,
        key=_key(param),
        type="search",
        placeholder=placeholder,
        width=width or "stretch",
        on_change=_keep,
        args=(param, "", ()),
    )
    return value


def url_choice(
    label: str,
    titles: Mapping[K, str],
    param: str,
    *,
    default: str = "",
    help: str | None = None,
    clears: Sequence[str] = (),
    width: int | None = None,
) -> K:
    """Let people choose one of several values; the address keeps it unless it is the default.

    Parameters
    ----------
    label
        What is chosen.
    titles
        Value -> its name on screen, in the order to show.
    param
        Name in the address.
    default
        Value where the address has none, or one that is not to be chosen from.
    help
        Shown when pointing at the label.
    clears
        Names that leave the address when this choice changes, as they no longer fit.
    width
        Pixels; None fills the room.
    """
    value = url_value(param, default)
    value = value if value in titles else default
    st.session_state[_key(param)] = value
    st.selectbox(
        label,
        list(titles),
        key=_key(param),
        format_func=lambda choice: titles.get(choice, choice),
        help=help,
        width=width or "stretch",
        on_change=_keep,
        args=(param, default, tuple(clears)),
    )
    return cast(K, value)


def url_choices(
    label: str,
    titles: Mapping[str, str],
    param: str,
    *,
    default: Sequence[str] = (),
    most: int | None = None,
    placeholder: str = "",
    help: str | None = None,
    clears: Sequence[str] = (),
    width: int | None = None,
) -> tuple[str, ...]:
    """Let people choose several values; parameters as in `url_choice`, and at most `most` of them."""
    given = tuple(value for value in dict.fromkeys(url_values(param)) if value in titles)[:most]
    chosen = given or tuple(default)
    st.session_state[_key(param)] = list(chosen)
    st.multiselect(
        label,
        list(titles),
        key=_key(param),
        format_func=lambda choice: titles.get(choice, choice),
        max_selections=most,
        placeholder=placeholder or "All",
        help=help,
        width=width or "stretch",
        on_change=_keep,
        args=(param, tuple(default), tuple(clears)),
    )
    return chosen


def _key(param: str) -> str:
    return f"url-{param}"


def _keep(param: str, default: str | tuple[str, ...], clears: tuple[str, ...]) -> None:
    chosen = st.session_state[_key(param)]
    value = tuple(chosen) if isinstance(chosen, list) else chosen or ""
    set_url(**{param: "" if value == default else value}, **dict.fromkeys(clears, ""))
