"""How numbers are cut into bands, over which days, and with which correction: boxes beside the choices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.slices.rows import CutKind, CutRule, read_cut_rule
from portal.components.slices.inputs import CORRECTIONS
from portal.components.text import humanise
from portal.components.url_inputs import set_url, url_choice, url_value, url_values

if TYPE_CHECKING:
    from core.services.measured.bias import SliceChoices

_KINDS: dict[str, str] = {
    "": "As it comes",
    "quantiles": "Equally many rows a band",
    "bands": "Equally wide bands",
    "width": "Bands of a width",
    "at": "Own cuts",
    "values": "Each value",
}
_ASKED = {"quantiles": "Bands", "bands": "Bands", "width": "Width", "at": "Cuts, by commas"}
_FIRST = {"quantiles": "5", "bands": "5", "width": "10"}
_AWAITED = "cut-awaited"


def cuts_box(choices: SliceChoices, by: Sequence[str]) -> None:
    """Draw the box that says how each number among the features is cut; nothing without a number."""
    numbers = [feature for feature in choices.features if feature.numeric and feature.name in by]
    if not numbers:
        return
    with st.popover("Bands", icon=":material/straighten:", key="cuts-box"):
        st.caption("Bands lie over all rows, so that they keep their names whatever is filtered.")
        for feature in numbers:
            _cut_input(feature.name)


def _cut_input(feature: str) -> None:
    rule = _rules().get(feature)
    kind_key, text_key = f"cut-kind-{feature}", f"cut-text-{feature}"
    awaited = st.session_state.get(_AWAITED) == feature
    kind = "at" if awaited else rule.kind if rule else ""
    st.session_state[kind_key] = kind
    st.selectbox(
        humanise(feature),
        list(_KINDS),
        key=kind_key,
        format_func=_KINDS.__getitem__,
        help="As it comes: a number of many values in five bands of equally many rows, else each value.",
        on_change=_cut_by_kind,
        args=(feature,),
    )
    if kind not in _ASKED:
        return
    known = () if rule is None or awaited else rule.numbers
    st.session_state[text_key] = ", ".join(f"{number:.15g}" for number in known)
    st.text_input(
        f"{_ASKED[kind]} of {humanise(feature).lower()}",
        key=text_key,
        placeholder="30, 45, 60" if kind == "at" else "",
        on_change=_cut,
        args=(feature,),
    )


def _cut_by_kind(feature: str) -> None:
    kind: CutKind | str = st.session_state[f"cut-kind-{feature}"]
    st.session_state.pop(_AWAITED, None)
    if kind == "at":  # nothing is cut before somebody says where
        st.session_state[_AWAITED] = feature
        return
    first = _FIRST.get(kind, "")
    _write(feature, f"{feature}={kind}" + (f":{first}" if first else "") if kind else "")


def _cut(feature: str) -> None:
    kind = st.session_state[f"cut-kind-{feature}"]
    st.session_state.pop(_AWAITED, None)
    _write(feature, f"{feature}={kind}:{st.session_state[f'cut-text-{feature}'].replace(' ', '')}")


def _write(feature: str, text: str) -> None:
    """Put a rule into the address; one that cannot be read is left to the page, which says what is wrong."""
    others = [rule.text for name, rule in _rules().items() if name != feature]
    stale = [condition for condition in url_values("where") if condition.startswith(f"{feature}=")]
    kept = [condition for condition in url_values("where") if condition not in stale]
    set_url(cut=[*others, *([text] if text else [])], where=kept, against="")


def _rules() -> dict[str, CutRule]:
    found = {}
    for text in url_values("cut"):
        try:
            rule = read_cut_rule(text)
        except ValueError:
            continue
        found[rule.feature] = rule
    return found


def tests_box(choices: SliceChoices) -> None:
    """Draw the box on the time window and on how p values are corrected."""
    with st.popover("More", icon=":material/tune:", key="tests-box"):
        if choices.first_day:
            st.caption("Days are in UTC, both included; predictions without a time are then left out.")
            with st.container(horizontal=True):
                _day_input("From", "since", choices)
                _day_input("To", "until", choices)
        else:
            st.caption("These predictions carry no time, so there is no window to choose.")
        url_choice(
            "Correction for many slices",
            CORRECTIONS,
            "correction",
            default="holm",
            help="Of p values, for the number of slices tested.",
        )


def _day_input(label: str, param: str, choices: SliceChoices) -> None:
    key = f"day-{param}"
    st.session_state[key] = _day(url_value(param))
    st.date_input(label, key=key, format="YYYY-MM-DD", on_change=_keep_day, args=(param,), width=150)


def _keep_day(param: str) -> None:
    chosen = st.session_state[f"day-{param}"]
    set_url(**{param: chosen.isoformat() if chosen else ""})


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
