"""What to slice: the choices on version, features, metric, reference and view, all kept in the address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from portal.components.text import humanise
from portal.components.url_inputs import set_url, url_choice, url_choices, url_value, url_values

if TYPE_CHECKING:
    from core.analytics.slices.report import SliceReport
    from core.services.measured.bias import SliceChoices
    from core.services.measured.decay_view import MonitoredVersion

PARTS = {"analysis": "In use (analysis)", "reference": "Before use (reference)", "all": "Both"}
REFERENCES = {"best": "The best slice", "largest": "The largest slice", "overall": "Everyone"}
VIEWS = {"slices": "Slices", "weakest": "Where is it weakest?", "versions": "Version beside version"}
CORRECTIONS = {
    "holm": "Holm: hardly one false alarm",
    "benjamini_hochberg": "Benjamini-Hochberg: few of the alarms false",
    "none": "None: each as if alone",
}
VIEW = (
    *("by", "metric", "part", "against", "class", "where", "cut", "since", "until"),
    *("correction", "view", "other", "among", "depth"),
)
"""Names in the address that make the view of one version."""
MOST_FEATURES = 6


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
        width=390,
    )


def _to_address() -> None:
    initiative, _, version = st.session_state["model"].partition("/")
    set_url(id=initiative, version=version, **dict.fromkeys(VIEW, ""))


def view_input() -> str:
    """Let people choose what to look at: slices by choice, the weakest ones, or two versions."""
    value = url_value("view", "slices")
    value = value if value in VIEWS else "slices"
    st.session_state["slice-view"] = value
    st.segmented_control(
        "View",
        list(VIEWS),
        key="slice-view",
        format_func=VIEWS.__getitem__,
        label_visibility="collapsed",
        on_change=_to_view,
    )
    return value


def _to_view() -> None:
    chosen = st.session_state["slice-view"] or "slices"
    set_url(view="" if chosen == "slices" else chosen)


def part_of(choices_parts: Sequence[str] = ()) -> str:
    """The kind of batch that the address names, as services take it; empty means both."""
    asked = url_value("part", choices_parts[0] if choices_parts else "")
    return "" if asked == "all" else asked


def features_input(choices: SliceChoices, fixed: Sequence[str], *, width: int = 320) -> tuple[str, ...]:
    """Let people choose up to six features to slice by; those that a filter fixes are not among them."""
    free = feature_titles(choices, fixed)
    return url_choices(
        "Slice by",
        free,
        "by",
        default=tuple(free)[:1],
        most=MOST_FEATURES,
        placeholder="Up to six features",
        help="Several features make a slice of each combination of their values. Sensitive ones stand first.",
        clears=("against",),
        width=width,
    )


def among_input(choices: SliceChoices, fixed: Sequence[str], most: int) -> tuple[str, ...]:
    """Let people narrow a search to some features; none chosen means the first ones there are."""
    return url_choices(
        "Search among",
        feature_titles(choices, fixed),
        "among",
        most=most,
        placeholder=f"All features, up to {most}",
        help="Every intersection of these features is searched. Sensitive ones stand first.",
        width=240,
    )


def depth_input() -> int:
    """Let people say how many conditions a slice that is searched for may have."""
    titles = {
        str(depth): f"Up to {depth} conditions" if depth > 1 else "One condition" for depth in range(1, 7)
    }
    return int(url_choice("Intersections", titles, "depth", default="3", width=170))


def feature_titles(choices: SliceChoices, fixed: Sequence[str]) -> dict[str, str]:
    """The features that can be sliced by, with their names on screen."""
    return {
        feature.name: humanise(feature.name)
        + (" (sensitive)" if feature.name in choices.batches.sensitive else "")
        for feature in choices.features
        if feature.name not in fixed
    }


def metric_input(choices: SliceChoices, *, default: str = "") -> str:
    """Let people choose what is measured; unless told, what the ethical position limits."""
    metrics = {metric.id: metric.title for metric in choices.metrics}
    help_text = "Explained below the chart."
    return url_choice(
        "Metric", metrics, "metric", default=default or choices.rule.metric, help=help_text, width=190
    )


def outcome_input(choices: SliceChoices) -> str:
    """Let people choose the class that is held against all others; empty for other kinds of model."""
    if not choices.classes:
        return ""
    titles = {name: humanise(name) for name in choices.classes}
    help_text = "One class against all others."
    return url_choice("Outcome", titles, "class", default=choices.classes[0], help=help_text, width=200)


def part_input(choices: SliceChoices) -> None:
    """Let people choose the kind of batch where there is more than one."""
    if len(choices.parts) < 2:
        return
    titles = {name: PARTS.get(name, humanise(name)) for name in (*choices.parts, "all")}
    url_choice(
        "Predictions", titles, "part", default=choices.parts[0], clears=("where", "against"), width=180
    )


def reference_input(report: SliceReport) -> None:
    """Let people choose what the slices are held against: a rule, or one of the slices."""
    titles = {**REFERENCES, **{figures.label: figures.label for figures in report.slices}}
    url_choice(
        "Held against",
        titles,
        "against",
        default="best",
        help="The best slice is the one with the best value among those with enough rows.",
        width=240,
    )


def rows_asked() -> dict[str, Any]:
    """Cuts, conditions, window and correction as the address has them and as the services take them."""
    correction = url_value("correction", "holm")
    return {
        "where": url_values("where"),
        "cuts": url_values("cut"),
        "since": url_value("since"),
        "until": url_value("until"),
        "correction": correction if correction in CORRECTIONS else "holm",
    }
