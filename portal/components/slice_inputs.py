"""What to slice: the choices on features, metric and reference, and the path drilled into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.domain.errors import BadInput
from portal.components.text import escape, humanise
from portal.components.url_inputs import set_url, url_choice, url_choices, url_values

if TYPE_CHECKING:
    from core.analytics.slices import SliceFigures, SliceReport
    from core.services.bias import SliceChoices
    from core.services.decay_view import MonitoredVersion

Kept = dict[str, tuple[str, ...]]
PARTS = {"analysis": "In use (analysis)", "reference": "Before use (reference)"}
REFERENCES = {"best": "The best slice", "largest": "The largest slice", "overall": "Everyone"}
VIEW = ("by", "metric", "part", "against", "class", "where")


def version_input(versions: Sequence[MonitoredVersion], known: MonitoredVersion) -> None:
    """Let people choose another model version; the view of this one is let go."""
    titles = {f"{one.initiative}/{one.version}": f"{one.name}, version {one.version}" for one in versions}
    st.session_state["model"] = f"{known.initiative}/{known.version}"
    st.selectbox(
        "Model version",
        list(titles),
        key="model",
        format_func=lambda one: titles[one],
        on_change=_to_address,
        width=574,
    )


def _to_address() -> None:
    initiative, _, version = st.session_state["model"].partition("/")
    set_url(id=initiative, version=version, **dict.fromkeys(VIEW, ""))


def kept_slices(choices: SliceChoices) -> Kept:
    """Read the slices drilled into from the address, in the order of drilling.

    Raises
    ------
    BadInput
        The address names a feature that these predictions do not have.
    """
    names = sorted((feature.name for feature in choices.features), key=len, reverse=True)
    kept: Kept = {}
    for text in url_values("where"):
        name = next((name for name in names if text.startswith(f"{name}=")), None)
        if name is None:
            raise BadInput(
                f"'{text[:60]}' is no slice of these predictions", where="address", remedy="Start over."
            )
        kept[name] = (text[len(name) + 1 :],)
    return kept


def slice_inputs(choices: SliceChoices, kept: Kept) -> dict[str, Any]:
    """Draw the choices on features, metric, part and class; give them as the service takes them."""
    free = {f.name: _feature_title(choices, f.name) for f in choices.features if f.name not in kept}
    default_metric = "mean_absolute_error" if choices.batches.task == "regression" else choices.rule.metric
    metrics = {metric.id: metric.title for metric in choices.metrics}
    with st.container(horizontal=True, gap="small"):
        by = url_choices(
            "Slice by",
            free,
            "by",
            default=tuple(free)[:1],
            most=2,
            placeholder="Up to two features",
            help="Two features make a slice for each pair of their values. Sensitive features stand first.",
            clears=("against",),
            width=330,
        )
        metric = url_choice(
            "Metric", metrics, "metric", default=default_metric, help="Explained below the chart.", width=230
        )
        positive = ""
        if choices.classes:
            titles = {name: humanise(name) for name in choices.classes}
            positive = url_choice(
                "Outcome",
                titles,
                "class",
                default=choices.classes[0],
                help="One class against all others.",
                width=200,
            )
        part = choices.parts[0]
        if len(choices.parts) > 1:
            titles = {name: PARTS.get(name, humanise(name)) for name in choices.parts}
            part = url_choice(
                "Predictions", titles, "part", default=part, clears=("where", "against"), width=250
            )
    return {"by": by, "metric": metric, "positive": positive, "part": part}


def _feature_title(choices: SliceChoices, name: str) -> str:
    return humanise(name) + (" (sensitive)" if name in choices.batches.sensitive else "")


def reference_input(report: SliceReport) -> None:
    """Let people choose what the slices are held against: a rule, or one of the slices."""
    titles = {**REFERENCES, **{figures.label: figures.label for figures in report.slices}}
    url_choice(
        "Held against",
        titles,
        "against",
        default="best",
        help="The best slice is the one with the best value among those with enough rows.",
        width=260,
    )


def path_line(kept: Kept) -> None:
    """Draw the path of slices drilled into; each part leads back to it."""
    if not kept:
        return
    steps = [("", "All rows"), *((f"{k}={v[0]}", f"{humanise(k)}: {v[0]}") for k, v in kept.items())]
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        for place, (_, title) in enumerate(steps[:-1]):
            back = [text for text, _ in steps[1 : place + 1]]
            first_cut_off = list(kept)[place]
            if st.button(escape(title), type="tertiary", key=f"path-{place}", icon=":material/arrow_back:"):
                set_url(where=back, by=[first_cut_off], against="")
                st.rerun()
            st.caption("›", width="content")
        st.markdown(f"**{escape(steps[-1][1])}**", width="content")


def drill_into(choices: SliceChoices, kept: Kept, figures: SliceFigures) -> None:
    """Go into a slice: keep only its rows, and slice them by the next feature."""
    taken = {**kept, **{feature: (value,) for feature, value in figures.keys}}
    following = [feature.name for feature in choices.features if feature.name not in taken]
    if not following:
        st.toast("There is no further feature to slice by.", icon=":material/info:")
        return
    where = [f"{feature}={values[0]}" for feature, values in taken.items()]
    set_url(where=where, by=following[:1], against="")
    st.rerun()
